"""mpe2 as a referee: the same state, the same actions, its own observations and rewards."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

SQUEEZED = 0.3
"""Brings particles together, so that there are contacts."""


class Referee:
    """One environment of mpe2, whose state can be set."""

    def __init__(self, scenario: str, **arguments: Any) -> None:
        pytest.importorskip("mpe2", reason="mpe2 is not installed")
        self.env = importlib.import_module(f"mpe2.{scenario}").parallel_env(**arguments)
        self.env.reset(seed=0)

    @property
    def world(self) -> Any:
        return self.env.aec_env.unwrapped.world

    def put(self, positions: np.ndarray, velocities: np.ndarray, *, at: int = 0) -> None:
        """Of all entities, agents first, [entities, 2]; velocities of the agents."""
        for entity, place in zip(self.world.entities, positions, strict=True):
            entity.state.p_pos, entity.state.p_vel = np.array(place, np.float64), np.zeros(2)
        for agent, pace in zip(self.world.agents, velocities, strict=True):
            agent.state.p_vel, agent.state.c = np.array(pace, np.float64), np.zeros(self.world.dim_c)
        self.env.aec_env.unwrapped.steps = at

    def step(self, actions: Sequence[Any]) -> tuple[list[np.ndarray], np.ndarray, bool]:
        """Observations and rewards by agent, and whether the episode was truncated."""
        given = dict(zip(self.env.possible_agents, actions, strict=True))
        seen, rewards, _, truncations, _ = self.env.step(given)
        names = self.env.possible_agents
        return [seen[name] for name in names], np.array([rewards[name] for name in names]), any(truncations.values())
