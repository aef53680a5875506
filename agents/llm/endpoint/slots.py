"""How many requests may be open at once with one key at one endpoint: shared by a process's models, and mindful of refusals."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A semaphore that threads and event loops share. Halves after a 429, and grows back by one for each full turn that goes well
    (additive increase, multiplicative decrease: Chiu and Jain, 1989)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._used = 0
        self._round = 0
        self._waiting: deque[_Waiter] = deque()
        # A waiter that is collected gives its place back, maybe while this thread holds the lock.
        self._lock = threading.RLock()

    @property
    def allowed(self) -> int:
        """Open at once, as things are."""
        return int(self._allowed)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Wait for a place and hold it; gives the number that `throttled` asks for."""
        started_in = await self._take()
        try:
            yield started_in
        finally:
            with self._lock:
                self._used -= 1
                self._admit()

    def throttled(self, started_in: int) -> None:
        """A request was refused for being one too many; of those that were open together, only the first counts."""
        with self._lock:
            if started_in == self._round:
                self._round += 1
                self._allowed = max(1.0, self._allowed / 2)

    def went_well(self) -> None:
        with self._lock:
            self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)
            self._admit()

    def resize(self, most: int) -> None:
        with self._lock:
            if most != self._most:
                self._most, self._allowed = most, float(most)
                self._admit()

    async def _take(self) -> int:
        with self._lock:
            if self._used < self.allowed and not self._waiting:
                self._used += 1
                return self._round
            waiter = _Waiter()
            self._waiting.append(waiter)
        try:
            await waiter.place
        except BaseException:
            with self._lock:
                if waiter.admitted:
                    self._used -= 1
                    self._admit()
                elif waiter in self._waiting:
                    self._waiting.remove(waiter)
            raise
        return self._round

    def _admit(self) -> None:
        """Hand free places on; the lock is held."""
        while self._waiting and self._used < self.allowed:
            if self._waiting.popleft().admit():
                self._used += 1


class _Waiter:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.place: asyncio.Future[None] = self._loop.create_future()
        self.admitted = False

    def admit(self) -> bool:
        """False where its event loop is gone."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        self.admitted = True
        return True

    def _wake(self) -> None:
        if not self.place.done():
            self.place.set_result(None)


def slots_of(url: str, key: str | None, most: int) -> Slots:
    """The slots of one endpoint and key in this process; the latest wish for their number holds."""
    of = (url, hashlib.sha256((key or "").encode()).hexdigest())
    with _LOCK:
        found = _SLOTS.setdefault(of, Slots(most))
    found.resize(most)
    return found


_SLOTS: dict[tuple[str, str], Slots] = {}
_LOCK = threading.Lock()
