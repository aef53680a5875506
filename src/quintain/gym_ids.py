"""Gymnasium's ids: ``gymnasium.make("quintain/miniwob/click-test")``, `make_vec` and `spec`, once quintain is imported.

Two things of `gymnasium.envs.registration` are replaced. The pattern of ids allows one slash: ours equals it for all other
ids, and lets those that begin with ``quintain/`` have any task id behind it. And the two functions that look an id up
register the task first: tens of thousands of tasks are neither loaded nor listed before one is asked for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import gymnasium
from gymnasium.envs import registration
from gymnasium.envs.registration import EnvSpec

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    from .faces import GymEnv

PREFIX = "quintain/"
F = TypeVar("F", bound=Callable[[str], EnvSpec])
# No version is split off our ids: with one, Gymnasium would answer an id with the latest id that is like it.
_IDS = re.compile(
    r"^(?P<ours>(?=quintain/.))?(?:(?P<namespace>(?(ours)[\w.+-]+(?:/[\w.+-]+)*|[\w:-]+))/)?"
    r"(?P<name>(?(ours)[\w.+-]+|[\w:.-]+?))(?(ours)|(?:-v(?P<version>\d+))?)$"
)


def make(*, task: str, **options: Any) -> GymEnv:
    """What Gymnasium calls for one environment."""
    from .making import make

    return make(task, **options)


def make_vec(*, task: str, num_envs: int = 1, **options: Any) -> VectorEnv[Any, Any, Any]:
    """What Gymnasium calls for a vector environment."""
    from .making import make_vec

    return make_vec(task, num_envs, **options)


def register(pattern: str = "*") -> None:
    """Enter all tasks that match a glob over ids into Gymnasium's registry, for what lists it."""
    from .making import list_tasks

    for task_id in list_tasks(pattern):
        _enter(task_id)


def install() -> None:
    """Teach Gymnasium our ids; done when this module is imported, and safe to repeat."""
    if registration.ENV_ID_RE is not _IDS:
        registration.ENV_ID_RE = _IDS
        registration._find_spec = _on_demand(registration._find_spec)
        registration.spec = gymnasium.spec = _on_demand(registration.spec)


def _on_demand(find: F) -> F:
    @functools.wraps(find)
    def found(env_id: str) -> EnvSpec:
        name = env_id.rpartition(":")[2]
        if name.startswith(PREFIX) and name not in registration.registry:
            from .making import load_task

            _enter(load_task(name.removeprefix(PREFIX)).id)
        return find(env_id)

    return cast(F, found)


def _enter(task_id: str) -> None:
    registration.registry.setdefault(
        PREFIX + task_id,
        EnvSpec(
            id=PREFIX + task_id,
            entry_point=f"{__name__}:make",
            vector_entry_point=f"{__name__}:make_vec",
            kwargs={"task": task_id},
        ),
    )


install()
