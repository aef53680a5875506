"""From the columns of stored runs to arrays, and from these to what can be said of the agents.

The only place where the store's columns meet `quintain.stats`. Nothing is decoded but columns; resampling is bounded, so that a
report over 100,000 episodes takes about a second.
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintain.errors import UsageError
from quintain.registry import suggest
from quintain.stats.compare import Comparison, Scores, compare, compare_all, holm

if TYPE_CHECKING:
    from quintain.store import Store

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
"""Positions in a list of names: comparing these is far cheaper than comparing 100,000 texts."""
Metric = Literal["score", "success"]
METRICS: tuple[Metric, ...] = ("score", "success")


class Columns(NamedTuple):
    """The episodes of one agent on one suite; NaN where a number is unknown."""

    tasks: Codes
    outcomes: Codes
    seeds: NDArray[np.uint64]
    value: Floats
    passed: Floats
    steps: Floats
    agent_s: Floats
    environment_s: Floats
    waiting_s: Floats
    tokens: Floats
    usd: Floats

    @property
    def scored(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.value)

    @property
    def success(self) -> Floats:
        """1 where passed; what no evaluator judged passes with a full score."""
        return np.asarray(np.where(np.isnan(self.passed), self.value == 1.0, self.passed), dtype=np.float64)

    def of(self, metric: Metric) -> Floats:
        return self.value if metric == "score" else self.success

    def where(self, at: NDArray[np.bool_]) -> Columns:
        codes, numbers = (self.tasks[at], self.outcomes[at], self.seeds[at]), {name: getattr(self, name)[at] for name in NUMBERS}
        return Columns(*codes, **numbers)


NUMBERS = Columns._fields[3:]
_NO_CODES, _NO_NUMBERS = np.array([], np.int64), np.array([], np.float64)
NONE = Columns(_NO_CODES, _NO_CODES, np.array([], np.uint64), **dict.fromkeys(NUMBERS, _NO_NUMBERS))


class Episodes(NamedTuple):
    """All episodes of a run by agent and suite; the codes in the columns are positions in these names."""

    tasks: list[str]
    outcomes: list[str]
    groups: dict[tuple[str, str], Columns]


def read(store: Store) -> Episodes:
    """The newest attempt of each trial, in an order that does not depend on when each was played: so sums repeat exactly."""
    columns = store.rows()
    (agents, agent_codes), (suites, suite_codes) = _coded(columns["agent"]), _coded(columns["suite"])
    (tasks, task_codes), (outcomes, outcome_codes) = _coded(columns["task"]), _coded(columns["outcome"])
    order = np.lexsort((columns["seed"], task_codes))
    pair_codes = (agent_codes * max(1, len(suites)) + suite_codes)[order]
    numbers = {name: columns[name][order] for name in NUMBERS}
    everything = Columns(task_codes[order], outcome_codes[order], columns["seed"][order], **numbers)
    groups = {}
    for pair in np.unique(pair_codes).tolist():
        groups[agents[pair // len(suites)], suites[pair % len(suites)]] = everything.where(pair_codes == pair)
    return Episodes(tasks, outcomes, groups)


def _coded(names: Sequence[str]) -> tuple[list[str], Codes]:
    """The distinct names in order, and each name's position among them."""
    distinct = sorted(set(names))
    index = {name: code for code, name in enumerate(distinct)}
    return distinct, np.fromiter((index[name] for name in names), dtype=np.int64, count=len(names))


class Study(NamedTuple):
    """The episodes of one or several runs by agent; task codes are positions in `tasks`, which all agents share."""

    tasks: tuple[str, ...]
    agents: dict[str, Columns]

    def chosen(self, name: str) -> str:
        """`name` if an agent has it, else a `UsageError` that offers the nearest."""
        if name not in self.agents:
            raise UsageError(f"no agent {name!r} in this run{suggest(name, self.agents)}")
        return name

    def scores(self, agent: str, metric: Metric) -> Scores:
        """The scored episodes of an agent; an agent without any is a `UsageError`."""
        columns = self.agents[self.chosen(agent)]
        at = columns.scored
        if not at.any():
            raise UsageError(f"{agent} has no scored episode")
        return Scores(columns.tasks[at], columns.seeds[at], columns.of(metric)[at])

    def played(self, agent: str) -> set[int]:
        """Codes of the tasks on which an agent has a score."""
        columns = self.agents[agent]
        return set(np.unique(columns.tasks[columns.scored]).tolist())

    def means(self, metric: Metric) -> Floats:
        """(agents, tasks): mean over the scored episodes of a task, NaN where there is none."""
        found = np.full((len(self.agents), len(self.tasks)), np.nan)
        for row, columns in zip(found, self.agents.values(), strict=True):
            at = columns.scored
            counts = np.bincount(columns.tasks[at], minlength=len(self.tasks))
            sums = np.bincount(columns.tasks[at], weights=columns.of(metric)[at], minlength=len(self.tasks))
            np.divide(sums, counts, out=row, where=counts > 0)
        return found


def gather(stores: Sequence[Store], *, pattern: str | None = None) -> Study:
    """The agents of some runs; one that is in several runs is called ``agent@run``.

    Args:
        pattern: only tasks whose id matches this glob, or that are of this suite.

    Raises:
        UsageError: two runs of one name with the same agent, or nothing that matches.
    """
    held = [(store.path.resolve().name, read(store)) for store in stores]
    tasks = sorted({task for _, episodes in held for task in episodes.tasks if pattern is None or _matches(task, pattern)})
    if not tasks:
        raise UsageError(f"no episode is of a task that matches {pattern!r}" if pattern else "no episode is stored yet")
    runs = [(agent, run) for run, episodes in held for agent in dict.fromkeys(agent for agent, _ in episodes.groups)]
    agents: dict[str, Columns] = {}
    for run, episodes in held:
        code = {name: number for number, name in enumerate(tasks)}
        codes = np.array([code.get(task, -1) for task in episodes.tasks], dtype=np.int64)
        for agent, columns in _by_agent(episodes).items():
            name = agent if sum(each == agent for each, _ in runs) == 1 else f"{agent}@{run}"
            if name in agents:
                raise UsageError(f"two runs called {run!r} have the agent {agent!r}; rename a folder")
            renamed = columns._replace(tasks=codes[columns.tasks])
            agents[name] = renamed.where(renamed.tasks >= 0)
    return Study(tuple(tasks), dict(sorted(agents.items())))


