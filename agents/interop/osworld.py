"""Agents of OSWorld and WindowsAgentArena: ``predict(instruction, obs)``, which answers with programs of pyautogui."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from quintain import ledger
from quintain.agents.interop.accessibility_xml import accessibility_xml
from quintain.agents.interop.copies import fresh
from quintain.agents.interop.pyautogui_calls import PyAutoGui
from quintain.core import TaskView
from quintain.errors import AgentError, UsageError
from quintain.lifting import AgentLike, made
from quintain.pixels import encode_png
from quintain.spaces import Action, Infeasible, Noop, Observation, Submit, Wait

WAIT_S = 1.0


class OSWorldAgent:
    """Asks the agent for its next actions, and does them one a step before it asks again.

    `predict` may return the actions, or a tuple of its response and the actions: texts of pyautogui, ``WAIT``, ``DONE``,
    ``FAIL``, or dicts of OSWorld's *computer_13* space. Nothing is executed as Python. What cannot be read does nothing, as on
    a real desktop, and is in the trace. Points are pixels of the screenshot.
    """

    def __init__(self, agent: AgentLike) -> None:
        self._source = made(agent)
        if not callable(getattr(self._source, "predict", None)):
            raise UsageError(f"{type(self._source).__name__} has no method predict(instruction, obs)")

    def reset(self, task: TaskView, seed: int) -> None:
        self._agent = fresh(self._source, seed)
        self._reader = PyAutoGui()
        self._ahead: deque[Action] = deque()

    def act(self, observation: Observation) -> Action:
        if not self._ahead:
            answer = self._agent.predict(observation.goal, osworld_observation(observation))
            self._ahead.extend(self._read(_actions(answer)))
        return self._ahead.popleft() if self._ahead else Noop()

    def _read(self, actions: Iterable[Any]) -> Iterable[Action]:
        for each in actions:
            kind = str(each.get("action_type", "")) if isinstance(each, Mapping) else str(each).strip()
            if kind == "DONE":
                yield Submit()
            elif kind == "FAIL":
                yield Infeasible(reason="the agent says that it cannot be done")
            elif kind == "WAIT":
                yield Wait(seconds=WAIT_S)
            else:
                try:
                    yield from self._reader.read_action(each) if isinstance(each, Mapping) else self._reader.read(str(each))
                except ValueError as problem:
                    ledger.current().note("unreadable", action=str(each), problem=str(problem))


def osworld_observation(observation: Observation) -> dict[str, Any]:
    """The keys of OSWorld's `DesktopEnv`; what was not observed is None."""
    return {
        "screenshot": None if observation.screenshot is None else encode_png(observation.screenshot),
        "accessibility_tree": None if observation.elements is None else accessibility_xml(observation.elements),
        "terminal": observation.text,
        "instruction": observation.goal,
    }


def _actions(answer: Any) -> list[Any]:
    found = answer[1] if isinstance(answer, tuple) and len(answer) >= 2 else answer
    if found is None:
        return []
    if isinstance(found, (str, Mapping)):
        return [found]
    if not isinstance(found, (list, tuple)):
        raise AgentError(f"agent: predict returned {type(found).__name__} instead of a list of actions")
    return list(found)
