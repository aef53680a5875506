"""The frontier against its definition, consistency against pairs of runs, changes against McNemar's counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quintain.stats.bootstrap import by_task
from quintain.stats.frontier import changes, consistency, pareto
from quintain.stats.intervals import wilson

points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


@given(points)
def test_the_frontier_holds_exactly_those_whom_nobody_beats(agents: list[tuple[int, int]]) -> None:
    def beaten(at: int) -> bool:
        cost, score = agents[at]
        return any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in agents)

    found = pareto(*zip(*agents, strict=True))
    assert set(found.frontier) == {at for at in range(len(agents)) if not beaten(at)}
    assert [agents[at] for at in found.frontier] == sorted(agents[at] for at in found.frontier)


@given(points)
@example([(0, 3), (2, 4), (2, 4), (3, 5)])
def test_no_mixture_of_two_lies_above_the_hull(agents: list[tuple[int, int]]) -> None:
    found = pareto(*zip(*agents, strict=True))
    on_hull = sorted({agents[at] for at in found.hull})
    assert set(found.hull) <= set(found.frontier)
    costs, scores = zip(*on_hull, strict=True)
    for at in found.frontier:
        assert np.interp(agents[at][0], costs, scores) >= agents[at][1] - 1e-9
    slopes = [(d - b) / (c - a) for (a, b), (c, d) in itertools.pairwise(on_hull)]
    assert all(y <= x + 1e-12 for x, y in itertools.pairwise(slopes))


def test_a_frontier_can_dip_below_its_hull() -> None:
    found = pareto([1, 2, 3, 3, 5], [0.2, 0.3, 0.8, 0.7, 0.8])
    assert found.frontier == (0, 1, 2)
    assert found.hull == (0, 2)


@pytest.mark.parametrize(("costs", "scores"), [([], []), ([1.0], [1.0, 2.0]), ([float("nan")], [1.0])])
def test_agents_without_numbers_are_refused(costs: list[float], scores: list[float]) -> None:
    with pytest.raises(ValueError, match="pareto"):
        pareto(costs, scores)


def test_consistency_is_the_square_of_how_far_tasks_are_from_even_chances() -> None:
    passed = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 1]])
    found = consistency(passed)
    assert found.estimate == pytest.approx(np.mean([1, 0, 1, 0.25]))
    assert (found.n, found.tasks, found.question) == (16, 4, "new tasks like these")
    assert found.low <= found.estimate <= found.high
    assert found.formula.startswith("(2p-1)²")


def test_unbiased_consistency_counts_pairs_of_runs() -> None:
    passed = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 1]])
    pairs = [np.mean([1 if a == b else -1 for a, b in itertools.combinations(column.tolist(), 2)]) for column in passed.T]
    assert consistency(passed, unbiased=True).estimate == pytest.approx(np.mean(pairs))


def test_the_published_consistency_is_drawn_upwards_at_few_runs_and_the_unbiased_is_not() -> None:
    draw = np.random.default_rng(0)
    rates = draw.random(4000)
    truth = np.mean((2 * rates - 1) ** 2)
    passed = (draw.random((3, 4000)) < rates).astype(float)
    assert consistency(passed).estimate == pytest.approx(truth + np.mean(4 * rates * (1 - rates)) / 3, abs=0.02)
    assert consistency(passed, unbiased=True).estimate == pytest.approx(truth, abs=0.03)


def test_consistency_takes_tasks_of_unequal_runs() -> None:
    assert consistency(by_task([1, 1, 0, 1, 0], list("aaabb"))).estimate == pytest.approx(np.mean([1 / 9, 0.0]))


def test_consistency_refuses_single_runs_and_partial_scores() -> None:
    for passed, told in (([[1, 0, 1]], "one run"), ([[1, 0.5], [1, 0]], "0 or 1"), ([[1], [0]], "one task")):
        with pytest.raises(ValueError, match=told):
            consistency(passed)


def test_changes_are_mcnemars_discordant_pairs_and_are_named() -> None:
    before = {"a": [0], "b": [1], "c": [1], "d": [0], "e": [0], "only": [1]}
    after = {"a": [1], "b": [0], "c": [1], "d": [1], "e": [0], "new": [1]}
    found = changes(before, after)
    assert (found.progressed, found.regressed) == (("a", "d"), ("b",))
    assert (found.progressions.estimate, found.regressions.estimate) == (0.4, 0.2)
    assert found.progressions[1:3] == pytest.approx(wilson(2, 5))
    assert (found.progressions.n, found.progressions.tasks) == (10, 5)
    assert found.progressions.formula == "failed before, passes now, Wilson over tasks"


def test_the_net_of_changes_is_the_difference_of_the_means() -> None:
    draw = np.random.default_rng(0)
    before, after = ({str(t): draw.integers(0, 2, 4).tolist() for t in range(30)} for _ in range(2))
    found = changes(before, after)
    net = np.mean([np.mean(after[t]) - np.mean(before[t]) for t in before])
    assert found.progressions.estimate - found.regressions.estimate == pytest.approx(net)
    swapped = changes(after, before)
    assert swapped.progressions.estimate == pytest.approx(found.regressions.estimate)
    assert swapped.progressed == found.regressed


def test_versions_that_cannot_be_compared_are_refused() -> None:
    for before, after, told in (
        ({"a": [1]}, {"b": [1]}, "no task in common"),
        ({"a": []}, {"a": [1]}, "runs of a"),
        ({"a": [0.5]}, {"a": [1]}, "runs of a"),
    ):
        with pytest.raises(ValueError, match=told):
            changes(before, after)
