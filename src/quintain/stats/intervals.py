"""Confidence intervals of a mean score or a success rate over tasks, each for the question that it answers.

Two questions hide behind "the standard error": would these *same tasks*, run again, give this mean; and would *new tasks like
these*. The first holds only the noise within a task, the second also the spread between tasks. A pooled binomial error
answers neither, unless each task was run once.

Notation: T tasks, n_t episodes of task t, s_t^2 their sample variance with ddof = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_SPREAD = 1e-12
"""A sample without any spread would pass for certainty. Wilson's interval takes its place: among scores in [0, 1] with that
mean none spread more than zeros and ones, so that it is wide enough."""
Question = Literal["same tasks again", "new tasks like these"]


class Interval(NamedTuple):
    """An estimate between its confidence limits, with what is needed to trace the number to its definition."""

    estimate: float
    low: float
    high: float
    n: int
    """Episodes."""
    tasks: int
    formula: str
    question: Question
    seed: int | None = None
    """Of the resampling, where there was one; with the same seed the limits are the same to the last bit."""
    replicates: int | None = None


def wilson(successes: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927); unlike the normal one it holds near 0 and 1."""
    if n < 1 or not 0 <= successes <= n * (1 + 1e-12):
        raise ValueError(f"wilson: needs 0 <= successes <= n and n >= 1, got {successes} of {n}")
    z = NormalDist().inv_cdf(0.5 + _checked(level) / 2)
    p = min(1.0, successes / n)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if p == 0 else max(0.0, centre - half)), (1.0 if p == 1 else min(1.0, centre + half))


def jeffreys(successes: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Jeffreys' interval of a proportion: equal tails of Beta(x + 1/2, n - x + 1/2), closed at 0 successes and at n.

    Shorter than Wilson's near the edges (Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133).
    """
    if n < 1 or not 0 <= successes <= n * (1 + 1e-12):
        raise ValueError(f"jeffreys: needs 0 <= successes <= n and n >= 1, got {successes} of {n}")
    tail, a, b = (1 - _checked(level)) / 2, successes + 0.5, max(0.0, n - successes) + 0.5
    low = 0.0 if successes == 0 else _beta_quantile(tail, a, b)
    return low, 1.0 if successes >= n else 1 - _beta_quantile(tail, b, a)


def new_tasks(
    values: ArrayLike,
    tasks: Sequence[object] | NDArray[np.generic],
    *,
    families: Sequence[object] | NDArray[np.generic] | None = None,
    level: float = 0.95,
) -> Interval:
    """Mean over tasks of the task means, for new tasks like these.

    Args:
        values: scores in [0, 1], one an episode.
        tasks: the task of each episode.
        families: the family of each episode's task, where tasks of a family hang together; new families are then drawn.
        level: nominal coverage.

    Raises:
        ValueError: no values, NaN, a value outside [0, 1], lengths that differ, a task in two families, or fewer than two
            tasks or families.
    """
    groups = _group(values, tasks)
    if groups.total < 2:
        raise ValueError("new_tasks: one task says nothing about others; give at least two, or use same_tasks")
    mean = float(groups.means.mean())
    if families is None:
        units, unit, error = groups.total, "tasks", float(groups.means.std(ddof=1)) / math.sqrt(groups.total)
        formula = "mean of task means ± t(T-1) sd(task means)/√T"
    else:
        units, error = _clustered(groups.means - mean, tasks, families)
        unit, formula = "families", "mean of task means ± t(F-1) √(F/(F-1) Σ (family sum of deviations)²)/T"
    if error < NO_SPREAD:
        low, high = wilson(units * mean, units, level=level)
        formula = f"Wilson over {unit}, whose means are all alike"
    else:
        half = t_quantile(0.5 + _checked(level) / 2, units - 1) * error
        low, high = mean - half, mean + half
    return _interval(mean, low, high, groups=groups, formula=formula, question="new tasks like these")


def _clustered(
    deviations: NDArray[np.float64],
    tasks: Sequence[object] | NDArray[np.generic],
    families: Sequence[object] | NDArray[np.generic],
) -> tuple[int, float]:
    """Families, and the standard error of the mean over tasks when these hang together within families (Liang and Zeger 1986)."""
    if len(families) != len(tasks):
        raise ValueError(f"{len(tasks)} scores but {len(families)} families; each score needs the family of its task")
    codes, kin = (np.unique(np.asarray(each), return_inverse=True)[1] for each in (tasks, families))
    family_of = np.zeros(len(deviations), dtype=np.int64)
    family_of[codes] = kin
    if (family_of[codes] != kin).any():
        raise ValueError("a task stands in two families; each task needs exactly one")
    sums = np.bincount(family_of, weights=deviations)
    if len(sums) < 2:
        raise ValueError("new_tasks: one family says nothing about others; give at least two, or use same_tasks")
    return len(sums), math.sqrt(len(sums) / (len(sums) - 1) * float((sums**2).sum())) / len(deviations)


def same_tasks(values: ArrayLike, tasks: Sequence[object] | NDArray[np.generic], *, level: float = 0.95) -> Interval:
    """Mean over tasks of the task means, for the same tasks run again: variance (1/T^2) sum_t s_t^2 / n_t.

    The degrees of freedom of its t quantile are those of the pooled within-task variance, sum_t (n_t - 1).

    Raises:
        ValueError: as `new_tasks`, or a task with one episode, whose noise cannot be known.
    """
    groups = _group(values, tasks)
    if groups.sizes.min() < 2:
        raise ValueError("same_tasks: a task with one episode tells nothing of its noise; run each at least twice")
    mean, n = float(groups.means.mean()), int(groups.sizes.sum())
    error = math.sqrt(float((groups.variances / groups.sizes).sum())) / groups.total
    if error < NO_SPREAD:
        low, high = wilson(n * mean, n, level=level)
        formula = "Wilson over episodes, which are alike within each task"
    else:
        freedom = n - groups.total
        half = t_quantile(0.5 + _checked(level) / 2, freedom) * error
        low, high = mean - half, mean + half
        formula = "mean of task means ± t(n-T) √(Σ s²/n)/T, s² with ddof=1"
    return _interval(mean, low, high, groups=groups, formula=formula, question="same tasks again")


def rate(passed: ArrayLike, tasks: Sequence[object] | NDArray[np.generic], *, level: float = 0.95) -> Interval:
    """Success rate for new tasks like these: Wilson's interval where each task was run once, else as `new_tasks`."""
    groups = _group(passed, tasks)
    if groups.sizes.max() > 1:
        return new_tasks(passed, tasks, level=level)
    mean = float(groups.means.mean())
    low, high = wilson(groups.total * mean, groups.total, level=level)
    return _interval(mean, low, high, groups=groups, formula="Wilson over tasks", question="new tasks like these")


@cache
def t_quantile(p: float, freedom: float) -> float:
    """The p quantile of Student's t, to about 1e-12 relative; `freedom` > 0 degrees of freedom, 0 < p < 1."""
    if not 0 < p < 1 or not freedom > 0:
        raise ValueError(f"t_quantile: needs 0 < p < 1 and freedom > 0, got p={p}, freedom={freedom}")
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, freedom)
    tail = 1 - p
    low, high = 0.0, 2.0
    while t_tail(high, freedom) > tail:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, freedom) > tail else (low, middle)
        if high - low <= 1e-14 * high:
            break
    return (low + high) / 2


