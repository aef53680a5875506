"""What a technique chooses among and who chooses: shared by `deciding` and `searching`.

A selector is given what an agent may see, and nothing else: no type here has a reward or a score of an evaluator in it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from pydantic import JsonValue

from quintain.core import TaskView
from quintain.errors import AgentError
from quintain.spaces import Action, Observation


class Candidate(NamedTuple):
    """One of several things that could be done: an action that was proposed, or an attempt that was made in a branch."""

    action: Action | str
    """The proposed one, or call text that the world will read; of an attempt, the last one that was done: its answer, where it
    gave one."""
    by: int = 0
    """Which of the technique's agents proposed it, counted from 0."""
    said: str | None = None
    """What the agent said with it."""
    before: tuple[Action, ...] = ()
    """Of an attempt: its actions before that one."""
    seen: Observation | None = None
    """Of an attempt: what an agent sees after it. None: it was only proposed."""


@runtime_checkable
class Selector(Protocol):
    """Picks one of several candidates.

    May have: `reset(task, seed)`, called when an episode begins, and `close()`; each may be a coroutine. What it asks a model is
    charged by the model, under the purpose ``judge``.
    """

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int | Awaitable[int]:
        """The index of the best of `candidates`, of which there is at least one; `observation` is what all of them answer."""
        ...


async def choose(selector: Selector, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
    """What `selector` picks, awaited where it is to be.

    Raises:
        AgentError: it picked none of them.
    """
    picked = selector.select(view, observation, candidates)
    if inspect.isawaitable(picked):
        picked = await picked
    if isinstance(picked, bool) or not isinstance(picked, int) or not 0 <= picked < len(candidates):
        name = type(selector).__name__
        raise AgentError(f"selector {name}: picked {picked!r:.80} of {len(candidates)} candidates; return an index from 0")
    return picked


def canonical(action: Action | str) -> str:
    """Equal for equal actions, whatever wrote them."""
    return action if isinstance(action, str) else json.dumps(action.model_dump(), sort_keys=True)


def plain(action: Action | str) -> JsonValue:
    """The JSON of an action, without what is as always."""
    return action if isinstance(action, str) else {"kind": action.kind, **action.model_dump(mode="json", exclude_defaults=True)}


def written(action: Action | str) -> str:
    """The same as text."""
    return action if isinstance(action, str) else json.dumps(plain(action), ensure_ascii=False)


def alike(candidates: Sequence[Candidate], *, whole: bool = False) -> list[list[int]]:
    """Indices of the candidates, those with equal actions together, in the order of their first.

    `whole`: attempts are alike to nothing, as the same last action may have come after others.
    """
    groups: dict[tuple[str, int | None], list[int]] = {}
    for index, each in enumerate(candidates):
        own = index if whole and each.seen is not None else None
        groups.setdefault((canonical(each.action), own), []).append(index)
    return list(groups.values())


def said(agent: object) -> str | None:
    """What an agent said with its last proposal, where it has an attribute `said` that tells."""
    words = getattr(agent, "said", None)
    return words if isinstance(words, str) and words else None
