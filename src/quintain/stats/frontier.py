"""What accuracy costs, and how reliable it is: the Pareto frontier, consistency over runs, changes between versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .bootstrap import Floats, ScoreTable, table
from .intervals import Interval, new_tasks, rate


class Frontier(NamedTuple):
    """Positions of the agents that no other beats, from cheap to dear; `hull` are those on its upper convex hull."""

    frontier: tuple[int, ...]
    hull: tuple[int, ...]


def pareto(costs: ArrayLike, scores: ArrayLike) -> Frontier:
    """The cost-accuracy frontier: who is beaten by nobody that costs no more and scores no less, and one of them strictly.

    Agents alike in both stand on it together. Mixing two neighbours of the hull by chance reaches every point between them, so
    that what is on the frontier but below the hull can still be had cheaper.

    Raises:
        ValueError: no agents, lengths that differ, or numbers that are not finite: an unknown cost is no cost of 0.
    """
    cost, score = np.asarray(costs, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if cost.ndim != 1 or cost.shape != score.shape or not len(cost):
        raise ValueError(f"pareto: needs one cost and one score an agent, got {cost.shape} and {score.shape}")
    if not (np.isfinite(cost) & np.isfinite(score)).all():
        raise ValueError("pareto: costs and scores must be finite; leave out the agents whose cost is unknown")
    kept: list[int] = []
    for at in np.lexsort((-score, cost)).tolist():
        if not kept or score[at] > score[kept[-1]] or (score[at] == score[kept[-1]] and cost[at] == cost[kept[-1]]):
            kept.append(at)
    return Frontier(tuple(kept), tuple(_upper_hull(kept, cost, score)))


def _upper_hull(kept: Sequence[int], cost: Floats, score: Floats) -> list[int]:
    """Andrew's monotone chain; points on a line between two others stay, and so do all agents at one point."""
    alike: dict[tuple[float, float], list[int]] = {}
    for at in kept:
        alike.setdefault((cost[at], score[at]), []).append(at)
    hull: list[tuple[float, float]] = []
    for point in alike:
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return [at for point in hull for at in alike[point]]


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether the line from a to c passes above b."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0


def consistency(passed: ArrayLike | ScoreTable, *, unbiased: bool = False, level: float = 0.95) -> Interval:
    """Outcome consistency over runs: mean over tasks of (2p - 1)^2, p the share of passed runs; for new tasks like these.

    The published form (HAL) is drawn upwards at few runs, by 4p(1-p)/n: two runs never say less than 1/2 on average.
    `unbiased` takes, of each task, the share of pairs of runs that agree minus that of those that do not.

    Raises:
        ValueError: bad scores, values other than 0 and 1, a task with one run, or fewer than two tasks.
    """
    held = table(passed)
    there = ~np.isnan(held.values)
    if not np.isin(held.values[there], (0.0, 1.0)).all():
        raise ValueError("consistency: needs 0 or 1 for each run")
    if held.sizes.min() < 2:
        raise ValueError("consistency: a task with one run says nothing of it; run each at least twice")
    p = np.where(there, held.values, 0.0).sum(axis=0) / held.sizes
    by_task = 1 - 4 * p * (1 - p) * (held.sizes / (held.sizes - 1) if unbiased else 1.0)
    # The values of tasks go to the interval of a mean in [0, 1]; those of pairs reach down to -1.
    found = new_tasks((by_task + 1) / 2, np.arange(held.tasks), level=level)
    name = "agreeing minus disagreeing pairs of runs" if unbiased else "(2p-1)²"
    value, low, high = (max(2 * end - 1, -1.0 if unbiased else 0.0) for end in found[:3])
    return Interval(value, low, high, held.n, held.tasks, f"{name}, {found.formula}", found.question)


class Changes(NamedTuple):
    """What a new version gained and lost; the net hides both. McNemar's discordant pairs, as shares of the tasks."""

    progressions: Interval
    regressions: Interval
    progressed: tuple[str, ...]
    """Tasks that most runs of the old version failed and most of the new one pass."""
    regressed: tuple[str, ...]


def changes(before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]], *, level: float = 0.95) -> Changes:
    """Progressions and regressions between versions on the tasks that both have; values are passed runs, 0 or 1.

    With several runs a task counts by the chance that one run of each version differs so, p_old and p_new being shares: two
    equal but unsteady versions progress and regress alike, by p(1-p).

    Raises:
        ValueError: no common task, a task without runs, or values other than 0 and 1.
    """
    tasks = sorted(before.keys() & after.keys())
    if not tasks:
        raise ValueError("changes: the versions have no task in common")
    old, new = (np.array([_share(runs[task], task) for task in tasks]) for runs in (before, after))
    once = all(len(runs[task]) == 1 for runs in (before, after) for task in tasks)
    made = []
    for name, values in (("failed before, passes now", (1 - old) * new), ("passed before, fails now", old * (1 - new))):
        found = rate(values, tasks, level=level) if once else new_tasks(values, tasks, level=level)
        runs = sum(len(each[task]) for each in (before, after) for task in tasks)
        made.append(found._replace(n=runs, formula=f"{name}, {found.formula}"))
    gained = tuple(task for task, a, b in zip(tasks, old, new, strict=True) if a < 0.5 < b)
    lost = tuple(task for task, a, b in zip(tasks, old, new, strict=True) if b < 0.5 < a)
    return Changes(made[0], made[1], gained, lost)


def _share(runs: Sequence[float], task: str) -> float:
    values = np.asarray(runs, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isin(values, (0.0, 1.0)).all():
        raise ValueError(f"changes: the runs of {task} must be a non-empty list of 0 and 1")
    return float(values.sum()) / len(values)
