"""simple_push_v3: an adversary pushes a good agent away from the landmark that only that one knows."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import around
from quintain.envs.marl.mpe.particles import Particles, State, chosen, colour, distance
from quintain.envs.marl.mpe.physics import FREE, Bodies


class Push(Particles):
    """Observation of the good agent: velocity, goal, own colour (the goal's), landmarks, their colours, the other."""

    def __init__(self, *, continuous: bool = False, horizon: int = 25) -> None:
        bodies = Bodies(
            (0.05,) * 4, (True, True, False, False), (True, True, False, False), accelerations=(5.0,) * 2, fastest=(FREE,) * 2
        )
        super().__init__(
            ("adversary_0", "agent_0"), ("adversary", "agent"), bodies, goals=(2,), continuous=continuous, horizon=horizon
        )

    def sizes(self) -> tuple[int, ...]:
        return (8, 19)

    def seen(self, state: State, agent: int) -> list[Array]:
        marks, others = around(state, agent, None)
        if agent == 0:
            return [state.velocity[0], marks, others]
        goal, zero = state.goals[0], jnp.zeros_like(state.goals[0])
        own = colour(goal + 1, low=0.25, high=0.75)
        colours = [colour(zero + at + 1, low=0.1, high=0.9) for at in range(2)]
        towards = chosen(goal, state.landmarks) - state.position[1]
        return [state.velocity[1], towards, own, marks, *colours, others]

    def rewards(self, state: State) -> Array:
        goal = chosen(state.goals[0], state.landmarks)
        hunter, good = (distance(place, goal) for place in state.position)
        return jnp.stack([good - hunter, -good])
