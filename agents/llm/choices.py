"""The compact form of an action, ``{"kind", "target", "text"}``, for models that are lost among the fields of thirty actions.

Only what the present observation has a use for can be answered, and elements are chosen by what stands on them: small models copy
words of the goal better than they look up numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from quintain.agents.llm.model import ChatMessage
from quintain.agents.llm.prompting.controls import called, controls
from quintain.agents.llm.prompting.view import moves
from quintain.agents.llm.tools import Schema
from quintain.elements import Element
from quintain.spaces import Observation

_ELEMENT = {"click": "clickable", "type": "editable"}
"""The kinds that need an element, and the state that it must have."""
_TEXTS = {"type": "text", "bash": "command", "python": "code", "submit": "answer"}
"""The field of an action that its text is."""
_EXAMPLES: tuple[tuple[tuple[str, ...], str, dict[str, str]], ...] = (
    (("Home", "Search", "Cart"), "Open the cart.", {"kind": "click", "target": "Cart"}),
    (("Delete", "Send", "Save draft"), 'Press "Send".', {"kind": "click", "target": "Send"}),
    (("Title", "Go"), 'Write "green tea" into the title.', {"kind": "type", "target": "Title", "text": "green tea"}),
)
"""Elements, a goal, and the answer. Of no benchmark."""


class Choices(NamedTuple):
    """What can be answered now; elements by what stands on them."""

    refs: dict[str, int]
    """All elements that can be chosen, in their order."""
    targets: dict[str, tuple[str, ...]]
    """Those of each kind."""
    lists: dict[str, tuple[str, ...]]
    """The options of each list that `select` can choose from."""
    texts: tuple[str, ...]
    """Kinds that need a text and no element."""
    moves: tuple[int, ...] | None
    """None: `choose` is no action here; empty: any index."""

    @property
    def schema(self) -> Schema:
        shapes = [_closed(kind, {"target": {"enum": [*named]}, **_text(kind)}) for kind, named in self.targets.items()]
        shapes += [_closed("select", {"target": {"const": name}, "text": {"enum": [*all]}}) for name, all in self.lists.items()]
        shapes += [_closed(kind, _text(kind)) for kind in self.texts]
        if self.moves is not None:
            index = {"enum": [*self.moves]} if self.moves else {"type": "integer", "minimum": 0}
            shapes.append(_closed("choose", {"target": index}))
        return {"anyOf": shapes} if len(shapes) > 1 else (shapes or [_closed("noop", {})])[0]

    @property
    def listed(self) -> str:
        """The elements, one a line, with what is in them."""
        return _list(name + (f": {', '.join(self.lists[name])}" if name in self.lists else "") for name in self.refs)

    def examples(self, *, flat: bool) -> list[ChatMessage]:
        """Questions of this form with their answers, of kinds that can be answered now."""
        found: list[ChatMessage] = []
        for names, goal, action in _EXAMPLES:
            if action["kind"] in self.targets:
                question = f"Elements:\n{_list(names)}\n\nGoal: {goal}"
                answer = json.dumps(action if flat else {"action": action}, separators=(",", ":"))
                found += [ChatMessage(role="user", content=question), ChatMessage(role="assistant", content=answer)]
        return found

    @property
    def flat(self) -> bool:
        """Whether the action is the whole answer; alternatives stand in a field, since endpoints take none at the root."""
        return "anyOf" not in self.schema

    def read(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the action that is meant; what cannot be read is left for its validation to refuse."""
        kind, target, text = (fields.get(name) for name in ("kind", "target", "text"))
        if kind == "choose":
            return {"kind": kind, "index": target}
        found: dict[str, Any] = {"kind": kind}
        if target is not None:
            found["target"] = self.refs.get(str(target), target)
        if kind == "select":
            return {**found, "options": [text]}
        if kind == "type":
            return {**found, "text": text, "clear": True}
        return {**found, _TEXTS[kind]: text} if kind in _TEXTS else found


def choices(observation: Observation, kinds: Sequence[str]) -> Choices:
    """What of these kinds is of use now: `type` where something can be edited, `select` where there is a list, and `submit`
    only where there is nothing else but a shell, since it ends the episode."""
    named = _named(observation)
    refs = {name: each.ref for name, each in named.items()}
    options = {name: _options(each) for name, each in named.items()} if "select" in kinds else {}
    lists = {name: found for name, found in options.items() if found}
    targets = {
        kind: tuple(name for name, each in named.items() if each.has(state) and name not in lists)
        for kind, state in _ELEMENT.items()
        if kind in kinds
    }
    texts = [kind for kind in ("bash", "python") if kind in kinds]
    if "submit" in kinds and not named and "choose" not in kinds:
        texts.append("submit")
    found = {kind: names for kind, names in targets.items() if names}
    return Choices(refs, found, lists, tuple(texts), moves(observation) if "choose" in kinds else None)


def _named(observation: Observation) -> dict[str, Element]:
    """The controls by names that differ, without those inside another one of the same name."""
    found: dict[str, Element] = {}
    for element in controls(observation.elements) if observation.elements is not None else ():
        name, number = called(element), 2
        same = found.get(name)
        if same is not None and same.row < element.row < same.elements.ends[same.row]:
            continue
        own = name
        while own in found:
            own, number = f"{name} ({number})", number + 1
        found[own] = element
    return found


def _options(element: Element) -> tuple[str, ...]:
    if element.tag != "select":
        return ()
    return tuple(dict.fromkeys(each.name for each in element.descendants() if each.role == "option"))


def _list(names: Iterable[str]) -> str:
    return "\n".join(f"- {name}" for name in names)


def _closed(kind: str, properties: Schema) -> Schema:
    own = {"kind": {"const": kind}, **properties}
    return {"type": "object", "properties": own, "required": list(own), "additionalProperties": False}


def _text(kind: str) -> Schema:
    return {"text": {"type": "string"}} if kind in _TEXTS else {}
