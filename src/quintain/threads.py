"""A plain function in a thread of its own, awaited from an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any


def in_thread(work: Callable[[], Any], *, owned: Callable[[BaseException], Exception], name: str) -> asyncio.Future[Any]:
    """What `work` returns or raises; it sees the context of the caller, and one that hangs is left behind and holds up no exit.

    Args:
        owned: what an error, SystemExit included, is raised as in the loop; never a StopIteration, which no future takes.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: Exception | None) -> None:
        if not done.done():
            done.set_result(result) if error is None else done.set_exception(error)

    def run() -> None:
        result: Any = None
        error: Exception | None = None
        try:
            result = work()
        except BaseException as raised:
            error = owned(raised)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name, daemon=True).start()
    return done
