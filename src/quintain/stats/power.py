"""How many tasks and runs a difference needs to show, before they are paid for.

Model: the difference of two agents on task t is d_t = δ + u_t + noise of its runs; u_t has variance `between` over tasks, and
the noise of one run of each agent has variance `within`. With T tasks of n runs the mean difference has variance
(between + within/n)/T on new tasks, within/(nT) on the same tasks again. The same holds for the mean score of one agent.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .compare import Scores
from .intervals import Question, t_quantile

NEW: Question = "new tasks like these"


class Noise(NamedTuple):
    """Variance components; see the module's model."""

    between: float
    within: float

    def error(self, *, tasks: int, runs: int, question: Question = NEW) -> float:
        """Standard error of the mean over `tasks` tasks of `runs` runs each."""
        return math.sqrt(((self.between if question == NEW else 0.0) + self.within / runs) / tasks)


class Power(NamedTuple):
    """The chance that a two-sided t test finds a difference of `delta`."""

    power: float
    delta: float
    tasks: int
    runs: int
    level: float
    formula: str
    question: Question


class Plan(NamedTuple):
    """A study whose interval is expected to be at most as wide as wanted."""

    tasks: int
    runs: int
    episodes: int
    """Of one agent."""
    width: float
    """Expected full width of the interval."""
    formula: str
    question: Question


def alike(rate: float, *, correlation: float = 0.5) -> Noise:
    """Noise of the difference of two pass/fail agents of nearly the same success rate, where there is no pilot.

    Both are taken to have the same chance on each task, whose variance over tasks is correlation x rate (1 - rate): the
    difference has no spread between tasks. A pilot is better, because agents that fail on different tasks differ more.
    """
    if not 0 <= rate <= 1 or not 0 <= correlation <= 1:
        raise ValueError(f"alike: rate and correlation must be in [0, 1], got {rate} and {correlation}")
    return Noise(0.0, 2 * rate * (1 - rate) * (1 - correlation))


