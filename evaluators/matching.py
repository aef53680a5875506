"""Whether a value is what was expected; the expectation is data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import JsonValue

from quintain.errors import TaskError

KINDS = ("exact", "casefold", "contains", "regex", "number", "any", "all", "not")
_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?!\d)(?:\.\d+)?|\d*\.?\d+)(?:[eE][-+]?\d+)?")
_EPSILON = 1e-9


class Match(NamedTuple):
    """Whether it matched, and what was expected, for the reason of a score."""

    ok: bool
    expected: str


def matches(value: JsonValue, expected: JsonValue) -> Match:
    """Compare a value with an expectation.

    A scalar or a list is expected exactly. An object has one of `KINDS`: ``{"casefold": "Paris"}`` (case and white space do not
    count), ``{"contains": "a"}`` (part of a text, or element of a list), ``{"regex": "^a"}`` (searched),
    ``{"number": 3, "tolerance": 0.1}`` (the first number in a text; ``"relative": 0.01`` instead is a share of it),
    ``{"any": […]}``, ``{"all": […]}``, ``{"not": …}``, ``{"exact": …}`` (also for objects).

    Raises:
        TaskError: the expectation is malformed.
    """
    if not isinstance(expected, Mapping):
        return Match(_same(value, expected), repr(expected))
    kinds = [key for key in expected if key in KINDS]
    if len(kinds) != 1 or set(expected) - {*kinds, "tolerance", "relative"}:
        raise TaskError(f"reference: {dict(expected)!r} is no expectation; it needs exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    wanted: Any = expected[kind]
    return Match(_matched(kind, value, wanted, expected), f"{kind} {wanted!r}")


def _matched(kind: str, value: Any, wanted: Any, options: Mapping[str, Any]) -> bool:
    match kind:
        case "exact":
            return _same(value, wanted)
        case "casefold":
            return _folded(_text(value)) == _folded(_text(wanted))
        case "contains":
            return any(_same(each, wanted) for each in value) if isinstance(value, list) else _text(wanted) in _text(value)
        case "regex":
            return _pattern(wanted).search(_text(value)) is not None
        case "number":
            return _near(value, wanted, tolerance=options.get("tolerance", 0.0), relative=options.get("relative", 0.0))
        case "not":
            return not matches(value, wanted).ok
    if not isinstance(wanted, list):
        raise TaskError(f"reference: {kind!r} needs a list of expectations, got {wanted!r}")
    return (any if kind == "any" else all)(matches(value, each).ok for each in wanted)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _pattern(source: Any) -> re.Pattern[str]:
    try:
        return re.compile(source)
    except (re.error, TypeError) as error:
        raise TaskError(f"reference: {source!r} is no regular expression ({error})") from None


def _near(value: Any, wanted: Any, *, tolerance: float, relative: float) -> bool:
    found, goal = number(value), number(wanted)
    if goal is None:
        raise TaskError(f"reference: {wanted!r} is no number")
    return found is not None and abs(found - goal) <= max(tolerance, relative * abs(goal)) + _EPSILON * max(1.0, abs(goal))


def number(value: Any) -> float | None:
    """The number that a value is, or the first one in a text; thousands may be grouped."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    found = _NUMBER.search(_text(value))
    return float(re.sub(r"[,\u00a0\u202f ]", "", found.group()).replace("\u2212", "-")) if found else None
