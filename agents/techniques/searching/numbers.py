"""Numbers that a technique is given, refused before anything is spent."""

from __future__ import annotations

from quintain.errors import UsageError


def counted(**numbers: int) -> int:
    """The number, if it is one of at least 1."""
    ((name, number),) = numbers.items()
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{name} must be a whole number of at least 1, got {number!r}")
    return number
