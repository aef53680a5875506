"""Where things lie as an agent sees them, and who goes and starts where. Places are int8 [..., 2, environments]."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from quintain.draws import Streams, integers

FACINGS = 4
"""Up the second axis, up the first, down the second, down the first: a turn to the left adds one."""
FEW = 16
"""Up to so many, rows are joined one by one: on a CPU a reduction along any axis but the last is many times slower."""


def heading(facing: Array) -> tuple[Array, Array]:
    """int8: one step ahead, along the first axis and along the second."""
    first = (facing == 1).astype(jnp.int8) - (facing == 3).astype(jnp.int8)
    return first, (facing == 0).astype(jnp.int8) - (facing == 2).astype(jnp.int8)


def relative(facing: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """How far ahead and how far to the left of who faces so lies what is so far away along both axes."""
    along_first, along_second = heading(facing)
    return along_first * first + along_second * second, along_second * first - along_first * second


def anybody(flags: Array, axis: int = 0) -> Array:
    """bool: whether any is set along an axis."""
    return flags.any(axis=axis) if flags.shape[axis] > FEW else _joined(flags, axis, jnp.logical_or)


def total(values: Array, axis: int = 0) -> Array:
    return values.sum(axis=axis, dtype=values.dtype) if values.shape[axis] > FEW else _joined(values, axis, jnp.add)


def _joined(rows: Array, axis: int, join: Callable[[Array, Array], Array]) -> Array:
    return functools.reduce(join, [rows[(slice(None),) * axis + (at,)] for at in range(rows.shape[axis])])


def numbered(place: Array, size: int) -> Array:
    """int16 [..., environments]: the number of each cell."""
    return place[..., 0, :].astype(jnp.int16) * jnp.int16(size) + place[..., 1, :]


def skipped(index: Array, taken: Array | NDArray[np.int32]) -> Array:
    """The number of the index-th cell, counted without those taken: [taken] or, for an index [environments], [taken,
    environments], in ascending order."""
    passed = [(row - at <= index).astype(jnp.int32) for at, row in enumerate(taken)]
    return functools.reduce(jnp.add, passed, index)


def distinct(streams: Streams, purpose: int, *, of: int, count: int, directions: int = 1) -> tuple[Array, Array]:
    """int32 [count, environments]: different numbers below `of`, each ordered choice equally likely, and directions.

    The i-th number is an index among those not yet taken, so that nothing is shuffled.
    """
    unused = of - jnp.arange(count, dtype=jnp.int32)[:, None]
    drawn = integers(streams, purpose, unused * directions, (count,))
    index, found = drawn // directions, []
    taken = index[:0]
    for at in range(count):
        number = skipped(index[at], taken)
        found.append(number)
        if at + 1 < count:
            places = jnp.arange(at + 1, dtype=jnp.int32)[:, None]
            here = total((taken < number).astype(jnp.int32)) if at else jnp.zeros_like(number)
            before, after = jnp.concatenate([taken, number[None]]), jnp.concatenate([number[None], taken])
            taken = jnp.where(places < here, before, jnp.where(places == here, number, after))
    return jnp.stack(found), drawn % directions


def settled(place: Array, wanted: Array, rank: Array) -> Array:
    """bool [agents, environments]: who gets to the cell wanted; both int16 [agents, environments].

    Who stays keeps its cell. Of several that want the same one, that of the highest `rank` (each another) gets it; the others
    stay, which may turn back who wanted theirs. Two may change places.
    """
    count = len(place)
    others = ~jnp.eye(count, dtype=bool)[:, :, None]
    moving = wanted != place
    below = rank[:, None] < rank[None]
    for _ in range(max(1, count - 1)):
        going = jnp.where(moving, wanted, place)
        moving &= ~anybody((going[:, None] == going[None]) & others & (~moving[None] | below), axis=1)
    return moving


def before(flags: Array) -> Array:
    """int8 [agents, environments]: how many of the earlier are set."""
    counts = [jnp.zeros(flags.shape[1:], jnp.int8)]
    for flag in flags[:-1]:
        counts.append(counts[-1] + flag.astype(jnp.int8))
    return jnp.stack(counts)
