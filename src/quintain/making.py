"""From a task id to an environment: the one place where a world, a task and an evaluator meet."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from .core import Evaluator, Suite, Task, World
from .environment import Environment
from .errors import UsageError
from .faces import AsyncEnv, GymEnv, VecEnv
from .registry import catalog, load, lookup, suggest
from .spaces import Modality


@cache
def suite(name: str) -> Suite:
    """The suite with this name, loaded once a process."""
    found: Suite = lookup("suites", name)()
    return found


def load_task(task_id: str) -> Task:
    """The task with this id; an unknown one is a `UsageError` that offers the nearest."""
    prefix, slash, _ = task_id.partition("/")
    if not slash:
        raise UsageError(f"{task_id!r} is no task id; one looks like 'miniwob/click-test'")
    tasks = suite(prefix).tasks
    if not tasks:
        raise UsageError(f"unknown task {task_id!r}: {suite(prefix).description}")
    if task_id not in tasks:
        raise UsageError(f"unknown task {task_id!r}{suggest(task_id, tasks)}")
    return tasks[task_id]


def list_tasks(pattern: str = "*") -> list[str]:
    """Ids of all tasks that match a glob over ids (``miniwob/click-*``), or of the suite that has this name."""
    if pattern in catalog("suites"):
        return list(suite(pattern).tasks)
    homes = [name for name in catalog("suites") if fnmatch.fnmatch(name, pattern.split("/", 1)[0])]
    ids = dict.fromkeys(task_id for name in homes for task_id in suite(name).tasks)
    return [task_id for task_id in ids if fnmatch.fnmatch(task_id, pattern)]


def find_tasks(wanted: str | Task | Iterable[str | Task]) -> list[Task]:
    """Tasks by id, glob, suite, task file (``.toml``, ``.json``, ``.jsonl``), task folder of Harbor or METR, or value.

    Nothing found is a `UsageError`.
    """
    if isinstance(wanted, (str, Task)):
        wanted = [wanted]
    found: dict[str, Task] = {}
    for each in wanted:
        if isinstance(each, Task):
            found[each.id] = each
        elif each.endswith((".toml", ".json", ".jsonl")) or _is_task_folder(Path(each)):
            read = load("quintain.tasks.loader:read_tasks", what="task files")
            found |= {task.id: task for task in read(Path(each))}
        else:
            ids = list_tasks(each)
            if not ids:
                known = suggest(each, [*catalog("suites"), *list_tasks("*")])
                raise UsageError(f"no task matches {each!r}{known}; `quintain list tasks` shows all")
            found |= {task_id: load_task(task_id) for task_id in ids}
    return list(found.values())


def _is_task_folder(path: Path) -> bool:
    return (path / "task.toml").is_file() or (path / "task.yaml").is_file() or (path / f"{path.name}.py").is_file()


def load_evaluator(task: Task) -> Evaluator | None:
    """The evaluator that the task names; it takes the task's options as keyword arguments."""
    if task.evaluator is None:
        return None
    try:
        evaluator: Evaluator = lookup("evaluators", task.evaluator.id)(**task.evaluator.options)
    except TypeError as error:
        raise UsageError(f"{task.id}: evaluator {task.evaluator.id!r} does not take these options: {error}") from None
    return evaluator


def make_world(env: str, **options: Any) -> World:
    """A world of this family, for as many tasks as wanted; whoever made it closes it."""
    world_class = lookup("environments", env)
    try:
        world: World = world_class(**options)
    except TypeError as error:
        raise UsageError(f"environment {env!r} does not take these options: {error}") from None
    return world


def build(task: str | Task, *, observe: Sequence[Modality] | None = None, seed: int | None = None, **options: Any) -> Environment:
    """The environment itself, which lives on quintain's background loop; `options` go to the world."""
    task = load_task(task) if isinstance(task, str) else task
    another = partial(make_world, task.env, **options)
    return Environment(another(), task, evaluator=load_evaluator(task), observe=observe, seed=seed, another=another)


def make(
    task: str | Task,
    *,
    observe: Sequence[Modality] | None = None,
    seed: int | None = None,
    render_mode: str | None = None,
    **options: Any,
) -> GymEnv:
    """A `gymnasium.Env` for a task.

    Args:
        task: an id such as ``miniwob/click-test``, or a `Task`.
        observe: the modalities wanted (``"elements"``, ``"screenshot"`` …); nothing is paid for others.
        seed: of the first `reset`; later ones draw theirs from it.
        render_mode: ``"rgb_array"`` makes `render` return screenshots.
        options: for the world, such as ``mode="virtual"`` for a browser.

    Raises:
        UsageError: an unknown task, modality or option.
        Unavailable: a real part (a browser …) is missing; says how to get it.
    """
    environment = build(task, observe=observe, **options)
    if render_mode == "rgb_array" and "screenshot" in environment.capabilities.modalities:
        environment.observe = tuple(dict.fromkeys((*environment.observe, "screenshot")))
    return GymEnv(environment, seed=seed, render_mode=render_mode)


def make_async(
    task: str | Task, *, observe: Sequence[Modality] | None = None, seed: int | None = None, **options: Any
) -> AsyncEnv:
    """Like `make`, with `reset`, `step` and `close` to be awaited from any event loop."""
    return AsyncEnv(build(task, observe=observe, seed=seed, **options))


def make_vec(
    task: str | Task,
    n: int,
    *,
    observe: Sequence[Modality] | None = None,
    seed: int | None = None,
    autoreset_mode: Any = "NextStep",
    **options: Any,
) -> VectorEnv[Any, Any, Any]:
    """A `gymnasium.vector.VectorEnv` of n environments of one task, stepped concurrently over shared resources.

    The id of a multi-agent world, such as ``mpe/simple_spread_v3``, gives n copies of that, computed together; `options` are
    those of `quintain.multiagent.making.make_vector`.
    """
    if n < 1:
        raise UsageError(f"make_vec needs n >= 1, got {n}")
    if isinstance(task, str) and task.partition("/")[0] in catalog("games"):
        from .multiagent.making import make_vector

        if observe is not None:
            raise UsageError(f"{task}: a multi-agent world shows arrays; leave out observe")
        return make_vector(task, n, seed=seed, autoreset_mode=autoreset_mode, **options)
    environments = [build(task, observe=observe, **options) for _ in range(n)]
    return VecEnv(environments, seed=seed, autoreset_mode=autoreset_mode)
