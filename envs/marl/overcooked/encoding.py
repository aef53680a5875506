"""What a cook sees: 26 planes of the grid, the lossless encoding of overcooked 0.2.1.

All that is to be seen of a cell is first packed into one word; a plane is a few bits of each word. So there is one pass over the
observation, many times the size of the words.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.envs.marl.overcooked.cooking import COOKED, DISH, ONION, PLATED, State, numbering
from quintain.envs.marl.overcooked.kitchens import COOKS, Kitchen

PLANES = 26
"""Places of self and other; the facing of both, a plane a direction; pots, counters, onions, tomatoes, dishes, serving places;
onions and tomatoes in idle pots; onions and tomatoes in soups, steps until a soup is ready, ready soups; dishes, onions and
tomatoes that lie or are held; whether the end is near. There are no tomatoes."""
URGENT = 40
"""Fewer steps than these before the end are near it."""
AT, FACES, KIND = (0, 5), (1, 6), 10
"""First bits: whether each cook is in the cell, and faces up, down, right, left; whether it is a pot, counter, and so on."""
IN_POT, IN_SOUP, LEFT_TO_COOK, READY, DISHES, ONIONS, NEAR = 15, 17, 19, 24, 25, 26, 27
COUNTS = {IN_POT: 2, IN_SOUP: 2, LEFT_TO_COOK: 5}
"""Bits of numbers; all else are flags."""
TOMATO = None
SHARED = (10, 11, 12, TOMATO, 13, 14, IN_POT, TOMATO, IN_SOUP, TOMATO, LEFT_TO_COOK, READY, DISHES, ONIONS, TOMATO, NEAR)
"""First bits of the planes that both see alike."""


def encoded(room: Kitchen, state: State, horizon: int) -> Array:
    """float32 [cooks, PLANES * cells, environments], planes first, then rows."""
    words = packed(room, state, horizon)
    first, mask = (table[:, :, None, None] for table in _planes())
    bits = (words >> first) & mask
    return bits.astype(jnp.float32).reshape(COOKS, -1, words.shape[-1])


def packed(room: Kitchen, state: State, horizon: int) -> Array:
    """int32 [cells, environments]."""
    idle, onions, ticks = state.ticks < 0, state.onions.astype(jnp.int32), state.ticks.astype(jnp.int32)
    cooking = (onions << IN_SOUP) + (COOKED - ticks << LEFT_TO_COOK) + _flag(ticks >= COOKED, READY)
    pots = jnp.where(idle, onions << IN_POT, cooking)
    lying = dict(zip(room.counters + room.pots, (*_thing(state.items), *pots), strict=True))
    near = _flag(jnp.int16(horizon) - state.time < URGENT, NEAR)
    still = jnp.stack([near + kind + lying.get(cell, 0) for cell, kind in enumerate(_kinds(room))])

    turned = [(1 << AT[cook]) + (1 << state.facing[cook].astype(jnp.int32) + FACES[cook]) for cook in range(COOKS)]
    cells = jnp.arange(room.cells, dtype=numbering(room))[:, None]

    def enter(words: Array, cook: tuple[Array, Array]) -> tuple[Array, None]:
        place, looks = cook
        return words + jnp.where(cells == place, looks, 0), None

    # A loop, so that what a cook looks like is computed once, and not again for each cell.
    return jax.lax.scan(enter, still, (state.place, jnp.stack(turned) + _thing(state.held)))[0]


def _thing(held: Array) -> Array:
    """The bits of what is held or lies on a counter."""
    soup = _flag(held >= PLATED, READY) + (jnp.maximum(held.astype(jnp.int32) - (PLATED - 1), 0) << IN_SOUP)
    return soup + _flag(held == DISH, DISHES) + _flag(held == ONION, ONIONS)


def _flag(holds: Array, bit: int) -> Array:
    return holds.astype(jnp.int32) << bit


def _kinds(room: Kitchen) -> list[int]:
    kinds = (room.pots, room.counters, room.onions, room.dishes, room.serving)
    return [sum((cell in cells) << KIND + at for at, cells in enumerate(kinds)) for cell in range(room.cells)]


def _planes() -> tuple[np.ndarray, np.ndarray]:
    """int32 [cooks, PLANES] each: the first bit of each plane, and the mask of its bits."""
    first, mask = np.zeros((2, COOKS, PLANES), np.int32)
    for self, other in ((0, 1), (1, 0)):
        own = [AT[self], AT[other], *(FACES[cook] + way for cook in (self, other) for way in range(4))]
        for plane, bit in enumerate((*own, *SHARED)):
            if bit is not TOMATO:
                first[self, plane], mask[self, plane] = bit, (1 << COUNTS.get(bit, 1)) - 1
    return first, mask
