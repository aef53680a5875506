"""Whether a world, a task and an evaluator fit each other, asked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import ValidationError

from .core import Evaluator, Referee, RefereedWorld, Task, World
from .errors import TaskError, UsageError
from .spaces import MODALITIES, Modality


def modalities(world: World, observe: Sequence[Modality] | None) -> tuple[Modality, ...]:
    if isinstance(observe, str):
        observe = (cast(Modality, observe),)
    wanted = tuple(world.default_observe if observe is None else observe)
    offered = world.capabilities.modalities
    for name in wanted:
        if name not in offered:
            known = "no observation of any world" if name not in MODALITIES else "not offered by this world"
            raise UsageError(f"observe: {name!r} is {known}; choose from {', '.join(offered)}")
    return wanted


def refereeing(world: World, task: Task, evaluator: Evaluator | None) -> Referee | None:
    if not isinstance(evaluator, Referee):
        return None
    if not isinstance(world, RefereedWorld):
        name = task.evaluator.id if task.evaluator else type(evaluator).__name__
        raise TaskError(f"{task.id}: evaluator {name!r} examines the living world, which environment {task.env!r} does not allow")
    return evaluator


def check_setup(world: World, task: Task) -> None:
    try:
        world.Setup.model_validate(task.setup)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("setup", *problem["loc"]))
        raise TaskError(f"{task.id}: {where}: {problem['msg']}; see {world.Setup.__name__} of environment {task.env!r}") from None
