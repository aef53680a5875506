"""One seeded bootstrap over scores of runs x tasks: what would change if runs, or tasks, were drawn again.

*The same tasks again*: runs are drawn within each task (stratified). *New tasks like these*: tasks, or families of tasks where
these are declared, are drawn whole with all their runs; that already holds the noise of the runs.

Drawing n of n leaves a variance that is (n-1)/n of the true one: with 3 runs a nominal 95 % interval covers 84-90 %. So n-1 are
drawn (Rao and Wu, JASA 83 (1988) 231-241), unless `published` asks for n, as rliable and most papers do.

The same seed gives the same bytes on every machine: the draws are integers that are computed from PCG64's raw words, whose
stream numpy guarantees, and no floating-point sum is left to a library that orders it by the processor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Interval, Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Statistic = Callable[[Floats], Floats]
"""Maps (..., runs, tasks) to (...), or to (..., k) for k numbers. NaN stands where a task has no such run; a task of NaN alone
is absent. Runs of a task come in any order."""

SAME: Question = "same tasks again"
NEW: Question = "new tasks like these"
BLOCK = 1 << 17
"""Scores that are held at once; the draws do not depend on it."""
MOST_DELETIONS = 20_000


class Resampling(NamedTuple):
    """How to resample; `published` draws n of n, as rliable does, instead of n-1."""

    replicates: int = 10_000
    seed: int = 0
    level: float = 0.95
    method: Literal["percentile", "bca"] = "percentile"
    published: bool = False
    engine: Literal["numpy", "jax"] = "numpy"
    """What computes the aggregates of resampled runs; ``jax`` takes the accelerator if there is one, in single precision."""


DEFAULT = Resampling()


class ScoreTable(NamedTuple):
    """Scores of runs x tasks. Runs of a task are exchangeable: they are kept sorted, so that their order changes no byte."""

    values: Floats
    """(most runs, tasks); NaN below a task's last run."""
    sizes: Ints
    """Runs of each task."""
    families: Ints | None = None
    """The family of each task, coded 0, 1, …"""
    names: tuple[str, ...] = ()

    @property
    def tasks(self) -> int:
        return len(self.sizes)

    @property
    def n(self) -> int:
        return int(self.sizes.sum())


def table(scores: ArrayLike | ScoreTable, *, families: Sequence[object] | None = None) -> ScoreTable:
    """A score table of a matrix of runs x tasks; `families` names the family of each task.

    Raises:
        ValueError: not two-dimensional, empty, NaN or infinite, or families that are not one a task.
    """
    if isinstance(scores, ScoreTable):
        return scores
    try:
        values = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("scores are no matrix of runs x tasks; give tasks of unequal runs to by_task") from None
    if values.ndim != 2 or not values.size:
        raise ValueError(f"scores need the shape (runs, tasks), both at least 1, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite numbers; leave out the unscored (NaN) and give the rest to by_task")
    runs, tasks = values.shape
    if families is not None and len(families) != tasks:
        raise ValueError(f"{len(families)} families but {tasks} tasks; each task needs its family")
    return ScoreTable(np.sort(values, axis=0), np.full(tasks, runs, dtype=np.int64), _codes(families))


