"""How good a suite is at telling systems apart, and whether it agrees with others.

Separability, agreement with confidence and the pair-rank Brier score are those of Arena-Hard (Li and others 2024); agreement
of benchmarks over subsets of systems with a reference aggregate is that of BAT (Perlitz and others 2024).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .matrix import Floats, ranks

Correlation = Literal["kendall", "spearman", "pearson"]
Subset = Literal["all", "random", "top", "middle", "bottom"]


class Share(NamedTuple):
    """A mean over pairs of systems."""

    value: float
    pairs: int
    """Pairs it is a mean over."""
    counted: int
    """Pairs that are separated, or confident on both sides."""
    formula: str


class BenchmarkAgreement(NamedTuple):
    """Agreement of one benchmark with the reference aggregate of the others over subsets of systems."""

    benchmark: str
    correlation: float
    """Mean over subsets."""
    sd: float
    """Over subsets; NaN with one."""
    z: float
    """Standing of the correlation among those of all benchmarks, each against its own reference; NaN without spread."""
    systems: int
    """Systems in a subset."""
    subsets: int
    skipped: int
    """Subsets left out, because all scores in them are equal."""
    formula: str


def separability(low: ArrayLike, high: ArrayLike) -> Share:
    """Share of pairs of systems whose intervals do not overlap; limits that touch overlap.

    Raises:
        ValueError: fewer than two systems, NaN, lengths that differ, or a lower limit above its upper one.
    """
    lows, highs = _limits(low, high, what="separability")
    left, right = np.triu_indices(len(lows), 1)
    apart = (highs[left] < lows[right]) | (highs[right] < lows[left])
    return Share(float(apart.mean()), len(apart), int(apart.sum()), "share of pairs with disjoint intervals")


def confident_agreement(a: tuple[ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike]) -> Share:
    """Agreement with confidence of two benchmarks over the same systems: mean over pairs of +1 where both separate the pair in
    the same order, -1 where both do in opposite order, 0 where either does not.

    Args:
        a: lower and upper limits of the systems on one benchmark.
        b: on the other, in the same order.
    """
    one, other = _order(*_limits(*a, what="confident_agreement")), _order(*_limits(*b, what="confident_agreement"))
    if len(one) != len(other):
        raise ValueError(f"confident_agreement: {len(one)} pairs of systems but {len(other)}; both need the same systems")
    found = one * other
    formula = "mean over pairs of +1 same order, -1 opposite order, 0 unsure"
    return Share(float(found.mean()), len(found), int((found != 0).sum()), formula)


def pair_rank_brier(above: ArrayLike, reference: ArrayLike) -> Share:
    """Mean squared error of the chances that a system ranks above another; 0 is best, always saying 1/2 gives 0.25.

    Args:
        above: chance that each row ranks above each column, as from `StrengthIntervals.above`.
        reference: the systems' true scores, higher is better; a tie counts as an outcome of 1/2.
    """
    chance, truth = np.asarray(above, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if chance.ndim != 2 or chance.shape[0] != chance.shape[1] or truth.shape != chance.shape[:1] or len(truth) < 2:
        raise ValueError(f"pair_rank_brier: needs N x N chances and N >= 2 scores, got {chance.shape} and {truth.shape}")
    left, right = np.triu_indices(len(truth), 1)
    given = chance[left, right]
    if not ((given >= 0) & (given <= 1)).all() or not np.isfinite(truth).all():
        raise ValueError("pair_rank_brier: chances must be in [0, 1] and scores finite")
    outcome = 0.5 + 0.5 * np.sign(truth[left] - truth[right])
    return Share(float(((given - outcome) ** 2).mean()), len(given), len(given), "mean over pairs of (chance - outcome)²")


def correlation(x: ArrayLike, y: ArrayLike, *, kind: Correlation = "kendall") -> float:
    """Kendall's tau-b, Spearman's rho (average ranks) or Pearson's r of two lists.

    Raises:
        ValueError: lengths that differ or are below 2, NaN, or a list without spread, for which none of them is defined.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2 or not (np.isfinite(a) & np.isfinite(b)).all():
        raise ValueError(f"correlation: needs two finite lists of one length >= 2, got {a.shape} and {b.shape}")
    if (a == a[0]).all() or (b == b[0]).all():
        raise ValueError("correlation: all values of a list are equal; there is nothing to correlate")
    if kind == "kendall":
        left, right = np.triu_indices(len(a), 1)
        one, other = np.sign(a[left] - a[right]), np.sign(b[left] - b[right])
        return float((one * other).sum() / math.sqrt(float((one**2).sum()) * float((other**2).sum())))
    if kind == "spearman":
        a, b = ranks(a), ranks(b)
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / math.sqrt(float((a**2).sum()) * float((b**2).sum())))


