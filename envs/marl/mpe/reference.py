"""simple_reference_v3: each of two agents knows the other's goal, and both move and speak."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import around
from quintain.envs.marl.mpe.particles import Particles, State, chosen, colour, distance
from quintain.envs.marl.mpe.physics import FREE, Bodies

WORDS = 10


class Reference(Particles):
    """`goals[i]` is the landmark to which agent i is to send the other one."""

    returns = (-float("inf"), 0.0)

    def __init__(self, *, local_ratio: float = 0.5, continuous: bool = False, horizon: int = 25) -> None:
        if not 0 <= local_ratio <= 1:
            raise ValueError(f"local_ratio must be in [0, 1], got {local_ratio}")
        self.local_ratio = local_ratio
        bodies = Bodies(
            (0.05,) * 5, (False,) * 5, (True, True, False, False, False), accelerations=(5.0,) * 2, fastest=(FREE,) * 2
        )
        super().__init__(
            ("agent_0", "agent_1"),
            ("agent",) * 2,
            bodies,
            words=(WORDS,) * 2,
            goals=(3, 3),
            continuous=continuous,
            horizon=horizon,
        )

    def sizes(self) -> tuple[int, ...]:
        return (2 + 6 + 3 + WORDS,) * 2

    def seen(self, state: State, agent: int) -> list[Array]:
        marks, _ = around(state, agent, None)
        return [state.velocity[agent], marks, colour(state.goals[agent], low=0.25, high=0.75), state.said[1 - agent]]

    def rewards(self, state: State) -> Array:
        own = jnp.stack([-distance(state.position[1 - i], chosen(state.goals[i], state.landmarks)) for i in range(2)])
        return self.local_ratio * own + (1 - self.local_ratio) * own.mean(axis=0)
