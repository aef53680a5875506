"""What an environment needs to go back to a state of its episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .core import Limits, SavingWorld, Task, World
from .errors import UsageError

FIELDS: Final = (
    "seed", "goal", "goal_fields", "records", "messages", "answer", "infeasible", "evidence", "attempts", "score", "spent",
    "_asked", "serving", "_value", "_over", "_last",
)  # fmt: skip
"""Attributes of an environment that belong to its episode."""


@dataclass(frozen=True)
class Saved:
    """A state of an episode, of use to the environment that saved it and to its forks while one of them is open."""

    task: str
    world: Any
    """What the world saved."""
    fields: dict[str, Any]
    elapsed_s: float

    def of(self, task: str) -> Any:
        """The world's part; a `UsageError` where it belongs to another task."""
        if self.task != task:
            raise UsageError(f"this state was saved in {self.task}, and means nothing in {task}")
        return self.world

    def again(self) -> dict[str, Any]:
        """Fields for one more environment; no two share a list."""
        return {name: _own(value) for name, value in self.fields.items()}


def saved_fields(environment: object) -> dict[str, Any]:
    """Its episode's attributes, lists copied."""
    return {name: _own(getattr(environment, name)) for name in FIELDS}


def saving_world(world: World, *, task: Task, serving: bool) -> SavingWorld:
    """The world as one that saves its states; a `UsageError` says why it is none."""
    if not world.capabilities.snapshot or not isinstance(world, SavingWorld):
        raise UsageError(f"{task.id}: states of environment {task.env!r} cannot be saved; see its capabilities.snapshot")
    if serving:
        raise UsageError(f"{task.id}: states cannot be saved, because the task's services would remember what was undone")
    return world


def unjudged(task: Task, limits: Limits | None = None) -> Task:
    """The task of a branch, by default within the same limits: nothing in it is scored.

    A world that is asked after each action whether it is done still is: an agent sees that in the episode, too.
    """
    spec = task.evaluator if task.evaluator is not None and task.evaluator.when == "step" else None
    return task.model_copy(update={"evaluator": spec, "limits": limits or task.limits})


def _own(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value