def _matches(task: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(task, pattern) or task.startswith(f"{pattern}/")


def _by_agent(episodes: Episodes) -> dict[str, Columns]:
    """All suites of an agent together."""
    parts: dict[str, list[Columns]] = {}
    for (agent, _), columns in episodes.groups.items():
        parts.setdefault(agent, []).append(columns)
    return {agent: Columns(*map(np.concatenate, zip(*found, strict=True))) for agent, found in parts.items()}


class EpisodeFlip(NamedTuple):
    """An episode that one of two agents passed and the other did not, under the same seed."""

    task: str
    seed: str
    """Decimal text: 64 bits do not fit a JSON number."""
    passed_by: str


class Contrast(NamedTuple):
    """Two agents compared, with the episodes on which they part."""

    found: Comparison
    metric: Metric
    episodes: tuple[EpisodeFlip, ...]

    def to_object(self) -> dict[str, Any]:
        """Ready for JSON; None is unknown, or infinite."""
        return {**plain(self.found), "metric": self.metric, "episode_flips": plain(self.episodes)}


def contrast(study: Study, a: str, b: str, *, metric: Metric = "score", level: float = 0.95) -> Contrast:
    """Compare two agents on their common tasks.

    Raises:
        UsageError: an unknown agent, the same one twice, no common task, or a single one that was played once.
    """
    if study.chosen(a) == study.chosen(b):
        raise UsageError(f"{a} cannot be compared with itself; name two agents")
    with asked():
        found = compare(study.scores(a, metric), study.scores(b, metric), names=(a, b), level=level)
    if found.new is None and found.same is None:
        raise UsageError(f"{a} and {b} have one common task, played once, which says nothing; play more tasks or episodes")
    return _named(study, found, metric)


def contrast_all(study: Study, *, metric: Metric = "score", level: float = 0.95) -> tuple[Contrast, ...]:
    """Every pair of the agents that have scores, with Holm's correction; raises as `contrast`."""
    with asked():
        held = {name: study.scores(name, metric) for name, columns in study.agents.items() if columns.scored.any()}
        found = compare_all(held, level=level)
    return tuple(_named(study, each, metric) for each in found)


def contrast_with(study: Study, best: str, *, metric: Metric = "score", level: float = 0.95) -> tuple[Contrast, ...]:
    """One agent with each other that has common tasks, with Holm's correction; the flips of single episodes are left out."""
    held = {name: study.scores(name, metric) for name, columns in study.agents.items() if columns.scored.any()}
    mine = study.played(best)
    others = [name for name in held if name != best and mine & study.played(name)]
    found = [compare(held[best], held[name], names=(best, name), level=level) for name in others]
    adjusted = _holm([each.p for each in found])
    corrected = [each._replace(p_adjusted=p, correction="holm") for each, p in zip(found, adjusted, strict=True)]
    return tuple(Contrast(each._replace(verdict=_in_words(each)), metric, ()) for each in corrected)


def _holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values; NaN, of a single common task, stays and is no test."""
    known = [at for at, each in enumerate(p) if not math.isnan(each)]
    found = dict(zip(known, holm([p[at] for at in known]).tolist() if known else [], strict=True))
    return [found.get(at, math.nan) for at in range(len(p))]


def _in_words(found: Comparison) -> str:
    a, b = found.names
    if found.new is None or not found.p_adjusted < 1 - found.level:
        return f"{a} and {b} are not separable on new tasks like these"
    first, second = (a, b) if found.new.estimate > 0 else (b, a)
    return f"{first} is better than {second} on new tasks like these"


def _named(study: Study, found: Comparison, metric: Metric) -> Contrast:
    flips = tuple(flip._replace(task=study.tasks[int(str(flip.task))]) for flip in found.flips)
    return Contrast(found._replace(flips=flips), metric, _episode_flips(study, *found.names))


def _episode_flips(study: Study, a: str, b: str) -> tuple[EpisodeFlip, ...]:
    left, right = (columns.where(columns.scored) for columns in (study.agents[a], study.agents[b]))
    seeds, codes = np.unique(np.concatenate([left.seeds, right.seeds]), return_inverse=True)
    keys = np.concatenate([left.tasks, right.tasks]) * len(seeds) + codes
    count = len(left.tasks)
    _, at_left, at_right = np.intersect1d(keys[:count], keys[count:], assume_unique=True, return_indices=True)
    one, other = left.success[at_left] >= 0.5, right.success[at_right] >= 0.5
    return tuple(
        EpisodeFlip(study.tasks[left.tasks[at]], str(left.seeds[at]), a if passed else b)
        for at, passed in zip(at_left[one != other].tolist(), one[one != other].tolist(), strict=True)
    )


@contextmanager
def asked() -> Iterator[None]:
    """What the statistics refuse is a mistake of the one who asked."""
    try:
        yield
    except ValueError as error:
        raise UsageError(re.sub(r"^\w+: ", "", str(error))) from None


def plain(value: Any) -> Any:
    """As JSON holds it: named tuples become objects, what is no finite number becomes None."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
