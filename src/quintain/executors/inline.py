"""Jobs one after the other in this process, for debugging: breakpoints work, and nothing can be killed."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

from quintain.errors import InfrastructureError, QuintainError, one_line

from . import Factory, Finished, Handler
from .slot import Slot


class InlineExecutor:
    """Serves jobs in the calling thread, or in one of its own where an event loop runs already (a notebook)."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._slot = Slot()
        self._handler: Handler | None = None

    def __enter__(self) -> Self:
        self._handler = self._factory(self._slot)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            _outside_loops(self._handler.close)
        self._slot.close()

    def kill(self) -> None:
        """Nothing runs beside the caller."""

    def run(self, next_job: Callable[[], Any | None]) -> Iterator[Finished]:
        assert self._handler is not None
        handler = self._handler
        while (job := next_job()) is not None:
            self._slot.enter("setup")
            try:
                done = Finished(job, result=_outside_loops(functools.partial(handler, job)))
            except QuintainError as error:
                done = Finished(job, error=error)
            except Exception as error:
                done = Finished(job, error=InfrastructureError(one_line(error)))
            self._slot.enter("idle")
            yield done


def _outside_loops(work: Callable[[], Any]) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    result: list[Any] = []
    failure: list[BaseException] = []

    def do() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=do, name="quintain-inline")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]
