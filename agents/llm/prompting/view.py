"""An observation as a model is shown it: in full where it is the present one, in short where it is past."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from quintain.agents.llm.model import Picture
from quintain.agents.llm.prompting.controls import control_lines
from quintain.agents.llm.prompting.tokens import cut, picture_tokens, short
from quintain.agents.llm.switches import Switches
from quintain.pixels import encode_png
from quintain.spaces import Message, Observation

_MOVE = re.compile(r"^\s*\[?(\d{1,4})[\]:.)]\s+\S", re.MULTILINE)


class Shown(NamedTuple):
    """A picture and what it counts in tokens."""

    picture: Picture
    tokens: int


def present(
    observation: Observation,
    switches: Switches,
    *,
    before: Observation | None = None,
    share: float = 1.0,
    listing: str | None = None,
) -> str:
    """Everything that the switches show. `before` is the last observation, `share` what part of the budgets there is room for,
    `listing` stands in place of the elements."""
    parts = [*_said(observation, switches, before, share)]
    if listing is None:
        parts += _elements(observation, switches, before, share)
    elif listing:
        parts.append("Elements:\n" + cut(listing, max(20, int(switches.elements_tokens * share))))
    if switches.budget:
        parts.append(_budget(observation))
    return "\n\n".join(filter(None, parts))


def past(observation: Observation, switches: Switches, *, before: Observation | None = None) -> str:
    """What stays worth knowing: what was said and printed. Elements are gone once there are others."""
    parts = [*_said(observation, switches, before, 1.0)]
    if observation.elements is not None:
        parts.append(f"({len(observation.elements)} elements, as they were then)")
    return "\n\n".join(filter(None, parts)) or "(nothing to see)"


def summary(observation: Observation) -> str:
    """The observation on one line."""
    parts = []
    if observation.error:
        parts.append(f"error: {short(observation.error, 120)}")
    if observation.exit_code is not None:
        parts.append(f"exit code {observation.exit_code}")
    if observation.text:
        lines = observation.text.count("\n") + 1
        parts.append(f"text: {short(observation.text, 80)}" + (f" ({lines} lines, left out)" if lines > 1 else ""))
    parts += [f"at {short(each.url or each.title, 80)}" for each in observation.windows if each.active]
    if observation.elements is not None:
        parts.append(f"{len(observation.elements)} elements")
    return f"({'; '.join(parts) or 'nothing to see'})"


def pictures(observation: Observation, switches: Switches) -> list[Shown]:
    """The screenshot, with its marks, and the images that an action asked for."""
    found = []
    if switches.screenshot and observation.screenshot is not None:
        pixels = observation.screenshot
        if switches.marks and observation.elements is not None:
            pixels = observation.elements.marks(pixels)
        found.append(pixels)
    if switches.images:
        found += observation.images
    return [Shown(Picture(png=encode_png(each)), picture_tokens(each.shape[1], each.shape[0])) for each in found]


def moves(observation: Observation) -> tuple[int, ...]:
    """The numbers of the moves that the text lists, one at the beginning of a line: ``0: up``, ``[1] down``, ``2) stay``."""
    return tuple(dict.fromkeys(int(number) for number in _MOVE.findall(observation.text or "")))


def _said(observation: Observation, switches: Switches, before: Observation | None, share: float) -> Iterator[str]:
    if observation.error:
        yield f"Error: {observation.error}"
    heard = _new(observation.messages, before.messages if before else ())[-switches.messages :] if switches.messages else ()
    yield "\n".join(f"{each.role}: {cut(each.text, switches.text_tokens)}" for each in heard)
    if switches.windows:
        yield _windows(observation)
    if switches.text and observation.text is not None:
        # Some worlds begin with the goal, which every prompt has already.
        text = observation.text.removeprefix(observation.goal).strip("\n")
        yield cut(text, int(switches.text_tokens * share)) or "(no output)"
    if observation.exit_code is not None:
        yield f"exit code {observation.exit_code}"


def _new(messages: Sequence[Message], before: Sequence[Message]) -> Sequence[Message]:
    """Those that were not there before. Of both only the last are kept, so that the beginning may be gone; and the last ones of
    before may be gone that a technique put there."""
    for known in range(min(len(before), len(messages)), 0, -1):
        if tuple(messages[:known]) == tuple(before[-known:]):
            return messages[known:]
    same = 0
    while same < min(len(before), len(messages)) and messages[same] == before[same]:
        same += 1
    return messages[same:]


def _windows(observation: Observation) -> str:
    lines = [
        f"{index}: {short(each.title, 100)}{f' {each.url}' if each.url else ''}{' (active)' if each.active else ''}"
        for index, each in enumerate(observation.windows)
    ]
    return "\n".join(["Windows:", *lines]) if lines else ""


def _elements(observation: Observation, switches: Switches, before: Observation | None, share: float) -> Iterator[str]:
    elements, limit = observation.elements, max(20, int(switches.elements_tokens * share))
    if elements is None or switches.elements == "off":
        return
    if switches.elements == "controls":
        yield "Elements:\n" + control_lines(elements, limit)
    else:
        yield "Elements:\n" + elements.text(switches.elements, max_tokens=limit)
    if switches.changes and before is not None and before.elements is not None:
        changed = elements.diff(before.elements, max_tokens=max(20, limit // 4))
        yield f"Changed since the last action:\n{changed}" if changed else "No element changed since the last action."


def _budget(observation: Observation) -> str:
    budget = observation.budget
    left: Iterable[str | None] = (
        None if budget.steps is None else f"{budget.steps} steps",
        None if budget.seconds is None else f"{budget.seconds:.0f} s",
        None if budget.tokens is None else f"{budget.tokens} tokens",
        None if budget.usd is None else f"{budget.usd:.2f} dollars",
    )
    known = ", ".join(each for each in left if each)
    return f"Step {observation.step + 1}" + (f"; left: {known}" if known else "") + "."
