"""Aggregates over runs x tasks: mean, median, IQM, optimality gap, performance profile, probability of improvement.

Definitions as in Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice (NeurIPS 2021). Each is a
pure function of an array (..., runs, tasks), NaN where a task has fewer runs, so that a block of replicates costs one call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .bootstrap import (
    BLOCK,
    DEFAULT,
    NEW,
    SAME,
    Floats,
    Resampling,
    ScoreTable,
    Statistic,
    drawn_means,
    enclosed,
    formula,
    limits,
    replicate,
    run_counts,
    table,
    task_draws,
)
from .intervals import NO_SPREAD, Interval, Question, wilson


def task_means(scores: ArrayLike) -> Floats:
    """(..., tasks): the mean of each task's runs, NaN for a task without any."""
    values = _checked(scores)
    if not _ragged(values):
        return np.asarray(values.sum(axis=-2) / values.shape[-2])
    there = ~np.isnan(values)
    counts = there.sum(axis=-2)
    sums = np.where(there, values, 0.0).sum(axis=-2)
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))


def mean(scores: ArrayLike) -> Floats:
    """Mean over tasks of the task means."""
    return _over_tasks(task_means(scores))


def median(scores: ArrayLike) -> Floats:
    """Median over tasks of the task means."""
    means = np.sort(task_means(scores), axis=-1)
    counts = (~np.isnan(means)).sum(axis=-1, keepdims=True)
    low, high = (np.take_along_axis(means, place, axis=-1)[..., 0] for place in ((counts - 1) // 2, counts // 2))
    return np.asarray((low + high) / 2)


def iqm(scores: ArrayLike) -> Floats:
    """Interquartile mean: of all N scores of all runs and tasks together, floor(N/4) left out at each end."""
    values = _checked(scores)
    pooled = np.sort(values.reshape(*values.shape[:-2], -1), axis=-1)  # sorted to the end: the order of a sum is part of it
    if not np.isnan(pooled[..., -1]).any():
        trim = pooled.shape[-1] // 4
        return np.asarray(pooled[..., trim : pooled.shape[-1] - trim].sum(axis=-1) / (pooled.shape[-1] - 2 * trim))
    counts = (~np.isnan(pooled)).sum(axis=-1, keepdims=True)
    places = np.arange(pooled.shape[-1])
    middle = (places >= counts // 4) & (places < counts - counts // 4)
    return np.asarray(np.where(middle, pooled, 0.0).sum(axis=-1) / (counts - 2 * (counts // 4))[..., 0])


def optimality_gap(scores: ArrayLike, *, goal: float = 1.0) -> Floats:
    """Mean over tasks of how far scores stay below the goal; what exceeds it makes up for nothing."""
    return mean(np.maximum(0.0, goal - _checked(scores)))


def profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """(..., thresholds): mean over tasks of the share of runs whose score is above the threshold, strictly."""
    values, at = _checked(scores), np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    shares = [_over_tasks(task_means(np.where(np.isnan(values), np.nan, values > each))) for each in at]
    return np.stack(shares, axis=-1)


def probability_of_improvement(x: ArrayLike, y: ArrayLike) -> Floats:
    """Mean over tasks of P(a run of x scores more than a run of y), ties counting half."""
    return _over_tasks(_improvement_by_task(_checked(x), _checked(y)))


AGGREGATES: dict[str, Statistic] = {"mean": mean, "median": median, "iqm": iqm, "optimality gap": optimality_gap}


class Estimate(NamedTuple):
    """A statistic with the intervals that exist: with one run a task, or one task, one of the two does not."""

    estimate: float
    same_tasks: Interval | None
    new_tasks: Interval | None
    note: str
    """Why one of them is missing; empty where both are there."""


def summarize(
    scores: ArrayLike | ScoreTable,
    names: Sequence[str] = tuple(AGGREGATES),
    *,
    question: Question = SAME,
    how: Resampling = DEFAULT,
    goal: float = 1.0,
) -> dict[str, Interval]:
    """Several aggregates with their intervals, all from the same draws; runs are resampled by `how.engine`.

    Raises:
        ImportError: the engine is not installed.
        ValueError: bad scores, an unknown name, one run a task for the same tasks, one task for new ones.
    """
    if unknown := [name for name in names if name not in AGGREGATES] or not names:
        raise ValueError(f"unknown aggregates {unknown}; choose from {', '.join(AGGREGATES)}")
    held = table(scores)
    statistics = [partial(optimality_gap, goal=goal) if name == "optimality gap" else AGGREGATES[name] for name in names]

    def together(block: Floats) -> Floats:
        return np.stack([statistic(block) for statistic in statistics], axis=-1)

    if how.engine == "jax" and question == SAME:
        from .jax_bootstrap import NAMES, replicates

        found = replicates(held, how=how, goal=goal)[:, [NAMES.index(name) for name in names]]
    else:
        found = replicate(held, together, question=question, how=how)
    made = {}
    for at, (name, statistic) in enumerate(zip(names, statistics, strict=True)):
        one = enclosed(held, found[:, at], statistic=statistic, name=name, question=question, how=how)
        made[name] = _honest(one, held, level=how.level) if name == "mean" else one
    return made


def estimate(scores: ArrayLike | ScoreTable, name: str = "mean", *, how: Resampling = DEFAULT) -> Estimate:
    """One aggregate with its answers to both questions, as far as they exist.

    Raises:
        ValueError: bad scores, an unknown name, or one run of one task, which has neither.
    """
    held, found, notes = table(scores), {}, []
    if name not in AGGREGATES:
        raise ValueError(f"unknown aggregate {name!r}; choose from {', '.join(AGGREGATES)}")
    for question in (SAME, NEW):
        try:
            found[question] = summarize(held, (name,), question=question, how=how)[name]
        except ValueError as error:
            notes.append(str(error))
    if len(notes) == 2:
        raise ValueError(f"no interval exists: {'; '.join(notes)}")
    return Estimate(float(AGGREGATES[name](held.values)), found.get(SAME), found.get(NEW), "; ".join(notes))


class Profile(NamedTuple):
    """A performance profile between its pointwise limits."""

    thresholds: Floats
    share: Floats
    low: Floats
    high: Floats
    n: int
    tasks: int
    formula: str
    question: Question
    seed: int
    replicates: int


def performance_profile(
    scores: ArrayLike | ScoreTable, thresholds: ArrayLike, *, question: Question = SAME, how: Resampling = DEFAULT
) -> Profile:
    """The share of runs above each threshold, with pointwise bootstrap limits.

    Raises:
        ValueError: bad scores or thresholds, one run a task for the same tasks, one task for new ones, or BCa.
    """
    held, at = table(scores), np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if at.ndim != 1 or not at.size or not np.isfinite(at).all():
        raise ValueError("performance_profile: thresholds must be a flat, non-empty list of finite numbers")
    if how.method == "bca":
        raise ValueError("performance_profile: its limits are pointwise percentiles; BCa is for single numbers")
    above = np.where(np.isnan(held.values)[..., None], 0.0, held.values[..., None] > at)  # (runs, tasks, thresholds)
    if question == SAME:
        found = np.concatenate([_profile_of(counts, above) for counts in run_counts(held, how=how)])
    else:
        shares = above.sum(axis=0) / held.sizes[:, None]
        found = np.concatenate([drawn_means(shares, drawn) for drawn in task_draws(held, how=how)])
    low, high = np.quantile(found, [(1 - how.level) / 2, (1 + how.level) / 2], axis=0)
    told = formula("share of runs > threshold", found, question=question, how=how, scores=held)
    return Profile(at, profile(held.values, at), low, high, held.n, held.tasks, told, question, how.seed, how.replicates)


def improvement(
    x: ArrayLike | ScoreTable, y: ArrayLike | ScoreTable, *, question: Question = SAME, how: Resampling = DEFAULT
) -> Interval:
    """The probability that x improves on y, with its bootstrap interval; `n` counts the runs of both.

    Raises:
        ValueError: bad scores, tasks that differ, one run a task for the same tasks, one task for new ones, or BCa.
    """
    left, right = table(x), table(y)
    if left.tasks != right.tasks or (left.names and right.names and left.names != right.names):
        raise ValueError("improvement: x and y must have the same tasks; keep those that both have")
    if how.method == "bca":
        raise ValueError("improvement: BCa of two samples is not offered; use the percentile method")
    by_task = _improvement_by_task(left.values, right.values)
    if question == SAME:
        block = max(1, BLOCK // max(left.values.size, right.values.size))
        pairs = zip(*(run_counts(each, how=how, stream=at, block=block) for at, each in enumerate((left, right))), strict=True)
        found = _improvements(_wins(left.values, right.values), pairs)
    else:
        found = np.concatenate([drawn_means(by_task[:, None], drawn)[:, 0] for drawn in task_draws(left, how=how)])
    low, high = limits(found, level=how.level)
    told = formula("P(x > y) + P(x = y)/2 by task", found, question=question, how=how, scores=left)
    return Interval(
        float(_over_tasks(by_task)), low, high, left.n + right.n, left.tasks, told, question, how.seed, how.replicates
    )


def _checked(scores: ArrayLike) -> Floats:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim < 2 or not values.size:
        raise ValueError(f"scores need the shape (…, runs, tasks) and at least one score, got {values.shape}")
    return values


def _ragged(values: Floats) -> bool:
    return bool(np.isnan(values.max()))  # a maximum takes up any NaN


def _over_tasks(means: Floats) -> Floats:
    if not _ragged(means):
        return np.asarray(means.sum(axis=-1) / means.shape[-1])
    there = ~np.isnan(means)
    return np.asarray(np.where(there, means, 0.0).sum(axis=-1) / there.sum(axis=-1))


def _wins(x: Floats, y: Floats) -> Floats:
    """(tasks, runs of x, runs of y): 1 where x scores more, 1/2 where alike, 0 where less or where either is missing."""
    left, right = np.moveaxis(x, -1, 0)[:, :, None], np.moveaxis(y, -1, 0)[:, None, :]
    return np.asarray((left > right) + 0.5 * (left == right))


def _improvement_by_task(x: Floats, y: Floats) -> Floats:
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"x has {x.shape[-1]} tasks, y has {y.shape[-1]}; keep those that both have")
    runs = [(~np.isnan(each)).sum(axis=-2) for each in (x, y)]
    left, right = np.swapaxes(x, -1, -2)[..., :, None], np.swapaxes(y, -1, -2)[..., None, :]
    won = ((left > right) + 0.5 * (left == right)).sum(axis=(-1, -2))
    return np.asarray(won / (runs[0] * runs[1]))


def _improvements(wins: Floats, pairs: Iterator[tuple[Floats, Floats]]) -> Floats:
    """One value a replicate; sums of halves and whole numbers are exact, in whatever order a library adds them."""
    found = []
    for left, right in pairs:
        won = (np.matmul(left.transpose(1, 0, 2), wins) * right.transpose(1, 0, 2)).sum(axis=-1)  # (tasks, b)
        found.append((won / (left[0].sum(axis=-1) * right[0].sum(axis=-1))[:, None]).sum(axis=0) / len(wins))
    return np.concatenate(found)


def _profile_of(counts: Floats, above: Floats) -> Floats:
    """(b, thresholds) of counts (b, tasks, runs) and above (runs, tasks, thresholds)."""
    above, draws = np.ascontiguousarray(above.transpose(1, 0, 2)), counts[0].sum(axis=-1)
    if (draws == draws[0]).all():
        return np.asarray(counts.reshape(len(counts), -1) @ above.reshape(-1, above.shape[-1]) / draws.sum())
    shares = np.matmul(counts.transpose(1, 0, 2), above) / draws[:, None, None]
    return np.asarray(shares.sum(axis=0) / len(shares))


def _honest(found: Interval, scores: ScoreTable, *, level: float) -> Interval:
    """Wilson's limits for a mean of scores in [0, 1] whose replicates show no spread."""
    there = scores.values[~np.isnan(scores.values)]
    if found.high - found.low > NO_SPREAD or there.min() < 0 or there.max() > 1:
        return found
    n = scores.n if found.question == SAME else scores.tasks
    low, high = wilson(n * found.estimate, n, level=level)
    told = "mean, Wilson, since the replicates are all alike"
    return found._replace(low=low, high=high, formula=told, seed=None, replicates=None)
