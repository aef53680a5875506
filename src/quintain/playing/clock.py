"""Whose time it is while an episode is played."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from quintain.usage import Usage

Phase = Literal["setup", "agent", "environment"]


class Clock:
    """Seconds spent in the agent, in the environment, and in neither; announces which begins.

    A phase inside another one stops it for as long. Where an agent acts in several branches at once, their phases overlap and
    count once.
    """

    def __init__(self, entering: Callable[[Phase], None] | None = None) -> None:
        self.began = self.since = time.monotonic()
        """`since`: when the present phase began."""
        self.spent: dict[Phase, float] = {"setup": 0.0, "agent": 0.0, "environment": 0.0}
        self._inside: list[Phase] = []
        self._entering = entering
        self._lapped = 0.0

    @property
    def now(self) -> Phase | None:
        return self._inside[-1] if self._inside else None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        self._turn(name, enters=True)
        try:
            yield
        finally:
            self._turn(name, enters=False)

    def lap(self) -> float:
        """The agent's seconds since the last call."""
        before, self._lapped = self._lapped, self.spent["agent"]
        return self._lapped - before

    def usage(self, said: Usage) -> Usage:
        agent_s, environment_s = self.spent["agent"], self.spent["setup"] + self.spent["environment"]
        waiting_s = max(0.0, time.monotonic() - self.began - agent_s - environment_s)
        return said.model_copy(update={"agent_s": agent_s, "environment_s": environment_s, "waiting_s": waiting_s})

    def _turn(self, name: Phase, *, enters: bool) -> None:
        """Book what has passed to the phase that it passed in, and begin the next one."""
        inside, now = self._inside, time.monotonic()
        before = inside[-1] if inside else None
        if before is not None:
            self.spent[before] += now - self.since
        self.since = now
        if enters:
            inside.append(name)
        else:
            # Of several of one name any will do: branches end in any order.
            inside.remove(name)
        after = inside[-1] if inside else None
        if self._entering is not None and after is not None and after != before:
            self._entering(after)
