"""Any agent, as the loop plays it: built from whatever names or makes it, and lifted from the shape that it has.

Agents may be named by an id of the catalog, ``module:Class``, ``file.py:Class`` or a TOML file, each with arguments as in
``llm(model=local:smollm2, temperature=0)``, or by ``{"agent": …, "config": {…}}``; or be given as a class, an object, a function
of one observation, a function of one episode, or a function that makes an agent. Shapes of others (AgentLab, OSWorld, Gymnasium,
PettingZoo, policies of JAX) are lifted by the agents of the catalog that are called so.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from .agency.arguments import check_arguments, over_agents
from .agency.shapes import Shape, shape
from .config import AgentConfig, explain
from .core import Agent, LoopAgent, TaskView
from .errors import Unavailable, UsageError, one_line
from .registry import lookup
from .spaces import Action, Observation

AgentLike = str | Mapping[str, Any] | AgentConfig | Agent | LoopAgent | Callable[..., Any] | Any
"""See this module; a parameter of an agent that is annotated so is checked before anything starts."""


class FunctionAgent:
    """A function of one observation, which may be a coroutine function; it keeps nothing from step to step."""

    def __init__(self, function: Callable[[Observation], Action | Awaitable[Action]]) -> None:
        self.act = function

    def reset(self, task: TaskView, seed: int) -> None:
        pass


class LoopFunction:
    """A function of one episode, plain or a coroutine function."""

    def __init__(self, function: Any) -> None:
        # The loop asks whether `play` is a coroutine function, which an object with an asynchronous __call__ does not say.
        direct = inspect.isroutine(function) or isinstance(function, functools.partial)
        self.play = function if direct else function.__call__


def build(agent: AgentLike, /, **config: Any) -> Agent | LoopAgent:
    """An agent that the loop can play; `config` are arguments of whatever makes it, on top of those that `agent` carries.

    Raises:
        UsageError: it stands for nothing, has no shape of an agent, takes other arguments, or raised when it was made.
        Unavailable: a part that it needs is missing; says how to get it.
    """
    with named(label_of(agent)):
        thing, arguments = _found(agent, config)
        return _lifted(*_made(thing, arguments))


def made(agent: AgentLike, /, **config: Any) -> Any:
    """The agent in the shape that it has, not lifted: for those that lift. Raises what `build` does."""
    with named(label_of(agent)):
        return _made(*_found(agent, config))[0]


def check(agent: AgentLike, /, **config: Any) -> None:
    """Refuse, without making it, an agent that `build` would refuse; so too the agents in its arguments.

    Raises:
        UsageError, Unavailable: as `build`.
    """
    with named(label_of(agent)):
        thing, arguments = _found(agent, config)
        shape(thing)
        check_arguments(thing, arguments)
        over_agents(thing, arguments, check)


def label_of(agent: AgentLike) -> str:
    """What messages and results call it."""
    if isinstance(agent, AgentConfig):
        return agent.label
    if isinstance(agent, Mapping):
        return str(agent.get("name") or agent.get("agent", "agent"))
    if isinstance(agent, str):
        return agent
    return str(getattr(agent, "__name__", type(agent).__name__))


def described(agent: str | Mapping[str, Any] | AgentConfig) -> AgentConfig:
    """What names an agent, as a value; raises `UsageError` for a mapping that does not."""
    if isinstance(agent, AgentConfig):
        return agent
    if isinstance(agent, str):
        return AgentConfig.parse(agent)
    try:
        return AgentConfig.model_validate(dict(agent))
    except ValidationError as error:
        raise UsageError(explain(error, AgentConfig)) from None


def source(agent: AgentLike) -> Any:
    """The thing that is or makes the agent, not called."""
    return _found(agent, {})[0]


def _found(agent: AgentLike, config: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The thing that is or makes the agent, and the arguments for that."""
    if not isinstance(agent, (str, Mapping, AgentConfig)):
        return agent, dict(config)
    named_so = described(agent)
    return lookup("agents", named_so.agent), {**named_so.config, **config}


def _made(thing: Any, arguments: Mapping[str, Any]) -> tuple[Any, Shape]:
    form = shape(thing)
    check_arguments(thing, arguments)
    if not isinstance(thing, type) and form != "maker":
        return (functools.partial(thing, **arguments) if arguments else thing), form
    try:
        made = thing(**arguments)
    except (UsageError, Unavailable):
        raise
    except BaseException as error:
        # A constructor may raise anything, SystemExit included; none of it is the caller's.
        raise UsageError(f"cannot be built: {one_line(error)}") from error
    if isinstance(made, type) or (form := shape(made)) == "maker":
        raise UsageError(f"made {one_line(ValueError(repr(made)), limit=80).removeprefix('ValueError: ')}, which is no agent")
    return made, form


def _lifted(thing: Any, form: Shape) -> Agent | LoopAgent:
    if form in ("step", "loop"):
        return thing  # type: ignore[no-any-return]
    if form == "function":
        return FunctionAgent(thing)
    if form == "loop function":
        return LoopFunction(thing)
    return lookup("agents", form)(thing)  # type: ignore[no-any-return]


@contextmanager
def named(label: str) -> Iterator[None]:
    """Errors inside say which agent they are about; those that do already pass unchanged."""
    prefix = f"agent {label!r}"
    try:
        yield
    except (UsageError, Unavailable) as error:
        if prefix in str(error):
            raise
        raise type(error)(f"{prefix}: {str(error).removeprefix('agent: ')}") from error.__cause__
