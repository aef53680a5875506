"""Can a judge be trusted: its agreement with people, what the order and the length of answers do to it, and its null score.

A score that a judge gives is worth showing only beside what the same judge gives to an answer that says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Interval, new_tasks, t_quantile, wilson

Floats = NDArray[np.float64]
Labels = Sequence[Hashable] | NDArray[np.generic]
Scale = Literal["nominal", "ordinal", "interval", "ratio"]
Weights = Literal["none", "linear", "quadratic"]


class Calibration(NamedTuple):
    """A judge against human labels."""

    accuracy: Interval
    macro_f1: float
    """Mean of the F1 of every label that either side has used; one that the other side never used counts 0."""
    kappa: float
    alpha: float
    n: int


class FlipRate(NamedTuple):
    """What happens when the two answers change places."""

    flips: Interval
    """Share of pairs whose verdict changes, a verdict of equal included."""
    first: float
    """Share of verdicts for whichever answer stands first; 0.5 without position bias, ties counting half."""
    n: int


class Slope(NamedTuple):
    """Change of the win rate with the length difference, by least squares."""

    slope: float
    """Per standard deviation of the length difference."""
    low: float
    high: float
    per_unit: float
    n: int
    formula: str


class JudgeScore(NamedTuple):
    """A judge's score and, beside it, the score of the null model on the same items."""

    score: Interval
    null: Interval
    above_null: Interval
    """Paired difference, item by item."""


def cohen_kappa(a: Labels, b: Labels, *, weights: Weights = "none") -> float:
    """Cohen's kappa of two raters (1960), or weighted (1968) where the labels are ordered numbers.

    Linear and quadratic weights count steps between the sorted labels in use. Raises ValueError for empty lists, lengths that
    differ, or raters that both use one and the same label throughout, where kappa is 0/0.
    """
    one, other, labels = _coded(a, b, what="cohen_kappa")
    count = len(labels)
    table = np.zeros((count, count))
    np.add.at(table, (one, other), 1.0)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(one)
    steps = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(float)
    cost = {"none": (steps > 0).astype(float), "linear": steps, "quadratic": steps**2}[weights]
    chance = float((cost * expected).sum())
    if chance == 0:
        raise ValueError("cohen_kappa: both raters use a single label; agreement beyond chance is undefined")
    return 1 - float((cost * table).sum()) / chance


def krippendorff_alpha(ratings: ArrayLike, *, scale: Scale = "nominal") -> float:
    """Krippendorff's alpha of raters x items, NaN where a rater gave no label; items with one label are left out.

    Labels are numbers (codes, for the nominal scale). Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    Raises ValueError with fewer than two raters, no item that two raters labelled, or only one label in use.
    """
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2 or np.isinf(values).any():
        raise ValueError(f"krippendorff_alpha: needs finite ratings of at least two raters x items, got shape {values.shape}")
    labels, codes = np.unique(values[~np.isnan(values)], return_inverse=True)
    items = np.broadcast_to(np.arange(values.shape[1]), values.shape)[~np.isnan(values)]
    counts = np.zeros((values.shape[1], len(labels)))
    np.add.at(counts, (items, codes), 1.0)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        raise ValueError("krippendorff_alpha: no item has labels of two raters")
    pairs = counts.sum(axis=1)
    observed = (counts / (pairs - 1)[:, None]).T @ counts - np.diag((counts / (pairs - 1)[:, None]).sum(axis=0))
    totals = counts.sum(axis=0)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    cost = _distance(labels, totals, scale)
    chance = float((cost * expected).sum())
    if chance == 0:
        raise ValueError("krippendorff_alpha: only one label is in use; agreement beyond chance is undefined")
    return 1 - float((cost * observed).sum()) / chance


def calibration(judge: Labels, human: Labels, *, level: float = 0.95) -> Calibration:
    """Agreement of a judge with human labels, one an item. Raises ValueError as `cohen_kappa`."""
    one, other, labels = _coded(judge, human, what="calibration")
    hits = int((one == other).sum())
    low, high = wilson(hits, len(one), level=level)
    both = [int(((one == k) & (other == k)).sum()) for k in range(len(labels))]
    used = [int((one == k).sum() + (other == k).sum()) for k in range(len(labels))]
    f1 = float(np.mean([2 * hit / total for hit, total in zip(both, used, strict=True)]))
    accuracy = Interval(hits / len(one), low, high, len(one), len(one), "Wilson over items", "new tasks like these")
    return Calibration(accuracy, f1, cohen_kappa(judge, human), krippendorff_alpha(np.stack([one, other])), len(one))


