"""A certificate as a value: what was found of each task, and the verdict that follows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from quintain.core import Task, Value
from quintain.store import Store


class TaskCheck(Value):
    """What was found of one task; None is *not tried* or *unscored*."""

    task: str
    fingerprint: str = ""
    """Of what the task measures, see `fingerprint`; a certificate says nothing of a task that was changed since."""
    null: float | None
    """Highest score of the agent that does nothing."""
    oracle: float | None
    """Lowest score of the reference solution."""
    random: float | None
    """Mean score of the random agent."""
    reset_same: bool | None
    """Two resets with one seed gave the same observation; None where the world does not claim it."""
    submit: float | None = None
    """Highest score of the agent that submits at once."""
    infeasible: float | None = None
    """Highest score of the agent that always says that it cannot be done; 1 is right where the task is marked infeasible."""
    constant: float | None = None
    """Lowest score of the agent that does one and the same action all the time."""
    adversaries: dict[str, float | None] = Field(default_factory=dict)
    """Highest score of each agent that tries to get a score without doing the task."""
    flaky: float | None = None
    """Share of the reference solution's episodes whose score changed when it was played again with the same seed."""
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
    """The random agent's row of `quintain.reporting.tables.summarize`, with its interval; empty where it was not scored."""
    flaky: float | None = None
    """Share of the reference solution's episodes whose score changed when they were played again with the same seeds."""
    unavailable: dict[str, str] = Field(default_factory=dict)
    """Tasks that cannot be run on this machine, which count as neither passed nor failed, and why."""
    tasks: tuple[TaskCheck, ...]
    problems: tuple[str, ...]


def fingerprint(task: Task) -> str:
    """A short hash of what a task asks and how it is scored; the folders that it reads differ from machine to machine."""
    said = task.model_dump_json(include={"id", "env", "goal", "evaluator", "reference"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def read_certificates(store: Store) -> Iterator[Certificate]:
    """Those of a run, newest first."""
    for (data,) in store.query("SELECT data FROM certificates ORDER BY checked_at DESC"):
        yield Certificate.model_validate_json(data)


def remarks(store: Store) -> list[str]:
    """One line for each suite of a run: what its newest certificate there says, or that there is none."""
    suites = [suite for (suite,) in store.query("SELECT DISTINCT suite FROM episodes ORDER BY suite")]
    certificates = list(read_certificates(store))
    return [_remark(suite, certificates) for suite in suites]


def _remark(suite: str, certificates: list[Certificate]) -> str:
    for certificate in certificates:
        checks = [each for each in certificate.tasks if each.task.split("/", 1)[0] == suite]
        if checks:
            return _summary(suite, certificate, checks)
    return f"{suite}: uncertified; `quintain check {suite}` says whether it is fit to measure with"


def _summary(suite: str, certificate: Certificate, checks: list[TaskCheck]) -> str:
    oracles = [each.oracle for each in checks if each.oracle is not None]
    nulls = [each.null for each in checks if each.null is not None]
    facts = [
        f"null {max(nulls):.3f} at most" if nulls else "",
        f"oracle {min(oracles):.3f} at least, on {len(oracles)} of {len(checks)} tasks" if oracles else "no oracle",
        "adversaries 0.000" if any(each.adversaries for each in checks) and not any(_won(each) for each in checks) else "",
        f"{sum(bool(each.problems) for each in checks)} tasks with problems" if any(each.problems for each in checks) else "",
    ]
    return f"{suite}: certificate of {certificate.checked_at[:10]}, {certificate.verdict}: {', '.join(filter(None, facts))}"


def _won(check: TaskCheck) -> bool:
    return any(check.adversaries.values())
