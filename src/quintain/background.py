"""The one event loop on which all interactive worlds of this process live, in a thread of its own.

It makes the same world usable from a script, from inside a running loop, from a notebook and from many threads, and keeps
browsers answered while an agent thinks. A forked child starts with none and gets its own on first use.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# Re-entrant, because a finalizer may run anywhere, also where this thread holds the lock.
_lock = threading.RLock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_stopped = False
STOP_TIMEOUT_S = 5.0


def loop() -> asyncio.AbstractEventLoop:
    """The background loop of this process, started when first asked for; a RuntimeError once the interpreter ends."""
    global _loop, _thread
    with _lock:
        if _stopped:
            raise RuntimeError("the interpreter is shutting down; close environments before that")
        if _loop is None:
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_run, args=(_loop,), name="quintain", daemon=True)
            _thread.start()
            # What later starts on the loop may register its own handler, which then runs while the loop still turns.
            atexit.register(_stop)
        return _loop


def stopped() -> bool:
    """The interpreter is ending: nothing can run on the loop any more, and what lived on it is gone."""
    return _stopped


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` on the background loop and wait for it; an interrupt cancels it."""
    if threading.current_thread() is _thread:
        work.close()
        raise RuntimeError("the synchronous face was called on quintain's own loop; use make_async there")
    future = _submit(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def post(work: Coroutine[Any, Any, object]) -> None:
    """Do `work` on the background loop some time, without waiting for it; for finalizers, which run in any thread."""
    _submit(work)


async def bridge(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` on the background loop and await it on the caller's."""
    return await asyncio.wrap_future(_submit(work))


def _submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    try:
        return asyncio.run_coroutine_threadsafe(work, loop())
    except BaseException:
        work.close()
        raise


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _stop() -> None:
    # A finalizer that waited for the loop after this thread froze with the interpreter would wait for ever.
    global _stopped
    with _lock:
        if _stopped or _loop is None:
            return
        _stopped = True
    if _thread is not None:
        _loop.call_soon_threadsafe(_loop.stop)
        _thread.join(STOP_TIMEOUT_S)


def _forget() -> None:
    global _loop, _lock, _thread
    _loop, _thread, _lock = None, None, threading.RLock()


os.register_at_fork(after_in_child=_forget)
