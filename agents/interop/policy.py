"""Policies in the pure form of JAX (`quintain.functional.Policy`), played as agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quintain.agents.interop.arrays import decode, encode
from quintain.core import TaskView
from quintain.errors import Unavailable, UsageError
from quintain.lifting import AgentLike, made
from quintain.spaces import Action, Observation


class PolicyAgent:
    """Keeps the carry of the policy and gives it a new key each step, split from the episode's seed; `act` is compiled once.

    The parameters are the policy's attribute `params`, or None. How observations become arrays and actions are read: `arrays`.
    """

    def __init__(self, agent: AgentLike) -> None:
        try:
            import jax
        except ModuleNotFoundError:
            raise Unavailable(
                "a policy needs the Python package 'jax', which is not installed; run `quintain setup marl`"
            ) from None
        self._policy = made(agent)
        if not callable(getattr(self._policy, "init", None)) or not callable(getattr(self._policy, "act", None)):
            raise UsageError(
                f"{type(self._policy).__name__} is no policy: it needs init(key) and act(params, carry, observation, key)"
            )
        self._jax = jax
        self._act = jax.jit(self._policy.act)

    def reset(self, task: TaskView, seed: int) -> None:
        self._key, start = self._jax.random.split(self._jax.random.key(seed % 2**32))
        self._carry = self._policy.init(start)

    def act(self, observation: Observation) -> Action | Mapping[str, Any] | str:
        self._key, key = self._jax.random.split(self._key)
        params = getattr(self._policy, "params", None)
        self._carry, action = self._act(params, self._carry, encode(self._policy, observation), key)
        return decode(self._policy, action)
