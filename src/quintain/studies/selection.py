"""What choosing between attempts is worth: selector efficiency, and score against budget.

A technique plays k attempts of an agent and adopts one. From episodes of the agent alone are known what one attempt is worth
(pass@1, which a random choice gets) and what the best of k are (pass@k, which a perfect choice would get); the technique's own
episodes say what it really got. Its selector's efficiency is (select - pass@1) / (pass@k - pass@1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from quintain.errors import UsageError
from quintain.registry import suggest
from quintain.stats.bootstrap import NEW, Floats, Resampling, by_task, drawn_means, formula, limits, task_draws
from quintain.stats.curves import Point, curve, expected_max
from quintain.stats.intervals import NO_SPREAD, Interval

if TYPE_CHECKING:
    from quintain.store import Store

Unit = Literal["tokens", "usd", "seconds", "steps", "episodes"]
UNITS: tuple[Unit, ...] = ("tokens", "usd", "seconds", "steps", "episodes")
ATTEMPTS = {"best-of-n": "n", "BestOfN": "n", "serial-retry": "tries", "SerialRetry": "tries"}
"""Techniques that make attempts, by id and by class, and their argument that says how many."""
HOW = Resampling(replicates=2000)


class Spent(NamedTuple):
    """Scored episodes of one agent: task, score, and what each cost."""

    agent: str
    tasks: tuple[str, ...]
    scores: Floats
    costs: Floats
    """NaN is unknown."""

    @property
    def cost(self) -> float:
        """Mean over tasks of the tasks' means."""
        found = [self.costs[[each == task for each in self.tasks]].mean() for task in dict.fromkeys(self.tasks)]
        return math.fsum(found) / len(found)

    def on(self, tasks: set[str]) -> Spent:
        kept = np.array([task in tasks for task in self.tasks], dtype=bool)
        return Spent(self.agent, tuple(task for task in self.tasks if task in tasks), self.scores[kept], self.costs[kept])


class Efficiency(NamedTuple):
    """How much of what a perfect choice would gain a selector gains: 0 is a random choice, 1 a perfect one."""

    select: float
    pass_1: float
    pass_k: float
    interval: Interval | None
    """None: undefined."""
    why: str = ""
    """Why it is."""


class Tradeoff(NamedTuple):
    """A technique beside the agent that it wraps, on the tasks of both, against what they cost in `unit`."""

    plain: str
    technique: str
    k: int
    unit: Unit
    curve: tuple[Point, ...]
    """Best of 1, 2, … k of the agent alone; the first is what a random choice gets at any budget."""
    spent: float
    """By an episode of the technique."""
    score: Point
    """Of the technique, at what it spent."""
    efficiency: Efficiency


def tradeoff(plain: Spent, technique: Spent, *, k: int, unit: Unit, how: Resampling = HOW) -> Tradeoff:
    """Compare on the tasks that both have played.

    Raises:
        UsageError: no such task, fewer than k episodes of the plain agent on one, or a cost that is unknown or zero.
    """
    common = set(plain.tasks) & set(technique.tasks)
    if not common:
        raise UsageError(f"{plain.agent} and {technique.agent} have no scored task in common")
    plain, technique = plain.on(common), technique.on(common)
    fewest = min(common, key=lambda task: (plain.tasks.count(task), task))
    if not 1 <= k <= plain.tasks.count(fewest):
        raise UsageError(
            f"best of {k} needs as many episodes of {plain.agent} on each task, and {fewest} has {plain.tasks.count(fewest)}; "
            "play more of them"
        )
    cost, spent = (_cost(each, unit) for each in (plain, technique))
    if unit == "episodes":
        spent = float(k)
    points = _curve(by_task(plain.scores, plain.tasks), list(range(1, k + 1)), how=how)
    own = _curve(by_task(technique.scores, technique.tasks), [1], how=how)[0]
    found = tuple(point._replace(spent=point.k * cost) for point in points)
    efficiency = selector_efficiency(plain, technique, k=k, how=how)
    return Tradeoff(plain.agent, technique.agent, k, unit, found, spent, own._replace(k=k, spent=spent), efficiency)


def selector_efficiency(plain: Spent, technique: Spent, *, k: int, how: Resampling = HOW) -> Efficiency:
    """(select - pass@1) / (pass@k - pass@1) of means over tasks, with a bootstrap of tasks that keeps both agents' runs paired.

    Undefined where pass@k is no more than pass@1: nothing can be gained there. Replicates in which that is so are left out.
    Both agents must have the same tasks.
    """
    ours, theirs = by_task(plain.scores, plain.tasks), by_task(technique.scores, technique.tasks)
    columns = zip(ours.values.T, ours.sizes.tolist(), strict=True)
    rows = [(expected_max(column[:size], 1), expected_max(column[:size], k)) for column, size in columns]
    table = np.column_stack([np.array(rows), np.nanmean(theirs.values, axis=0)])
    one, best, select = (math.fsum(column) / len(table) for column in table.T)
    found = Efficiency(select, one, best, None)
    if best - one <= NO_SPREAD:
        return found._replace(why=f"pass@{k} is pass@1: there is nothing to gain")
    value = (select - one) / (best - one)
    n = len(plain.tasks) + len(technique.tasks)
    if len(table) < 2:
        told = "(select - pass@1) / (pass@k - pass@1), one task: no interval"
        return found._replace(interval=Interval(value, math.nan, math.nan, n, 1, told, NEW))
    drawn = np.concatenate([drawn_means(table, each) for each in task_draws(ours, how=how)])
    gain = drawn[:, 1] - drawn[:, 0]
    defined = gain > NO_SPREAD
    ratios = (drawn[defined, 2] - drawn[defined, 0]) / gain[defined]
    told = formula("(select - pass@1) / (pass@k - pass@1)", ratios, question=NEW, how=how, scores=ours)
    if not defined.all():
        told += f"; {np.count_nonzero(~defined)} of {len(drawn)} replicates undefined and left out"
    low, high = limits(ratios, level=how.level)
    return found._replace(interval=Interval(value, low, high, n, len(table), told, NEW, how.seed, how.replicates))


