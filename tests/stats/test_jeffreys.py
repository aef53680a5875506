"""Jeffreys' interval against the quantiles of the beta distribution and its published limits."""

from __future__ import annotations

import pytest

from quintain.stats.intervals import jeffreys, wilson


# Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133, table 5 for n = 7 … 30.
@pytest.mark.parametrize(("successes", "n", "low", "high"), [(0, 10, 0.0, 0.217), (1, 10, 0.011, 0.381), (5, 10, 0.224, 0.776)])
def test_jeffreys_gives_the_published_limits(successes: int, n: int, low: float, high: float) -> None:
    assert jeffreys(successes, n) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize(("successes", "n"), [(1, 2), (1, 29), (15, 148), (81, 263), (999, 1000), (2.5, 7), (4000, 10_000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_jeffreys_has_the_quantiles_of_the_beta_distribution(successes: float, n: int, level: float) -> None:
    beta = pytest.importorskip("scipy.stats", reason="scipy is the oracle of this test").beta
    expected = beta.ppf([(1 - level) / 2, (1 + level) / 2], successes + 0.5, n - successes + 0.5)
    assert jeffreys(successes, n, level=level) == pytest.approx(tuple(expected), rel=1e-9)


def test_jeffreys_is_symmetric_closed_at_the_bounds_and_shorter_there_than_wilsons() -> None:
    low, high = jeffreys(3, 20)
    assert jeffreys(17, 20) == pytest.approx((1 - high, 1 - low))
    assert jeffreys(0, 10)[0] == 0.0
    assert jeffreys(10, 10)[1] == 1.0
    assert jeffreys(0, 10)[1] < wilson(0, 10)[1]


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, 0), (float("nan"), 3)])
def test_jeffreys_refuses_counts_that_are_none(successes: float, n: int) -> None:
    with pytest.raises(ValueError, match="jeffreys"):
        jeffreys(successes, n)