def by_task(values: ArrayLike, tasks: Sequence[object], *, families: Sequence[object] | None = None) -> ScoreTable:
    """A score table of a flat list of scores; `tasks`, and `families` if given, name those of each score. Runs may be unequal.

    Raises:
        ValueError: no values, NaN or infinite, lengths that differ, or a task in two families.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise ValueError("no scores: by_task needs a flat, non-empty list of values")
    if len(scores) != len(tasks) or (families is not None and len(families) != len(tasks)):
        raise ValueError(f"{len(scores)} scores but {len(tasks)} tasks; each score needs its task, and its family if any has one")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers; leave out the unscored (NaN) first")
    names, codes = np.unique(np.asarray(tasks), return_inverse=True)
    order = np.lexsort((scores, codes))
    sizes = np.bincount(codes).astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    matrix = np.full((int(sizes.max()), len(sizes)), np.nan)
    matrix[np.arange(len(scores)) - np.repeat(starts, sizes), codes[order]] = scores[order]
    return ScoreTable(matrix, sizes, _families_of(codes, families), tuple(map(str, names)))


def _codes(labels: Sequence[object] | None) -> Ints | None:
    return None if labels is None else np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)


def _families_of(tasks: Ints, families: Sequence[object] | None) -> Ints | None:
    codes = _codes(families)
    if codes is None:
        return None
    of_task = np.zeros(int(tasks.max()) + 1, dtype=np.int64)
    of_task[tasks] = codes
    if (of_task[tasks] != codes).any():
        raise ValueError("a task stands in two families; each task needs exactly one")
    return of_task


def draw(sizes: Ints, draws: int, *, how: Resampling = DEFAULT, stream: int = 0, block: int | None = None) -> Iterator[Ints]:
    """Blocks (b, draws, columns) of integers, those of column c uniform in [0, sizes[c]), over all `how.replicates`.

    A replicate's draws depend on the seed, the stream and its place only: fewer replicates are the first of more.
    An integer is the high half of a 32-bit word times its size, uniform to within size / 2^32.
    """
    if how.replicates < 1 or how.seed < 0 or not 0 < how.level < 1:
        raise ValueError(f"resampling needs replicates >= 1, seed >= 0 and 0 < level < 1, got {how}")
    cells = draws * len(sizes)
    words, block = (cells + 1) // 2, block or max(1, BLOCK // cells)
    bits, high = np.random.PCG64([how.seed, stream]), sizes.astype(np.uint64)
    for begin in range(0, how.replicates, block):
        count = min(block, how.replicates - begin)
        raw = bits.random_raw(count * words).astype("<u8", copy=False).view("<u4")
        halves = raw.reshape(count, 2 * words)[:, :cells].reshape(count, draws, len(sizes))
        drawn = np.multiply(halves, high, dtype=np.uint64)
        drawn >>= np.uint64(32)
        yield drawn.view(np.int64)


def run_draws(scores: ScoreTable, *, how: Resampling = DEFAULT, stream: int = 0, block: int | None = None) -> Iterator[Ints]:
    """Blocks (b, most draws, tasks) of positions in a task's runs, -1 past the draws of a task with fewer.

    Raises:
        ValueError: a task with one run, whose noise cannot be known.
    """
    if scores.sizes.min() < 2:
        raise ValueError("a task with one run tells nothing of its noise: only the interval for new tasks exists")
    wanted = scores.sizes - (not how.published)
    beyond = np.arange(int(wanted.max()))[:, None] >= wanted
    for drawn in draw(scores.sizes, len(beyond), how=how, stream=stream, block=block):
        if beyond.any():
            drawn[:, beyond] = -1
        yield drawn


def run_counts(scores: ScoreTable, *, how: Resampling = DEFAULT, stream: int = 0, block: int | None = None) -> Iterator[Floats]:
    """Blocks (b, tasks, most runs): how often each run was drawn. Whole numbers, so that products with them are exact."""
    runs, tasks = scores.values.shape
    starts = np.arange(tasks) * (runs + 1) + 1  # place 0 of each task takes the -1
    for drawn in run_draws(scores, how=how, stream=stream, block=block):
        places = drawn + starts + (np.arange(len(drawn)) * tasks * (runs + 1))[:, None, None]
        counts = np.bincount(places.ravel(), minlength=len(drawn) * tasks * (runs + 1))
        yield counts.reshape(len(drawn), tasks, runs + 1)[:, :, 1:].astype(np.float64)


def task_draws(scores: ScoreTable, *, how: Resampling = DEFAULT) -> Iterator[Ints]:
    """Blocks (b, most tasks) of tasks, -1 past the last one where families are drawn, which differ in size.

    Raises:
        ValueError: one task, or one family.
    """
    members = _members(scores)
    if len(members) < 2:
        what = "task" if scores.families is None else "family"
        raise ValueError(f"one {what} says nothing about others; give at least two, or ask about the same tasks again")
    draws = len(members) - (not how.published)
    for drawn in draw(np.full(draws, len(members)), 1, how=how):
        yield members[drawn[:, 0]].reshape(len(drawn), -1)


def _members(scores: ScoreTable) -> Ints:
    """(families, most tasks in one), the tasks of each family, -1 past its last; without families each task is one."""
    if scores.families is None:
        return np.arange(scores.tasks)[:, None]
    sizes = np.bincount(scores.families)
    order = np.argsort(scores.families, kind="stable")
    places = np.arange(scores.tasks) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    members = np.full((len(sizes), int(sizes.max())), -1)
    members[scores.families[order], places] = order
    return members


def drawn_means(by_task: Floats, drawn: Ints) -> Floats:
    """(b, k): means of by_task (tasks, k) over the drawn tasks, added task by task so that the order never changes."""
    tasks = len(by_task)
    places = drawn + 1 + (np.arange(len(drawn)) * (tasks + 1))[:, None]
    counts = np.bincount(places.ravel(), minlength=len(drawn) * (tasks + 1)).reshape(len(drawn), -1)[:, 1:]
    total = np.zeros((len(drawn), by_task.shape[1]))
    for task in range(tasks):
        total += counts[:, task, None] * by_task[task]
    return np.asarray(total / counts.sum(axis=1)[:, None])


def samples(scores: ScoreTable, *, question: Question = SAME, how: Resampling = DEFAULT) -> Iterator[Floats]:
    """Blocks (b, runs, tasks) of resampled scores, NaN where there is none."""
    runs, tasks = scores.values.shape
    if question == NEW:
        padded = np.concatenate([scores.values, np.full((runs, 1), np.nan)], axis=1)  # -1 takes the last column
        most = max(1, BLOCK // (runs * tasks))
        for drawn in task_draws(scores, how=how):
            for begin in range(0, len(drawn), most):
                yield np.ascontiguousarray(np.moveaxis(padded[:, drawn[begin : begin + most]], 0, 1))
        return
    flat = np.concatenate([np.full((1, tasks), np.nan), scores.values]).T.ravel()  # -1 takes the row before the first
    starts = np.arange(tasks) * (runs + 1) + 1
    for drawn in run_draws(scores, how=how):
        yield flat.take(np.add(drawn, starts, out=drawn))


def replicate(scores: ScoreTable, statistic: Statistic, *, question: Question = SAME, how: Resampling = DEFAULT) -> Floats:
    """The statistic of each resample: (replicates,), or (replicates, k) where it gives k numbers.

    Raises:
        ValueError: as `run_draws` and `task_draws`, or a replicate that is no number.
    """
    found = np.concatenate([statistic(block) for block in samples(scores, question=question, how=how)])
    if not np.isfinite(found).all():
        raise ValueError("the statistic of a resample is no finite number; it must take NaN as a run that is not there")
    return found


def interval(
    scores: ArrayLike | ScoreTable, statistic: Statistic, *, name: str = "", question: Question = SAME, how: Resampling = DEFAULT
) -> Interval:
    """A statistic of scores between its bootstrap limits; without spread among the replicates its formula says so.

    Raises:
        ValueError: bad scores, one run a task for the same tasks, one task for new ones.
    """
    held = table(scores)
    found = replicate(held, statistic, question=question, how=how)
    if found.ndim != 1:
        raise ValueError("interval: the statistic gives several numbers; use replicate, and limits on each column")
    return enclosed(held, found, statistic=statistic, name=name, question=question, how=how)


def enclosed(
    scores: ScoreTable, found: Floats, *, statistic: Statistic, name: str, question: Question, how: Resampling
) -> Interval:
    """The interval of replicates that are already there."""
    estimate = float(statistic(scores.values[None])[0])
    if how.method == "bca":
        low, high = bca_limits(found, estimate, jackknife(scores, statistic, question=question), level=how.level)
    else:
        low, high = limits(found, level=how.level)
    told = formula(name or getattr(statistic, "__name__", "statistic"), found, question=question, how=how, scores=scores)
    return Interval(estimate, low, high, scores.n, scores.tasks, told, question, how.seed, how.replicates)


def formula(name: str, found: Floats, *, question: Question, how: Resampling, scores: ScoreTable) -> str:
    """What was computed, in words."""
    unit = "runs within tasks" if question == SAME else "tasks" if scores.families is None else "families"
    drawn = "n of n" if how.published else "n-1 of n"
    kind = "BCa" if how.method == "bca" else "percentile (linear)"
    still = "; replicates without spread, which is no certainty" if len(found) > 1 and np.ptp(found) == 0 else ""
    return f"{name}, bootstrap of {unit}, {drawn} drawn, {kind}{still}"


def limits(found: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Percentile limits of (replicates,), interpolated linearly; beside an infinite replicate the outer one counts."""
    ordered = np.sort(found)
    return _quantile(ordered, (1 - level) / 2, outer=0), _quantile(ordered, (1 + level) / 2, outer=1)


