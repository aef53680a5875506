"""simple_v3: one agent goes to one landmark."""

from __future__ import annotations

from jax import Array

from quintain.envs.marl.mpe.particles import Particles, State
from quintain.envs.marl.mpe.physics import FREE, Bodies


class Simple(Particles):
    returns = (-float("inf"), 0.0)

    def __init__(self, *, continuous: bool = False, horizon: int = 25) -> None:
        bodies = Bodies((0.05, 0.05), (False, False), (True, False), accelerations=(5.0,), fastest=(FREE,))
        super().__init__(("agent_0",), ("agent",), bodies, continuous=continuous, horizon=horizon)

    def sizes(self) -> tuple[int, ...]:
        return (4,)

    def seen(self, state: State, agent: int) -> list[Array]:
        return [state.velocity[agent], state.landmarks[0] - state.position[agent]]

    def rewards(self, state: State) -> Array:
        return -((state.position - state.landmarks) ** 2).sum(axis=1)
