"""Leaderboards from a table of systems x tasks: mean score, mean rank, Borda; with bootstrap intervals of the ranks.

Defaults, stated once: higher scores are better; systems that tie on a column share the mean of their places (half a win
each); unmeasured cells are refused unless the caller says otherwise, and never count as zero.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import DEFAULT, Resampling, draw
from .intervals import Question
from .matrix import Floats, Missing, named, ranks, table

Method = Literal["mean", "mean rank", "borda"]


class Ranking(NamedTuple):
    """Systems in the order of the table that was given; rank 1 is best, tied systems share the mean of their places."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    """What is ranked: mean score, mean rank (lower is better), or Borda score (higher is better)."""
    ranks: tuple[float, ...]
    measured: tuple[int, ...]
    """Cells that each system was measured on."""
    dropped: int
    """Columns left out because a system lacks them, or nobody has them."""
    n: int
    """Cells used."""
    tasks: int
    formula: str

    def order(self) -> tuple[str, ...]:
        """Names from best to worst; ties in the order of the table."""
        return tuple(self.names[k] for k in np.argsort(self.ranks, kind="stable").tolist())


class RankInterval(NamedTuple):
    """Where a system stands when the tasks are drawn anew."""

    name: str
    rank: float
    low: float
    high: float
    first: float
    """Share of replicates in which it is first; a shared first place counts as its share."""
    n: int
    tasks: int
    replicates: int
    formula: str
    question: Question


def mean_score(scores: ArrayLike, *, names: Sequence[str] | None = None, missing: Missing = "refuse") -> Ranking:
    """Rank by the mean score over tasks; with missing="available" each system's mean is over the tasks it has, which may be
    easier ones: look at `measured`."""
    return _ranking(scores, method="mean", names=names, missing=missing, tasks=None)


def mean_rank(scores: ArrayLike, *, names: Sequence[str] | None = None, missing: Missing = "refuse") -> Ranking:
    """Rank by the mean of the average ranks over tasks; with missing="available" a rank among m systems is stretched to the
    full number N by 1 + (rank - 1)(N - 1)/(m - 1), and columns with one system say nothing."""
    return _ranking(scores, method="mean rank", names=names, missing=missing, tasks=None)


def borda(
    scores: ArrayLike,
    *,
    tasks: Sequence[Hashable] | NDArray[np.generic] | None = None,
    names: Sequence[str] | None = None,
    missing: Missing = "refuse",
) -> Ranking:
    """Rank by Borda's count: per column a system gets the number of systems it beats, half for a tie; the value is the sum.

    Args:
        scores: systems x samples (or tasks).
        tasks: the task of each sample, for the two-level form: samples are counted within their task, the resulting order of
            each task is counted once. Without it, one level: all columns weigh alike.
        missing: with "available" the points among m systems are stretched by (N - 1)/(m - 1), and the value is a mean over the
            columns that the system has, times their total number.

    Source: Rofin and others, Vote'n'Rank (2023), which breaks ties by position; here they are shared.
    """
    return _ranking(scores, method="borda", names=names, missing=missing, tasks=tasks)


def rank_intervals(
    scores: ArrayLike,
    *,
    method: Method = "borda",
    names: Sequence[str] | None = None,
    tasks: Sequence[Hashable] | NDArray[np.generic] | None = None,
    missing: Missing = "refuse",
    how: Resampling = DEFAULT,
) -> tuple[RankInterval, ...]:
    """Percentile intervals of the ranks when the columns (with `tasks`, whole tasks) are resampled with replacement.

    Limits are sample quantiles without interpolation, the lower one rounded down and the upper one up. Raises ValueError as
    `borda`, with fewer than two columns, or for BCa, which ranks do not have.
    """
    if how.method != "percentile":
        raise ValueError("rank_intervals: ranks have percentile limits only; leave method='percentile'")
    whole = _ranking(scores, method=method, names=names, missing=missing, tasks=tasks)
    points = _points(_values(scores, missing, method), method, tasks=_kept(scores, tasks, missing))
    columns = points.shape[1]
    if columns < 2:
        raise ValueError("rank_intervals: one task says nothing about others; give at least two columns")
    blocks = draw(np.full(columns - (not how.published), columns), 1, how=how)
    counts = np.concatenate([_counts(drawn[:, 0], columns) for drawn in blocks])
    present = ~np.isnan(points)
    sums, cells = counts @ np.where(present, points, 0.0).T, counts @ present.T.astype(float)
    # A system that a replicate left without any cell stands last in it.
    means = np.where(cells > 0, sums / np.maximum(cells, 1), -np.inf)
    drawn = ranks(np.round(means, 12))
    tails = ((1 - how.level) / 2, (1 + how.level) / 2)
    low = np.quantile(drawn, tails[0], axis=0, method="lower")
    high = np.quantile(drawn, tails[1], axis=0, method="higher")
    best = drawn == drawn.min(axis=1, keepdims=True)
    first = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    unit = "columns" if tasks is None else "tasks"
    return tuple(
        RankInterval(
            name, whole.ranks[k], float(low[k]), float(high[k]), float(first[k]), whole.n, columns, how.replicates,
            f"{whole.formula}; percentile bootstrap over {unit}, seed {how.seed}", "new tasks like these",
        )
        for k, name in enumerate(whole.names)
    )  # fmt: skip


def _counts(drawn: NDArray[np.int64], columns: int) -> Floats:
    """(b, columns): how often each replicate drew each column."""
    places = drawn + (np.arange(len(drawn)) * columns)[:, None]
    return np.bincount(places.ravel(), minlength=len(drawn) * columns).reshape(len(drawn), columns).astype(np.float64)


def _values(scores: ArrayLike, missing: Missing, method: Method) -> Floats:
    return table(scores, what=method, missing=missing)


def _kept(
    scores: ArrayLike, tasks: Sequence[Hashable] | NDArray[np.generic] | None, missing: Missing
) -> NDArray[np.int64] | None:
    """Task codes of the columns that `table` keeps."""
    if tasks is None:
        return None
    empty = np.isnan(np.asarray(scores, dtype=np.float64))
    if len(tasks) != empty.shape[1]:
        raise ValueError(f"borda: {empty.shape[1]} columns but {len(tasks)} tasks; each sample needs its task")
    gone = empty.any(axis=0) if missing == "common" else empty.all(axis=0)
    return np.unique(np.unique(np.asarray(tasks), return_inverse=True)[1][~gone], return_inverse=True)[1].astype(np.int64)


def _column_points(values: Floats) -> Floats:
    """Borda points of each column, stretched to the full number of systems; NaN where unmeasured or alone."""
    present = (~np.isnan(values)).sum(axis=0)
    places = ranks(values, axis=0)
    factor = np.where(present > 1, (len(values) - 1) / np.maximum(present - 1, 1), np.nan)
    return np.asarray((present - places) * factor, dtype=np.float64)


def _points(values: Floats, method: Method, *, tasks: NDArray[np.int64] | None) -> Floats:
    """Systems x columns, of which the mean is ranked; more is better."""
    if method == "mean":
        if tasks is not None:
            raise ValueError("mean: tasks belong to the two-level Borda count; average the samples of a task first")
        return values
    points = _column_points(values)
    if tasks is None or method == "mean rank":
        return points
    inner = np.stack([_mean(points[:, tasks == task]) for task in range(int(tasks.max()) + 1)], axis=1)
    return _column_points(np.round(inner, 12))


def _mean(points: Floats) -> Floats:
    """Mean over the measured columns, NaN without any."""
    present = ~np.isnan(points)
    cells = present.sum(axis=1)
    means = np.where(present, points, 0.0).sum(axis=1) / np.maximum(cells, 1)
    return np.where(cells > 0, means, np.nan)


def _ranking(
    scores: ArrayLike,
    *,
    method: Method,
    names: Sequence[str] | None,
    missing: Missing,
    tasks: Sequence[Hashable] | NDArray[np.generic] | None,
) -> Ranking:
    values = _values(scores, missing, method)
    points = _points(values, method, tasks=_kept(scores, tasks, missing))
    means = _mean(points)
    if np.isnan(means).any():
        raise ValueError(f"{method}: systems {np.flatnonzero(np.isnan(means)).tolist()} share no task with any other system")
    count, columns = len(values), points.shape[1]
    value = {"mean": means, "mean rank": count - means, "borda": means * columns}[method]
    present = ~np.isnan(values)
    formula = {
        "mean": "mean score over tasks",
        "mean rank": "mean over tasks of average ranks",
        "borda": f"Borda, {'one level' if tasks is None else 'two levels'}, ties half",
    }[method]
    return Ranking(
        named(names, count, what=method), tuple(value.tolist()), tuple(ranks(np.round(means, 12)).tolist()),
        tuple(present.sum(axis=1).tolist()), np.asarray(scores).shape[1] - values.shape[1], int(present.sum()), columns,
        f"{formula}; unmeasured cells: {missing}",
    )  # fmt: skip