def t_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's t, for t >= 0."""
    return 0.5 * _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def _beta_quantile(p: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if _incomplete_beta(middle, a, b) > p else (middle, high)
        if high - low <= 1e-15 * high:
            break
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    scale = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return scale / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + …)) of DLMF 8.17.22, by the modified Lentz method."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for j in range(1, 2000):
        m = j // 2
        if j % 2 == 0:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / ((1 + step * d) or tiny)
        c = (1 + step / c) or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


class _Groups(NamedTuple):
    """Per task: mean, variance (ddof = 1, 0 where n = 1) and number of episodes."""

    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    sizes: NDArray[np.int64]

    @property
    def total(self) -> int:
        return len(self.sizes)


def _group(values: ArrayLike, tasks: Sequence[object] | NDArray[np.generic]) -> _Groups:
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise ValueError("no scores: an interval needs a flat, non-empty list of values")
    if len(scores) != len(tasks):
        raise ValueError(f"{len(scores)} scores but {len(tasks)} tasks; each score needs its task")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must be numbers in [0, 1]; leave out the unscored (NaN) first")
    codes = np.unique(np.asarray(tasks), return_inverse=True)[1]
    sizes = np.bincount(codes)
    means = np.bincount(codes, weights=scores) / sizes
    squares = np.bincount(codes, weights=(scores - means[codes]) ** 2)
    return _Groups(means, squares / np.maximum(sizes - 1, 1), sizes)


def _interval(mean: float, low: float, high: float, *, groups: _Groups, formula: str, question: Question) -> Interval:
    return Interval(mean, max(0.0, low), min(1.0, high), int(groups.sizes.sum()), groups.total, formula, question)


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    return level
