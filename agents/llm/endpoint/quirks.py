"""Fields that a model turns down although its endpoint knows them: found out by the first refusal, and remembered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_RENAMED = {"max_tokens": "max_completion_tokens"}
_DROPPED = ("temperature", "seed")
"""Fields without which the same question is still asked."""
_REFUSAL = re.compile(r"not support|unsupported|not permitted|unrecognized|unknown|extra_forbidden|deprecated", re.I)


class Quirks:
    """Of one model at one endpoint."""

    def __init__(self) -> None:
        self._renamed: set[str] = set()
        self._dropped: set[str] = set()

    def applied(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {_RENAMED[name] if name in self._renamed else name: body[name] for name in body if name not in self._dropped}

    def learn(self, refusal: str, body: Mapping[str, Any]) -> bool:
        """True where this refusal of `body`, as it was sent, names a field that can be done without: it is never sent again.

        A refusal of a field's *value* is none: a `max_tokens` that is too large must reach the caller.
        """
        if not _REFUSAL.search(refusal):
            return False
        found = {name for name in (*_RENAMED, *_DROPPED) if name in body and re.search(rf"(?<!\w){name}(?!\w)", refusal)}
        self._renamed |= found & _RENAMED.keys()
        self._dropped |= found - _RENAMED.keys()
        return bool(found)


@cache
def quirks_of(url: str, model: str) -> Quirks:
    """What this process has found out so far."""
    return Quirks()
