"""What a conformance suite raises, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from quintain.errors import QuintainError, one_line


class Nonconformance(AssertionError):
    """A class or a task does not keep the contract; the message says what, where, and what was expected."""


def require(condition: object, message: str) -> None:
    """Raise `Nonconformance` unless `condition` holds."""
    if not condition:
        raise Nonconformance(message)


@contextmanager
def allowed(where: str) -> Iterator[None]:
    """Whatever is raised in this block is a nonconformance; a failure with an owner keeps its message."""
    try:
        yield
    except Nonconformance:
        raise
    except QuintainError as error:
        raise Nonconformance(f"{where}: {type(error).__name__}: {error}") from error
    except Exception as error:
        raise Nonconformance(f"{where}: raised {one_line(error)}") from error


@contextmanager
def refusal(where: str, *kinds: type[BaseException]) -> Iterator[None]:
    """The block must raise one of `kinds`, with a message on one line."""
    expected = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except kinds as error:
        require(str(error), f"{where}: raised {type(error).__name__} without a message; say what is wrong and what to do")
        require("\n" not in str(error), f"{where}: the message of {type(error).__name__} has several lines; make it one")
    except Exception as error:
        raise Nonconformance(f"{where}: expected {expected}, raised {one_line(error)}") from error
    else:
        raise Nonconformance(f"{where}: expected {expected}, nothing was raised")