def mean_win_rate(scores: ArrayLike) -> Floats:
    """The reference aggregate: of each system, the mean over benchmarks of the share of other systems that it beats.

    Args:
        scores: systems x benchmarks, NaN where a system is missing, which then neither wins nor loses there; ties half.
    """
    values = np.asarray(scores, dtype=np.float64)
    present = (~np.isnan(values)).sum(axis=0)
    share = np.where(present > 1, (present - ranks(values, axis=0)) / np.maximum(present - 1, 1), np.nan)
    known = ~np.isnan(share)
    cells = known.sum(axis=1)
    return np.where(cells > 0, np.where(known, share, 0.0).sum(axis=1) / np.maximum(cells, 1), np.nan)


def benchmark_agreement(
    scores: Mapping[str, Mapping[str, float]],
    *,
    kind: Correlation = "kendall",
    subset: Subset = "all",
    size: int | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> tuple[BenchmarkAgreement, ...]:
    """How far each benchmark agrees with the mean win rate of all others, over the systems common to all.

    Systems are matched by their exact names: bring these into one form first.

    Args:
        scores: benchmark -> system -> score; higher is better.
        subset: which systems: all, random ones, or those at the top, in the middle or at the bottom of the reference.
        size: systems in a subset; needed unless `subset` is "all". At least three.
        replicates: of "random" only.

    Raises:
        ValueError: fewer than three benchmarks, fewer than three common systems, a size out of range, or no usable subset.
    """
    if len(scores) < 3:
        raise ValueError(f"benchmark_agreement: needs three benchmarks, so that the others have an aggregate, got {len(scores)}")
    common = sorted(set.intersection(*(set(each) for each in scores.values())))
    values = np.array([[scores[name][system] for name in scores] for system in common], dtype=np.float64)
    count = len(common) if subset == "all" else size or 0
    if not 3 <= count <= len(common):
        raise ValueError(f"benchmark_agreement: needs 3 <= size <= common systems, got size {count} of {len(common)}")
    if not np.isfinite(values).all():
        raise ValueError("benchmark_agreement: scores must be finite; leave out a system where it was not measured")
    found = []
    for k, name in enumerate(scores):
        reference = mean_win_rate(np.delete(values, k, axis=1))
        each, skipped = [], 0
        for chosen in _subsets(reference, subset, count, replicates=replicates, seed=seed):
            try:
                each.append(correlation(values[chosen, k], reference[chosen], kind=kind))
            except ValueError:
                skipped += 1
        if not each:
            raise ValueError(f"benchmark_agreement: {name} gives all systems of every subset the same score")
        spread = float(np.std(each, ddof=1)) if len(each) > 1 else math.nan
        what = f"{kind} with the mean win rate on the other benchmarks, {subset} systems, seed {seed}"
        found.append(BenchmarkAgreement(name, float(np.mean(each)), spread, math.nan, count, len(each), skipped, what))
    means = np.array([each.correlation for each in found])
    sd = float(means.std(ddof=1))
    return tuple(each._replace(z=(each.correlation - float(means.mean())) / sd if sd > 0 else math.nan) for each in found)


def pair_agreement(
    scores: Mapping[str, Mapping[str, float]], *, kind: Correlation = "kendall"
) -> dict[tuple[str, str], tuple[float, int]]:
    """Correlation of each two benchmarks over their common systems, and how many; NaN below three or without spread."""
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for one, other in itertools.combinations(scores, 2):
        common = sorted(scores[one].keys() & scores[other].keys())
        a, b = [scores[one][name] for name in common], [scores[other][name] for name in common]
        usable = len(common) > 2 and len(set(a)) > 1 and len(set(b)) > 1
        found[one, other] = (correlation(a, b, kind=kind) if usable else math.nan, len(common))
    return found


def _subsets(reference: Floats, subset: Subset, size: int, *, replicates: int, seed: int) -> Iterator[Sequence[int]]:
    order = np.argsort(-reference, kind="stable").tolist()
    if subset == "random":
        draw = np.random.default_rng(seed)
        for _ in range(replicates):
            yield draw.choice(len(order), size, replace=False).tolist()
        return
    start = {"all": 0, "top": 0, "middle": (len(order) - size) // 2, "bottom": len(order) - size}[subset]
    yield order[start : start + size]


def _limits(low: ArrayLike, high: ArrayLike, *, what: str) -> tuple[Floats, Floats]:
    lows, highs = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if lows.ndim != 1 or lows.shape != highs.shape or len(lows) < 2 or not (lows <= highs).all():
        raise ValueError(f"{what}: needs low <= high of at least two systems, got shapes {lows.shape} and {highs.shape}")
    return lows, highs


def _order(low: Floats, high: Floats) -> Floats:
    """For each pair +1 where the first is surely above, -1 where it is surely below, else 0."""
    left, right = np.triu_indices(len(low), 1)
    return (low[left] > high[right]).astype(np.float64) - (low[right] > high[left])
