"""Whether an agent does again what it did once: over runs of a task, versions of a problem, and from one agent to another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quintain.core import Task
from quintain.stats.bootstrap import Resampling, ScoreTable, by_task
from quintain.stats.curves import Versions, versions
from quintain.stats.frontier import Changes, changes, consistency
from quintain.stats.intervals import Interval

from .analysis import Study, asked

QUICK = Resampling(replicates=2000)


def outcomes(study: Study, agent: str) -> dict[str, list[float]]:
    """0 or 1 for each scored run, by task."""
    columns = study.agents[agent]
    found: dict[str, list[float]] = {}
    for code, passed in zip(columns.tasks[columns.scored].tolist(), columns.success[columns.scored].tolist(), strict=True):
        found.setdefault(study.tasks[code], []).append(passed)
    return found


def over_runs(study: Study, *, level: float = 0.95) -> dict[str, Interval]:
    """Outcome consistency of each agent that played at least two tasks, each at least twice, without the bias of few runs."""
    found = {}
    for agent in study.agents:
        runs = {task: each for task, each in outcomes(study, agent).items() if len(each) > 1}
        if len(runs) > 1:
            found[agent] = consistency(_table(runs), unbiased=True, level=level)
    return found


def over_versions(study: Study, tasks: Mapping[str, Task]) -> dict[str, Versions]:
    """Effective accuracy and reasoning gap of each agent over problems of which it played the same number of versions.

    A problem is a task with those that name it as what they are a version of; of several runs of a version the first counts.
    """
    found = {}
    for agent in study.agents:
        problems: dict[str, list[float]] = {}
        for task, runs in outcomes(study, agent).items():
            problems.setdefault(tasks[task].meta.version_of or task, []).append(runs[0])
        several = {name: each for name, each in problems.items() if len(each) > 1}
        if len(several) > 1 and len({len(each) for each in several.values()}) == 1:
            with asked():
                found[agent] = versions(np.array(list(several.values())).T, how=QUICK)
    return found


def between(study: Study, old: str, new: str, *, level: float = 0.95) -> Changes:
    """What `new` gained and lost against `old`, on the tasks that both have: the net hides both."""
    with asked():
        return changes(outcomes(study, study.chosen(old)), outcomes(study, study.chosen(new)), level=level)


def _table(runs: Mapping[str, list[float]]) -> ScoreTable:
    values = [value for each in runs.values() for value in each]
    return by_task(values, [task for task, each in runs.items() for _ in each])
