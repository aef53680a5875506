"""simple_spread_v3: agents share out landmarks among themselves, and are not to bump into each other."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, uniform
from quintain.envs.marl.mpe.physics import Bodies, moved, thrust
from quintain.functional import Moved

AGENT_RADIUS, LANDMARK_RADIUS = 0.15, 0.05
START = 0
"""The purpose of the numbers that place everything."""


class State(NamedTuple):
    position: Array
    """[agents, 2, environments]."""
    velocity: Array
    landmarks: Array
    """[landmarks, 2, environments]."""


class Spread:
    """`count` agents and as many landmarks; observation: own velocity and position, landmarks and others from there, silence."""

    continuous = False
    action_range = (0.0, 1.0)
    simultaneous = True
    horizon = 25
    returns = (-float("inf"), 0.0)

    def __init__(self, count: int = 3) -> None:
        if count < 1:
            raise ValueError(f"simple_spread needs at least one agent, got {count}")
        self.count = count
        self.agents = tuple(f"agent_{index}" for index in range(count))
        self.kinds = ("agent",) * count
        self.observation_sizes = (4 + 2 * count + 4 * (count - 1),) * count
        self.action_sizes = (5,) * count
        everyone = (True,) * count
        self.bodies = Bodies(
            (AGENT_RADIUS,) * count, everyone, everyone, accelerations=(5.0,) * count, fastest=(float("inf"),) * count
        )
        self.observation_range = (-self.bodies.reach(self.horizon), self.bodies.reach(self.horizon))

    def reset(self, streams: Streams) -> State:
        places = uniform(streams, START, (2 * self.count, 2), low=-1.0, high=1.0)
        return State(places[: self.count], jnp.zeros_like(places[: self.count]), places[self.count :])

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        position, velocity = moved(state.position, state.velocity, thrust(actions, self.bodies), self.bodies)
        reached = State(position, velocity, state.landmarks)
        over = jnp.zeros(position.shape[-1], dtype=bool)
        return reached, Moved(self.reward(reached), over, {})

    def reward(self, state: State) -> Array:
        """Half for how far the landmarks are from their nearest agents, half against own collisions."""
        apart = state.landmarks[:, None] - state.position[None]
        uncovered = jnp.sqrt((apart**2).sum(axis=2).min(axis=1)).sum(axis=0)
        bumps = self.bumps(state.position)
        return -0.5 * uncovered[None] - 0.5 * bumps

    def bumps(self, position: Array) -> Array:
        """float32 [agents, environments]: with how many others each collides."""
        found = [jnp.zeros(position.shape[-1], jnp.float32)] * self.count
        for a in range(self.count):
            for b in range(a + 1, self.count):
                near = (((position[a] - position[b]) ** 2).sum(axis=0) < (2 * AGENT_RADIUS) ** 2).astype(jnp.float32)
                found[a], found[b] = found[a] + near, found[b] + near
        return jnp.stack(found)

    def observe(self, state: State) -> Array:
        silence = jnp.zeros((2 * (self.count - 1), state.position.shape[-1]), jnp.float32)
        rows = []
        for agent in range(self.count):
            here = state.position[agent]
            others = [state.position[other] - here for other in range(self.count) if other != agent]
            marks = (state.landmarks - here[None]).reshape(2 * self.count, -1)
            rows.append(jnp.concatenate([state.velocity[agent], here, marks, *others, silence]))
        return jnp.stack(rows)

    def mask(self, state: State) -> Array:
        return jnp.ones((self.count, 5, state.position.shape[-1]), dtype=bool)

    def acting(self, state: State) -> Array:
        return jnp.ones((self.count, state.position.shape[-1]), dtype=bool)

    def alive(self, state: State) -> Array:
        return self.acting(state)

    def world_state(self, state: State) -> Array:
        return jnp.concatenate([each.reshape(-1, each.shape[-1]) for each in state])
