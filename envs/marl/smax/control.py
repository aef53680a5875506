"""From actions to what units do."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, uniform
from quintain.envs.marl.smax.battle import MOVES, Orders, State

MOVING, ANEW = 7, 8
"""Purposes of random numbers."""
NUMBERS = 4
"""Of a continuous action: the chances to aim anew and to move, the length of the way, its direction in turns."""


def discrete(actions: Array) -> Orders:
    """Of units [units, environments]: four moves, to stop, then attacks."""
    x = (actions == 1).astype(jnp.float32) - (actions == 3).astype(jnp.float32)
    y = (actions == 0).astype(jnp.float32) - (actions == 2).astype(jnp.float32)
    return Orders(jnp.stack([x, y], axis=1), jnp.where(actions >= MOVES, actions, 0).astype(jnp.int8))


def continuous(actions: Array, state: State, streams: Streams, *, allies: int, enemy: bool) -> Orders:
    """Of one team's units [units, 4, environments].

    A unit moves, with its second number as the chance, along the way of length and direction that the last two give; or it
    shoots: with its first number as the chance at the unit of the other team closest to that way's end, dead or alive, else at
    whom it attacked in the last step. (JaxMARL calls the first two `shoot_last_enemy` and `do_shoot`, and plays them like this.)
    """
    own, other = (slice(allies, None), slice(allies)) if enemy else (slice(allies), slice(allies, None))
    anew, moving, length, turns = jnp.moveaxis(jnp.clip(actions, 0.0, 1.0), 1, 0)
    units = state.health.shape[0]
    moves, aims = (uniform(streams, purpose, (units,))[own] < chance for purpose, chance in ((MOVING, moving), (ANEW, anew)))
    angle = turns * (2 * math.pi)
    way = jnp.stack([length * jnp.cos(angle), length * jnp.sin(angle)], axis=1)
    apart = jnp.square(state.position[other][None] - (state.position[own] + way)[:, None]).sum(axis=2)
    closest = jnp.argmin(apart, axis=1)
    numbered = apart.shape[1] - 1 - closest if enemy else closest
    attack = jnp.where(aims, (numbered + MOVES).astype(jnp.int8), state.attack[own])
    return Orders(jnp.where(moves[:, None], way, 0.0), jnp.where(moves, 0, attack).astype(jnp.int8))


def joined(first: Orders, second: Orders) -> Orders:
    """Of both teams."""
    return Orders(*(jnp.concatenate(pair) for pair in zip(first, second, strict=True)))
