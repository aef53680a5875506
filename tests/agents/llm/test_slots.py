"""Places for open requests, shared by whatever loops and threads there are."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from quintain.agents.llm.endpoint.slots import Slots, slots_of


async def entered(slots: Slots) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A task that holds a place, or waits for one, until it is told."""
    leave = asyncio.Event()

    async def hold() -> None:
        async with slots.slot():
            await leave.wait()

    task = asyncio.create_task(hold())
    await asyncio.sleep(0)
    return task, leave


async def test_who_came_first_goes_first() -> None:
    slots, order = Slots(1), []

    async def hold(name: int) -> None:
        async with slots.slot():
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(hold(name) for name in range(5)))
    assert order == list(range(5))


def test_threads_with_loops_of_their_own_share_the_places() -> None:
    slots, lock = Slots(3), threading.Lock()
    now = most = done = 0

    async def hold() -> None:
        nonlocal now, most, done
        async with slots.slot():
            with lock:
                now += 1
                most = max(most, now)
            await asyncio.sleep(0.001)
            with lock:
                now -= 1
                done += 1

    async def many() -> None:
        await asyncio.gather(*(hold() for _ in range(30)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == 120 and most == 3


async def test_who_gives_up_waiting_takes_no_place_along() -> None:
    slots = Slots(1)
    holder, leave = await entered(slots)
    waiting, _ = await entered(slots)
    handed, _ = await entered(slots)
    waiting.cancel()
    await asyncio.sleep(0)
    leave.set()
    await holder
    # The place was handed to it already, and it is cancelled before it runs.
    handed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handed
    async with asyncio.timeout(10), slots.slot():
        pass


def test_a_loop_that_is_gone_takes_no_place_along() -> None:
    slots = Slots(1)
    lost = asyncio.new_event_loop()

    async def scene() -> None:
        holder, leave = await entered(slots)
        thread = threading.Thread(target=_abandon, args=(lost, slots))
        thread.start()
        thread.join(60)
        leave.set()
        await holder
        async with asyncio.timeout(10), slots.slot():
            pass

    asyncio.run(scene())


def _abandon(loop: asyncio.AbstractEventLoop, slots: Slots) -> None:
    async def wait() -> None:
        async with slots.slot():
            raise AssertionError("there was no place")

    task: Any = loop.create_task(wait())
    loop.run_until_complete(asyncio.sleep(0))
    # Closed without cancelling what is open, of which asyncio would complain.
    task._log_destroy_pending = False
    loop.close()


async def test_a_storm_halves_once_and_recovery_is_slow() -> None:
    slots = Slots(16)
    async with slots.slot() as first, slots.slot() as second:
        slots.throttled(first)
        slots.throttled(second)
        assert slots.allowed == 8, "both were open together"
    for expected in (4, 2, 1, 1):
        async with slots.slot() as turn:
            slots.throttled(turn)
        assert slots.allowed == expected
    slots.went_well()
    assert slots.allowed == 2
    for _ in range(3):
        slots.went_well()
    assert slots.allowed == 3
    for _ in range(500):
        slots.went_well()
    assert slots.allowed == 16


def test_slots_belong_to_an_endpoint_and_a_key() -> None:
    shared = slots_of("http://a/v1", "key", 4)
    assert slots_of("http://a/v1", "key", 2) is shared and shared.allowed == 2
    assert slots_of("http://a/v1", "other", 4) is not shared is not slots_of("http://b/v1", "key", 4)
