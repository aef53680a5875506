"""Landmarks and other agents as one agent sees them: all in their order, or the nearest few."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.particles import State

Neighbours = tuple[int, int] | None
"""How many other agents and how many landmarks are seen; None: all of them."""


def around(state: State, agent: int, closest: Neighbours) -> tuple[Array, Array]:
    """Relative places [2 x landmarks, environments] and [2 x others, environments], of the nearest first where these are few."""
    here = state.position[agent]
    marks, others = state.landmarks - here[None], without(state.position, agent) - here[None]
    if closest is not None:
        others, marks = nearest_of(others, others, closest[0]), nearest_of(marks, marks, closest[1])
    batch = here.shape[-1]
    return marks.reshape(-1, batch), others.reshape(-1, batch)


def without(rows: Array, agent: int) -> Array:
    """The others, in their order."""
    return jnp.concatenate([rows[:agent], rows[agent + 1 :]])


def nearest_of(rows: Array, apart: Array, most: int) -> Array:
    """The `most` of `rows` [things, features, environments] whose `apart` [things, 2, environments] is shortest, zeros after the
    last; equally near ones in their order."""
    order = jnp.argsort((apart**2).sum(axis=1), axis=0, stable=True)[:most]
    found = jnp.take_along_axis(rows, order[:, None], axis=0)
    return jnp.pad(found, ((0, most - len(found)), (0, 0), (0, 0))) if len(found) < most else found
