"""Where the jobs of a run are done: in worker processes on this machine (`local`), in this process, or on a Ray cluster.

An executor asks for the next job whenever a worker is free and yields each one when it is over, so that a run of a million
jobs never holds more than one a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from quintain.errors import QuintainError, UsageError

from .slot import Slot, State


class Job(Protocol):
    """One piece of work; pickled to a worker, and asked in the parent whether it has run too long."""

    def overdue(self, state: State, now: float) -> bool:
        """Whether to kill the worker that is in this state; `now` is `time.monotonic`."""
        ...


class Handler(Protocol):
    """What a worker does with jobs; built once in each worker, by the factory that the executor was given."""

    def __call__(self, job: Any, /) -> Any: ...

    def close(self) -> None: ...


Factory = Callable[[Slot], Handler]
"""Called with the worker's `Slot`; crosses processes by cloudpickle."""


class Killed(NamedTuple):
    """Why a job has no result: its worker was killed because it was overdue, or died of itself."""

    overdue: bool
    state: State
    """What it was doing."""
    how: str
    """`exit code 3`, `SIGSEGV` …"""


class Finished(NamedTuple):
    """One job that is over: it has a result, or its worker was lost, or the handler raised."""

    job: Any
    result: Any = None
    killed: Killed | None = None
    error: QuintainError | None = None


class Executor(Protocol):
    """A ``with`` block; leaving it ends all workers with their children."""

    def run(self, next_job: Callable[[], Any | None]) -> Iterator[Finished]:
        """Do jobs until `next_job` returns None while none is running; it is asked again after each that ends."""
        ...

    def kill(self) -> None:
        """End all workers with their children now, and wait until they are gone; nothing can be run any more."""
        ...

    def __enter__(self) -> Executor: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...


def make_executor(name: str, factory: Factory, *, workers: int) -> Executor:
    """The executor of this name; `local` without workers is this process. An unknown one is a `UsageError`."""
    if workers < 0:
        raise UsageError(f"workers must be 0 or more, got {workers}")
    match name:
        case "local" if workers == 0:
            from .inline import InlineExecutor

            return InlineExecutor(factory)
        case "local":
            from .local import LocalExecutor

            return LocalExecutor(factory, workers=workers)
        case "ray":
            from .ray import RayExecutor

            return RayExecutor(factory, workers=max(1, workers))
    raise UsageError(f"unknown executor {name!r}; choose from local, ray")