def pilot_noise(tasks: Sequence[Hashable] | NDArray[np.generic], scores: ArrayLike) -> Noise:
    """Variance components of one agent's score from a pilot, by the method of moments (negative `between` becomes 0).

    Raises:
        ValueError: fewer than two tasks, NaN, lengths that differ, or no task with two runs.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or len(values) != len(tasks) or not np.isfinite(values).all():
        raise ValueError("pilot_noise: needs one finite score for each task of the list")
    cells: dict[Hashable, list[float]] = {}
    for task, value in zip(np.asarray(tasks).tolist(), values.tolist(), strict=True):
        cells.setdefault(task, []).append(value)
    return _components([np.array(each) for each in cells.values()])


def difference_noise(a: Scores, b: Scores) -> Noise:
    """Variance components of the difference of two agents from a pilot on common tasks; runs are taken as independent.

    Raises:
        ValueError: as `pilot_noise`; each agent needs two runs of at least one common task.
    """
    one, other = pilot_noise(a.task, a.score), pilot_noise(b.task, b.score)
    means, sizes = [], []
    for scores in (a, b):
        found: dict[Hashable, list[float]] = {}
        for task, value in zip(np.asarray(scores.task).tolist(), np.asarray(scores.score, dtype=float).tolist(), strict=True):
            found.setdefault(task, []).append(value)
        means.append({task: float(np.mean(each)) for task, each in found.items()})
        sizes.append({task: len(each) for task, each in found.items()})
    common = sorted(means[0].keys() & means[1].keys(), key=str)
    if len(common) < 2:
        raise ValueError(f"difference_noise: needs two common tasks, got {len(common)}")
    differences = np.array([means[0][task] - means[1][task] for task in common])
    sampling = np.mean([one.within / sizes[0][task] + other.within / sizes[1][task] for task in common])
    return Noise(max(0.0, float(differences.var(ddof=1) - sampling)), one.within + other.within)


def power(
    delta: float, *, tasks: int, runs: int, noise: Noise, level: float = 0.95, question: Question = NEW, agents: int = 2
) -> Power:
    """The chance to find a true difference `delta`, from the noncentral t distribution.

    Args:
        agents: 2 for a comparison, 1 for one agent against a fixed value; the same-tasks test then has fewer degrees of freedom.

    Raises:
        ValueError: non-positive noise or counts, level outside (0, 1), one task for new tasks or one run for the same tasks.
    """
    freedom = _freedom(tasks, runs, question=question, agents=agents)
    _check(noise, level)
    if not math.isfinite(delta):
        raise ValueError(f"power: delta must be finite, got {delta}")
    shift = delta / noise.error(tasks=tasks, runs=runs, question=question)
    found = _beyond(t_quantile(0.5 + level / 2, freedom), shift=abs(shift), freedom=freedom)
    return Power(found, delta, tasks, runs, level, f"noncentral t, {freedom} degrees of freedom", question)


def detectable(
    *, tasks: int, runs: int, noise: Noise, chance: float = 0.8, level: float = 0.95, question: Question = NEW, agents: int = 2
) -> float:
    """The minimum detectable effect: the smallest difference that is found with the given chance."""
    if not 1 - level < chance < 1:
        raise ValueError(f"detectable: chance must be above 1 - level and below 1, got {chance}")

    def reached(delta: float) -> bool:
        found = power(delta, tasks=tasks, runs=runs, noise=noise, level=level, question=question, agents=agents)
        return found.power >= chance

    low, high = 0.0, noise.error(tasks=tasks, runs=runs, question=question) or 1.0
    while not reached(high):
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def plan(
    width: float, *, noise: Noise, max_tasks: int = 100_000, max_runs: int = 16, level: float = 0.95, question: Question = NEW
) -> tuple[Plan, ...]:
    """For each number of runs the fewest tasks whose interval is expected to be at most `width` wide, cheapest first.

    Raises:
        ValueError: a width that is not positive, or that no study within the limits reaches; it says what is reached.
    """
    _check(noise, level)
    if not width > 0:
        raise ValueError(f"plan: width must be positive, got {width}")
    least = 1 if question == NEW else 2
    if max_runs < least or max_tasks < 2:
        raise ValueError(f"plan: needs max_tasks >= 2 and max_runs >= {least} for {question!r}")

    def expected(tasks: int, runs: int) -> float:
        freedom = _freedom(tasks, runs, question=question, agents=1)
        return 2 * t_quantile(0.5 + level / 2, freedom) * noise.error(tasks=tasks, runs=runs, question=question)

    found = []
    for runs in range(least, max_runs + 1):
        if expected(max_tasks, runs) > width:
            continue
        low, high = 1, max_tasks
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if expected(middle, runs) <= width else (middle, high)
        found.append(Plan(high, runs, high * runs, expected(high, runs), "2 t(0.5 + level/2) standard error", question))
    if not found:
        best = expected(max_tasks, max_runs)
        raise ValueError(f"plan: {max_tasks} tasks x {max_runs} runs reach a width of {best:.3g}, not {width:.3g}")
    return tuple(sorted(found, key=lambda each: (each.episodes, each.runs)))


def _components(cells: Sequence[NDArray[np.float64]]) -> Noise:
    if len(cells) < 2:
        raise ValueError("pilot_noise: one task says nothing about others; a pilot needs at least two")
    repeated = [each for each in cells if len(each) > 1]
    if not repeated:
        raise ValueError("pilot_noise: every task was run once, which cannot tell tasks from runs; run some of them twice")
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in repeated)
    within = squares / sum(len(each) - 1 for each in repeated)
    means = np.array([each.mean() for each in cells])
    return Noise(max(0.0, float(means.var(ddof=1)) - within * float(np.mean([1 / len(each) for each in cells]))), within)


def _freedom(tasks: int, runs: int, *, question: Question, agents: int) -> int:
    if tasks < 1 or runs < 1 or agents not in (1, 2):
        raise ValueError(f"power: needs tasks >= 1, runs >= 1 and one or two agents, got {tasks}, {runs}, {agents}")
    freedom = tasks - 1 if question == NEW else agents * tasks * (runs - 1)
    if freedom < 1:
        raise ValueError("power: new tasks need at least two tasks, the same tasks again at least two runs")
    return freedom


def _check(noise: Noise, level: float) -> None:
    if not (noise.between >= 0 and noise.within >= 0 and 0 < noise.between + noise.within < math.inf):
        raise ValueError(f"power: variances must be non-negative and not both 0, got {noise}")
    if not 0 < level < 1:
        raise ValueError(f"power: level must be between 0 and 1, got {level}")


def _beyond(limit: float, *, shift: float, freedom: int) -> float:
    """P(|T| > limit) for noncentral T = (Z + shift)/S, by Gauss-Legendre quadrature over S = sqrt(chi-squared/freedom)."""
    reach = 12 / math.sqrt(2 * freedom)
    low, high = max(0.0, 1 - reach), 1 + reach
    nodes, weights = _nodes()
    s = (high - low) / 2 * nodes + (high + low) / 2
    half = freedom / 2
    density = np.exp(math.log(2) + half * math.log(half) - math.lgamma(half) + (freedom - 1) * np.log(s) - half * s * s)
    cdf = NormalDist().cdf
    tails = np.array([cdf(shift - limit * each) + cdf(-shift - limit * each) for each in s.tolist()])
    return float(min(1.0, (high - low) / 2 * (weights * density) @ tails))


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(240)
    return np.asarray(nodes), np.asarray(weights)
