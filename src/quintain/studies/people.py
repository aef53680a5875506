"""Agents beside people: scores on the same tasks, and how long, in a person's minutes, the tasks are that agents manage."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from quintain.core import Task
from quintain.errors import UsageError
from quintain.stats.tables import HumanColumns, human_columns
from quintain.stats.targets import Horizon, time_horizon

from .analysis import Study

COLUMNS = ("person", "task", "score")
FEWEST_LENGTHS = 3
"""Different lengths below which a horizon would be a line through two points."""


def read_people(path: Path) -> dict[str, dict[str, float]]:
    """person -> task -> score, of a CSV file with the columns person, task and score.

    Raises:
        UsageError: a file that cannot be read, columns that are not there, a score that is no finite number; says in which line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV ({error})") from None
    found: dict[str, dict[str, float]] = {}
    for line, row in enumerate(rows, 2):
        if absent := [name for name in COLUMNS if not row.get(name)]:
            raise UsageError(f"{path}, line {line}: lacks {', '.join(absent)}; it needs the columns {', '.join(COLUMNS)}")
        try:
            score = float(row["score"])
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise UsageError(f"{path}, line {line}: score is {row['score']!r}, not a finite number")
        found.setdefault(row["person"], {})[row["task"]] = score
    if not found:
        raise UsageError(f"{path}: holds no score; it needs the columns {', '.join(COLUMNS)} and a line for each person and task")
    return found


def beside_people(
    scores: Mapping[str, Mapping[str, float]], people: Mapping[str, Mapping[str, float]]
) -> dict[str, tuple[HumanColumns, int]]:
    """Each agent beside the people, on the tasks that all of them and the agent did, whose number is given too.

    Raises:
        UsageError: no task that all people and some agent did.
    """
    common = set.intersection(*(set(each) for each in people.values()))
    found = {}
    for agent, mine in scores.items():
        if tasks := sorted(common & mine.keys()):
            means = [float(np.mean([theirs[task] for task in tasks])) for theirs in people.values()]
            found[agent] = (human_columns(float(np.mean([mine[task] for task in tasks])), means), len(tasks))
    if not found:
        raise UsageError("no task was done by every person and by an agent of this run; see the column task")
    return found


def horizons(study: Study, tasks: Mapping[str, Task]) -> tuple[dict[str, Horizon], tuple[str, ...]]:
    """METR's time horizon of each agent over the tasks that say how long a person takes, and why an agent has none.

    A family is a task with its variants (`Meta.version_of`). A run that is not scored is left out.
    """
    minutes = np.array([tasks[name].meta.human_minutes or math.nan for name in study.tasks])
    if len(set(minutes[~np.isnan(minutes)])) < FEWEST_LENGTHS:
        return {}, ()
    families = [tasks[name].meta.version_of or name for name in study.tasks]
    found, notes = {}, []
    for agent, columns in study.agents.items():
        at = columns.scored & ~np.isnan(minutes[columns.tasks])
        codes = columns.tasks[at]
        try:
            found[agent] = time_horizon(
                columns.success[at], minutes[codes], tasks=codes.tolist(), families=[families[code] for code in codes]
            )
        except ValueError as error:
            notes.append(f"{agent}: no time horizon: {str(error).removeprefix('time_horizon: ')}")
    return found, tuple(notes)