def flip_rate(first: ArrayLike, swapped: ArrayLike, *, level: float = 0.95) -> FlipRate:
    """How often a verdict changes when the answers change places.

    Args:
        first: verdicts with answer A first: 1 for A, 0 for B, 0.5 for equal.
        swapped: verdicts on the same pairs with B first, still 1 for A and 0 for B.
    """
    one, other = _verdicts(first, what="flip_rate"), _verdicts(swapped, what="flip_rate")
    if len(one) != len(other):
        raise ValueError(f"flip_rate: {len(one)} verdicts but {len(other)} swapped ones")
    flips = int((one != other).sum())
    low, high = wilson(flips, len(one), level=level)
    share = Interval(flips / len(one), low, high, 2 * len(one), len(one), "Wilson over pairs", "new tasks like these")
    return FlipRate(share, float((one + 1 - other).mean() / 2), len(one))


def length_slope(wins: ArrayLike, length_difference: ArrayLike, *, level: float = 0.95) -> Slope:
    """Least-squares slope of the win (1, 0, or 0.5 for equal) on the length of the winner-to-be minus that of the other.

    A linear probability model: it says how many points of win rate a standard deviation of length goes with, and has no cause
    in it: longer answers may be better. Its error is White's (HC1), since the variance of a win depends on its chance.
    """
    y, x = _verdicts(wins, what="length_slope"), np.asarray(length_difference, dtype=np.float64)
    if x.shape != y.shape or len(y) < 3 or not np.isfinite(x).all():
        raise ValueError(f"length_slope: needs at least three pairs with finite lengths, got {len(y)} wins and {x.shape} lengths")
    spread = float(x.std(ddof=1))
    if spread == 0:
        raise ValueError("length_slope: all length differences are equal; there is no slope")
    z = (x - x.mean()) / spread
    squares = float((z**2).sum())
    slope = float((z * (y - y.mean())).sum()) / squares
    residual = y - y.mean() - slope * z
    error = math.sqrt(float((z**2 * residual**2).sum()) * len(y) / (len(y) - 2)) / squares
    half = t_quantile(0.5 + level / 2, len(y) - 2) * error
    return Slope(slope, slope - half, slope + half, slope / spread, len(y), "least squares, HC1 error, t(n-2)")


def judge_score(scores: ArrayLike, null: ArrayLike, *, level: float = 0.95) -> JudgeScore:
    """A judge's mean score with that of the null model (a constant answer) on the same items, both in [0, 1].

    Raises:
        ValueError: lengths that differ, fewer than two items, or a score outside [0, 1].
    """
    own, empty = np.asarray(scores, dtype=np.float64), np.asarray(null, dtype=np.float64)
    if own.shape != empty.shape or own.ndim != 1:
        raise ValueError(f"judge_score: needs one null score beside each score, got shapes {own.shape} and {empty.shape}")
    items = np.arange(len(own))
    shifted = new_tasks((own - empty + 1) / 2, items, level=level)
    gap = shifted._replace(estimate=2 * shifted.estimate - 1, low=2 * shifted.low - 1, high=2 * shifted.high - 1)
    return JudgeScore(new_tasks(own, items, level=level), new_tasks(empty, items, level=level), gap)


def _coded(a: Labels, b: Labels, *, what: str) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Hashable]]:
    """Both lists as positions in the sorted list of labels."""
    left, right = np.asarray(a), np.asarray(b)
    if left.ndim != 1 or not len(left) or left.shape != right.shape:
        raise ValueError(f"{what}: needs two non-empty lists of labels of one length, got {left.shape} and {right.shape}")
    for each in (left, right):
        if each.dtype.kind == "f" and np.isnan(each).any():
            raise ValueError(f"{what}: a label is NaN; leave out the items without label first")
    labels, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    return codes[: len(left)].astype(np.int64), codes[len(left) :].astype(np.int64), labels.tolist()


def _verdicts(values: ArrayLike, *, what: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isin(found, (0.0, 0.5, 1.0)).all():
        raise ValueError(f"{what}: verdicts must be a flat, non-empty list of 1, 0 or 0.5")
    return found


def _distance(labels: Floats, totals: Floats, scale: Scale) -> Floats:
    """Squared difference function of Krippendorff's alpha between each two labels."""
    if scale == "nominal":
        return 1.0 - np.eye(len(labels))
    if scale == "interval":
        return np.asarray(np.subtract.outer(labels, labels) ** 2, dtype=np.float64)
    if scale == "ratio":
        if (labels < 0).any():
            raise ValueError("krippendorff_alpha: the ratio scale has no negative values")
        total = np.add.outer(labels, labels)
        return np.asarray((np.subtract.outer(labels, labels) / np.where(total == 0, 1.0, total)) ** 2, dtype=np.float64)
    middle = np.cumsum(totals) - totals / 2
    return np.asarray(np.subtract.outer(middle, middle) ** 2, dtype=np.float64)
