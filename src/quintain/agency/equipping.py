"""The agents of a run with what the command line gives to all of them that take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from quintain.config import AgentConfig
from quintain.errors import UsageError
from quintain.lifting import described, named, source
from quintain.registry import suggest

from .arguments import over_agents, signature, takes_any


def equip(
    agents: Sequence[AgentConfig], *, settings: Mapping[str, JsonValue] | None = None, models: Sequence[str] = ()
) -> list[AgentConfig]:
    """Each agent with the settings that it takes, once for each model where it takes a model; the agents in its arguments count.

    Raises:
        UsageError: no agent takes one of them.
    """
    found = list(agents)
    for name, value in (settings or {}).items():
        changed = [_given(agent, name, value) for agent in found]
        if not any(changed):
            known = {each for agent in found for each in signature(source(agent)).parameters}
            raise UsageError(f"no agent takes an argument {name!r}{suggest(name, known)}")
        found = [after or before for after, before in zip(changed, found, strict=True)]
    if not models:
        return found
    several = [
        [_named_after(each, model, len(models)) for model in models if (each := _given(agent, "model", model))] for agent in found
    ]
    if not any(several):
        raise UsageError(
            f"--model {models[0]}: none of the agents {', '.join(each.label for each in found)} takes a model; try llm"
        )
    return [each for agent, variants in zip(found, several, strict=True) for each in variants or [agent]]


def _named_after(agent: AgentConfig, model: str, several: int) -> AgentConfig:
    return agent.model_copy(update={"name": f"{agent.name}:{model}"}) if agent.name and several > 1 else agent


def _given(agent: AgentConfig, name: str, value: JsonValue) -> AgentConfig | None:
    """With the argument, if it takes one of that name; else with it for the agents in its arguments that do; else None."""
    with named(agent.label):
        thing = source(agent)
        known = signature(thing)
        if name in known.parameters:
            return _with(agent, {**agent.config, name: value})
        takers: list[AgentConfig] = []

        def inner(each: Any) -> Any:
            taker = _given(described(each), name, value)
            if taker is None:
                return each
            takers.append(taker)
            return taker.model_dump(exclude_defaults=True)

        arguments = over_agents(thing, agent.config, inner)
    if takers:
        return _with(agent, arguments)
    return _with(agent, {**agent.config, name: value}) if takes_any(known) and name != "model" else None


def _with(agent: AgentConfig, config: dict[str, Any]) -> AgentConfig:
    return agent.model_copy(update={"config": config})
