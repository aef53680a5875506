"""The elements that can be acted on: the shortest view of a page, and the choices that a schema is held to."""

from __future__ import annotations

import numpy as np

from quintain.agents.llm.prompting.tokens import short, tokens
from quintain.elements import STATE_BITS, Element, Elements
from quintain.elements_outline import Options, quoted, state_words

_ACTIVE = np.uint32(STATE_BITS["clickable"] | STATE_BITS["editable"])
_SEEN = np.uint32(STATE_BITS["visible"] | STATE_BITS["in_view"])
_OPTIONS = Options(only_visible=True, with_boxes=False, with_refs=True)
_NAME = 60


def controls(elements: Elements) -> list[Element]:
    """What can be clicked or edited, is in view and not disabled; labels speak for their controls."""
    states = elements.states
    keep = ((states & _ACTIVE) != 0) & ((states & _SEEN) == _SEEN) & ((states & np.uint32(STATE_BITS["disabled"])) == 0)
    return [each for each in map(elements.row, np.flatnonzero(keep).tolist()) if each.role != "label"]


def called(element: Element) -> str:
    """What stands on it, or else what it is."""
    return short(element.name or element.text or element.attributes.get("placeholder", "") or element.role, _NAME)


def control_lines(elements: Elements, limit: int) -> str:
    """One line a control, within `limit` tokens."""
    lines: list[str] = []
    found = controls(elements)
    for element in found:
        value = [f"value={quoted(element.value)}"] if element.value and element.value != element.name else []
        line = " ".join([f"[{element.ref}] {element.role}", quoted(called(element)), *value, *state_words(element, _OPTIONS)])
        limit -= tokens(line + "\n")
        if limit < 0:
            return "\n".join([*lines, f"… {len(found) - len(lines)} more"])
        lines.append(line)
    return "\n".join(lines)
