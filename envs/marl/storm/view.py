"""What agents of STORM see: a square ahead of them, each plane of it one word of 25 bits until it is written out."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from quintain.envs.marl.storm.grid import FACINGS, heading, relative

DEEP, HALF = 5, 2
CELLS = DEEP * DEEP
EVERYTHING, COLUMN, ROW = 2**CELLS - 1, 2**DEEP - 1, sum(1 << DEEP * at for at in range(DEEP))
"""All cells; the first column, which is the one farthest to the right; the nearest row."""
HERE = HALF * DEEP
"""The cell on which the agent itself stands, in the middle of the nearest row."""
BEAM = ((1, 0), (2, 0), (1, 1), (1, -1))
"""Cells that an agent's beam meets: how far ahead, how far to the left."""
PLANES = (
    "self", "others", "red coins", "blue coins", "walls", "beams", "others that face as the agent does", "to its left",
    "towards it", "to its right", "others that carry something", "others that are frozen",
)  # fmt: skip


class Shown(NamedTuple):
    """What there is to be seen; agents and coins first, environments last."""

    place: Array
    facing: Array
    fired: Array
    carries: Array
    frozen: Array
    red: Array
    """bool: there, and red."""
    blue: Array


def planes(shown: Shown, coins: NDArray[np.int8], size: int) -> Array:
    """uint32 [agents, PLANES, CELLS, environments], 0 or 1; cells by columns from right to left, each from near to far.

    Args:
        coins: the cells of coins [coins, 2].
    """
    place, facing = shown.place.astype(jnp.int32), shown.facing
    count = len(facing)
    places = [_bit(facing, *(axis - place[:, at] for at, axis in enumerate(cell))) for cell in coins.tolist()]
    red, blue = (
        _union(jnp.where(there, bit, jnp.uint32(0)) for there, bit in zip(each, places, strict=True)) for each in shown[-2:]
    )
    seen = [_other(shown, place, other) for other in range(count)]
    others, beam, carry, cold = (_union(each[at] for each in seen) for at in range(4))
    ways = [_union(each[4 + way] for each in seen) for way in range(FACINGS)]
    wall = _walls(place, facing, size)
    itself = jnp.full_like(wall, 1 << HERE)
    beam &= ~(itself | others | red | blue | wall)
    words = jnp.stack([itself, others, red, blue, wall, beam, *ways, carry, cold], axis=1)
    return (words[:, :, None] >> jnp.arange(CELLS, dtype=jnp.uint32)[:, None]) & 1


def _other(shown: Shown, place: Array, other: int) -> list[Array]:
    """uint32 [agents, environments]: where each agent sees one of the others, its beam, and it if it carries something, if it is
    frozen, and by the ways in which it faces."""
    facing, itself = shown.facing, (jnp.arange(len(place)) == other)[:, None]
    first, second = place[other, 0] - place[:, 0], place[other, 1] - place[:, 1]
    bit = jnp.where(itself, jnp.uint32(0), _bit(facing, first, second))
    along_first, along_second = (each.astype(jnp.int32) for each in heading(facing[other]))
    lit = [
        _bit(facing, first + ahead * along_first + left * along_second, second + ahead * along_second - left * along_first)
        for ahead, left in BEAM
    ]
    beam = jnp.where(shown.fired[other], _union(lit), jnp.uint32(0))
    turned = (facing[other] - facing) & 3
    ways = [jnp.where(turned == way, bit, jnp.uint32(0)) for way in range(FACINGS)]
    known = [jnp.where(each[other], bit, jnp.uint32(0)) for each in (shown.carries, shown.frozen)]
    return [bit, beam, *known, *ways]


def _bit(facing: Array, first: Array, second: Array) -> Array:
    """uint32: the bit of what lies so far away along both axes, none where it is out of sight."""
    ahead, left = relative(facing, first, second)
    inside = (ahead >= 0) & (ahead < DEEP) & (left >= -HALF) & (left <= HALF)
    cell = jnp.where(inside, (left + HALF) * DEEP + ahead, 0).astype(jnp.uint32)
    return inside.astype(jnp.uint32) << cell


def _walls(place: Array, facing: Array, size: int) -> Array:
    """uint32 [agents, environments]: cells outside the grid."""
    far = size - 1
    first, second = place[:, 0], place[:, 1]
    ahead = _by_way(facing, far - second, far - first, second, first)
    left = _by_way(facing, far - first, second, first, far - second)
    right = _by_way(facing, first, far - second, far - first, second)
    beyond = (jnp.uint32(COLUMN) << jnp.clip(ahead + 1, 0, DEEP).astype(jnp.uint32)) & COLUMN
    leftmost = jnp.uint32(EVERYTHING) << (DEEP * jnp.clip(left + HALF + 1, 0, DEEP)).astype(jnp.uint32)
    rightmost = (jnp.uint32(1) << (DEEP * jnp.clip(HALF - right, 0, HALF)).astype(jnp.uint32)) - 1
    return (beyond * ROW | leftmost | rightmost) & EVERYTHING


def _by_way(facing: Array, *ways: Array) -> Array:
    found = ways[-1]
    for way in range(FACINGS - 1):
        found = jnp.where(facing == way, ways[way], found)
    return found


def _union(words: Iterable[Array]) -> Array:
    return functools.reduce(jnp.bitwise_or, words)
