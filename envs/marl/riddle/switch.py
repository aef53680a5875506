"""The switch riddle: prisoners, one a day in a room with a bulb, are to say when all of them have been there."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, integers
from quintain.functional import Moved

FIRST, NEXT = 0, 1
"""Purposes of random numbers: who is in the room on the first day, and who on the next."""
SWITCH, TELL, ACTIONS = 1, 2, 3
"""Action 0 does nothing."""


class State(NamedTuple):
    """The bulb as the one in the room finds it."""

    lit: Array
    """bool [environments]."""
    inside: Array
    """int16 [environments]: who is in the room."""
    been: Array
    """bool [prisoners, environments]: who was in the room before today."""


class SwitchRiddle:
    """Each day one prisoner, drawn anew, is in the room and sees the bulb, switches it, or says that all have been there, which
    ends the episode: freedom if it is true, else death (Foerster et al. 2016). After 4 n - 6 days nobody is paid.

    Observation: in the room, and the bulb is lit (seen from inside only). Who is outside can do nothing.
    """

    continuous = False
    action_range = (0.0, 0.0)
    observation_range = (0.0, 1.0)
    simultaneous = False

    def __init__(
        self, prisoners: int = 3, *, freedom: float = 1.0, death: float = -1.0, lit: bool = False, horizon: int | None = None
    ) -> None:
        if not 2 <= prisoners <= 32767:
            raise ValueError(f"switch_riddle needs at least two prisoners, and at most 32767, got {prisoners}")
        self.prisoners, self.freedom, self.death, self.lit = prisoners, freedom, death, lit
        self.horizon = 4 * prisoners - 6 if horizon is None else horizon
        self.agents = tuple(f"agent_{at}" for at in range(prisoners))
        self.kinds = ("agent",) * prisoners
        self.observation_sizes, self.action_sizes = (2,) * prisoners, (ACTIONS,) * prisoners
        self.returns = (min(death, freedom, 0.0), max(freedom, death, 0.0))

    def reset(self, streams: Streams) -> State:
        inside = integers(streams, FIRST, self.prisoners).astype(jnp.int16)
        # Made of what was drawn, so that all parts of a state are split over devices alike.
        nobody = (inside < 0)[None] & jnp.ones((self.prisoners, 1), bool)
        return State(jnp.full_like(inside, self.lit, bool), inside, nobody)

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        here = self.acting(state)
        been = state.been | here
        told, switched = (here & (actions == TELL)).any(axis=0), (here & (actions == SWITCH)).any(axis=0)
        everybody = been.all(axis=0)
        reward = jnp.where(told, jnp.where(everybody, self.freedom, self.death), 0.0).astype(jnp.float32)
        following = integers(streams, NEXT, self.prisoners).astype(jnp.int16)
        reached = State(state.lit ^ switched, following, been)
        return reached, Moved(jnp.broadcast_to(reward, been.shape), told, {"everybody": everybody})

    def observe(self, state: State) -> Array:
        here = self.acting(state)
        return jnp.stack([here, here & state.lit], axis=1).astype(jnp.float32)

    def mask(self, state: State) -> Array:
        here = self.acting(state)
        return jnp.stack([jnp.ones_like(here), here, here], axis=1)

    def acting(self, state: State) -> Array:
        return state.inside == jnp.arange(self.prisoners, dtype=jnp.int16)[:, None]

    def alive(self, state: State) -> Array:
        return jnp.ones((self.prisoners, state.lit.shape[-1]), bool)

    def world_state(self, state: State) -> Array:
        """Who is in the room, who was there, and the bulb."""
        return jnp.concatenate([self.acting(state), state.been, state.lit[None]]).astype(jnp.float32)
