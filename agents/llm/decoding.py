"""From a model's answer to actions, or to what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from quintain.agents.llm.model import Answer, ChatMessage, ToolCall
from quintain.agents.llm.tools import EXTRAS
from quintain.spaces import Action, parse_action

_FENCED = re.compile(r"```(?:\w+)?\s*\n(.*?)```", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>\s*(\{.*?\})\s*(?:</tool_call>|$)", re.DOTALL)
_SHOWN = 2000
"""Characters of a malformed answer that its writer sees again."""
_TRIES = 200
"""Braces at which an object may begin, before a text counts as having none."""
Reading = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the fields that a schema asked for to those of an action."""


class Malformed(ValueError):
    """The answer is no action; the message tells its writer why."""


class Proposal(NamedTuple):
    """An action and the call that asked for it."""

    action: Action
    call: str | None = None


class Decoded(NamedTuple):
    """What an answer comes to."""

    proposals: tuple[Proposal, ...]
    """At least one, in their order."""
    extras: dict[str, str]
    """`thought`, `plan`, `memory`, where there are any."""
    said: ChatMessage
    """The answer as it stands in the conversation."""


def decode(answer: Answer, kinds: Sequence[str], *, reading: Reading | None = None, several: bool = False) -> Decoded:
    """The actions of an answer, whatever form it took: tool calls, JSON, or JSON in a text.

    Raises:
        Malformed: says what is wrong, and what would be right.
    """
    try:
        if answer.tool_calls:
            return _called(answer, kinds, several=several)
        return _written(answer, kinds, reading)
    except Malformed as problem:
        if answer.ended == "length":
            raise Malformed(f"the answer was cut off at its limit of tokens; answer shorter ({problem})") from None
        raise


def repair(answer: Answer, problem: str) -> list[ChatMessage]:
    """The malformed answer and what is wrong with it, as a conversation goes on: each call gets its answer."""
    text = answer.text[:_SHOWN] or ("" if answer.tool_calls else "(nothing)")
    said = ChatMessage(role="assistant", content=text, tool_calls=_sound(answer))
    wrong = f"That is no action: {problem}. Nothing was done; answer again."
    if not said.tool_calls:
        return [said, ChatMessage(role="user", content=wrong)]
    return [said, *(ChatMessage(role="tool", content=wrong, answers=call.id) for call in said.tool_calls)]


def failed(answer: Answer) -> ChatMessage:
    """A malformed answer as it stays in the conversation: no call, since none was done."""
    return ChatMessage(role="assistant", content=answer.text[:_SHOWN] or "(no action)")


def as_call(action: Action, name: str) -> ChatMessage:
    """The message of an answer that would have called for this action."""
    given = action.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
    call = ToolCall(id=name, name=action.kind, arguments=json.dumps(given, ensure_ascii=False))
    return ChatMessage(role="assistant", tool_calls=(call,))


def as_text(action: Action) -> ChatMessage:
    given = {"kind": action.kind, **action.model_dump(mode="json", exclude_defaults=True)}
    return ChatMessage(role="assistant", content=json.dumps({"action": given}, ensure_ascii=False))


def _called(answer: Answer, kinds: Sequence[str], *, several: bool) -> Decoded:
    proposals: list[Proposal] = []
    extras: dict[str, str] = {}
    for call in answer.tool_calls if several else answer.tool_calls[:1]:
        fields = _loaded(call.arguments.strip() or "{}", f"the arguments of {call.name!r}")
        extras |= _extras_of(fields)
        own = {name: value for name, value in fields.items() if name not in EXTRAS and name != "kind"}
        proposals.append(Proposal(_action({"kind": call.name, **own}, kinds), call.id))
    return Decoded(tuple(proposals), extras, ChatMessage(role="assistant", content=answer.text, tool_calls=_sound(answer)))


def _written(answer: Answer, kinds: Sequence[str], reading: Reading | None) -> Decoded:
    found = _object(answer.text)
    extras = _extras_of(found)
    # Models that were trained on another form keep to it.
    if isinstance(inner := found.get("action"), Mapping):
        extras |= _extras_of(inner)
        found = inner
    elif isinstance(found.get("name"), str) and isinstance(arguments := found.get("arguments", found.get("parameters")), Mapping):
        extras |= _extras_of(arguments)
        found = {"kind": found["name"], **arguments}
    fields = {name: value for name, value in found.items() if name not in EXTRAS}
    action = _action(reading(fields) if reading is not None else fields, kinds)
    return Decoded((Proposal(action),), extras, ChatMessage(role="assistant", content=answer.text))


def _action(fields: Mapping[str, Any], kinds: Sequence[str]) -> Action:
    kind = fields.get("kind")
    if kind not in kinds:
        asked = "it names no kind" if kind is None else f"there is no {str(kind)[:60]!r} here"
        raise Malformed(f"{asked}; there are {', '.join(kinds)}")
    try:
        return parse_action(fields)
    except ValueError as error:
        raise Malformed(str(error).removeprefix("not an action: ")) from None


def _object(text: str) -> Mapping[str, Any]:
    """The last JSON object of a text that could be an action: alone, in a block, or anywhere."""
    stripped = text.strip()
    if not stripped:
        raise Malformed("the answer is empty")
    if stripped.startswith("{"):
        return _loaded(stripped, "the answer")
    inside = [*_FENCED.findall(text), *_TAGGED.findall(text)]
    if inside:
        return _loaded(inside[-1].strip(), "the block")
    found = list(_objects(text))
    if not found:
        raise Malformed(f"there is no JSON object in {stripped[:80]!r}")
    return found[-1]


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    decoder, place, tries = json.JSONDecoder(), text.find("{"), 0
    while place >= 0 and tries < _TRIES:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = text.find("{", end)


def _loaded(text: str, where: str) -> Mapping[str, Any]:
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{where}: no JSON ({error}): {text[:80]!r}") from None
    if not isinstance(value, dict):
        raise Malformed(f"{where}: expected a JSON object, got {text[:80]!r}")
    if text[end:].strip().startswith("{"):
        raise Malformed(f"{where}: one JSON object, not several")
    return value


def _extras_of(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(fields[name]) for name in EXTRAS if fields.get(name)}


def _sound(answer: Answer) -> tuple[ToolCall, ...]:
    """The calls as they can be sent back: endpoints refuse a conversation in which arguments are no JSON object."""
    return tuple(
        call if _is_object(call.arguments) else call.model_copy(update={"arguments": "{}"}) for call in answer.tool_calls
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