def bca_limits(found: Floats, estimate: float, deletions: Deletions, *, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected and accelerated limits (Efron, JASA 82 (1987) 171-185), the acceleration summed over strata.

    Ties with the estimate count half in the bias correction, since scores of tasks are often discrete.
    """
    ordered, normal = np.sort(found), NormalDist()
    if ordered[0] == ordered[-1]:
        return float(ordered[0]), float(ordered[0])
    share = (np.count_nonzero(found < estimate) + 0.5 * np.count_nonzero(found == estimate)) / len(found)
    bias = normal.inv_cdf(min(max(share, 0.5 / len(found)), 1 - 0.5 / len(found)))
    speed = deletions.acceleration()
    places = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.inv_cdf(tail)
        # Past its pole the correction would turn back: there the furthest replicate is the limit.
        places.append(normal.cdf(bias + z / (1 - speed * z)) if speed * z < 1 else float(z > 0))
    return _quantile(ordered, places[0], outer=0), _quantile(ordered, places[1], outer=1)


def _quantile(ordered: Floats, p: float, *, outer: int) -> float:
    place = p * (len(ordered) - 1)
    below = math.floor(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    if math.isinf(low) or math.isinf(high):
        return (low, high)[outer] if place > below else low
    return low + (high - low) * (place - below)


class Deletions(NamedTuple):
    """A statistic with one run, or one task, left out at a time: values, and the stratum of each."""

    values: Floats
    strata: Ints

    def acceleration(self) -> float:
        """Davison and Hinkley, Bootstrap Methods (1997), equation 5.29, with jackknife influence values."""
        sizes = np.bincount(self.strata)
        means = np.bincount(self.strata, weights=self.values) / sizes
        pull = (means[self.strata] - self.values) * ((sizes - 1) / sizes)[self.strata]
        scale = float((pull**2).sum()) ** 1.5
        return float((pull**3).sum()) / (6 * scale) if scale > 0 else 0.0


def jackknife(scores: ScoreTable, statistic: Statistic, *, question: Question = SAME) -> Deletions:
    """The statistic with each run (same tasks), or each task or family (new tasks), left out.

    Raises:
        ValueError: more than 20,000 of them.
    """
    if question == SAME:
        places = np.argwhere(~np.isnan(scores.values))
        strata = places[:, 1]
        masks: list[tuple[object, ...]] = [(run, task) for run, task in places.tolist()]
    else:
        masks = [(slice(None), group[group >= 0]) for group in _members(scores)]
        strata = np.zeros(len(masks), dtype=np.int64)
    if len(masks) > MOST_DELETIONS:
        raise ValueError(f"BCa would compute the statistic {len(masks)} times more; use the percentile method for so many scores")
    block, found = max(1, BLOCK // scores.values.size), []
    for begin in range(0, len(masks), block):
        chosen = masks[begin : begin + block]
        copies = np.repeat(scores.values[None], len(chosen), axis=0)
        for copy, mask in zip(copies, chosen, strict=True):
            copy[mask] = np.nan
        found.append(statistic(copies))
    return Deletions(np.concatenate(found), strata)
