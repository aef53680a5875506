"""Research-engineering tasks: improve a starting solution; scored between that and a reference solution.

A task is a folder: `task.toml`, `workspace/` (what an agent finds, `solution.py` is the starting solution) and `reference/`
(the reference solution; the evaluator and the scripted agent read it, it enters no sandbox of an agent).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt, ValidationError

from quintain.core import EvaluatorSpec, Limits, Meta, Suite, Task, Value
from quintain.errors import UsageError

HERE = Path(__file__).parent
SUITE = "research"
SOLUTION = "solution.py"


class Oracle(Value):
    """How the scripted agent plays the reference solution: it writes `file`, runs `command` if there is one, and submits."""

    file: str = SOLUTION
    command: str = ""
    seconds: PositiveFloat = 120.0


class Description(Value):
    """The content of a `task.toml`."""

    title: str
    mirrors: str
    """The task of RE-Bench that this one corresponds to."""
    goal: str
    when: Literal["asked", "end"] = "asked"
    """`end` hides the score until the episode is over."""
    minutes: PositiveFloat = 30.0
    steps: PositiveInt = 200
    human_minutes: PositiveFloat | None = None
    requires: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    setup: Annotated[dict[str, JsonValue], Field(default_factory=dict)]
    """Added to the set-up that all tasks have."""
    options: Annotated[dict[str, JsonValue], Field(default_factory=dict)]
    """Of the evaluator."""
    reference: Annotated[dict[str, JsonValue], Field(default_factory=dict)]
    """For the evaluator only, beside the two solutions."""
    oracle: Oracle = Oracle()


def describe(name: str) -> Description:
    """The description of one task; raises UsageError where its file is malformed."""
    path = HERE / name / "task.toml"
    try:
        return Description.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a research task ({error})") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise UsageError(f"{path}: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}") from None


def reference_solution(name: str) -> str:
    return (HERE / name / "reference" / SOLUTION).read_text("utf-8")


def names() -> list[str]:
    return sorted(path.parent.name for path in HERE.glob("*/task.toml"))


FORGERS: Mapping[str, Mapping[str, JsonValue]] = {
    attack: {"agent": "forger", "config": {"attack": attack}}
    for attack in (
        "program-after", "program-cached", "program-clock", "program-frames", "program-impostor", "program-lazy",
        "program-links", "program-references",
    )
}  # fmt: skip


def suite() -> Suite:
    return Suite(
        name=SUITE,
        description="research engineering in JAX, after RE-Bench: from a starting solution (0) to a reference solution (1)",
        tasks=_Tasks(),
        adversaries=FORGERS,
    )


class _Tasks(Mapping[str, Task]):
    """Tasks by id, each read when it is asked for."""

    def __getitem__(self, task_id: str) -> Task:
        suite, _, name = task_id.partition("/")
        if suite != SUITE or name not in names():
            raise KeyError(task_id)
        return task(name)

    def __iter__(self) -> Iterator[str]:
        return iter(f"{SUITE}/{name}" for name in names())

    def __len__(self) -> int:
        return len(names())


@cache
def task(name: str) -> Task:
    told, folder = describe(name), HERE / name
    solutions: dict[str, JsonValue] = {
        "start": (folder / "workspace" / SOLUTION).read_text("utf-8"),
        "solution": reference_solution(name),
    }
    setup: dict[str, JsonValue] = {
        "trees": [{"source": str(folder / "workspace"), "target": "/workspace"}],
        "services": list(told.services),
        "requires": ["python:jax", *told.requires],
        "limits": {"memory_mb": 6144, "pids": 2048, "seconds": 600},
        "gpu": "wanted",
    }
    return Task(
        id=f"{SUITE}/{name}",
        env="repo",
        goal=told.goal.strip(),
        setup=setup | told.setup,
        evaluator=EvaluatorSpec(id=f"research_{name}", options=told.options, when=told.when),
        limits=Limits(steps=told.steps, seconds=told.minutes * 60),
        reference=solutions | told.reference,
        meta=Meta(
            family="repo",
            capabilities=("research engineering",),
            domain="machine learning",
            tags=(f"mirrors:{told.mirrors}", *told.tags),
            human_minutes=told.human_minutes,
            licence="Apache-2.0",
            requires=("python:jax", *told.requires),
        ),
    )
