"""The agents of a run: named, checked before anything starts, and shipped to the workers that build them."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from .config import AgentConfig
from .core import Agent
from .errors import UsageError, one_line
from .registry import lookup

AgentLike = str | AgentConfig | type[Agent] | Agent
"""An id of the catalog, ``module:Class``, ``file.py:Class``, a class that needs no arguments, or an agent."""


@dataclass(frozen=True)
class Contestant:
    """An agent's name and how a worker gets it: by its place in the code, or from what was pickled here."""

    config: AgentConfig
    payload: bytes | None = None

    @property
    def label(self) -> str:
        return self.config.label

    def build(self) -> Agent:
        """The agent; whatever goes wrong is a `UsageError` that names it."""
        try:
            made = lookup("agents", self.config.agent) if self.payload is None else cloudpickle.loads(self.payload)
            if isinstance(made, type) or not hasattr(made, "act"):
                made = made(**self.config.config)
        except UsageError as error:
            raise UsageError(_about(self.label, str(error))) from None
        except BaseException as error:
            # A constructor may raise anything, SystemExit included; none of it is the worker's.
            raise UsageError(_about(self.label, f"cannot be built: {one_line(error)}")) from error
        _check_methods(made, self.label)
        return made  # type: ignore[no-any-return]


def roster(agents: AgentLike | Iterable[AgentLike] | Mapping[str, AgentLike]) -> list[Contestant]:
    """The agents that were asked for, by distinct names; a mapping gives the names.

    A name that stands for nothing, a file with a syntax error, a class without `reset` and `act`, an object that cannot be
    pickled, two agents of one name: each is a `UsageError` on one line.
    """
    if isinstance(agents, Mapping):
        found = [_contestant(agent, str(name)) for name, agent in agents.items()]
    elif isinstance(agents, (str, AgentConfig, type)) or not isinstance(agents, Iterable):
        found = [_contestant(agents, "")]
    else:
        found = [_contestant(agent, "") for agent in agents]
    if not found:
        raise UsageError("no agent to evaluate; name one, such as 'random'")
    labels = [each.label for each in found]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"two agents are called {label!r}; give names with a mapping: {{'a': …, 'b': …}}")
    return found


def _contestant(agent: AgentLike, name: str) -> Contestant:
    if isinstance(agent, str):
        agent = AgentConfig(agent=agent, name=name)
    if isinstance(agent, AgentConfig):
        config = agent.model_copy(update={"name": name}) if name else agent
        try:
            _check_methods(lookup("agents", config.agent), config.label)
        except UsageError as error:
            raise UsageError(_about(config.label, str(error))) from None
        return Contestant(config)
    kind = agent if isinstance(agent, type) else type(agent)
    label = name or kind.__name__
    _check_methods(agent, label)
    return Contestant(AgentConfig(agent=f"{kind.__module__}:{kind.__qualname__}", name=label), _pickled(agent, kind, label))


def _check_methods(agent: object, label: str) -> None:
    if not isinstance(agent, type) and callable(agent) and not hasattr(agent, "act"):
        return  # A function that makes the agent: known only once it is called.
    for method, arguments in (("reset", "task, seed"), ("act", "observation")):
        if not callable(getattr(agent, method, None)):
            raise UsageError(_about(label, f"has no method {method}({arguments}); an agent has both reset and act"))


def _about(label: str, message: str) -> str:
    prefix = f"agent {label!r}"
    return message if message.startswith(prefix) else f"{prefix}: {message}"


def _pickled(agent: object, kind: type, label: str) -> bytes:
    with _by_value(sys.modules.get(kind.__module__)):
        try:
            return bytes(cloudpickle.dumps(agent))
        except Exception as error:
            raise UsageError(
                _about(label, f"cannot be sent to the workers ({one_line(error)}); build what cannot be pickled in reset(), or "
                "name the class as 'file.py:Class'")
            ) from None  # fmt: skip


@contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    """Ship the code of a module that a worker could not import under its name (a test file, a file loaded by path)."""
    if module is None or module.__name__ == "__main__" or _importable(module.__name__):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _importable(name: str) -> bool:
    places: Any = None
    prefix = ""
    for part in name.split("."):
        prefix = f"{prefix}.{part}" if prefix else part
        try:
            spec = importlib.machinery.PathFinder.find_spec(prefix, places)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return prefix in sys.builtin_module_names
        places = spec.submodule_search_locations
    return True
