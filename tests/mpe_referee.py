"""mpe2 as a referee: the same state, the same actions, its own observations and rewards."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest


class Referee:
    """One environment of mpe2, whose state can be set."""

    def __init__(self, scenario: str, **arguments: Any) -> None:
        pytest.importorskip("mpe2", reason="mpe2 is not installed")
        self.scenario = scenario
        self.env = importlib.import_module(f"mpe2.{scenario}").parallel_env(**arguments)
        self.env.reset(seed=0)
        self.names = list(self.env.possible_agents)

    @property
    def world(self) -> Any:
        return self.env.aec_env.unwrapped.world

    def put(self, places: np.ndarray, paces: np.ndarray, *, goals: Sequence[int] = (), at: int = 0) -> None:
        """Places of all entities [entities, 2], agents first; velocities of the agents; hidden goals; the step it is."""
        self.env.reset(seed=0)
        world = self.world
        for entity, place in zip(world.entities, places, strict=True):
            entity.state.p_pos, entity.state.p_vel = np.array(place, np.float64), np.zeros(2)
        for agent, pace in zip(world.agents, paces, strict=True):
            agent.state.p_vel, agent.state.c = np.array(pace, np.float64), np.zeros(world.dim_c)
        self._aim(list(goals))
        self.env.aec_env.unwrapped.steps = at

    def _aim(self, goals: list[int]) -> None:
        agents, marks = self.world.agents, self.world.landmarks
        if self.scenario in ("simple_adversary_v3", "simple_push_v3"):
            for agent in agents:
                agent.goal_a = marks[goals[0]]
            if self.scenario == "simple_push_v3":
                agents[1].color = np.array([0.25, 0.25, 0.25])
                agents[1].color[goals[0] + 1] += 0.5
        elif self.scenario == "simple_speaker_listener_v4":
            agents[0].goal_b = marks[goals[0]]
        elif self.scenario == "simple_reference_v3":
            for agent, goal in zip(agents, goals, strict=True):
                agent.goal_b = marks[goal]
        elif self.scenario == "simple_crypto_v3":
            for agent in agents:
                agent.goal_a = marks[goals[0]]
            agents[1].color, agents[2].key = marks[goals[0]].color, marks[goals[1]].color

    def step(self, actions: Sequence[Any]) -> tuple[list[np.ndarray], np.ndarray, bool, bool]:
        """Observations and rewards by agent, and whether the episode was terminated or truncated."""
        seen, rewards, ends, cuts, _ = self.env.step(dict(zip(self.names, actions, strict=True)))
        told = np.array([rewards[name] for name in self.names])
        return [seen[name] for name in self.names], told, any(ends.values()), any(cuts.values())
