"""What a call of an agent may do to the loop: take too long, raise anything, return something else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from quintain.errors import AgentError, BudgetSpent, EpisodeTimeout, InfrastructureError, one_line
from quintain.spaces import ACTIONS

FLOOR_S = 0.1
"""An agent at the very end of its time still gets this long, so that it is told by the environment and not by its clock."""


async def finished(call: Callable[[], Any], seconds: float | None) -> Any:
    """What the agent returns, awaited where it is to be; only waiting can be cut short from here."""
    result = call()
    if not inspect.isawaitable(result):
        return result
    limit = asyncio.timeout(None if seconds is None else max(seconds, FLOOR_S))
    try:
        async with limit:
            return await result
    except TimeoutError:
        if not limit.expired():
            raise
        raise EpisodeTimeout(f"agent: no action within the {seconds:.0f} s that were left") from None


@contextmanager
def agents_fault(where: str) -> Iterator[None]:
    """Whatever an agent raises is its own failure."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if (found := owned(error, where)) is error:
            raise
        raise found from error


def owned(error: BaseException, where: str) -> BaseException:
    """What an agent raised, as what it is held to be: its own failure, whatever class it chose, so that none buys itself an
    unscored episode. A model that cannot be reached and a budget that is spent are none, alone or several at once."""
    if isinstance(error, (AgentError, BudgetSpent, EpisodeTimeout, InfrastructureError)):
        return error
    for said in (BudgetSpent, InfrastructureError):
        if alike := _all_of(error, (BudgetSpent, said)):
            return alike
    return AgentError(f"{where}: {one_line(error)}")


def check_action(action: object) -> None:
    if not isinstance(action, (*ACTIONS, Mapping, str)):
        raise AgentError(
            f"agent: act returned {described(action)} instead of an action; "
            "return one of quintain's actions, its dict, or call text"
        )


def described(value: object) -> str:
    shown = one_line(ValueError(repr(value)), limit=100).removeprefix("ValueError: ")
    return f"{type(value).__name__} {shown}"


def chained(error: BaseException) -> Iterator[BaseException]:
    """The error, those in its group, and those that it came from."""
    pending, known = [error], set[int]()
    while pending:
        each = pending.pop()
        if id(each) in known:
            continue
        known.add(id(each))
        yield each
        inside = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        pending += [found for found in (each.__cause__, each.__context__, *inside) if found is not None]


def _all_of(error: BaseException, kinds: tuple[type[Exception], ...]) -> BaseException | None:
    """The last of the kinds in a group of nothing else: what several calls at once raised."""
    if not isinstance(error, BaseExceptionGroup) or error.split(kinds)[1] is not None:
        return None
    leaves = [each for each in chained(error) if isinstance(each, kinds[-1])]
    return leaves[0] if leaves else None
