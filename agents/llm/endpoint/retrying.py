"""What an endpoint's reply means: an answer, a refusal that stands, or a reason to ask again, and when."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from quintain.agents.llm.model import ModelRefused, ModelUnreachable

LONGEST_WAIT_S = 60.0
_AGAIN = frozenset({408, 409, 429})
"""Beside 5xx, 529 (overloaded) among them."""
_OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""429s that no waiting mends."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class AskAgain(Exception):
    """This try came to nothing that the next may not mend."""

    def __init__(self, reason: str, *, after_s: float | None = None, throttled: bool = False) -> None:
        super().__init__(reason)
        self.after_s = after_s
        """As the endpoint asked."""
        self.throttled = throttled


def judged(reply: Reply, *, model: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """The envelope of an answer.

    Raises:
        AskAgain: a passing fault.
        ModelRefused: the endpoint turned this request down.
        ModelUnreachable: it turns down all of them; names the variables of the key.
    """
    if 200 <= reply.status < 300:
        body = _json(reply.body)
        if not isinstance(body, dict):
            raise AskAgain("the answer is no JSON object" if body is not None else "the answer is no JSON")
        if "choices" in body or "error" not in body:
            return body
        # Routers answer 200 and put the status of what stands behind them into the error.
        reply = Reply(_code(body["error"]), reply.headers, reply.body)
    said = f"HTTP {reply.status}: {message_of(reply.body)}"
    if reply.status in (401, 403):
        hint = f"; check the key in {' or '.join(keys)}" if keys else "; name the variable of a key with key_variable=…"
        raise ModelUnreachable(f"model {model!r}: {said}{hint}")
    if reply.status == 402 or any(word in said for word in _OUT_OF_MONEY):
        raise ModelUnreachable(f"model {model!r}: {said}; the account has no money left")
    if reply.status in _AGAIN or reply.status >= 500:
        raise AskAgain(said, after_s=asked_wait(reply.headers), throttled=reply.status == 429)
    if reply.status < 400:
        raise ModelUnreachable(f"model {model!r}: {said}; the base URL is another")
    raise ModelRefused(f"model {model!r}: {said}")


def message_of(body: bytes, limit: int = 300) -> str:
    """What an error says, on one line."""
    found = _json(body)
    if isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, dict):
        found = found.get("error", found)
    if isinstance(found, dict):
        parts = [found.get(name) for name in ("message", "detail", "code", "type", "param")]
        found = ", ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)
    text = " ".join((found if isinstance(found, str) and found else body.decode("utf-8", "replace")).split())
    return (text if len(text) <= limit else text[: limit - 1] + "…") or "no message"


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date (RFC 9110)."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    when = _date(headers.get("retry-after"))
    # By the endpoint's own clock, where it shows it.
    now = _date(headers.get("date")) or datetime.now(UTC)
    return None if when is None else max(0.0, (when - now).total_seconds())


def wait_s(tries: int, asked: float | None, *, first: float, jitter: random.Random) -> float:
    """Seconds until the next try: as asked and a little more, else doubling, of which half is chance."""
    if asked is not None:
        return asked + jitter.uniform(0.0, min(1.0, 0.1 * asked))
    return float(min(LONGEST_WAIT_S, first * 2 ** (tries - 1)) * jitter.uniform(0.5, 1.0))


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _code(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502
