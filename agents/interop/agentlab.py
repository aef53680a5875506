"""Agents of AgentLab and BrowserGym: ``get_action(obs) -> (str, info)``, or the ``AgentArgs`` that make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quintain import ledger
from quintain.agents.interop.browsergym import browsergym_observation
from quintain.agents.interop.copies import fresh
from quintain.core import TaskView
from quintain.errors import AgentError, UsageError
from quintain.lifting import AgentLike, made
from quintain.spaces import Action, Observation, Submit


class AgentLabAgent:
    """Shows the agent BrowserGym's observation; its text goes to the environment, which reads BrowserGym's calls.

    `make_agent` is called for every episode, `prepare` and `close` around all of them; an agent without such arguments is reset,
    or copied where it has no `reset`. Its `action_set` only tells it what there is: nothing that it writes is executed as Python.
    No action at all ends the episode, as there. Tokens and cost in its `AgentInfo.stats` are charged.
    """

    def __init__(self, agent: AgentLike) -> None:
        self._source = made(agent)
        if not hasattr(self._source, "get_action") and not hasattr(self._source, "make_agent"):
            raise UsageError(f"{type(self._source).__name__} has neither get_action(obs) nor make_agent()")
        self._prepared = False

    def reset(self, task: TaskView, seed: int) -> None:
        self._last_action = ""
        if not hasattr(self._source, "make_agent"):
            self._agent = fresh(self._source, seed)
            return
        if not self._prepared:
            _call(self._source, "prepare")
            self._prepared = True
        self._agent = self._source.make_agent()

    def act(self, observation: Observation) -> Action | str:
        seen: Any = browsergym_observation(observation, self._last_action)
        if callable(preprocess := getattr(self._agent, "obs_preprocessor", None)):
            seen = preprocess(seen)
        answer = self._agent.get_action(seen)
        action, info = answer if isinstance(answer, tuple) else (answer, None)
        _account(info)
        if action is not None and not isinstance(action, str):
            raise AgentError(f"agent: get_action returned {type(action).__name__} instead of a text of calls")
        self._last_action = action or ""
        return Submit() if action is None else action

    def close(self) -> None:
        if self._prepared:
            self._prepared = False
            _call(self._source, "close")


def _call(thing: Any, method: str) -> None:
    if callable(found := getattr(thing, method, None)):
        found()


def _account(info: Any) -> None:
    """Charge and note what an `AgentInfo`, or a dict in its place, says of one action."""

    def said(name: str) -> Any:
        return info.get(name) if isinstance(info, Mapping) else getattr(info, name, None)

    stats = said("stats")
    if isinstance(stats, Mapping) and stats.get("input_tokens"):
        # AgentLab counts a price that it does not know as 0.
        ledger.current().charge(
            calls=1,
            input_tokens=int(stats["input_tokens"]),
            output_tokens=int(stats.get("output_tokens") or 0),
            usd=float(stats.get("cost") or 0.0) or None,
        )
    if isinstance(think := said("think"), str) and think:
        ledger.current().note("thought", text=think)
