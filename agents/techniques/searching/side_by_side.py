"""Several coroutines at once, but not too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def side_by_side(jobs: Sequence[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """What the jobs give, in their order; they are begun in it too. The first that raises ends all others."""
    waiting = iter(enumerate(jobs))
    found: dict[int, T] = {}

    async def worker() -> None:
        for at, job in waiting:
            found[at] = await job()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(jobs))):
                group.create_task(worker())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [found[at] for at in range(len(jobs))]
