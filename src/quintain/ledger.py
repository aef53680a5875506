"""One ledger an episode: whoever calls a model or explores a branch charges it here, however deep inside an agent that happens.

The loop that plays an episode opens its ledger; models find it with `current()`. Agents hand nothing on and can forget nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from pydantic import JsonValue

from .errors import BudgetSpent
from .usage import Charge, Limits, Usage

ACT = "act"
"""The purpose of whatever is charged outside of a `purpose` block."""


class Note(NamedTuple):
    """Something that an agent wants to be in the trace beside its action: what its model saw and said, how it chose."""

    kind: str
    data: dict[str, JsonValue]
    """Pictures in it are ``data:image/png;base64,…`` texts; the trace keeps each once."""


class Ledger:
    """What an episode cost so far, by purpose, held against its limits. Threads may share it."""

    def __init__(self, limits: Limits | None = None, *, key: str = "") -> None:
        """`key` names the trial that is played: task, seed and agent. Empty: no episode's."""
        self.limits = limits or Limits()
        self.key = key
        self._charges: dict[str, Charge] = {}
        self._known_tokens, self._known_usd = 0, 0.0
        self._notes: list[Note] = []
        self._lock = threading.Lock()

    def charge(
        self,
        *,
        calls: int = 0,
        input_tokens: int | None = 0,
        output_tokens: int | None = 0,
        usd: float | None = 0.0,
        seconds: float = 0.0,
        steps: int = 0,
    ) -> None:
        """Book under the purpose of the calling context; None is unknown."""
        what = _PURPOSE.get()
        made = Charge(
            what=what, calls=calls, input_tokens=input_tokens, output_tokens=output_tokens, usd=usd, seconds=seconds, steps=steps
        )
        with self._lock:
            before = self._charges.get(what)
            self._charges[what] = made if before is None else before.plus(made)
            self._known_tokens += (input_tokens or 0) + (output_tokens or 0)
            self._known_usd += usd or 0.0

    def check(self) -> None:
        """To be called before each further expense.

        Raises:
            BudgetSpent: the episode's limit on tokens or dollars is reached. The loop ends the episode as truncated.
        """
        known, limits = self.known(), self.limits
        if limits.tokens is not None and (known.tokens or 0) >= limits.tokens:
            raise BudgetSpent(f"the episode's {limits.tokens} tokens are spent")
        if limits.usd is not None and (known.usd or 0.0) >= limits.usd:
            raise BudgetSpent(f"the episode's {limits.usd:g} dollars are spent")

    def known(self) -> Usage:
        """Tokens and dollars that are spent at least: what limits are held against where some expenses are unknown."""
        with self._lock:
            return Usage(tokens=self._known_tokens, usd=self._known_usd)

    def note(self, kind: str, **data: JsonValue) -> None:
        """Keep something for the trace of this step."""
        with self._lock:
            self._notes.append(Note(kind, data))

    def drain(self) -> list[Note]:
        """The notes since the last call."""
        if not self._notes:
            return []
        with self._lock:
            found, self._notes = self._notes, []
        return found

    @property
    def charges(self) -> tuple[Charge, ...]:
        with self._lock:
            return tuple(self._charges.values())

    @property
    def total(self) -> Charge:
        found = Charge(what="total")
        for each in self.charges:
            found = found.plus(each)
        return found

    def usage(self) -> Usage:
        """Tokens and dollars are unknown where nothing was charged."""
        charges, total = self.charges, self.total
        return Usage(tokens=total.tokens, usd=total.usd, charges=charges) if charges else Usage()


def current() -> Ledger:
    """The ledger of the episode that is being played; outside of one, a ledger of nobody."""
    return _CURRENT.get() or Ledger()


@contextmanager
def opened(ledger: Ledger) -> Iterator[Ledger]:
    """Make it the current one of this context, and of the tasks and threads that are started with it."""
    token = _CURRENT.set(ledger)
    try:
        yield ledger
    finally:
        _CURRENT.reset(token)


@contextmanager
def purpose(what: str) -> Iterator[None]:
    """Book everything inside under this name; the innermost block counts."""
    token = _PURPOSE.set(what)
    try:
        yield
    finally:
        _PURPOSE.reset(token)


_CURRENT: ContextVar[Ledger | None] = ContextVar("ledger", default=None)
_PURPOSE: ContextVar[str] = ContextVar("purpose", default=ACT)
