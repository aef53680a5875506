"""The shapes that an agent may have, told apart by its methods and the names of their arguments; nothing is called for that."""

from __future__ import annotations

import inspect
from typing import Any, Final, Literal

from quintain.errors import UsageError

Shape = Literal["step", "loop", "function", "loop function", "policy", "agentlab", "osworld", "gymnasium", "pettingzoo", "maker"]
KNOWN: Final = (
    "reset and act; play; init and act (policy); get_action or make_agent (AgentLab); predict (OSWorld, Gymnasium); "
    "a function of one observation or one episode"
)
_OBSERVATION, _EPISODE = ("observation", "obs"), ("episode",)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def shape(thing: object) -> Shape:
    """The shape of an agent, or that of the instances of a class.

    `maker` is any callable that is nothing else: it makes the agent once it is called.

    Raises:
        UsageError: none of them; says what is missing.
    """
    found = _by_methods(thing)
    if found is None and callable(thing):
        found = _of_call(thing)
    if found is None:
        raise UsageError(_missing(thing))
    return found


def _by_methods(thing: object) -> Shape | None:
    if _has(thing, "reset") and _has(thing, "act"):
        _check_takes(thing, "reset", ("task", "seed"))
        _check_takes(thing, "act", ("observation",))
        return "step"
    if _has(thing, "play"):
        _check_takes(thing, "play", ("episode",))
        return "loop"
    if _has(thing, "init") and _has(thing, "act"):
        _check_takes(thing, "act", ("params", "carry", "observation", "key"))
        return "policy"
    if _has(thing, "get_action") or _has(thing, "make_agent"):
        return "agentlab"
    if _has(thing, "predict"):
        needed = required(thing, "predict")
        return "osworld" if len(needed) >= 2 or needed[:1] == ["instruction"] else "gymnasium"
    return None


def _of_call(thing: Any) -> Shape | None:
    """The shape of a function, of an object that can be called, or of the objects of a class that can be."""
    if isinstance(thing, type):
        if not any("__call__" in vars(each) for each in thing.__mro__):
            return None
        needed = _needed(_parameters(thing, "__call__"))
    else:
        needed = _needed(_parameters(thing, None))
    if len(needed) == 1 and _is(needed[0], _OBSERVATION, ("Observation",)):
        return "function"
    if len(needed) == 1 and _is(needed[0], _EPISODE, ("EpisodeHandle", "SyncHandle")):
        return "loop function"
    if len(needed) == 2 and needed[0].name in _OBSERVATION and needed[1].name == "agent":
        return "pettingzoo"
    return None if isinstance(thing, type) else "maker"


def required(thing: object, method: str | None = None) -> list[str]:
    """Names of the positional arguments without which the method, or the thing itself, cannot be called."""
    return [each.name for each in _needed(_parameters(thing, method))]


def _needed(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [each for each in parameters if each.kind in _POSITIONAL and each.default is each.empty]


def _parameters(thing: Any, method: str | None) -> list[inspect.Parameter]:
    function = thing if method is None else getattr(thing, method)
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # Some that are written in C do not say.
        return []
    unbound = method is not None and isinstance(thing, type) and inspect.isfunction(inspect.getattr_static(thing, method))
    return found[1:] if unbound else found


def _is(parameter: inspect.Parameter, names: tuple[str, ...], types: tuple[str, ...]) -> bool:
    annotation = parameter.annotation
    named = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return parameter.name in names or named.rpartition(".")[2] in types


def _has(thing: object, method: str) -> bool:
    return callable(getattr(thing, method, None))


def _check_takes(thing: Any, method: str, names: tuple[str, ...]) -> None:
    parameters = _parameters(thing, method)
    try:
        if parameters:
            inspect.Signature(parameters).bind(*names)
            return
        inspect.signature(getattr(thing, method))  # No arguments, or none that can be known?
    except ValueError:
        return
    except TypeError:
        pass
    raise UsageError(f"its {method} cannot be called as {method}({', '.join(names)})")


def _missing(thing: object) -> str:
    if _has(thing, "reset") or _has(thing, "act"):
        missing = "act(observation)" if _has(thing, "reset") else "reset(task, seed)"
        return f"has no method {missing}; an agent has both reset and act"
    return f"has no method reset(task, seed), and no other shape of an agent: {KNOWN}"
