"""How soon a target is reached, and how long a task may be: time to target, performance profile score, time horizon."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .bootstrap import BLOCK, NEW, Floats, Ints, Resampling, draw, limits
from .intervals import Interval

METR = Resampling(replicates=1000, published=True)


def time_to_target(times: ArrayLike, scores: ArrayLike, *, target: float) -> float:
    """The first time at which a score reaches the target, infinity if none does; times in any unit, not falling.

    Raises:
        ValueError: no times, lengths that differ, NaN, or times that fall.
    """
    at, reached = np.asarray(times, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if at.ndim != 1 or at.shape != reached.shape or not len(at):
        raise ValueError(f"time_to_target: needs as many times as scores, at least one, got {at.shape} and {reached.shape}")
    if np.isnan(at).any() or np.isnan(reached).any() or (np.diff(at) < 0).any() or math.isnan(target):
        raise ValueError("time_to_target: times must not fall, and neither times nor scores may be NaN")
    hits = np.flatnonzero(reached >= target)
    return float(at[hits[0]]) if len(hits) else math.inf


def study_times(times: ArrayLike, *, budget: float = math.inf) -> Floats:
    """Median over studies of each study's best trial, infinity above the budget (AlgoPerf, Dahl et al. 2023, section 4).

    Args:
        times: (studies, trials, …) to target, infinite where it was missed.
        budget: in the unit of the times.
    """
    taken = np.asarray(times, dtype=np.float64)
    if taken.ndim < 2 or not taken.size or np.isnan(taken).any() or (taken < 0).any():
        raise ValueError(f"study_times: needs times >= 0 of the shape (studies, trials, …), got {taken.shape}")
    best = taken.min(axis=1)
    return np.asarray(np.median(np.where(best > budget, np.inf, best), axis=0))


class ProfileScore(NamedTuple):
    """One score a submission in [0, 1], and the ratios (submissions, workloads) to the fastest that it comes from."""

    scores: Floats
    ratios: Floats
    formula: str

    def at(self, tau: float) -> Floats:
        """(submissions,): the share of workloads on which each is within `tau` times the fastest."""
        return np.asarray((self.ratios <= tau).sum(axis=1) / self.ratios.shape[1])


def profile_score(
    times: ArrayLike, *, gates: Mapping[int, ArrayLike] | None = None, most: float = 4.0, points: int | None = None
) -> ProfileScore:
    """AlgoPerf's score: the area below each submission's performance profile over ratios 1 … `most`, as a share.

    Args:
        times: (submissions, workloads) to target, infinite where it was missed; each row is a submission.
        gates: for the workload in a column, times (submissions,) on its held-out variant: who misses that has missed it too.
        most: ratios above it count as missed.
        points: None integrates exactly, mean(max(0, most - ratio)) / (most - 1); 100 gives the published trapezoids.

    Raises:
        ValueError: a shape or times that are none, a gate for no workload, or fewer than two points.
    """
    taken = np.array(times, dtype=np.float64)
    if taken.ndim != 2 or not taken.size or np.isnan(taken).any() or not (taken > 0).all():
        raise ValueError(f"profile_score: needs times above 0 of the shape (submissions, workloads), got {taken.shape}")
    if not most > 1 or (points is not None and points < 2):
        raise ValueError(f"profile_score: needs most > 1 and points >= 2, got {most} and {points}")
    for column, variant in (gates or {}).items():
        gate = np.asarray(variant, dtype=np.float64)
        if not 0 <= column < taken.shape[1] or gate.shape != taken.shape[:1] or np.isnan(gate).any():
            raise ValueError(f"profile_score: the gate of workload {column} needs its column, and one time a submission")
        taken[np.isinf(gate), column] = np.inf
    fastest = taken.min(axis=0)
    ratios = np.where(np.isinf(taken), np.inf, taken / np.where(np.isinf(fastest), 1.0, fastest))
    ratios[ratios > most] = np.inf
    if points is None:
        scores = np.maximum(0.0, most - ratios).sum(axis=1) / ratios.shape[1] / (most - 1)
        return ProfileScore(scores, ratios, f"mean(max(0, {most:g} - t/fastest)) / {most - 1:g}")
    taus = np.linspace(1.0, most, points)
    shares = (ratios[:, :, None] <= taus).sum(axis=1) / ratios.shape[1]
    areas = ((shares[:, 1:] + shares[:, :-1]) / 2 * np.diff(taus)).sum(axis=1)
    return ProfileScore(areas / (most - 1), ratios, f"profile over t/fastest in 1…{most:g}, {points}-point trapezoids")


class Horizon(NamedTuple):
    """Task lengths, in minutes of a human expert, that succeed half the time and four times in five."""

    p50: Interval
    p80: Interval
    intercept: float
    slope: float
    """Of log2 minutes; below 0."""
    penalty: float


def time_horizon(
    passed: ArrayLike,
    minutes: ArrayLike,
    *,
    tasks: Sequence[object],
    families: Sequence[object] | None = None,
    penalty: float = 0.1,
    how: Resampling = METR,
) -> Horizon:
    """METR's time horizon (Kwa et al. 2025): success ~ logistic(a + b log2 minutes), p50 = 2^(-a/b), p80 = 2^((ln 4 - a)/b).

    A run weighs 1 / (runs of its task x square root of the tasks in its family), and weights sum to 1. `penalty` b²/2 is added to
    the loss; it moves the horizon, and so stands in the formula. As published, families, tasks within and runs within are
    resampled; `published=False` draws one family fewer than there are, whole. A resample that all pass or all fail, or whose
    success does not fall with length, has the horizon infinity or 0, by whether at least half of it passes.

    Args:
        passed: one value in [0, 1] a run.
        minutes: what the task of each run takes a human, above 0.
        tasks: the task of each run.
        families: the family of each run; without any each task is its own.

    Raises:
        ValueError: bad values or lengths, fewer than two families, all runs passed or all failed, success that does not fall with
            length, runs that a length separates with a penalty of 0, or BCa.
    """
    runs = _runs(passed, minutes, tasks, families)
    if not 0 <= penalty < math.inf or how.method == "bca":
        raise ValueError(f"time_horizon: needs a penalty >= 0 and percentile limits, got {penalty} and {how.method}")
    if not 0 < runs.passed.mean() < 1:
        raise ValueError("time_horizon: all runs passed, or all failed; the horizon lies outside the lengths tried")
    intercept, slope = (float(each[0]) for each in _fit(runs, np.ones((1, len(runs.passed))), penalty)[:2])
    if not slope < 0:
        raise ValueError("time_horizon: success does not fall with the length of tasks, so that there is no horizon")
    if penalty == 0 and runs.length[runs.passed > 0].max() <= runs.length[runs.passed < 1].min():
        raise ValueError("time_horizon: a length parts what passed from what failed: no fit exists; give a penalty above 0")
    fits = [_fit(runs, counts, penalty) for counts in _hierarchy(runs, how)]
    lines, passes = [np.concatenate([each[at] for each in fits]) for at in (0, 1)], np.concatenate([each[2] for each in fits])
    drawn = "families, tasks and runs, n of n drawn" if how.published else "families, n-1 of n drawn"
    made = []
    for share in (0.5, 0.8):
        logit = math.log(share / (1 - share))
        found = _lengths(lines[0], lines[1], passes, logit=logit)
        low, high = (_minutes(end) for end in limits(found, level=how.level))
        told = f"{share:.0%} horizon, L2 penalty {penalty:g}, bootstrap of {drawn}, percentile (linear in log2 minutes)"
        value, count = _minutes((logit - intercept) / slope), len(np.unique(runs.task))
        made.append(Interval(value, low, high, len(runs.passed), count, told, NEW, how.seed, how.replicates))
    return Horizon(made[0], made[1], intercept, slope, penalty)


class _Runs(NamedTuple):
    """Runs sorted by family and task; `weight` is of one run, and codes count from 0."""

    passed: Floats
    length: Floats
    weight: Floats
    task: Ints
    family_of: Ints


def _runs(passed: ArrayLike, minutes: ArrayLike, tasks: Sequence[object], families: Sequence[object] | None) -> _Runs:
    values, lasted = np.asarray(passed, dtype=np.float64), np.asarray(minutes, dtype=np.float64)
    kin = tasks if families is None else families
    if values.ndim != 1 or not len(values) or not len(values) == len(lasted) == len(tasks) == len(kin):
        raise ValueError("time_horizon: needs one value, length, task and family a run, and at least one run")
    if not ((values >= 0) & (values <= 1)).all() or not ((lasted > 0) & np.isfinite(lasted)).all():
        raise ValueError("time_horizon: runs must pass with values in [0, 1], on tasks of more than 0 minutes")
    family, task = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (kin, tasks))
    order = np.lexsort((values, lasted, task, family))
    values, lasted, family, task = values[order], lasted[order], family[order], task[order]
    first = np.concatenate(([True], (np.diff(task) != 0) | (np.diff(family) != 0)))
    if first.sum() != len(np.unique(task)):
        raise ValueError("time_horizon: a task stands in two families; each task needs exactly one")
    task, family_of = np.cumsum(first) - 1, family[first]
    if len(np.unique(family_of)) < 2:
        raise ValueError("time_horizon: one task or family says nothing about others; give at least two")
    weight = 1 / (np.bincount(task)[task] * np.sqrt(np.bincount(family_of)[family_of])[task])
    return _Runs(values, np.log2(lasted), weight, task, family_of)


def _fit(runs: _Runs, counts: Floats, penalty: float) -> tuple[Floats, Floats, Floats]:
    """Intercepts, slopes and weighted pass rates (b,) of runs counted (b, runs) times, by damped Newton steps."""
    weight = counts * runs.weight
    weight /= weight.sum(axis=1, keepdims=True)
    rate = (weight * runs.passed).sum(axis=1)
    middle = float(runs.length.mean())
    x, found = runs.length - middle, np.zeros((2, len(counts)))
    loss = _loss(found, x, runs.passed, weight, penalty)
    for _ in range(100):
        p = 1 / (1 + np.exp(-(found[0][:, None] + found[1][:, None] * x)))
        pull, bend = weight * (p - runs.passed), weight * p * (1 - p)
        g0, g1 = pull.sum(axis=1), (pull * x).sum(axis=1) + penalty * found[1]
        h00, h01, h11 = bend.sum(axis=1), (bend * x).sum(axis=1), (bend * x * x).sum(axis=1) + penalty
        h00, h11 = h00 + 1e-12, h11 + 1e-12
        scale = h00 * h11 - h01 * h01
        step = np.stack([(h11 * g0 - h01 * g1) / scale, (h00 * g1 - h01 * g0) / scale])
        for _ in range(30):
            new = _loss(found - step, x, runs.passed, weight, penalty)
            worse = ~(new <= loss)
            if not worse.any():
                break
            step[:, worse] /= 2
        found, loss = found - step, np.minimum(new, loss)
        if np.abs(step).max() < 1e-10 or np.abs(found).max() > 1e5:
            break
    # An exponential's last digit is the processor's; what is left after rounding is the same on every machine.
    return np.round(found[0] - found[1] * middle, 9), np.round(found[1], 9), rate


def _loss(line: Floats, x: Floats, passed: Floats, weight: Floats, penalty: float) -> Floats:
    z = line[0][:, None] + line[1][:, None] * x
    return np.asarray((weight * (np.logaddexp(0.0, z) - passed * z)).sum(axis=1) + penalty / 2 * line[1] ** 2)


def _lengths(intercept: Floats, slope: Floats, passes: Floats, *, logit: float) -> Floats:
    """log2 of the horizon of each resample."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (logit - intercept) / slope
    none = (slope >= 0) | (passes <= 0) | (passes >= 1)
    return np.where(none, np.where(passes >= 0.5, np.inf, -np.inf), found)


