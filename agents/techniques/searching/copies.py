"""Copies of agents: each attempt and each branch has one of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel

from quintain.agents.llm.model import Model
from quintain.core import Agent, LoopAgent
from quintain.errors import UsageError, one_line
from quintain.lifting import AgentLike, build, label_of

T = TypeVar("T")
DEPTH = 6
"""Of objects in objects that are looked through for models and values."""


def copy_of(agent: AgentLike) -> Agent | LoopAgent:
    """An agent of one's own: built anew from what names or makes it, or a twin of an object."""
    if isinstance(agent, (str, Mapping, type)) or not (hasattr(agent, "act") or hasattr(agent, "play")):
        return build(agent)
    return build(twin(agent))


def twin(agent: T) -> T:
    """A copy with the same memory, which shares the models that the agent asks, and the frozen values that it remembers.

    Raises:
        UsageError: the agent holds what cannot be copied; it may have a `__deepcopy__` that says how.
    """
    try:
        return copy.deepcopy(agent, {id(each): each for each in _shared(agent, DEPTH, set())})
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"agent {label_of(agent)!r} cannot be copied ({one_line(error, limit=120)}); branches need that: give it __deepcopy__"
        ) from error


def models_in(agent: object) -> list[object]:
    """The models that an agent, or one inside of it, asks."""
    return [each for each in _shared(agent, DEPTH, set()) if isinstance(each, Model)]


def _shared(thing: object, depth: int, known: set[int]) -> Iterator[object]:
    if id(thing) in known:
        return
    known.add(id(thing))
    if isinstance(thing, Model) or (isinstance(thing, BaseModel) and thing.model_config.get("frozen")):
        yield thing
    elif depth > 0:
        for each in thing if isinstance(thing, (list, tuple)) else list(getattr(thing, "__dict__", {}).values()):
            if isinstance(each, (list, tuple)) or (hasattr(each, "__dict__") and not isinstance(each, type)):
                yield from _shared(each, depth - 1, known)