def charged(store: Store) -> bool:
    """Whether anything of the run is charged by purpose; runs of earlier versions have no such table."""
    there = store.query("SELECT 1 FROM sqlite_master WHERE name = 'charges'")
    return bool(there and store.query("SELECT 1 FROM charges LIMIT 1"))


def spent(store: Store, *, unit: Unit = "tokens", metric: str = "score") -> dict[str, Spent]:
    """By agent, the scored episodes of a run, in the order of their tasks and seeds.

    Seconds are those of agent and environment; steps count those in branches and copies, too.
    """
    aside = "(SELECT coalesce(sum(c.steps), 0) FROM charges c WHERE c.episode = e.id)" if charged(store) else "0"
    cost = {"tokens": "e.tokens", "usd": "e.usd", "seconds": "e.agent_s + e.environment_s", "episodes": "1"}
    value = "s.value" if metric == "score" else "coalesce(s.passed, s.value = 1.0)"
    sql = f"""SELECT e.agent, e.task, {value}, {cost.get(unit, f"e.steps + {aside}")}
        FROM latest e JOIN scores s ON s.episode = e.id WHERE s.value IS NOT NULL ORDER BY e.agent, e.task, e.seed"""
    rows: dict[str, list[tuple[str, float, float]]] = {}
    for agent, task, score, paid in store.query(sql):
        rows.setdefault(agent, []).append((task, score, math.nan if paid is None else paid))
    return {
        agent: Spent(agent, tuple(task for task, _, _ in found), *np.array([each[1:] for each in found], dtype=np.float64).T)
        for agent, found in rows.items()
    }


class Pair(NamedTuple):
    """An agent of a run, and another one that is a technique around it."""

    plain: str
    technique: str
    k: int


def pairs(store: Store) -> list[Pair]:
    """What can be recognised: a technique's arguments name an agent as another one of the run is named, and how many attempts."""
    found = []
    for outer in store.config.agents:
        inner, k = outer.config.get("agent"), outer.config.get(ATTEMPTS.get(outer.agent.rpartition(":")[2], ""))
        for plain in store.config.agents:
            if isinstance(k, int) and k > 1 and plain != outer and _names(inner, plain.agent, plain.config):
                found.append(Pair(plain.label, outer.label, k))
    return found


def tradeoffs(store: Store) -> list[Tradeoff]:
    """Of all pairs that can be recognised and compared, in the first unit in which both costs are known."""
    found = []
    known: dict[Unit, dict[str, Spent]] = {}
    for pair in pairs(store):
        for unit in UNITS:
            agents = known.setdefault(unit, spent(store, unit=unit))
            try:
                found.append(tradeoff(agents[pair.plain], agents[pair.technique], k=pair.k, unit=unit))
                break
            except (KeyError, UsageError):
                continue
    return found


def chosen(agents: Mapping[str, Spent], name: str) -> Spent:
    """The agent of this name, else a `UsageError` that offers the nearest."""
    if name not in agents:
        raise UsageError(f"no agent {name!r} has a scored episode in this run{suggest(name, agents)}")
    return agents[name]


def unit_of(name: str) -> Unit:
    """`name` if it is a unit, else a `UsageError`."""
    for unit in UNITS:
        if unit == name:
            return unit
    raise UsageError(f"unknown unit {name!r}; choose from {', '.join(UNITS)}")


def to_object(found: Tradeoff) -> dict[str, Any]:
    """Ready for JSON."""
    from .analysis import plain

    return plain(found)  # type: ignore[no-any-return]


def _names(inner: Any, agent: str, config: Mapping[str, Any]) -> bool:
    if isinstance(inner, Mapping):
        return inner.get("agent") == agent and dict(inner.get("config") or {}) == dict(config)
    return bool(inner == agent and not config)


def _cost(found: Spent, unit: Unit) -> float:
    unknown = int(np.isnan(found.costs).sum())
    if unknown:
        raise UsageError(f"the {unit} of {unknown} episodes of {found.agent} are unknown; choose another --unit")
    if not found.cost > 0:
        raise UsageError(f"{found.agent} costs no {unit}; choose another --unit")
    return found.cost


def _curve(scores: Any, ks: Sequence[int], *, how: Resampling) -> tuple[Point, ...]:
    """For new tasks like these; of a single task without interval."""
    if scores.tasks > 1:
        return curve(scores, ks, how=how).points
    column = scores.values[: int(scores.sizes[0]), 0]
    made = []
    for k in ks:
        value = expected_max(column, k)
        made.append(
            Point(k, float(k), Interval(value, math.nan, math.nan, scores.n, 1, f"E[max of {k}], one task: no interval", NEW))
        )
    return tuple(made)
