"""simple_speaker_listener_v4: one sees which landmark is the goal and speaks, the other hears and goes."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import around
from quintain.envs.marl.mpe.particles import Particles, State, chosen, colour
from quintain.envs.marl.mpe.physics import FREE, Bodies

WORDS = 3


class SpeakerListener(Particles):
    returns = (-float("inf"), 0.0)

    def __init__(self, *, continuous: bool = False, horizon: int = 25) -> None:
        bodies = Bodies(
            (0.075,) * 2 + (0.04,) * 3,
            (False,) * 5,
            (False, True, False, False, False),
            accelerations=(5.0,) * 2,
            fastest=(FREE,) * 2,
        )
        super().__init__(
            ("speaker_0", "listener_0"), ("speaker", "listener"), bodies, words=(WORDS, 0), goals=(3,), continuous=continuous,
            horizon=horizon,
        )  # fmt: skip

    def sizes(self) -> tuple[int, ...]:
        return (3, 2 + 6 + WORDS)

    def seen(self, state: State, agent: int) -> list[Array]:
        if agent == 0:
            return [colour(state.goals[0], low=0.15, high=0.65)]
        return [state.velocity[1], around(state, 1, None)[0], state.said[0]]

    def rewards(self, state: State) -> Array:
        far = ((state.position[1] - chosen(state.goals[0], state.landmarks)) ** 2).sum(axis=0)
        return jnp.stack([-far, -far])
