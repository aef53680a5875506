"""From an observation and a history to the request that fits into the model's context."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from quintain.agents.llm.model import ChatMessage
from quintain.agents.llm.prompting.history import LINES, History, no_action, written
from quintain.agents.llm.prompting.tokens import tokens
from quintain.agents.llm.prompting.view import Shown, present
from quintain.agents.llm.switches import Switches
from quintain.ledger import current
from quintain.spaces import Observation

_WRONG_BY = 1.25
"""Characters / 4 is an estimate: lists of elements have more tokens, prose fewer."""


class Notes(NamedTuple):
    """What the model wrote for itself."""

    plan: str = ""
    memory: str = ""


def conversation(
    observation: Observation,
    history: History,
    switches: Switches,
    *,
    lead: Sequence[ChatMessage],
    notes: Notes,
    shown: Sequence[Shown],
    context: int,
    form: int,
    listing: str | None = None,
) -> list[ChatMessage]:
    """The messages of the next request, cut to fit `context` tokens, of which tools or a schema take `form`.

    `lead` comes first and is never cut; `listing` stands in place of the elements. Where there is too little room, the history
    goes first, then pictures, then parts of the observation, which then says so; the goal never does. A cut is noted in the
    ledger.
    """
    last = history.last
    before = last.observation if last and switches.history == "full" else None
    goal = [f"Goal: {observation.goal}"] if observation.goal else []
    wrote = [f"Your plan:\n{notes.plan}"] if notes.plan else []
    wrote += [f"Your note:\n{notes.memory}"] if notes.memory else []
    fixed = sum(tokens(text) for text in (*(str(message.content) for message in lead), *goal, *wrote)) + 20
    room = int(context / _WRONG_BY) - switches.max_tokens - form - fixed
    kept = list(shown)
    while kept and sum(each.tokens for each in kept) > room / 2:
        kept.pop()
    room -= sum(each.tokens for each in kept)
    view, was_cut = _within(lambda share: present(observation, switches, before=before, share=share, listing=listing), room)
    if was_cut or len(kept) < len(shown):
        current().note("cut", step=observation.step, context=context, pictures=len(shown) - len(kept))
        view += f"\n(Cut to fit into a context of {context} tokens.)"
    budget = max(0, min(switches.history_tokens, room - tokens(view)))
    history.fit(budget, lines_only=switches.history != "full")
    so_far = _so_far(history, switches, int(budget * LINES) if switches.history == "full" else budget)
    if last is not None and last.problem and last.detail == "line":
        view = f"{no_action(last.problem)}\n\n{view}"
    if switches.compact:
        # A small model goes by what it read last.
        messages = history.messages("", "\n\n".join(filter(None, [view, *wrote, *so_far, *goal])), kept)
    else:
        opening = "\n\n".join([*goal, *so_far])
        messages = history.messages(opening, "\n\n".join(filter(None, [view, *wrote])), kept, pictures=switches.history_pictures)
    return [*lead, *messages]


def form_tokens(form: object) -> int:
    """Tokens of a schema or of tools, as JSON."""
    return tokens(json.dumps(form)) if form else 0


def _within(rendered: Callable[[float], str], room: int) -> tuple[str, bool]:
    share = 1.0
    text = rendered(share)
    while tokens(text) > room and share > 0.01:
        share *= min(0.8, max(0.05, room / tokens(text)))
        text = rendered(share)
    return text, share < 1.0


def _so_far(history: History, switches: Switches, limit: int) -> list[str]:
    """The turns that are lines, as a paragraph of the opening message."""
    if switches.history == "off" or not history.turns:
        return []
    if switches.history == "last":
        # Without the name of its target, which small models would only copy again.
        return [f"Last action: {written(history.turns[-1].action)}"]
    lines = history.lines(limit)
    return [f"Done so far:\n{lines}"] if lines else []
