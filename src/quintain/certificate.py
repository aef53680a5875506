"""Is a suite fit to measure with: doing nothing scores 0, the right actions score 1, scoring and resetting repeat exactly.

A suite on which a null agent scores measures something else than it says; one that its reference solution fails cannot be
solved. Both are common in published suites, so that every result here can be shown beside its suite's certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from . import background
from .core import Task, Value, World
from .environment import Environment
from .errors import QuintainError, UsageError
from .making import find_tasks, make_world
from .registry import catalog, load
from .report import Columns, read, summarize
from .runner import Progress, evaluate, trial_seed
from .scoring import score_run
from .spaces import Observation
from .store import Store

NULL, RANDOM, ORACLE = "null", "random", "scripted"
ORACLE_FOLDER = "oracle"
Watch = AbstractContextManager[Callable[[Progress], None] | None]


class TaskCheck(Value):
    """What was found of one task; None is *not tried* or *unscored*."""

    task: str
    null: float | None
    """Highest score of the agent that does nothing."""
    oracle: float | None
    """Lowest score of the reference solution."""
    random: float | None
    """Mean score of the random agent."""
    reset_same: bool | None
    """Two resets with one seed gave the same observation; None where the world does not claim it."""
    problems: tuple[str, ...] = ()


class Certificate(Value):
    """The verdict on a suite, and all that it rests on."""

    suite: str
    verdict: Literal["passed", "failed"]
    checked_at: str
    """UTC, ISO 8601."""
    episodes: int
    """Of each agent on each task."""
    seed: int
    versions: dict[str, str]
    random: dict[str, Any]
    """The random agent's row of `quintain.report.summarize`, with its interval; empty where it was not scored."""
    tasks: tuple[TaskCheck, ...]
    problems: tuple[str, ...]


def certify(
    suite: str,
    *,
    out: Path,
    episodes: int = 3,
    seed: int = 0,
    workers: int | None = None,
    oracle: str = ORACLE,
    say: Callable[[str], None] = lambda _: None,
    watch: Callable[[], Watch] = nullcontext,
) -> Certificate:
    """Run the null, random and oracle agents over a suite, score twice, reset twice, and store the certificate in the run.

    Args:
        suite: a suite, or a glob over task ids.
        out: folder of the run; the oracle's is a folder in it.
        oracle: the agent that knows the solutions. Where there is a ``solvable(task_id) -> bool`` beside it, only the tasks
            that it names are asked of it.
        say: told what is being done.
        watch: makes the block around each of the two runs; what it enters with is their `progress`.

    Raises:
        UsageError, Unavailable: as `quintain.evaluate`.
    """
    tasks, solvable = find_tasks(suite), _solvable(oracle)
    solved = [task for task in tasks if solvable(task.id)]
    say(f"{len(tasks)} tasks, {len(solved)} with an oracle, {episodes} episodes each")
    folders = [out]
    with watch() as progress:
        evaluate([NULL, RANDOM], tasks, episodes=episodes, seed=seed, workers=workers, out=out, progress=progress)
    if solved:
        folders.append(out / ORACLE_FOLDER)
        with watch() as progress:
            evaluate(oracle, solved, episodes=episodes, seed=seed, workers=workers, out=folders[1], progress=progress)
    say("scoring all again")
    changed = sum(score_run(folder, workers=workers, check=True).changed for folder in folders)
    problems = [f"{changed} scores differ when the stored episodes are scored again"] if changed else []
    say("resetting each task twice")
    played = _Played.of(folders, oracle=oracle)
    asked = {task.id for task in solved}
    resets = _resets(tasks, seed)
    found = [_check(task, played, resets[task.id], with_oracle=task.id in asked) for task in tasks]
    problems += [f"{each.task}: {problem}" for each in found for problem in each.problems]
    with Store.open(out) as store:
        certificate = Certificate(
            suite=suite,
            verdict="failed" if problems else "passed",
            checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
            episodes=episodes,
            seed=seed,
            versions=store.info.versions,
            random=next((row for row in summarize(store) if row["agent"] == RANDOM), {}),
            tasks=tuple(found),
            problems=tuple(problems),
        )
        store.add_certificate(suite, checked_at=certificate.checked_at, data=certificate.model_dump_json())
    return certificate


