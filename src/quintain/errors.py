"""Who owns a failure.

Every exception that crosses a boundary of quintain belongs to one owner: the user, the agent, the environment, the task, the
evaluator, or the infrastructure. The owner decides what happens next: an agent's failure is scored (the agent did badly), an
environment's or the infrastructure's never is (the episode is *unscored* and may be repeated).

A message names what failed, where, and what to do next, on one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

Owner = Literal["user", "agent", "environment", "task", "evaluator", "infrastructure"]


class QuintainError(Exception):
    """Base of all failures that quintain raises on purpose."""

    owner: ClassVar[Owner] = "infrastructure"


class UsageError(QuintainError):
    """The caller asked for something that cannot be: an unknown id, a malformed file, contradictory options."""

    owner = "user"


class AgentError(QuintainError):
    """The agent raised, hung, or returned something that is no action."""

    owner = "agent"


class EnvironmentFault(QuintainError):
    """The world broke: a browser died, a program crashed, a page never loaded."""

    owner = "environment"


class SandboxLost(EnvironmentFault):
    """A sandbox broke or was broken from inside; what was in it is gone, and a reset brings it back."""


class TaskError(QuintainError):
    """The task itself is wrong: malformed data, a set-up that fails, an evaluator that does not exist."""

    owner = "task"


class TaskUnavailable(TaskError):
    """This one task needs a part that is missing on this machine, while others of its family may run; it is left unscored."""


class EvaluatorError(QuintainError):
    """An evaluator raised, or returned something that is no score."""

    owner = "evaluator"


class InfrastructureError(QuintainError):
    """What quintain stands on failed: a full disk, a killed worker, a lost machine."""

    owner = "infrastructure"


class Unavailable(InfrastructureError):
    """A real part that a family needs is missing on this machine; the message says how to get it."""


class EpisodeTimeout(QuintainError):
    """An episode or one call in it ran past its limit."""

    owner = "agent"


class BudgetSpent(QuintainError):
    """The tokens or dollars of an episode are used up. No failure: the loop turns it into a truncated episode."""

    owner = "agent"


@contextmanager
def attributed(to: type[QuintainError], where: str) -> Iterator[None]:
    """Raise whatever crosses this block as ``to``, with ``where`` named; errors that have an owner already pass unchanged."""
    try:
        yield
    except QuintainError:
        raise
    except Exception as error:
        raise to(f"{where}: {one_line(error)}") from error


def one_line(error: BaseException, *, limit: int = 400) -> str:
    """``Type: message`` on one line of at most ``limit`` characters."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    line = f"{name}: {text}" if text else name
    return line if len(line) <= limit else line[: limit - 1] + "…"
