"""Power against statsmodels and simulation; plans against their own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.compare import Scores, compare
from quintain.stats.intervals import new_tasks
from quintain.stats.power import Noise, alike, detectable, difference_noise, pilot_noise, plan, power


@pytest.mark.parametrize(("tasks", "delta"), [(2, 0.5), (5, 1.0), (10, 0.3), (50, 0.05), (200, 0.02), (3000, 0.01)])
def test_power_on_new_tasks_is_that_of_statsmodels(tasks: int, delta: float) -> None:
    oracle = pytest.importorskip("statsmodels.stats.power").TTestPower()
    found = power(delta, tasks=tasks, runs=4, noise=Noise(0.03, 0.2))
    expected = oracle.power(delta / math.sqrt(0.03 + 0.05), tasks, 0.05)
    assert found.power == pytest.approx(expected, abs=1e-7)
    assert power(-delta, tasks=tasks, runs=4, noise=Noise(0.03, 0.2)).power == pytest.approx(found.power)


def test_without_a_difference_the_power_is_the_level() -> None:
    for tasks in (2, 7, 100):
        assert power(0.0, tasks=tasks, runs=1, noise=Noise(0.1, 0.1), level=0.9).power == pytest.approx(0.1, abs=1e-9)


def test_power_is_the_share_of_simulated_studies_that_find_the_difference() -> None:
    """Three standard errors of 600 studies are 6.1 points."""
    draw = np.random.default_rng(1)
    noise, tasks, runs, delta = Noise(0.04, 0.18), 30, 3, 0.12
    keys, numbers = np.repeat(np.arange(tasks), runs), np.tile(np.arange(runs), tasks)
    found = 0
    for _ in range(600):
        offset = delta + draw.normal(0, 0.2, (tasks, 1))
        x, y = draw.normal(0, 0.3, (2, tasks, runs))
        study = compare(
            Scores(keys, numbers, (offset + x).ravel()), Scores(keys, numbers + 50, y.ravel()), bounds=None
        )  # fmt: skip
        assert study.new is not None
        found += study.p < 0.05
    predicted = power(delta, tasks=tasks, runs=runs, noise=noise).power
    assert found / 600 == pytest.approx(predicted, abs=0.061)
    assert power(delta, tasks=tasks, runs=runs, noise=noise, question="same tasks again").power > predicted


def test_the_detectable_difference_is_detected_with_the_wanted_chance() -> None:
    for question in ("new tasks like these", "same tasks again"):
        least = detectable(tasks=40, runs=3, noise=Noise(0.05, 0.2), chance=0.8, question=question)
        found = power(least, tasks=40, runs=3, noise=Noise(0.05, 0.2), question=question)
        assert found.power == pytest.approx(0.8, abs=1e-6)


def test_more_tasks_and_more_runs_find_less() -> None:
    noise = Noise(0.05, 0.2)
    by_tasks = [detectable(tasks=tasks, runs=2, noise=noise) for tasks in (5, 20, 80, 320)]
    by_runs = [detectable(tasks=20, runs=runs, noise=noise) for runs in (1, 2, 8, 1000)]
    assert by_tasks == sorted(by_tasks, reverse=True)
    assert by_runs == sorted(by_runs, reverse=True)
    # Runs cannot take away what new tasks add.
    assert by_runs[-1] == pytest.approx(detectable(tasks=20, runs=1, noise=Noise(0.05, 1e-12)), rel=1e-2)


@given(st.floats(0, 0.5), st.integers(2, 60), st.integers(1, 6), st.floats(0.001, 0.3), st.floats(0.001, 0.3))
@settings(max_examples=60, deadline=None)
def test_power_grows_with_the_difference(delta: float, tasks: int, runs: int, between: float, within: float) -> None:
    less = power(delta, tasks=tasks, runs=runs, noise=Noise(between, within)).power
    more = power(delta + 0.05, tasks=tasks, runs=runs, noise=Noise(between, within)).power
    assert 0 <= less <= more + 1e-9 <= 1 + 2e-9


def test_components_of_a_pilot_are_those_that_made_it() -> None:
    draw = np.random.default_rng(2)
    tasks, runs = 4000, 3
    scores = draw.normal(0, 0.3, (tasks, 1)) + draw.normal(0, 0.5, (tasks, runs))
    found = pilot_noise(np.repeat(np.arange(tasks), runs), scores.ravel())
    assert found.between == pytest.approx(0.09, rel=0.1)
    assert found.within == pytest.approx(0.25, rel=0.05)
    assert pilot_noise(["a", "a", "b", "b"], [0, 1, 0, 1]).between == 0.0


def test_components_of_a_difference_leave_out_what_both_agents_share() -> None:
    draw = np.random.default_rng(3)
    tasks, runs = 3000, 2
    shared = draw.normal(0, 1, (tasks, 1))
    x = shared + draw.normal(0, 0.2, (tasks, 1)) + draw.normal(0, 0.3, (tasks, runs))
    y = shared + draw.normal(0, 0.4, (tasks, runs))
    keys, numbers = np.repeat(np.arange(tasks), runs), np.tile(np.arange(runs), tasks)
    found = difference_noise(Scores(keys, numbers, x.ravel()), Scores(keys, numbers, y.ravel()))
    assert found.between == pytest.approx(0.04, rel=0.25)
    assert found.within == pytest.approx(0.25, rel=0.05)


def test_a_plan_has_the_width_it_promises_and_no_task_to_spare() -> None:
    noise = Noise(0.06, 0.15)
    plans = plan(0.1, noise=noise, max_runs=8)
    assert len(plans) == 8
    assert [each.episodes for each in plans] == sorted(each.episodes for each in plans)
    for each in plans:
        assert each.width <= 0.1 and each.episodes == each.tasks * each.runs
        with pytest.raises(ValueError, match="reach a width"):
            plan(0.1, noise=noise, max_tasks=each.tasks - 1, max_runs=each.runs)
    fewest = plans[0]
    draw = np.random.default_rng(4)
    widths = []
    for _ in range(40):
        scores = 0.5 + draw.uniform(-1, 1, (fewest.tasks, 1)) * math.sqrt(3 * 0.06) * 0.5 + 0 * draw.random((1, fewest.runs))
        found = new_tasks(scores.ravel(), np.repeat(np.arange(fewest.tasks), fewest.runs))
        widths.append(found.high - found.low)
    assert np.mean(widths) < 0.1


def test_one_run_a_task_is_cheapest_for_new_tasks() -> None:
    assert plan(0.1, noise=Noise(0.05, 0.2))[0].runs == 1
    assert plan(0.1, noise=Noise(0.05, 0.2), question="same tasks again")[0].runs >= 2


def test_agents_that_share_difficulty_differ_by_less() -> None:
    assert alike(0.5, correlation=0.0) == (0.0, 0.5)
    assert alike(0.5, correlation=1.0) == (0.0, 0.0)
    draw = np.random.default_rng(5)
    chance = draw.beta(0.5, 0.5, 100_000)  # variance 1/8 = correlation 1/2 of 1/4
    difference = (draw.random(100_000) < chance) * 1.0 - (draw.random(100_000) < chance)
    assert difference.var() == pytest.approx(alike(0.5, correlation=0.5).within, rel=0.02)


def test_what_cannot_be_planned_is_refused() -> None:
    noise = Noise(0.1, 0.1)
    for arguments in ({"tasks": 1, "runs": 3}, {"tasks": 0, "runs": 1}, {"tasks": 5, "runs": 0}):
        with pytest.raises(ValueError, match="power"):
            power(0.1, noise=noise, **arguments)
    with pytest.raises(ValueError, match="two runs"):
        power(0.1, tasks=5, runs=1, noise=noise, question="same tasks again")
    for bad in (Noise(0, 0), Noise(-1, 1), Noise(math.nan, 1)):
        with pytest.raises(ValueError, match="variances"):
            power(0.1, tasks=5, runs=1, noise=bad)
    with pytest.raises(ValueError, match="finite"):
        power(math.nan, tasks=5, runs=1, noise=noise)
    with pytest.raises(ValueError, match="chance"):
        detectable(tasks=5, runs=1, noise=noise, chance=0.01)
    with pytest.raises(ValueError, match="width"):
        plan(0.0, noise=noise)
    with pytest.raises(ValueError, match="run once"):
        pilot_noise(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match="one task"):
        pilot_noise(["a", "a"], [0, 1])
    with pytest.raises(ValueError, match="finite"):
        pilot_noise(["a", "b"], [0, math.nan])
    with pytest.raises(ValueError, match="rate"):
        alike(1.5)