def read_certificates(store: Store) -> Iterator[Certificate]:
    """Those of a run, newest first."""
    for (data,) in store.query("SELECT data FROM certificates ORDER BY checked_at DESC"):
        yield Certificate.model_validate_json(data)


class _Played(NamedTuple):
    """Scores by role and task; NaN is unscored."""

    null: dict[str, Columns]
    random: dict[str, Columns]
    oracle: dict[str, Columns]

    @classmethod
    def of(cls, folders: Iterable[Path], *, oracle: str) -> _Played:
        roles: dict[str, dict[str, Columns]] = {NULL: {}, RANDOM: {}, oracle: {}}
        for folder in folders:
            with Store.open(folder) as store:
                episodes = read(store)
            for (agent, _), columns in episodes.groups.items():
                for code in np.unique(columns.tasks).tolist():
                    at = columns.tasks == code
                    roles[agent][episodes.tasks[code]] = Columns(*(column[at] for column in columns))
        return cls(roles[NULL], roles[RANDOM], roles[oracle])


def _check(task: Task, played: _Played, reset: _Reset, *, with_oracle: bool) -> TaskCheck:
    null, random, oracle = (_values(role.get(task.id)) for role in played)
    problems = [
        f"{count} episodes of the {name} agent are unscored"
        for name, count in ((NULL, null.unscored), (RANDOM, random.unscored), ("oracle", oracle.unscored))
        if count
    ]
    if null.scores and max(null.scores) > 0:
        problems.append(f"the null agent scores {max(null.scores):.3f}")
    if with_oracle and oracle.scores and min(oracle.scores) < 1:
        problems.append(f"the oracle scores {min(oracle.scores):.3f}")
    return TaskCheck(
        task=task.id,
        null=max(null.scores, default=None),
        oracle=min(oracle.scores, default=None),
        random=sum(random.scores) / len(random.scores) if random.scores else None,
        reset_same=reset.same,
        problems=(*problems, *([reset.problem] if reset.problem else [])),
    )


class _Reset(NamedTuple):
    """Whether two resets with one seed looked the same, and what is wrong if not."""

    same: bool | None
    problem: str | None


class _Values(NamedTuple):
    scores: Sequence[float]
    unscored: int


def _values(columns: Columns | None) -> _Values:
    if columns is None:
        return _Values((), 0)
    return _Values(columns.value[columns.scored].tolist(), int((~columns.scored).sum()))


def _resets(tasks: Sequence[Task], seed: int) -> dict[str, _Reset]:
    """Each task reset twice, in one world a family."""
    worlds: dict[str, World] = {}
    try:
        return {task.id: _reset_twice(task, worlds, seed=trial_seed(seed, task.id, 0)) for task in tasks}
    finally:
        for world in worlds.values():
            background.run(world.close())


def _reset_twice(task: Task, worlds: dict[str, World], *, seed: int) -> _Reset:
    try:
        if task.env not in worlds:
            worlds[task.env] = make_world(task.env)
        environment = Environment(worlds[task.env], task)
        first, second = (background.run(environment.reset(seed=seed))[0] for _ in range(2))
    except QuintainError as error:
        return _Reset(None, f"cannot be reset: {error}")
    if not environment.capabilities.replay:
        return _Reset(None, None)
    if first == second:
        return _Reset(True, None)
    differing = [name for name in type(first).model_fields if _one_field(first, name) != _one_field(second, name)]
    return _Reset(False, f"two resets with one seed differ in {', '.join(differing) or 'what is seen'}")


def _one_field(observation: Observation, name: str) -> Observation:
    """An observation of that field alone, because only whole observations know how to compare their parts."""
    return type(observation).model_construct(**{name: getattr(observation, name)})


def _solvable(oracle: str) -> Callable[[str], bool]:
    """Which tasks the oracle claims to solve: what its module says, else all."""
    where = oracle if ":" in oracle else catalog("agents").get(oracle, oracle)
    place = where.rpartition(":")[0]
    try:
        found: Callable[[str], bool] = load(f"{place}:solvable", what="oracle")
    except UsageError:
        return lambda _: True
    return found
