"""Whoever selects, checks or values is given what an agent may see: no type that it is handed leads to a reward or a score."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from quintain.agents.techniques.choosing import Candidate, Selector
from quintain.agents.techniques.searching.attempts import Attempt
from quintain.agents.techniques.searching.checks import Check
from quintain.agents.techniques.searching.proposing import Proposals
from quintain.agents.techniques.searching.valuing import Value
from quintain.core import Episode, Evidence, Score, Step, StepRecord, Task
from quintain.handle import Branch, EpisodeHandle, SyncHandle

FORBIDDEN = (Score, Evidence, Episode, Step, StepRecord, Task)
WORDS = {"reward", "rewards", "score", "scores", "evaluator", "reference", "evidence", "passed"}


def parts(kind: Any) -> Iterator[tuple[str, Any]]:
    """Names and types that a value of this type leads to in one step."""
    if typing.get_origin(kind) is not None or typing.get_args(kind):
        yield from (("", each) for each in _flat(typing.get_args(kind)))
        return
    if not isinstance(kind, type) or kind.__module__ == "builtins":
        return
    if issubclass(kind, BaseModel):
        yield from ((name, field.annotation) for name, field in kind.model_fields.items())
    elif dataclasses.is_dataclass(kind) or hasattr(kind, "__annotations__"):
        yield from _hints(kind)
    if kind.__module__.startswith("quintain."):
        for name, member in vars(kind).items():
            call = member.fget if isinstance(member, property) else member
            if not name.startswith("_") and callable(call) and not issubclass(kind, BaseModel):
                yield from ((name, each) for _, each in _hints(call))
                yield name, None


def _flat(found: tuple[Any, ...]) -> Iterator[Any]:
    for each in found:
        yield from _flat(tuple(each)) if isinstance(each, list) else (each,)


def _hints(thing: Any) -> Iterator[tuple[str, Any]]:
    yield from typing.get_type_hints(thing, include_extras=False).items()


def reachable(kind: Any) -> dict[str, Any]:
    """Every type on the way, by the path of names that leads to it."""
    found: dict[str, Any] = {}
    pending = [("", kind)]
    known: list[Any] = []
    while pending:
        path, each = pending.pop()
        found[path or "."] = each
        if any(each is one for one in known):
            continue
        known.append(each)
        pending += [(f"{path}.{name}", part) for name, part in parts(each)]
    return found


@pytest.mark.parametrize("kind", [Selector, Check, Value, Proposals, Candidate, Attempt, Branch, EpisodeHandle, SyncHandle])
def test_no_reward_and_no_score_can_be_reached(kind: Any) -> None:
    found = reachable(kind)
    assert not [path for path, each in found.items() if each in FORBIDDEN]
    assert not [path for path in found if WORDS & set(path.split("."))]


@pytest.mark.parametrize("kind", [Score, Episode, tuple[Episode, int], Task, StepRecord])
def test_the_walk_would_find_one(kind: Any) -> None:
    found = reachable(kind)
    assert [path for path, each in found.items() if each in FORBIDDEN or WORDS & set(path.split("."))]


def test_the_walk_reaches_what_a_selector_is_given() -> None:
    assert {"seen", "goal", "limits"} <= {name for path in reachable(Selector) for name in path.split(".")}
    assert "observation" in {name for path in reachable(EpisodeHandle) for name in path.split(".")}
