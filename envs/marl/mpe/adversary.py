"""simple_adversary_v3: good agents cover landmarks so that an adversary cannot tell which of them is the goal."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import Neighbours, around
from quintain.envs.marl.mpe.particles import Particles, State, chosen, distance, nearest, team
from quintain.envs.marl.mpe.physics import FREE, Bodies


class Adversary(Particles):
    """Observation: the goal from the own place (good agents only), landmarks, others."""

    def __init__(self, count: int = 2, *, continuous: bool = False, horizon: int = 25, closest: Neighbours = None) -> None:
        if count < 1:
            raise ValueError(f"simple_adversary needs at least one good agent, got {count}")
        self.count, self.closest = count, closest
        bodies = Bodies(
            (0.15,) * (count + 1) + (0.08,) * count,
            collides=(False,) * (2 * count + 1),
            movable=(True,) * (count + 1) + (False,) * count,
            accelerations=(5.0,) * (count + 1),
            fastest=(FREE,) * (count + 1),
        )
        agents, kinds = ("adversary_0", *team(count, "agent")), ("adversary", *("agent",) * count)
        super().__init__(agents, kinds, bodies, goals=(count,), continuous=continuous, horizon=horizon)

    def sizes(self) -> tuple[int, ...]:
        others, marks = (self.count, self.count) if self.closest is None else self.closest
        return (2 * marks + 2 * others, *(2 + 2 * marks + 2 * others,) * self.count)

    def seen(self, state: State, agent: int) -> list[Array]:
        marks, others = around(state, agent, self.closest)
        goal = chosen(state.goals[0], state.landmarks) - state.position[agent]
        return [marks, others] if agent == 0 else [goal, marks, others]

    def rewards(self, state: State) -> Array:
        goal = chosen(state.goals[0], state.landmarks)
        far = distance(state.position[0], goal)
        good = far - nearest([distance(place, goal) for place in state.position[1:]])
        return jnp.concatenate([-far[None], jnp.broadcast_to(good, (self.count, len(good)))])
