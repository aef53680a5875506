"""Aggregates against their definitions, scipy, and every resample of small studies; intervals against simulated studies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quintain.stats.aggregates import (
    AGGREGATES,
    estimate,
    improvement,
    iqm,
    mean,
    median,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    profile,
    summarize,
)
from quintain.stats.bootstrap import NEW, SAME, Floats, Resampling, by_task, table
from quintain.stats.intervals import new_tasks, wilson

SCORES = np.random.default_rng(3).gamma(1.5, 0.4, (5, 12))
OTHER = np.random.default_rng(8).gamma(1.5, 0.5, (3, 12))
FEW = Resampling(replicates=300)
UNEQUAL = by_task([0.1, 0.9, 0.4, 1.3, 0.2, 0.2, 0.7, 0.0, 1.0, 0.6], list("aaabbbbccc"))
rounded = st.floats(-3, 3).map(lambda x: round(x, 1))
matrices = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=rounded)


def test_aggregates_are_their_definitions() -> None:
    by_hand = [sum(column) / 5 for column in SCORES.T.tolist()]
    assert float(mean(SCORES)) == pytest.approx(sum(by_hand) / 12)
    assert float(median(SCORES)) == pytest.approx(float(np.median(by_hand)))
    pooled = sorted(SCORES.ravel().tolist())
    assert float(iqm(SCORES)) == pytest.approx(sum(pooled[15:45]) / 30)
    assert float(optimality_gap(SCORES)) == pytest.approx(sum(max(0.0, 1 - each) for each in pooled) / 60)
    assert float(optimality_gap(SCORES, goal=2.0)) == pytest.approx(sum(max(0.0, 2 - each) for each in pooled) / 60)


@given(matrices)
def test_the_iqm_is_scipys_trimmed_mean_of_all_scores(scores: Floats) -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle of this test")
    assert float(iqm(scores)) == pytest.approx(float(stats.trim_mean(scores, proportiontocut=0.25, axis=None)), abs=1e-12)


def test_the_iqm_trims_whole_scores_of_all_runs_not_of_task_means() -> None:
    scores = np.arange(9.0).reshape(3, 3) ** 2
    assert float(iqm(scores)) == pytest.approx(np.mean([4, 9, 16, 25, 36]))  # floor(9/4) = 2 at each end
    assert float(iqm(scores)) != pytest.approx(float(np.mean(np.sort(scores.mean(axis=0)))))


@given(matrices, st.randoms(use_true_random=False))
def test_aggregates_do_not_depend_on_the_order_of_runs_and_tasks(scores: Floats, shuffle: object) -> None:
    runs, tasks = (list(range(size)) for size in scores.shape)
    for order in (runs, tasks):
        shuffle.shuffle(order)  # type: ignore[attr-defined]
    for aggregate in AGGREGATES.values():
        assert float(aggregate(scores[runs][:, tasks])) == pytest.approx(float(aggregate(scores)), abs=1e-12)


@given(matrices, st.floats(-2, 2), st.floats(0.1, 3))
def test_location_aggregates_move_with_the_scores(scores: Floats, shift: float, scale: float) -> None:
    for aggregate in (mean, median, iqm):
        assert float(aggregate(scores * scale + shift)) == pytest.approx(float(aggregate(scores)) * scale + shift, abs=1e-9)


@given(matrices)
def test_aggregates_lie_between_the_least_and_the_most_score(scores: Floats) -> None:
    for aggregate in (mean, median, iqm):
        assert scores.min() - 1e-12 <= float(aggregate(scores)) <= scores.max() + 1e-12


def test_a_block_of_replicates_is_as_good_as_one_at_a_time() -> None:
    block = np.random.default_rng(0).random((7, 4, 9))
    for aggregate in AGGREGATES.values():
        assert aggregate(block) == pytest.approx([float(aggregate(each)) for each in block], rel=1e-14)


def test_tasks_of_unequal_runs_weigh_alike_in_means_and_by_their_runs_in_the_iqm() -> None:
    means = [1.4 / 3, 2.4 / 4, 1.6 / 3]
    assert float(mean(UNEQUAL.values)) == pytest.approx(sum(means) / 3)
    assert float(median(UNEQUAL.values)) == pytest.approx(1.6 / 3)
    assert float(iqm(UNEQUAL.values)) == pytest.approx((0.2 + 0.2 + 0.4 + 0.6 + 0.7 + 0.9) / 6)
    gaps = [1.6 / 3, (0.8 + 0.8 + 0.3) / 4, 1.4 / 3]
    assert float(optimality_gap(UNEQUAL.values)) == pytest.approx(sum(gaps) / 3)


def test_absent_tasks_count_for_nothing() -> None:
    padded = np.concatenate([SCORES, np.full((5, 2), np.nan)], axis=1)
    for aggregate in AGGREGATES.values():
        assert float(aggregate(padded)) == pytest.approx(float(aggregate(SCORES)), rel=1e-14)


def test_the_profile_counts_what_is_strictly_above() -> None:
    scores = np.array([[0.0, 1.0], [0.5, 1.0]])
    assert profile(scores, [-0.1, 0.0, 0.5, 0.9, 1.0]).tolist() == [1.0, 0.75, 0.5, 0.5, 0.0]


@given(matrices)
def test_the_profile_falls_from_one_to_nothing(scores: Floats) -> None:
    found = profile(scores, np.linspace(-4, 4, 33))
    assert (found[0], found[-1]) == (1.0, 0.0)
    assert (np.diff(found) <= 0).all()


def test_the_area_below_the_profile_is_the_mean() -> None:
    at = np.linspace(0, 6, 60_001)
    assert float(profile(SCORES, at).sum() * (at[1] - at[0])) == pytest.approx(float(mean(SCORES)), abs=2e-4)


def by_hand(x: Floats, y: Floats) -> float:
    wins = [
        [(a > b) + 0.5 * (a == b) for a, b in itertools.product(left.tolist(), right.tolist())]
        for left, right in zip(x.T, y.T, strict=True)
    ]
    return float(np.mean([np.mean(each) for each in wins]))


@given(st.data())
def test_the_probability_of_improvement_is_that_of_all_pairs(data: st.DataObject) -> None:
    x = data.draw(matrices)
    y = data.draw(arrays(np.float64, (data.draw(st.integers(1, 5)), x.shape[1]), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])))
    found = float(probability_of_improvement(x, y))
    assert found == pytest.approx(by_hand(x, y))
    assert found + float(probability_of_improvement(y, x)) == pytest.approx(1)
    assert float(probability_of_improvement(x, x)) == pytest.approx(0.5)


def test_the_probability_of_improvement_is_mann_whitneys_u_by_task() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle of this test")
    u = [stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) for a, b in zip(SCORES.T, OTHER.T, strict=True)]
    assert improvement(SCORES, OTHER, how=FEW).estimate == pytest.approx(np.mean(u))


def test_improvement_has_the_distribution_of_all_resamples() -> None:
    x, y = np.array([[0.1, 0.4], [0.6, 0.4], [0.3, 0.9]]), np.array([[0.2, 0.4], [0.5, 0.1]])
    three, two = (list(itertools.product(range(size), repeat=size)) for size in (3, 2))
    every = []
    for rows in itertools.product(three, three, two, two):
        left = np.stack([x[list(rows[0]), 0], x[list(rows[1]), 1]], axis=1)
        right = np.stack([y[list(rows[2]), 0], y[list(rows[3]), 1]], axis=1)
        every.append(float(probability_of_improvement(left, right)))
    for level in (0.5, 0.9):
        found = improvement(x, y, how=Resampling(40_000, level=level, published=True))
        ends = np.quantile(every, [(1 - level) / 2, (1 + level) / 2])
        assert (found.low, found.high) == pytest.approx(tuple(ends), abs=0.03)
    assert found.n == 10


def test_improvement_on_new_tasks_resamples_the_tasks_of_both_together() -> None:
    found = improvement(SCORES, OTHER, question=NEW, how=Resampling(20_000))
    by_task = [by_hand(SCORES[:, [at]], OTHER[:, [at]]) for at in range(12)]
    assert found.estimate == pytest.approx(np.mean(by_task))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(by_task, ddof=1) / np.sqrt(12), rel=0.05)


def test_unequal_runs_improve_by_their_task() -> None:
    other = by_task([0.5, 0.3, 0.2, 0.8, 0.5, 0.6, 0.1], list("aabbccc"))
    found = improvement(UNEQUAL, other, how=Resampling(4000))
    pairs = [
        np.mean([(a > b) + 0.5 * (a == b) for a, b in itertools.product(left, right)])
        for left, right in (
            ([0.1, 0.9, 0.4], [0.5, 0.3]),
            ([1.3, 0.2, 0.2, 0.7], [0.2, 0.8]),
            ([0.0, 1.0, 0.6], [0.5, 0.6, 0.1]),
        )
    ]
    assert found.estimate == pytest.approx(np.mean(pairs))
    assert found.low < found.estimate < found.high


def test_profile_limits_are_those_of_the_success_rate_at_each_threshold() -> None:
    at, how = [0.2, 0.5, 1.0], Resampling(5000)
    for question in (SAME, NEW):
        found = performance_profile(SCORES, at, question=question, how=how)
        for place, threshold in enumerate(at):
            passed = (threshold < SCORES).astype(float)
            one = summarize(passed, ("mean",), question=question, how=how)["mean"]
            assert found.share[place] == pytest.approx(one.estimate)
            # The draws differ in what run they name, since runs are sorted, but not in law.
            assert (found.low[place], found.high[place]) == pytest.approx((one.low, one.high), abs=0.025)
        assert (found.n, found.tasks, found.question, found.replicates) == (60, 12, question, 5000)


def test_profiles_of_unequal_runs_weigh_tasks_alike() -> None:
    found = performance_profile(UNEQUAL, [0.5], how=FEW)
    assert found.share[0] == pytest.approx((1 / 3 + 2 / 4 + 2 / 3) / 3)
    assert found.low[0] <= found.share[0] <= found.high[0]


def test_one_run_a_task_has_only_the_interval_for_new_tasks_and_says_so() -> None:
    found = estimate(SCORES[:1], "iqm", how=FEW)
    assert found.same_tasks is None
    assert found.new_tasks is not None
    assert "one run tells nothing of its noise" in found.note
    one_task = estimate(SCORES[:, :1], "mean", how=FEW)
    assert one_task.new_tasks is None
    assert one_task.same_tasks is not None
    both = estimate(SCORES, "median", how=FEW)
    assert both.note == ""
    assert both.same_tasks is not None
    assert both.same_tasks.estimate == both.estimate == pytest.approx(float(median(SCORES)))
    with pytest.raises(ValueError, match="no interval exists"):
        estimate([[0.5]])


def test_aggregates_share_their_draws_and_are_the_same_alone() -> None:
    together = summarize(SCORES, how=FEW)
    assert list(together) == ["mean", "median", "iqm", "optimality gap"]
    for name, found in together.items():
        assert summarize(SCORES, (name,), how=FEW)[name] == found
        assert found.low < found.estimate < found.high
        assert (found.seed, found.replicates) == (0, 300)


def test_families_that_hang_together_widen_the_interval_for_new_tasks() -> None:
    values = np.repeat(np.random.default_rng(0).random(6), 4)[None] + np.random.default_rng(1).normal(0, 0.01, (3, 24))
    alone, kin = (
        summarize(table(values, families=families), question=NEW)["mean"] for families in (None, np.repeat(range(6), 4).tolist())
    )
    assert kin.high - kin.low > 1.5 * (alone.high - alone.low)


def test_a_mean_of_scores_that_are_all_alike_has_wilsons_interval() -> None:
    same, new = (summarize(np.ones((3, 10)), ("mean",), question=question, how=FEW)["mean"] for question in (SAME, NEW))
    assert same[1:3] == wilson(30, 30)
    assert new[1:3] == wilson(10, 10)
    assert "Wilson" in same.formula
    assert same.seed is None


def test_the_bootstrap_of_new_tasks_is_near_the_interval_of_t() -> None:
    scores = np.random.default_rng(2).random((4, 60))
    ours = summarize(scores, ("mean",), question=NEW)["mean"]
    analytic = new_tasks(scores.T.ravel(), np.repeat(np.arange(60), 4))
    assert (ours.low, ours.high) == pytest.approx((analytic.low, analytic.high), abs=0.005)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown aggregate"):
        estimate(SCORES, "mode")
    with pytest.raises(ValueError, match="unknown aggregates"):
        summarize(SCORES, ("mean", "mode"))
    with pytest.raises(ValueError, match="same tasks"):
        improvement(SCORES, OTHER[:, :3])
    with pytest.raises(ValueError, match="same tasks"):
        improvement(by_task([1, 2, 3, 4], list("aabb")), by_task([1, 2, 3, 4], list("aacc")))
    with pytest.raises(ValueError, match="12 tasks, y has 3"):
        probability_of_improvement(SCORES, OTHER[:, :3])
    with pytest.raises(ValueError, match="one run"):
        improvement(SCORES, OTHER[:1])
    with pytest.raises(ValueError, match="thresholds"):
        performance_profile(SCORES, [])
    with pytest.raises(ValueError, match="shape"):
        iqm([])
    for ask in (lambda how: improvement(SCORES, OTHER, how=how), lambda how: performance_profile(SCORES, [0.1], how=how)):
        with pytest.raises(ValueError, match="BCa"):
            ask(Resampling(method="bca"))


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", ["mean", "iqm"])
def test_the_bootstrap_of_three_runs_covers_what_it_says_and_the_published_form_does_not(aggregate: str) -> None:
    """Nominal 95 %, 50 tasks, 3 runs. Three standard errors of 1,000 studies are 2 points, which leave 92.5 within 94.5."""
    draw, studies, held = np.random.default_rng(11), 1000, {False: 0, True: 0}
    for seed in range(studies):
        if aggregate == "mean":
            rates = draw.beta(0.6, 0.9, 50)
            scores, truth = (draw.random((3, 50)) < rates).astype(float), float(rates.mean())
        else:
            level = draw.gamma(1.0, 0.5, 50)
            scores = level * draw.gamma(1.5, 1 / 1.5, (3, 50))
            truth = float(iqm(level * np.random.default_rng(1).gamma(1.5, 1 / 1.5, (2000, 50))))
        for published in held:
            found = summarize(scores, (aggregate,), how=Resampling(600, seed, published=published))[aggregate]
            held[published] += found.low <= truth <= found.high
    assert held[False] / studies >= 0.925
    assert held[True] / studies < 0.91
