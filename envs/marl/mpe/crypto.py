"""simple_crypto_v3: Alice tells Bob a secret with a key that both have, and Eve listens."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.particles import Particles, State, colour
from quintain.envs.marl.mpe.physics import FREE, Bodies

WORDS = 4
EVE, BOB, ALICE = 0, 1, 2
SECRET, KEY = 0, 1


class Crypto(Particles):
    """Nobody moves. Eve hears Alice, Bob hears her and has the key, Alice sees the secret and has the key."""

    def __init__(self, *, continuous: bool = False, horizon: int = 25) -> None:
        bodies = Bodies((0.05,) * 5, (False,) * 5, (False,) * 5, accelerations=(5.0,) * 3, fastest=(FREE,) * 3)
        agents = ("eve_0", "bob_0", "alice_0")
        super().__init__(
            agents, ("eve", "bob", "alice"), bodies, words=(WORDS,) * 3, goals=(2, 2), continuous=continuous, horizon=horizon
        )

    def sizes(self) -> tuple[int, ...]:
        return (4, 8, 8)

    def seen(self, state: State, agent: int) -> list[Array]:
        secret, key = (colour(state.goals[at], low=0.0, high=1.0, colours=WORDS) for at in (SECRET, KEY))
        if agent == ALICE:
            return [secret, key]
        return [state.said[ALICE]] if agent == EVE else [key, state.said[ALICE]]

    def rewards(self, state: State) -> Array:
        """Whoever says nothing at all is not looked at."""
        secret = colour(state.goals[SECRET], low=0.0, high=1.0, colours=WORDS)
        wrong = [((said - secret) ** 2).sum(axis=0) * (said != 0).any(axis=0) for said in state.said]
        good = wrong[EVE] - wrong[BOB]
        return jnp.stack([-wrong[EVE], good, good])
