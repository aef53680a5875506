"""Scores split by what is known of the tasks: capability, domain, release date, variants, a person's minutes and scores; by
how steady they are; and by the time that success takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from quintain.core import Task
from quintain.errors import UsageError
from quintain.stats.curves import Versions
from quintain.stats.intervals import Interval
from quintain.stats.tables import Cell, Decay, Drop, HumanColumns, by_date, capabilities, drop, improvement_over_random
from quintain.stats.targets import Horizon, ProfileScore, profile_score, study_times

from .analysis import Floats, Metric, Study, asked, plain
from .people import beside_people, horizons
from .steadiness import over_runs, over_versions

By = Literal["capability", "domain", "family", "split", "tag"]
BY: tuple[By, ...] = ("capability", "domain", "family", "split", "tag")
RANDOM = "random"


class Speed(NamedTuple):
    """How fast each agent reaches the target, against the fastest on each task (AlgoPerf's score)."""

    score: dict[str, float]
    reached: dict[str, float]
    """Share of the tasks on which it was reached at all."""
    profile: ProfileScore
    target: float
    tasks: int


class Breakdown(NamedTuple):
    """All that can be split, given what is known of the tasks."""

    by: By
    cells: tuple[Cell, ...]
    improvement: dict[str, float]
    """Over the random agent, in percent, on the tasks that both played; only where that one plays and scores."""
    drops: dict[str, Drop]
    """From tasks to their variants, by agent."""
    decays: dict[str, Decay]
    """Around the cut-off date, by agent."""
    versions: dict[str, Versions]
    """Over versions of the same problems, by agent."""
    consistency: dict[str, Interval]
    """Over runs of the same task, by agent: 1 where all runs of each task end alike, 0 where they are coin flips."""
    people: dict[str, tuple[HumanColumns, int]]
    """Beside people's scores, with the number of tasks, by agent; only where these are given."""
    horizons: dict[str, Horizon]
    speed: Speed | None
    notes: tuple[str, ...]

    def to_object(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(self)
        return found


def break_down(
    study: Study,
    tasks: Mapping[str, Task],
    *,
    by: By = "capability",
    metric: Metric = "score",
    least: int = 5,
    cutoff: str | None = None,
    target: float = 1.0,
    people: Mapping[str, Mapping[str, float]] | None = None,
    level: float = 0.95,
) -> Breakdown:
    """Split the scores of a study.

    Args:
        tasks: by id, with their `meta`.
        least: tasks below which a cell is hidden.
        cutoff: an ISO date; tasks with a later `created_at` are compared with the others.
        target: the score that counts as reached, for the times to it.
        people: person -> task -> score, to stand beside the agents'.

    Raises:
        UsageError: no task says what is asked for, a date that is none, or people who did other tasks.
    """
    means = study.means(metric)
    scores: dict[str, dict[str, float]] = {
        agent: {task: float(value) for task, value in zip(study.tasks, row, strict=True) if not math.isnan(value)}
        for agent, row in zip(study.agents, means, strict=True)
    }
    tags = {name: _tags(tasks[name], by) for name in study.tasks}
    if not any(tags.values()):
        raise UsageError(f"no task of this run has a {by}; choose from {', '.join(BY)}")
    lengths, notes = horizons(study, tasks)
    with asked():
        return Breakdown(
            by=by,
            cells=capabilities(scores, tags, level=level, least=least),
            improvement=_improvement(scores),
            drops=_drops(scores, tasks, level=level),
            decays={} if cutoff is None else _decays(scores, tasks, cutoff=cutoff, level=level),
            versions=over_versions(study, tasks),
            consistency=over_runs(study, level=level),
            people={} if people is None else beside_people(scores, people),
            horizons=lengths,
            speed=_speed(study, target),
            notes=notes,
        )


def _tags(task: Task, by: By) -> tuple[str, ...]:
    match by:
        case "capability":
            return task.meta.capabilities
        case "tag":
            return task.meta.tags
        case "domain":
            return (task.meta.domain,) if task.meta.domain else ()
        case "split":
            return (task.meta.split,) if task.meta.split else ()
        case "family":
            return (task.meta.family,)


def _improvement(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    base = scores.get(RANDOM, {})
    found = {}
    for agent, mine in scores.items():
        common = mine.keys() & base.keys()
        luck = float(np.mean([base[task] for task in common])) if common else 0.0
        if agent != RANDOM and luck > 0:
            found[agent] = float(improvement_over_random(float(np.mean([mine[task] for task in common])), luck))
    return found


def _drops(scores: Mapping[str, Mapping[str, float]], tasks: Mapping[str, Task], *, level: float) -> dict[str, Drop]:
    found = {}
    for agent, mine in scores.items():
        pairs = [(parent, name) for name in mine if (parent := tasks[name].meta.version_of) is not None and parent in mine]
        if len(pairs) > 1:
            found[agent] = drop([mine[parent] for parent, _ in pairs], [mine[name] for _, name in pairs], level=level)
    return found


def _decays(
    scores: Mapping[str, Mapping[str, float]], tasks: Mapping[str, Task], *, cutoff: str, level: float
) -> dict[str, Decay]:
    found = {}
    for agent, mine in scores.items():
        dated = [(date[:10], value) for name, value in mine.items() if (date := tasks[name].meta.created_at)]
        if dated:
            found[agent] = by_date([date for date, _ in dated], [value for _, value in dated], cutoff=cutoff, level=level)
    if not found:
        raise UsageError("no task of this run says when it was made (meta.created_at), so that no date can part them")
    return found


def _speed(study: Study, target: float) -> Speed | None:
    """From the seconds of an episode, agent and environment together: the median of a task's episodes, missed ones never."""
    times = np.full((len(study.agents), len(study.tasks)), math.inf)
    for row, columns in zip(times, study.agents.values(), strict=True):
        seconds = np.where(columns.value >= target, columns.agent_s + columns.environment_s, math.inf)
        for code in np.unique(columns.tasks[columns.scored]).tolist():
            mine = seconds[columns.scored & (columns.tasks == code)]
            row[code] = study_times(np.where(np.isnan(mine) | (mine <= 0), math.inf, mine)[:, None])
    used = np.isfinite(times).any(axis=0)
    if not used.any():
        return None
    profile = profile_score(times[:, used])
    reached: Floats = np.isfinite(times).mean(axis=1)
    return Speed(_named(study.agents, profile.scores), _named(study.agents, reached), profile, target, int(used.sum()))


def _named(names: Iterable[str], values: Floats) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))