def _minutes(log2: float) -> float:
    return math.inf if log2 > 1000 else 2.0**log2


def _hierarchy(runs: _Runs, how: Resampling) -> Iterator[Floats]:
    """Blocks (b, runs): how often each run was drawn."""
    families, members = np.unique(runs.family_of, return_inverse=True)
    in_family, in_task = np.bincount(members), np.bincount(runs.task)
    order = np.argsort(members, kind="stable")  # tasks are sorted by family, so that each is one stretch
    task_start, run_start = np.cumsum(in_family) - in_family, np.cumsum(in_task) - in_task
    wide, deep, total = int(in_family.max()), int(in_task.max()), len(runs.passed)
    count = len(families) - (not how.published)
    block = max(1, 8 * BLOCK // (count * wide * deep))
    stages = [draw(np.full(count, len(families)), 1, how=how, block=block)]
    if how.published:  # raw words for the inner stages, whose sizes depend on what was drawn before
        cells = (count * wide, count * wide * deep)
        stages += [draw(np.full(size, 1 << 32), 1, how=how, stream=at, block=block) for at, size in enumerate(cells, start=1)]
    for drawn, *words in zip(*stages, strict=True):
        family, b = drawn[:, 0], len(drawn)
        if not how.published:
            counts = np.bincount((family + np.arange(b)[:, None] * len(families)).ravel(), minlength=b * len(families))
            yield counts.reshape(b, -1)[:, members][:, runs.task].astype(np.float64)
            continue
        size = in_family[family][:, :, None]
        place = (words[0].reshape(b, count, wide) * size) >> 32
        task = order[task_start[family][:, :, None] + place]
        run = (words[1].reshape(b, count, wide, deep) * in_task[task][..., None]) >> 32
        run += run_start[task][..., None] + (np.arange(b) * total)[:, None, None, None]
        there = (np.arange(wide) < size)[..., None] & (np.arange(deep) < in_task[task][..., None])
        yield np.bincount(run[there], minlength=b * total).reshape(b, total).astype(np.float64)
