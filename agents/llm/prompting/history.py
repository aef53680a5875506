"""What was seen and done, as a conversation within a budget of tokens.

An observation is the answer to the call that led to it, or a user's message where there was no call. The oldest observations
become one line each, then the oldest turns a line of the opening message, and of these lines the oldest are dropped last.
Answers and the calls that they answer are left out together, so that no call stands without its answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from quintain.agents.llm.model import ChatMessage, Picture, Text
from quintain.agents.llm.prompting.controls import called
from quintain.agents.llm.prompting.tokens import short, tokens
from quintain.agents.llm.prompting.view import Shown
from quintain.elements_outline import quoted
from quintain.spaces import Action, Observation

Detail = Literal["full", "brief", "line"]
_AFTER_CUT = 0.75
"""What part of the budget is filled after a cut, so that not each step changes the beginning, which endpoints cache."""
_COARSER: tuple[Detail, ...] = ("brief", "line")
LINES = 0.3
"""The part of the budget that turns which are but lines may take."""
NOT_DONE = "not done: one action at a time"


@dataclass
class Turn:
    """One step: what was seen before it and what was done."""

    observation: Observation
    """Without its pictures."""
    past: str
    brief: str
    shown: Sequence[Shown]
    action: Action
    said: ChatMessage | None
    """None: the action is a further one of the answer before."""
    call: str | None
    """The call that asked for this action."""
    problem: str | None = None
    """Why the answer was no action."""
    detail: Detail = "full"

    @property
    def cost(self) -> int:
        """Tokens in the conversation."""
        if self.detail == "line":
            return tokens(self.line)
        seen = self.past if self.detail == "full" else self.brief
        return tokens(seen) + (_size(self.said) if self.said else 0) + 8

    @cached_property
    def line(self) -> str:
        """The step on one line; elements by name too, since their refs may mean nothing any more."""
        if self.problem is not None:
            return f"{self.observation.step + 1}. no action ({short(self.problem, 60)})"
        line = f"{self.observation.step + 1}. {written(self.action)}"
        target, elements = getattr(self.action, "target", None), self.observation.elements
        if isinstance(target, int) and elements is not None and target in elements:
            line += f" on {quoted(called(elements[target]))}"
        return line


@dataclass
class History:
    """The turns of an episode."""

    turns: list[Turn] = field(default_factory=list)

    def before(self, step: int) -> bool:
        """Forget what was done at this step or later: an earlier state is played again, or a step is thought over again. Whether
        there was such a thing."""
        known = len(self.turns)
        while self.turns and self.turns[-1].observation.step >= step:
            self.turns.pop()
        return len(self.turns) < known

    def add(self, turn: Turn) -> None:
        """Of several answers to one step, asked for side by side, the last one stays until it is told what was done."""
        self.before(turn.observation.step)
        self.turns.append(turn)

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def fit(self, budget: int, *, lines_only: bool = False) -> None:
        """Cut the oldest down until all is within so many tokens."""
        if lines_only:
            for turn in self.turns:
                turn.detail = "line"
        lines = sum(turn.cost for turn in self.turns if turn.detail == "line")
        held = sum(turn.cost for turn in self.turns if turn.detail != "line")
        if held + min(lines, budget * LINES) <= budget:
            return
        goal = budget * _AFTER_CUT
        for detail in _COARSER:
            for turn in self.turns:
                if held + min(lines, budget * LINES) <= goal:
                    break
                if turn.detail in ("line", detail):
                    continue
                held -= turn.cost
                turn.detail = detail
                if detail == "line":
                    lines += turn.cost
                else:
                    held += turn.cost
        # An answer's further actions have no place without it.
        for turn in self.turns:
            if turn.detail == "line":
                continue
            if turn.said is not None:
                break
            turn.detail = "line"

    def lines(self, limit: int) -> str:
        """The turns that are but lines, the last of them within `limit` tokens."""
        found = [turn.line for turn in self.turns if turn.detail == "line"]
        kept: list[str] = []
        for line in reversed(found):
            limit -= tokens(line) + 1
            if limit < 0:
                break
            kept.append(line)
        left_out = [f"({len(found) - len(kept)} earlier steps)"] if len(kept) < len(found) else []
        return "\n".join([*left_out, *reversed(kept)])

    def messages(self, opening: str, now: str, shown: Sequence[Shown], *, pictures: int = 0) -> list[ChatMessage]:
        """The conversation: `opening` and the first observation, answers and what came of them, `now` with its pictures at the
        end. So many of the last earlier observations show their pictures."""
        turns = [turn for turn in self.turns if turn.detail != "line"]
        seen = [turn.past if turn.detail == "full" else turn.brief for turn in turns] + [now]
        with_pictures = [*(turn.shown if len(turns) - index <= pictures else () for index, turn in enumerate(turns)), shown]
        found: list[ChatMessage] = []
        pending: list[str] = []
        """Calls of the last answer that have no answer yet."""
        for index, text in enumerate(seen):
            former = turns[index - 1] if index else None
            over = index == len(turns) or turns[index].said is not None
            if former is None:
                found.append(_user(f"{opening}\n\n{text}" if opening else text, with_pictures[index]))
            else:
                found += _came_of(former, text, with_pictures[index], pending, over=over)
            if index < len(turns) and (said := turns[index].said) is not None:
                found.append(said)
                pending = [call.id for call in said.tool_calls]
        return found


def _came_of(turn: Turn, text: str, shown: Sequence[Shown], pending: list[str], *, over: bool) -> Iterator[ChatMessage]:
    """The messages after an action; `over`: it was the last one of its answer."""
    if turn.problem is not None:
        text = f"{no_action(turn.problem)}\n\n{text}"
    if turn.call not in pending:
        yield _user(text, shown)
        return
    pending.remove(turn.call)
    yield ChatMessage(role="tool", content=text, answers=turn.call)
    if not over:
        return
    for call in pending:
        yield ChatMessage(role="tool", content=NOT_DONE, answers=call)
    if shown:
        # A tool's answer is text alone at most endpoints.
        yield _user("What there is to see now:", shown)


def no_action(problem: str) -> str:
    """What a model is told after a step that it wasted."""
    return f"Error: your last answer was no action, so nothing was done: {problem}"


def _user(text: str, shown: Sequence[Shown]) -> ChatMessage:
    if not shown:
        return ChatMessage(role="user", content=text)
    parts: list[Text | Picture] = [Text(text=text), *(each.picture for each in shown)]
    return ChatMessage(role="user", content=tuple(parts))


def written(action: Action, limit: int = 100) -> str:
    """The action like a call, on one line: ``click(target=5)``."""
    given = action.model_dump(mode="json", exclude_defaults=True)
    return short(f"{action.kind}({', '.join(f'{name}={value!r}' for name, value in given.items() if name != 'kind')})", limit)


def _size(message: ChatMessage) -> int:
    assert isinstance(message.content, str)
    return tokens(message.content) + sum(tokens(call.name + call.arguments) + 8 for call in message.tool_calls)
