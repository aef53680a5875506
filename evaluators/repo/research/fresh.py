"""Drivers in fresh sandboxes: the submission as it was left, or a solution of the task's own as the episode began."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from quintain.core import Task
from quintain.errors import TaskError
from quintain.evaluators.repo.research.frames import Line
from quintain.sandbox import ResourceLimits, Sandbox, Scene

Contender = Literal["submission", "start", "reference"]
DRIVERS = Path(__file__).with_name("drivers")
LIMITS = ResourceLimits(memory_mb=6144, pids=2048)
"""A compiler of array programs starts some threads for each processor, and there may be a hundred of those."""

STEADY = {
    "MALLOC_TOP_PAD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""Has glibc keep the memory of large arrays: by default it depends on chance, process by process, whether an array of megabytes
is made of new pages each time, and programs that are bound by memory then differ by up to a half between two runs. And has
contenders share a GPU, of whose memory the first one would take the most."""


def solutions(task: Task) -> dict[Contender, str | None]:
    """The contenders of a task and the sources of those that are the task's own; raises TaskError where there are none."""
    given = task.reference if isinstance(task.reference, dict) else {}
    start, reference = given.get("start"), given.get("solution")
    if not isinstance(start, str) or not isinstance(reference, str):
        raise TaskError(f"{task.id}: reference: needs `start` and `solution`, the texts of two solutions")
    return {"submission": None, "start": start, "reference": reference}


@asynccontextmanager
async def sandbox_of(
    scene: Scene, *, source: str | None = None, files: Mapping[str, bytes] | None = None, limits: ResourceLimits = LIMITS
) -> AsyncIterator[Sandbox]:
    """A fresh sandbox that is closed at the end of the block.

    Args:
        source: the text of a `solution.py` of the task's own, run where the agent has changed nothing: neither its files nor the
            packages that they import. None is the submission, in the state that was frozen.
        files: written into it first, by path.
    """
    sandbox = await scene.sandbox(limits=limits, pristine=source is not None)
    try:
        given = dict(files or {}) | ({"solution.py": source.encode()} if source is not None else {})
        for path, data in given.items():
            await sandbox.write(path, data)
        yield sandbox
    finally:
        await sandbox.close()


@asynccontextmanager
async def pristine_of(scene: Scene, *, limits: ResourceLimits = LIMITS) -> AsyncIterator[Sandbox]:
    """A fresh sandbox as the episode began, with nothing of the agent in it; closed at the end of the block."""
    sandbox = await scene.sandbox(limits=limits, pristine=True)
    try:
        yield sandbox
    finally:
        await sandbox.close()


@asynccontextmanager
async def talking(sandbox: Sandbox, driver: str, *, env: Mapping[str, str] | None = None) -> AsyncIterator[Line]:
    """`drivers/<driver>.py` at work in the sandbox's working folder; when the block ends, nothing runs in there any more."""
    folder = f"/tmp/referee-{secrets.token_hex(8)}"
    for name in ("channel.py", f"{driver}.py"):
        await sandbox.write(f"{folder}/{name}", (DRIVERS / name).read_bytes())
    process = await sandbox.spawn(["python", "-u", f"{folder}/{driver}.py"], env=STEADY | dict(env or {}))
    try:
        yield Line(process)
    finally:
        await process.kill()
        await sandbox.kill_all()


class Timing:
    """Processor seconds of all that runs in a sandbox during an ``async with`` block, also of what ends in it.

    `seconds` is None where another processor does the work, or where nothing counts that cannot be deceived.
    """

    def __init__(self, sandbox: Sandbox, *, on_cpu: bool) -> None:
        self._sandbox, self._on_cpu = sandbox, on_cpu
        self._began = 0.0
        self.seconds: float | None = None

    async def __aenter__(self) -> Timing:
        if self._on_cpu:
            self._began = (await self._sandbox.stats()).cpu_s
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._on_cpu:
            found = await self._sandbox.stats()
            self.seconds = found.cpu_s - self._began if found.cpu_complete else None


def now() -> float:
    """The clock that all timings of a referee are read from."""
    return time.perf_counter()
