"""Where units start, and of which types they are where that is drawn."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.draws import Streams, integers, uniform
from quintain.envs.marl.smax.battle import SIZE
from quintain.envs.marl.smax.units import KINDS, Placing

ACROSS, ALONG, TYPES, MODE, INSIDE, GROUP, DISTANCE = range(7)
"""Purposes of random numbers."""
SCATTER = 2.0
"""Half the side of the square in which the units of one place start."""
EDGE = 1.0
"""Who is scattered over the edge of the map starts so far inside: touching the edge kills."""
CORNERS = ((0.0, 0.0), (0.0, SIZE), (SIZE, 0.0), (SIZE, SIZE))


class Places(NamedTuple):
    """[units, environments]. Two arrays, and two draws: as one, XLA draws again for each pair of units that is pushed apart."""

    x: Array
    y: Array


def placed(streams: Streams, allies: int, enemies: int, *, placing: Placing) -> Places:
    units = allies + enemies
    unit = Places(uniform(streams, ACROSS, (units,)), uniform(streams, ALONG, (units,)))
    if placing == "apart":
        centre = jnp.array([SIZE / 4] * allies + [SIZE * 3 / 4] * enemies)[:, None]
        return Places(centre + (2 * unit.x - 1) * SCATTER, SIZE / 2 + (2 * unit.y - 1) * SCATTER)
    if placing == "surround":
        return _surround(streams, unit, allies)
    if placing == "reflect":
        return _reflect(unit, allies)
    first = uniform(streams, MODE) < 0.5
    pairs = zip(_surround(streams, unit, allies), _reflect(unit, allies), strict=True)
    return Places(*(jnp.where(first, around, across) for around, across in pairs))


def drawn(streams: Streams, allies: int, enemies: int) -> Array:
    """int8 [units, environments]: uniform types, the same list for both teams; who is left over is drawn too."""
    types = integers(streams, TYPES, len(KINDS), (max(allies, enemies),)).astype(jnp.int8)
    return jnp.concatenate([types[:allies], types[:enemies]])


def _surround(streams: Streams, unit: Places, allies: int) -> Places:
    """One team, either, in the centre; each unit of the other in one of four groups, somewhere on the ways to the corners."""
    units = len(unit.x)
    inside = (np.arange(units) < allies)[:, None] == (uniform(streams, INSIDE) < 0.5)
    group, part = integers(streams, GROUP, len(CORNERS), (units,)), uniform(streams, DISTANCE, (len(CORNERS),))
    found = []
    for axis, scattered in enumerate(unit):
        place = jnp.full(scattered.shape, SIZE / 2)
        for at, corner in enumerate(CORNERS):
            place = jnp.where(~inside & (group == at), part[at] * SIZE / 2 + (1 - part[at]) * corner[axis], place)
        found.append(jnp.clip(place + (2 * scattered - 1) * SCATTER, EDGE, SIZE - EDGE))
    return Places(*found)


def _reflect(unit: Places, allies: int) -> Places:
    """Anywhere in the left half; the enemy at the mirrored places, and who is left over anywhere in the right half."""
    x, y = unit.x * (SIZE / 2), unit.y * SIZE
    enemies = len(x) - allies
    twin_x, twin_y = (jnp.concatenate([each[: min(allies, enemies)], each[2 * allies :]]) for each in (x, y))
    return Places(jnp.concatenate([x[:allies], SIZE - twin_x]), jnp.concatenate([y[:allies], twin_y]))
