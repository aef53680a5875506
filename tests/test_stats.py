"""Intervals against published values, exact distributions and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quintain.stats import new_tasks, rate, same_tasks, t_quantile, wilson

# Two-sided 95 % and 99 % points of Student's t: NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
T_TABLE = [
    (0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 5, 2.571), (0.975, 10, 2.228), (0.975, 30, 2.042),
    (0.975, 60, 2.000), (0.975, 100, 1.984), (0.995, 1, 63.657), (0.995, 4, 4.604), (0.995, 20, 2.845), (0.95, 7, 1.895),
    (0.999, 9, 4.297), (0.9, 15, 1.341),
]  # fmt: skip


@pytest.mark.parametrize(("p", "freedom", "value"), T_TABLE)
def test_t_quantiles_are_those_of_the_published_table(p: float, freedom: int, value: float) -> None:
    assert t_quantile(p, freedom) == pytest.approx(value, abs=5.1e-4)


@pytest.mark.parametrize("p", [0.6, 0.9, 0.975, 0.9999, 1 - 1e-9])
def test_t_quantiles_meet_the_closed_forms_of_one_and_two_degrees(p: float) -> None:
    assert t_quantile(p, 1) == pytest.approx(math.tan(math.pi * (p - 0.5)), rel=1e-7)
    assert t_quantile(p, 2) == pytest.approx((2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p))), rel=1e-7)


def test_t_quantiles_are_odd_and_become_the_normal_ones() -> None:
    assert t_quantile(0.025, 7) == -t_quantile(0.975, 7)
    assert t_quantile(0.5, 7) == 0.0
    assert t_quantile(0.975, 1e7) == pytest.approx(1.959963985, abs=1e-6)


@pytest.mark.parametrize(("p", "freedom"), [(0.0, 3), (1.0, 3), (0.9, 0), (0.9, -1), (float("nan"), 3)])
def test_t_quantile_refuses_what_is_none(p: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="t_quantile"):
        t_quantile(p, freedom)


# Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5.1e-5)


def test_wilson_is_sure_of_a_bound_that_cannot_be_passed() -> None:
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="n >= 1"):
        wilson(0, 0)


def test_the_two_questions_have_the_two_standard_errors() -> None:
    values, tasks = [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0], ["a", "a", "b", "b", "c", "c", "d", "d"]
    same, new = same_tasks(values, tasks), new_tasks(values, tasks)
    assert same.estimate == new.estimate == 0.5
    # Per task s^2 = 1/2, 0, 0, 1/2, so that Var = (1/16) (1/4 + 1/4); sd of the means 1/2, 1, 0, 1/2 is sqrt(1/6).
    assert same.high - 0.5 == pytest.approx(t_quantile(0.975, 4) * math.sqrt(1 / 32))
    assert new.high - 0.5 == pytest.approx(min(0.5, t_quantile(0.975, 3) * math.sqrt(1 / 6) / 2))
    assert (same.n, same.tasks, same.question) == (8, 4, "same tasks again")
    assert (new.n, new.tasks, new.question) == (8, 4, "new tasks like these")


def test_tasks_weigh_alike_however_often_each_was_run() -> None:
    assert new_tasks([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]).estimate == 0.5


def test_scores_that_are_all_alike_at_a_bound_are_not_taken_for_certainty() -> None:
    tasks = [f"t{i // 3}" for i in range(30)]
    assert new_tasks([1.0] * 30, tasks)[1:3] == wilson(10, 10)
    assert same_tasks([0.0] * 30, tasks)[1:3] == wilson(0, 30)


def test_scores_without_any_spread_within_tasks_are_not_taken_for_certainty() -> None:
    found = same_tasks([1.0, 1.0, 0.0, 0.0, 1.0, 1.0], list("aabbcc"))
    assert found[1:3] == wilson(4, 6)
    assert "alike within each task" in found.formula
    assert new_tasks([0.1, 0.1, 0.1], list("abc"))[1:3] == pytest.approx(wilson(0.3, 3))


def test_a_success_rate_of_tasks_that_were_run_once_has_wilsons_interval() -> None:
    found = rate([1, 0, 1, 1], list("abcd"))
    assert found[:3] == (0.75, *wilson(3, 4))
    assert found.formula == "Wilson over tasks"
    assert rate([1, 0, 1, 1], list("aabb")).formula.startswith("mean of task means")


def test_one_task_says_nothing_of_others_and_one_episode_nothing_of_noise() -> None:
    with pytest.raises(ValueError, match="one task"):
        new_tasks([0.0, 1.0], ["a", "a"])
    with pytest.raises(ValueError, match="one episode"):
        same_tasks([0.0, 1.0, 1.0], ["a", "b", "b"])


@pytest.mark.parametrize("function", [new_tasks, same_tasks, rate])
def test_no_scores_and_scores_that_are_none_are_refused(function: object) -> None:
    assert callable(function)
    for values, tasks in (([], []), ([0.5, float("nan")], ["a", "b"]), ([0.5, 1.5], ["a", "b"]), ([0.5], ["a", "b"])):
        with pytest.raises(ValueError, match="scores"):
            function(values, tasks)


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_intervals_cover_what_they_say_at_few_runs(runs: int) -> None:
    """Nominal 95 %, success rates drawn from Beta(.6, .9), 50 tasks; 3 standard errors of 600 studies are 2.7 points."""
    draw = np.random.default_rng(runs)
    tasks, studies, same, new = np.repeat(np.arange(50), runs), 600, 0, 0
    for _ in range(studies):
        rates = draw.beta(0.6, 0.9, 50)
        values = (draw.random((50, runs)) < rates[:, None]).astype(float).ravel()
        again, others = same_tasks(values, tasks), new_tasks(values, tasks)
        same += again.low <= rates.mean() <= again.high
        new += others.low <= 0.4 <= others.high
    assert same / studies > 0.923
    assert new / studies > 0.923
