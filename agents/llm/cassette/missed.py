"""Why a request is not in a cassette: what was recorded that comes nearest, and where the two differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from quintain.agents.llm.cassette.tapes import Call, Recording, recorded_episodes

SHOWN = 60
"""Characters of each text around the first that differs."""
NAMED = 5


class _Difference(NamedTuple):
    """Sorts by how much is alike."""

    messages: int
    """Alike from the first on."""
    characters: int
    """Alike in the first message that differs."""
    text: str


def why(call: Call, episode: str, recorded: Sequence[Recording], cassette: Path) -> str:
    """One line: the nearest request that was recorded in this episode, and the first thing that differs."""
    if not recorded:
        episodes = recorded_episodes(cassette)
        more = f" and {len(episodes) - NAMED} more" if len(episodes) > NAMED else ""
        return f"nothing is recorded of {episode!r}; there are {', '.join(episodes[:NAMED]) or 'no episodes'}{more}"
    again = sum(each.key == call.key for each in recorded)
    if again:
        return f"in {episode!r} this was asked {again} times when it was recorded, and now once more; {_advice()}"
    named = [(index, each) for index, each in enumerate(recorded, 1) if each.model == call.model]
    if not named:
        return f"in {episode!r} model {call.model!r} was not asked when it was recorded; {_advice()}"
    differences = [(_difference(each.request, call.request), -index) for index, each in named]
    nearest, index = max(differences)
    return f"in {episode!r} this was not asked when it was recorded; nearest is call {-index}, where {nearest.text}; {_advice()}"


def _advice() -> str:
    return "the agent, the page or the model's options changed: record anew, or replay with strict=False"


def _difference(recorded: dict[str, JsonValue], asked: dict[str, JsonValue]) -> _Difference:
    ours, theirs = _texts(asked), _texts(recorded)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False)))
    if alike == len(ours) == len(theirs):
        fields = sorted(name for name in {*asked, *recorded} if asked.get(name) != recorded.get(name))
        return _Difference(alike, 0, f"the messages are the same and {', '.join(fields)} differ")
    if alike == min(len(ours), len(theirs)):
        return _Difference(alike, 0, f"the first {alike} messages are the same, of {len(theirs)} then and {len(ours)} now")
    one, other = ours[alike], theirs[alike]
    at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    text = f"message {alike + 1} differs from character {at + 1} on: then {_around(other, at)}, now {_around(one, at)}"
    return _Difference(alike, at, text)


def _texts(request: dict[str, JsonValue]) -> list[str]:
    messages = request["messages"]
    assert isinstance(messages, list)
    return [_text(message) for message in messages]


def _text(message: JsonValue) -> str:
    if isinstance(message, dict) and set(message) == {"role", "content"} and isinstance(message["content"], str):
        return f"{message['role']}: {message['content']}"
    return json.dumps(message, ensure_ascii=False)


def _around(text: str, at: int) -> str:
    begin = max(0, at - SHOWN // 3)
    return repr(f"{'…' if begin else ''}{text[begin : begin + SHOWN]}{'…' if begin + SHOWN < len(text) else ''}")
