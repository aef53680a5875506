"""The arguments that make an agent: which there are, whether they fit, and the agents among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from quintain.errors import UsageError
from quintain.registry import suggest

from .shapes import required, shape

DESCRIPTION = frozenset({"agent", "config", "name"})
"""Fields of a mapping that describes an agent."""


def signature(thing: Any) -> inspect.Signature:
    """Of what a configuration may give: all arguments of what makes an agent, those with defaults of a function that is one."""
    makes = isinstance(thing, type) or shape(thing) == "maker"
    try:
        found = inspect.signature(thing) if callable(thing) else inspect.Signature()
    except (TypeError, ValueError):  # Some that are written in C do not say.
        return inspect.Signature([inspect.Parameter("config", inspect.Parameter.VAR_KEYWORD)])
    if makes:
        return found
    return found.replace(parameters=[each for each in found.parameters.values() if each.name not in required(thing)])


def takes_any(known: inspect.Signature) -> bool:
    return any(each.kind is each.VAR_KEYWORD for each in known.parameters.values())


def check_arguments(thing: Any, arguments: Mapping[str, Any]) -> None:
    """
    Raises:
        UsageError: it takes no argument of that name (offers the nearest), or one is missing.
    """
    found = signature(thing)
    known = {name: each for name, each in found.parameters.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}
    for name in arguments:
        if name not in known and not takes_any(found):
            only = f"takes no argument {name!r}{suggest(name, known)}"
            raise UsageError(only if known else f"takes no arguments, but was given {name!r}")
    for name, each in known.items():
        if each.default is each.empty and name not in arguments:
            raise UsageError(f"needs the argument {name!r}; give it in its config, or with --set {name}=…")


def over_agents(thing: Any, arguments: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The arguments with each agent in them changed: ``{"agent": …}`` anywhere, and names where an `AgentLike` is asked for."""
    known = signature(thing).parameters
    asked = {name for name, each in known.items() if "AgentLike" in str(each.annotation)}
    return {name: _changed(value, change, asked=name in asked) for name, value in arguments.items()}


def _changed(value: Any, change: Callable[[Any], Any], *, asked: bool) -> Any:
    if isinstance(value, str):
        return change(value) if asked else value
    if isinstance(value, Mapping):
        if isinstance(value.get("agent"), str) and set(value) <= DESCRIPTION:
            return change(value)
        return {name: _changed(each, change, asked=False) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_changed(each, change, asked=asked) for each in value]
    return value
