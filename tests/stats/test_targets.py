"""Time to target, profile scores against integrals, and the time horizon against a general optimiser."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quintain.stats.bootstrap import NEW, Resampling
from quintain.stats.targets import profile_score, study_times, time_horizon, time_to_target

INF = math.inf
TIMES = np.array([[10.0, 30.0, INF, 8.0], [12.0, 20.0, 50.0, 80.0], [40.1, 20.0, INF, 8.0]])
some = st.sampled_from([1.0, 1.5, 2.0, 3.9, 7.0, INF])
times = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=some)


def test_a_target_is_reached_at_the_first_score_that_is_no_less() -> None:
    assert time_to_target([0, 10, 20, 30], [0.1, 0.5, 0.4, 0.9], target=0.5) == 10
    assert time_to_target([0, 10, 20, 30], [0.1, 0.5, 0.4, 0.9], target=0.6) == 30
    assert time_to_target([0, 10], [0.1, 0.5], target=0.6) == INF
    for at, scores in (([], []), ([1, 2], [1]), ([2, 1], [0, 1]), ([1, 2], [0, float("nan")])):
        with pytest.raises(ValueError, match="time_to_target"):
            time_to_target(at, scores, target=0.5)


def test_the_time_of_a_workload_is_the_median_of_the_best_trials() -> None:
    trials = [[[30.0], [10.0]], [[INF], [70.0]], [[20.0], [50.0]]]
    assert study_times(trials).tolist() == [20.0]
    assert study_times(trials, budget=60).tolist() == [20.0]
    assert study_times(trials, budget=15).tolist() == [INF]
    with pytest.raises(ValueError, match="study_times"):
        study_times([1.0, 2.0])


def test_profile_scores_are_worked_out_by_hand() -> None:
    found = profile_score(TIMES)
    assert found.ratios.tolist() == [[1.0, 1.5, INF, 1.0], [1.2, 1.0, 1.0, INF], [INF, 1.0, INF, 1.0]]
    assert found.scores == pytest.approx([(3 + 2.5 + 3) / 12, (2.8 + 3 + 3) / 12, (3 + 3) / 12])
    assert found.at(1.0).tolist() == [0.5, 0.5, 0.5]
    assert found.at(1.2).tolist() == [0.5, 0.75, 0.5]


@given(times)
def test_the_exact_score_is_the_integral_of_the_profile(taken: np.ndarray) -> None:
    found = profile_score(taken)
    taus = np.linspace(1, 4, 30_001)
    middle = (taus[1:] + taus[:-1]) / 2
    area = np.mean([found.at(float(tau)) for tau in middle[::10]], axis=0)
    assert found.scores == pytest.approx(area, abs=2e-3)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


@given(times)
def test_a_hundred_trapezoids_differ_by_at_most_half_a_step_a_workload(taken: np.ndarray) -> None:
    exact, published = profile_score(taken), profile_score(taken, points=100)
    # A jump between two points is put in their middle: half of 3/99, as a share of 3.
    assert published.scores == pytest.approx(exact.scores, abs=0.5 / 99 + 1e-12)
    taus = np.linspace(1, 4, 100).tolist()
    shares = [[np.mean(row <= tau) for tau in taus] for row in published.ratios]
    by_hand = [sum((a + b) / 2 * (taus[1] - taus[0]) for a, b in itertools.pairwise(row)) / 3 for row in shares]
    assert published.scores == pytest.approx(by_hand)


@given(times, st.integers(0, 4))
def test_a_slower_time_never_scores_more_and_the_unit_does_not_matter(taken: np.ndarray, at: int) -> None:
    row = at % len(taken)
    slower = taken.copy()
    slower[row] *= 1.3
    assert profile_score(slower).scores[row] <= profile_score(taken).scores[row] + 1e-12
    assert profile_score(taken * 60).scores == pytest.approx(profile_score(taken).scores)


def test_a_variant_that_is_missed_takes_its_workload_with_it() -> None:
    found = profile_score(TIMES, gates={0: [INF, 5.0, 5.0], 1: [1.0, 900.0, 1.0]})
    assert found.ratios[:, 0] == pytest.approx([INF, 1.0, 40.1 / 12])
    assert found.ratios[:, 1].tolist() == [1.5, 1.0, 1.0]


@pytest.mark.parametrize("taken", [[], [[0.0]], [[float("nan")]], [1.0]])
def test_times_that_are_none_are_refused(taken: object) -> None:
    with pytest.raises(ValueError, match="profile_score"):
        profile_score(taken)  # type: ignore[arg-type]


def test_settings_of_a_profile_that_are_none_are_refused() -> None:
    for settings in ({"points": 1}, {"most": 1.0}, {"gates": {9: [1, 1, 1]}}, {"gates": {0: [1, 1]}}):
        with pytest.raises(ValueError, match="profile_score"):
            profile_score(TIMES, **settings)


def study(seed: int = 0, *, horizon: float = 60.0, families: int = 12) -> dict[str, list[object]]:
    """Runs of an agent whose success halves at the horizon; families of 1 to 4 tasks, tasks of 2 to 6 runs."""
    draw, made = np.random.default_rng(seed), {"passed": [], "minutes": [], "tasks": [], "families": []}
    for family in range(families):
        for task in range(draw.integers(1, 5)):
            minutes = float(2 ** draw.uniform(0, 10))
            for _ in range(draw.integers(2, 7)):
                success = draw.random() < 1 / (1 + (minutes / horizon) ** 0.9)
                for name, value in zip(made, (float(success), minutes, f"{family}/{task}", family), strict=True):
                    made[name].append(value)
    return made


def ask(runs: dict[str, list[object]], **options: object) -> object:
    rest = {name: values for name, values in runs.items() if name not in ("passed", "minutes")}
    return time_horizon(runs["passed"], runs["minutes"], **rest, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("penalty", [0.0, 0.1, 1.0])
def test_the_fit_is_the_optimum_that_a_general_optimiser_finds(penalty: float) -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is the oracle of this test")
    runs = study()
    x, y = np.log2(runs["minutes"]), np.array(runs["passed"])
    pairs = list(zip(runs["tasks"], runs["families"], strict=True))
    tasks_in = {family: len({task for task, kin in pairs if kin == family}) for family in range(12)}
    weight = np.array([1 / (runs["tasks"].count(task) * tasks_in[family] ** 0.5) for task, family in pairs])
    weight /= weight.sum()

    def loss(line: np.ndarray) -> float:
        z = line[0] + line[1] * x
        return float((weight * (np.logaddexp(0, z) - y * z)).sum() + penalty / 2 * line[1] ** 2)

    a, b = optimize.minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-10}).x
    found = ask(runs, penalty=penalty, how=Resampling(10, published=True))
    assert (found.intercept, found.slope) == pytest.approx((a, b), rel=1e-5)
    assert found.p50.estimate == pytest.approx(2 ** (-a / b), rel=1e-4)
    assert found.p80.estimate == pytest.approx(2 ** ((math.log(4) - a) / b), rel=1e-4)
    assert f"L2 penalty {penalty:g}" in found.p50.formula


def test_the_penalty_moves_the_horizon_and_flattens_the_slope() -> None:
    fits = [ask(study(), penalty=penalty, how=Resampling(10, published=True)) for penalty in (0.0, 0.1, 1.0)]
    assert len({round(fit.p50.estimate, 2) for fit in fits}) == 3
    assert all(a.slope < b.slope < 0 for a, b in itertools.pairwise(fits))


@pytest.mark.parametrize("published", [True, False])
def test_the_horizon_lies_within_its_limits_and_repeats_with_its_seed(published: bool) -> None:
    how = Resampling(300, seed=3, published=published)
    found, again = ask(study(families=40), how=how), ask(study(families=40), how=how)
    assert found == again
    assert found.p50.low < found.p50.estimate < found.p50.high
    assert found.p80.estimate < found.p50.estimate
    assert found.p50.low < 60 < found.p50.high
    assert (found.p50.question, found.p50.replicates) == (NEW, 300)
    assert ("families, tasks and runs" in found.p50.formula) is published


def test_the_order_of_runs_changes_no_digit_of_the_horizon() -> None:
    runs = study()
    order = np.random.default_rng(0).permutation(len(runs["passed"]))
    shuffled = {name: [values[at] for at in order] for name, values in runs.items()}
    assert ask(shuffled, how=Resampling(50, published=True)) == ask(runs, how=Resampling(50, published=True))


def test_without_families_each_task_is_its_own() -> None:
    runs = study()
    runs["families"] = list(runs["tasks"])
    alone = {name: values for name, values in runs.items() if name != "families"}
    how = Resampling(50, published=True)
    assert ask(runs, how=how) == ask(alone, how=how)


def test_resamples_without_a_horizon_stand_outside_every_limit() -> None:
    passed, minutes = [1, 1, 1, 0, 1, 1, 1, 1], [1, 2, 4, 8, 1, 2, 4, 8]
    found = time_horizon(passed, minutes, tasks=list("abcdefgh"))
    assert found.p50.high == INF
    assert found.p50.low > 0


def test_horizons_that_do_not_exist_are_refused() -> None:
    runs = study()
    for changed, options, told in (
        ({"passed": [1.0] * len(runs["passed"])}, {}, "all runs passed"),
        ({"passed": [0.0] * len(runs["passed"])}, {}, "all failed"),
        ({"passed": [float(each > 30) for each in runs["minutes"]]}, {}, "does not fall"),
        ({"passed": [float(each < 30) for each in runs["minutes"]]}, {"penalty": 0.0}, "no fit exists"),
        ({"passed": [2.0] * len(runs["passed"])}, {}, r"\[0, 1\]"),
        ({"minutes": [0.0] * len(runs["passed"])}, {}, "more than 0 minutes"),
        ({"passed": []}, {}, "at least one run"),
        ({"families": [1] * len(runs["passed"])}, {}, "one task or family"),
        ({"families": list(range(len(runs["passed"])))}, {}, "two families"),
        ({}, {"penalty": -1.0}, "penalty"),
        ({}, {"how": Resampling(method="bca")}, "percentile"),
    ):
        with pytest.raises(ValueError, match=told):
            ask({**runs, **changed}, **options)
