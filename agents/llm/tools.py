"""The action space as a language model is given it: tools, a JSON schema, or a list in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from quintain.agents.llm.model import Tool
from quintain.spaces import KINDS

Schema = dict[str, Any]
_TARGETS = ("target", "to")
_LEFT_OUT = ("kind", "phase")
"""Half clicks are for programs that replay a pointer's track; a model has `drag`."""
EXTRAS = {
    "thought": "Why this action, in a sentence.",
    "plan": "Your plan, a step a line. It is shown to you each time; leave it out to keep it.",
    "memory": "Your note to yourself: what you will need later. It is shown to you each time; leave it out to keep it.",
}
_POINT: Schema = {
    "type": "object",
    "description": "A place in the screenshot: pixels from its left and top edges.",
    "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
    "required": ["x", "y"],
    "additionalProperties": False,
}


class Offer(NamedTuple):
    """What a model may answer with."""

    kinds: tuple[str, ...]
    refs: bool = True
    """Targets may be elements."""
    points: bool = False
    """Targets may be places in the screenshot."""
    only: tuple[int, ...] | None = None
    """The refs that may be targets; None: any."""
    moves: tuple[int, ...] | None = None
    """The indexes that may be chosen; None: any."""
    extras: tuple[str, ...] = ()
    """Of `EXTRAS`, the fields beside the action."""
    needed: tuple[str, ...] = ()
    """Those of them that may not be left out."""


@lru_cache(maxsize=256)
def tools(offer: Offer) -> tuple[Tool, ...]:
    """One tool for each kind of action, of the same name."""
    return tuple(
        Tool(name=kind, description=described(kind), parameters=_with_extras(fields(kind, offer), offer)) for kind in offer.kinds
    )


@lru_cache(maxsize=256)
def schema(offer: Offer) -> Schema:
    """The schema of ``{"action": {"kind": …, …}}``, extra fields before the action, so that a reason is
    thought of before what it is for."""
    # Endpoints take no alternatives at the root of a schema.
    actions = [_tagged(kind, fields(kind, offer)) for kind in offer.kinds]
    action = actions[0] if len(actions) == 1 else {"anyOf": actions}
    return wrapped(action, offer)


def wrapped(action: Schema, offer: Offer) -> Schema:
    """The schema of an answer that has this action in a field, behind the extra ones."""
    whole = {"type": "object", "properties": {"action": action}, "required": ["action"], "additionalProperties": False}
    return _with_extras(whole, offer)


def fields(kind: str, offer: Offer) -> Schema:
    """The schema of an action's own fields, without its kind."""
    properties = {name: _narrowed(kind, name, value, offer) for name, value in _plain(kind)["properties"].items()}
    required = [name for name in _plain(kind)["required"] if name in properties]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def described(kind: str) -> str:
    """What the action does, on one line."""
    return " ".join((KINDS[kind].__doc__ or kind).split())


def listed(offer: Offer) -> str:
    """The actions in words, one a line, for a model that is shown no schema."""
    return "\n".join(_line(kind, fields(kind, offer)) for kind in offer.kinds)


def _line(kind: str, own: Schema) -> str:
    parts = [f'"kind": "{kind}"']
    parts += [
        f'"{name}"{"" if name in own["required"] else "?"}: {_in_words(value)}' for name, value in own["properties"].items()
    ]
    return f"{{{', '.join(parts)}}} {described(kind)}"


def _in_words(value: Mapping[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(map(_in_words, value["anyOf"]))
    if "enum" in value:
        return "|".join(map(str, value["enum"]))
    if value["type"] == "array":
        return f"[{_in_words(value['items'])}, …]"
    if value["type"] == "object":
        return f"{{{', '.join(f'{name}: {_in_words(each)}' for name, each in value['properties'].items())}}}"
    return str(value["type"])


def _tagged(kind: str, own: Schema) -> Schema:
    properties = {"kind": {"const": kind}, **own["properties"]}
    return {**own, "description": described(kind), "properties": properties, "required": ["kind", *own["required"]]}


def _with_extras(own: Schema, offer: Offer) -> Schema:
    if not offer.extras:
        return own
    extras = {name: {"type": "string", "description": EXTRAS[name]} for name in EXTRAS if name in offer.extras}
    needed = [name for name in extras if name in offer.needed]
    return {**own, "properties": {**extras, **own["properties"]}, "required": [*needed, *own["required"]]}


def _narrowed(kind: str, name: str, value: Schema, offer: Offer) -> Schema:
    if name in _TARGETS:
        return _target(offer)
    if kind == "choose" and name == "index" and offer.moves:
        return {"type": "integer", "enum": list(offer.moves)}
    return value


def _target(offer: Offer) -> Schema:
    ref: Schema = {"type": "integer", "description": "The number of an element."}
    if offer.only:
        ref = {"type": "integer", "enum": list(offer.only)}
    if offer.refs and offer.points:
        return {"anyOf": [ref, _POINT]}
    return _POINT if offer.points else ref


@cache
def _plain(kind: str) -> Schema:
    """An action's schema without titles, references, nulls and what no model needs."""
    full = KINDS[kind].model_json_schema()
    kept = {name: value for name, value in full["properties"].items() if name not in _LEFT_OUT}
    # Targets are written anew for each offer; their place among the fields stays.
    ordered = {name: {} if name in _TARGETS else _simple(value) for name, value in kept.items()}
    return {"properties": ordered, "required": full.get("required", [])}


def _simple(value: Mapping[str, Any]) -> Schema:
    """Optional fields are left out when they are not meant; a null would only invite to write one."""
    choices = [each for each in value.get("anyOf", ()) if each.get("type") != "null"]
    found = {name: each for name, each in value.items() if name not in ("title", "anyOf") and (name, each) != ("default", None)}
    if len(choices) == 1:
        found |= _simple(choices[0])
    elif choices:
        found["anyOf"] = [_simple(each) for each in choices]
    if "items" in found:
        found["items"] = _simple(found["items"])
    return found
