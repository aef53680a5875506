"""Policies of Gymnasium's world, such as those of Stable-Baselines3: ``predict(observation) -> (action, state)``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from quintain.agents.interop.arrays import decode, encode
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.lifting import AgentLike, made
from quintain.spaces import Action, Observation


class GymnasiumAgent:
    """Shows the policy arrays and hands its recurrent state on from step to step; `arrays` says how both are read.

    `state`, `episode_start` and `deterministic` are given to a `predict` that takes them.
    """

    def __init__(self, agent: AgentLike, *, deterministic: bool = True) -> None:
        self._policy = made(agent)
        predict = getattr(self._policy, "predict", None)
        if not callable(predict):
            raise UsageError(f"{type(self._policy).__name__} has no method predict(observation)")
        self._takes = inspect.signature(predict).parameters
        self._deterministic = deterministic

    def reset(self, task: TaskView, seed: int) -> None:
        self._state: Any = None
        self._start = True
        if callable(reset := getattr(self._policy, "reset", None)):
            reset()

    def act(self, observation: Observation) -> Action | Mapping[str, Any] | str:
        given = {"state": self._state, "episode_start": np.array([self._start]), "deterministic": self._deterministic}
        given = {name: value for name, value in given.items() if name in self._takes}
        answer = self._policy.predict(encode(self._policy, observation), **given)
        action, self._state = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        self._start = False
        return decode(self._policy, action)
