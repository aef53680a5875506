"""simple_spread_v3: agents share out landmarks among themselves, and are not to bump into each other."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import Neighbours, around
from quintain.envs.marl.mpe.particles import Particles, State, team
from quintain.envs.marl.mpe.physics import FREE, Bodies

AGENT, LANDMARK = 0.15, 0.05
BROADCAST = 8
"""From so many agents on pairs are computed as one array; fewer are faster one by one."""


class Spread(Particles):
    """`count` agents and as many landmarks; observation: own velocity and place, landmarks and others from there, silence."""

    returns = (-float("inf"), 0.0)

    def __init__(
        self, count: int = 3, *, local_ratio: float = 0.5, continuous: bool = False, horizon: int = 25, closest: Neighbours = None
    ) -> None:
        if count < 1 or not 0 <= local_ratio <= 1:
            raise ValueError(f"simple_spread needs at least one agent and a local_ratio in [0, 1], got {count} and {local_ratio}")
        self.count, self.local_ratio, self.closest = count, local_ratio, closest
        bodies = Bodies(
            (AGENT,) * count + (LANDMARK,) * count,
            collides=(True,) * count + (False,) * count,
            movable=(True,) * count + (False,) * count,
            accelerations=(5.0,) * count,
            fastest=(FREE,) * count,
        )
        super().__init__(team(count, "agent"), ("agent",) * count, bodies, continuous=continuous, horizon=horizon)

    def sizes(self) -> tuple[int, ...]:
        others = self.count - 1 if self.closest is None else self.closest[0]
        marks = self.count if self.closest is None else self.closest[1]
        return (4 + 2 * marks + 4 * others,) * self.count

    def seen(self, state: State, agent: int) -> list[Array]:
        marks, others = around(state, agent, self.closest)
        silence = jnp.zeros((len(others), others.shape[-1]), jnp.float32)
        return [state.velocity[agent], state.position[agent], marks, others, silence]

    def rewards(self, state: State) -> Array:
        apart = state.landmarks[:, None] - state.position[None]
        uncovered = jnp.sqrt((apart**2).sum(axis=2).min(axis=1)).sum(axis=0)
        return -(1 - self.local_ratio) * uncovered[None] - self.local_ratio * self.bumps(state.position)

    def bumps(self, position: Array) -> Array:
        """float32 [agents, environments]: with how many others each collides."""
        near = (2 * AGENT) ** 2
        if self.count >= BROADCAST:
            touching = ((position[:, None] - position[None]) ** 2).sum(axis=2) < near
            return touching.sum(axis=1).astype(jnp.float32) - 1.0
        found = [jnp.zeros(position.shape[-1], jnp.float32)] * self.count
        for a in range(self.count):
            for b in range(a + 1, self.count):
                hit = (((position[a] - position[b]) ** 2).sum(axis=0) < near).astype(jnp.float32)
                found[a], found[b] = found[a] + hit, found[b] + hit
        return jnp.stack(found)
