from __future__ import annotations

import pytest

from quintain import errors
from quintain.errors import AgentError, EnvironmentFault, QuintainError, UsageError, attributed, one_line


def test_every_failure_has_an_owner() -> None:
    kinds = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, QuintainError)]
    owners = {kind.__name__: kind.owner for kind in kinds}
    assert owners["UsageError"] == "user"
    assert owners["EpisodeTimeout"] == "agent"
    assert owners["Unavailable"] == "infrastructure"
    assert set(owners.values()) == {"user", "agent", "environment", "task", "evaluator", "infrastructure"}


def test_what_crosses_a_boundary_gets_its_owner_and_keeps_its_cause() -> None:
    with pytest.raises(EnvironmentFault, match="^page: ValueError: two lines$") as caught, attributed(EnvironmentFault, "page"):
        raise ValueError("two\n  lines")
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_has_an_owner_keeps_it() -> None:
    with pytest.raises(UsageError, match="^mine$"), attributed(AgentError, "agent"):
        raise UsageError("mine")


def test_interrupts_are_nobodys_failure() -> None:
    with pytest.raises(KeyboardInterrupt), attributed(AgentError, "agent"):
        raise KeyboardInterrupt


def test_one_line_is_one_line_and_short() -> None:
    assert one_line(ValueError("a\n\tb")) == "ValueError: a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 9999), limit=50)) == 50
