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

from . import lifting
from .config import AgentConfig
from .core import Agent, LoopAgent
from .errors import UsageError, one_line
from .lifting import AgentLike, label_of


@dataclass(frozen=True)
class Contestant:
    """An agent's name and how a worker gets it: by its place in the code, or from what was pickled here."""

    config: AgentConfig
    payload: bytes | None = None

    @property
    def label(self) -> str:
        return self.config.label

    def build(self) -> Agent | LoopAgent:
        """The agent, as the loop plays it; what goes wrong is a `UsageError` or `Unavailable` that names it."""
        if self.payload is None:
            return lifting.build(self.config)
        try:
            agent = cloudpickle.loads(self.payload)
        except Exception as error:
            raise UsageError(f"agent {self.label!r}: cannot be unpacked in a worker: {one_line(error)}") from error
        with lifting.named(self.label):
            return lifting.build(agent)


def roster(agents: AgentLike | Iterable[AgentLike] | Mapping[str, AgentLike]) -> list[Contestant]:
    """The agents that were asked for, by distinct names; a mapping gives the names.

    A name that stands for nothing, a file with a syntax error, something in no shape of an agent, arguments that it does not
    take, an object that cannot be pickled, two agents of one name: each is a `UsageError` on one line.
    """
    if isinstance(agents, Mapping) and not _is_config(agents):
        found = [_contestant(agent, str(name)) for name, agent in agents.items()]
    elif isinstance(agents, (str, AgentConfig, Mapping, type)) or not isinstance(agents, Iterable):
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


def _is_config(agents: Mapping[str, Any]) -> bool:
    """One agent with its arguments, where ``{"agent": "random"}`` alone is an agent that is called so."""
    return "config" in agents and isinstance(agents.get("agent"), str) and set(agents) <= set(AgentConfig.model_fields)


def _contestant(agent: AgentLike, name: str) -> Contestant:
    if isinstance(agent, (str, Mapping, AgentConfig)):
        config = lifting.described(agent)
        config = config.model_copy(update={"name": name}) if name else config
        lifting.check(config)
        return Contestant(config)
    kind = agent if hasattr(agent, "__qualname__") else type(agent)
    label = name or label_of(agent)
    with lifting.named(label):
        lifting.check(agent)
    place = f"{kind.__module__}:{kind.__qualname__}"
    return Contestant(AgentConfig(agent=place, name=label), _pickled(agent, kind, label))


def _pickled(agent: object, kind: Any, label: str) -> bytes:
    with _by_value(sys.modules.get(kind.__module__)):
        try:
            return bytes(cloudpickle.dumps(agent))
        except Exception as error:
            raise UsageError(
                f"agent {label!r}: cannot be sent to the workers ({one_line(error)}); build what cannot be pickled in reset(), "
                "or name the class as 'file.py:Class'"
            ) from None


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
