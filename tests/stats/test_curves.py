"""The best and the worst of k against every subset, exact fractions, and the published estimators that are the same thing."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintain.stats.bootstrap import NEW, SAME, Resampling, by_task
from quintain.stats.curves import (
    budget_curve,
    curve,
    efficiency,
    efficient,
    expected_max,
    expected_min,
    pass_at_k,
    pass_hat_k,
    speedup,
    versions,
)
from quintain.stats.intervals import t_quantile

SCORES = np.random.default_rng(5).gamma(1.5, 0.3, (8, 15))
FEW = Resampling(replicates=400)
attempts = st.lists(st.floats(-10, 10), min_size=1, max_size=8)


@given(attempts, st.data())
def test_the_best_and_the_worst_of_k_are_the_means_over_all_subsets(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    subsets = list(itertools.combinations(values, k))
    assert expected_max(values, k) == pytest.approx(sum(map(max, subsets)) / len(subsets), abs=1e-12)
    assert expected_min(values, k) == pytest.approx(sum(map(min, subsets)) / len(subsets), abs=1e-12)


@given(attempts)
def test_the_best_of_one_is_the_mean_of_all_the_maximum_and_more_attempts_are_never_worse(values: list[float]) -> None:
    best = [expected_max(values, k) for k in range(1, len(values) + 1)]
    assert best[0] == pytest.approx(sum(values) / len(values), abs=1e-12)
    assert best[-1] == max(values)
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(best))
    # Attempts gain less and less: the expected maximum is concave in k.
    gains = np.diff(best)
    assert (np.diff(gains) <= 1e-9).all()


def test_the_best_of_two_of_six_scores_is_not_that_of_the_first_two() -> None:
    assert expected_max([0.1, 0.9, 0.4, 0.0, 0.7, 0.7], 2) == pytest.approx(0.6867, abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 30, 1000])
def test_pass_at_k_and_pass_hat_k_are_exact_fractions(n: int) -> None:
    for c, k in itertools.product({0, 1, n // 3, n - 1, n} - {-1}, {1, min(2, n), max(1, n // 2), n}):
        whole = Fraction(math.comb(n - c, k), math.comb(n, k))
        assert pass_at_k(c, n, k) == float(1 - whole)
        assert pass_hat_k(c, n, k) == float(Fraction(math.comb(c, k), math.comb(n, k)))
        values = [1.0] * c + [0.0] * (n - c)
        assert expected_max(values, k) == pytest.approx(pass_at_k(c, n, k), rel=1e-14)
        assert expected_min(values, k) == pytest.approx(pass_hat_k(c, n, k), rel=1e-14)


def test_pass_at_k_is_the_running_product_that_is_published_with_it() -> None:
    """Chen et al. 2021, figure 3: 1 - prod (1 - k/i) over i = n-c+1 … n."""
    for n, c, k in ((200, 13, 1), (200, 13, 10), (200, 13, 100), (10, 3, 5)):
        assert pass_at_k(c, n, k) == pytest.approx(1 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def test_more_than_a_thousand_attempts_continue_the_exact_weights() -> None:
    values = np.random.default_rng(0).random(1500)
    for k in (1, 7, 750, 1499, 1500):
        ordered, whole = sorted(values.tolist()), math.comb(1500, k)
        exact = sum(Fraction(math.comb(i - 1, k - 1), whole) * Fraction(x) for i, x in enumerate(ordered, start=1) if i >= k)
        assert expected_max(values, k) == pytest.approx(float(exact), rel=1e-11)


def test_eff_at_k_of_enamel_is_the_expected_maximum() -> None:
    """Qiu et al. 2025, algorithm 1: the recursion from the largest score down, with lambda times (1 - (k-1)/r)."""
    scores = np.sort(np.random.default_rng(1).random(40))
    for k in (1, 5, 40):
        share, total = k / 40, 0.0
        for r in range(40, k - 1, -1):
            total += share * scores[r - 1]
            share *= 1 - (k - 1) / (r - 1) if r > 1 else 0.0
        assert expected_max(scores, k) == pytest.approx(total, rel=1e-12)


def test_efficiency_scores_weigh_levels_and_give_nothing_for_wrong_or_late() -> None:
    seconds = np.array([[1.0, 2.0], [0.5, 1.0], [1.0, math.inf], [0.5, 1.0]])
    found = efficiency(seconds, [1.0, 2.0], limit=4.0, hardness=[1, 3], correct=[True, True, True, False])
    assert found == pytest.approx([1.0, (3.5 / 3 + 3 * 3 / 2) / 4, 0.25, 0.0])


def test_efficient_at_k_counts_the_right_that_beat_the_best_reference() -> None:
    good = efficient([True, True, False, True], [90, 110, 50, 100], 100)
    assert good.tolist() == [True, False, False, False]
    assert pass_at_k(int(good.sum()), 4, 2) == 0.5
    assert speedup([90, 110, 50, 100], 100, [True, True, False, True]) == pytest.approx(300 / 300)
    assert speedup([50, 50], [100, 300], [True, False]) == 2.0


def test_a_curve_is_the_mean_over_tasks_at_each_k_against_what_attempts_cost() -> None:
    found = curve(SCORES, [1, 3, 8], cost=2.5, unit="dollars", how=FEW)
    assert found.unit == "dollars"
    assert [point.spent for point in found.points] == [2.5, 7.5, 20.0]
    for point in found.points:
        assert point.score.estimate == pytest.approx(np.mean([expected_max(column, point.k) for column in SCORES.T]))
        assert point.score.low < point.score.estimate < point.score.high
        assert (point.score.n, point.score.tasks, point.score.question) == (120, 15, NEW)
    assert "E[max of 3]" in found.points[1].score.formula


def test_the_curve_of_the_worst_mirrors_that_of_the_best() -> None:
    best, worst = (curve(scores, [2, 5], of=of, how=FEW) for scores, of in ((-SCORES, "max"), (SCORES, "min")))
    for a, b in zip(best.points, worst.points, strict=True):
        assert (a.score.estimate, a.score.low, a.score.high) == pytest.approx((-b.score.estimate, -b.score.high, -b.score.low))


def test_the_interval_for_new_tasks_has_the_spread_between_tasks() -> None:
    by_hand = np.array([expected_max(column, 4) for column in SCORES.T])
    found = curve(SCORES, [4], how=Resampling(40_000, level=0.6827)).points[0].score
    assert found.high - found.low == pytest.approx(2 * by_hand.std(ddof=1) / math.sqrt(15), rel=0.03)


def test_the_interval_for_the_same_tasks_has_the_jackknife_error_of_attempts() -> None:
    variance = 0.0
    for column in SCORES.T:
        left_out = [expected_max(np.delete(column, at), 3) for at in range(8)]
        variance += 7 / 8 * ((left_out - np.mean(left_out)) ** 2).sum()
    found = curve(SCORES, [3], question=SAME, how=Resampling(40_000)).points[0].score
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(variance) / 15, rel=0.03)
    assert found.low < found.estimate < found.high


def test_the_best_of_one_on_the_same_tasks_has_the_error_of_the_mean() -> None:
    error = math.sqrt((SCORES.var(axis=0, ddof=1) / 8).sum()) / 15
    found = curve(SCORES, [1], question=SAME, how=Resampling(40_000)).points[0].score
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.03)
    assert t_quantile(0.975, 105) == pytest.approx(1.96, rel=0.02)


def test_tasks_of_unequal_attempts_keep_their_own_weights() -> None:
    held = by_task([0.1, 0.9, 0.4, 1.3, 0.2, 0.2, 0.7], list("aaabbbb"))
    for question in (NEW, SAME):
        found = curve(held, [2], question=question, how=FEW).points[0].score
        assert found.estimate == pytest.approx((expected_max([0.1, 0.9, 0.4], 2) + expected_max([1.3, 0.2, 0.2, 0.7], 2)) / 2)


def test_a_budget_buys_as_many_attempts_as_it_pays_for() -> None:
    found = budget_curve(SCORES, [8.0, 17.0, 32.0], attempt=8.0, unit="hours", how=FEW)
    assert [(point.k, point.spent) for point in found.points] == [(1, 8.0), (2, 17.0), (4, 32.0)]
    assert found.points[2].score == curve(SCORES, [4], how=FEW).points[0].score
    assert budget_curve(SCORES, [0.3], attempt=0.1, how=FEW).points[0].k == 3


def test_effective_accuracy_is_pass_hat_of_all_versions() -> None:
    correct = (np.random.default_rng(0).random((3, 40)) < np.random.default_rng(1).random(40)).astype(float)
    found = versions(correct)
    assert found.average.estimate == pytest.approx(correct.mean())
    assert found.effective.estimate == pytest.approx(np.mean([pass_hat_k(int(each), 3, 3) for each in correct.sum(axis=0)]))
    assert found.gap.estimate == pytest.approx(found.average.estimate - found.effective.estimate)
    for each in found:
        assert each.low < each.estimate < each.high


@pytest.mark.parametrize("k", [0, 5, -1])
def test_a_k_beyond_the_attempts_is_undefined_and_refused(k: int) -> None:
    for ask in (
        lambda: expected_max([1.0, 2.0, 3.0, 4.0], k),
        lambda: pass_at_k(2, 4, k),
        lambda: pass_hat_k(2, 4, k),
        lambda: curve(SCORES[:4], [k]),
    ):
        with pytest.raises(ValueError, match="k must be between 1 and the 4 attempts"):
            ask()


def test_bad_input_is_refused() -> None:
    for values in ([], [1.0, float("nan")], [[1.0]]):
        with pytest.raises(ValueError, match="best of k"):
            expected_max(values, 1)
    with pytest.raises(ValueError, match="successes"):
        pass_at_k(5, 4, 1)
    with pytest.raises(ValueError, match="at least one k"):
        curve(SCORES, [])
    with pytest.raises(ValueError, match="one task"):
        curve(SCORES[:, :1], [1])
    with pytest.raises(ValueError, match="one run"):
        curve(SCORES[:1], [1], question=SAME)
    with pytest.raises(ValueError, match="says nothing of further attempts"):
        curve(SCORES, [8], question=SAME)
    with pytest.raises(ValueError, match="at least one attempt"):
        budget_curve(SCORES, [3.0], attempt=8.0)
    with pytest.raises(ValueError, match="two versions"):
        versions([[1, 0, 1]])
    with pytest.raises(ValueError, match="0 or 1"):
        versions([[1, 0], [0.5, 1]])
    with pytest.raises(ValueError, match="references below the limit"):
        efficiency([1.0], [2.0], limit=2.0, hardness=[1], correct=True)
    with pytest.raises(ValueError, match="at least one right"):
        speedup([1.0], 1.0, [False])


@pytest.mark.slow
def test_curves_cover_what_they_say_on_the_same_tasks() -> None:
    """Nominal 95 %; three standard errors of 400 studies are 3.3 points. The jackknife error may only be too large."""
    draw, held = np.random.default_rng(5), 0
    for seed in range(400):
        rates = draw.beta(0.6, 0.9, 50)
        passed = (draw.random((6, 50)) < rates).astype(float)
        found = curve(passed, [3], question=SAME, how=Resampling(600, seed)).points[0].score
        held += found.low <= (1 - (1 - rates) ** 3).mean() <= found.high
    assert held / 400 > 0.925
