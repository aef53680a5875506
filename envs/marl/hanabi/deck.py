"""Shuffling, without JAX's sort, which on a CPU costs several times as much."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.draws import Streams, bits

DECK = 0
"""Purpose of the numbers by which the deck is shuffled."""
CODE = 0x1F
"""Bits of a card that ride along with the number that is sorted by."""


def shuffled(cards: list[int], streams: Streams) -> Array:
    """int8 [cards, environments]: cards, below 32 each, in random order; two that draw the same of 2^27 numbers keep theirs."""
    codes = jnp.array(cards, jnp.uint32)[:, None]
    tickets = (bits(streams, DECK, (len(cards),)) & jnp.uint32(~CODE & 0xFFFFFFFF)) | codes
    return (ascending(tickets) & jnp.uint32(CODE)).astype(jnp.int8)


def ascending(rows: Array) -> Array:
    """uint32 [rows, environments], sorted along the rows by Batcher's bitonic network, each of whose stages is one operation."""
    count, full = len(rows), 1 << (len(rows) - 1).bit_length()
    kept = jnp.pad(rows, ((0, full - count), (0, 0)), constant_values=np.uint32(0xFFFFFFFF))
    block = 2
    while block <= full:
        kept = _compared(kept, block, mirrored=True)
        apart = block // 2
        while apart >= 2:
            kept = _compared(kept, apart, mirrored=False)
            apart //= 2
        block *= 2
    return kept[:count]


def _compared(rows: Array, block: int, *, mirrored: bool) -> Array:
    """The lower half of each block against the upper one: the smaller goes down, the greater up."""
    halves = rows.reshape(-1, 2, block // 2, rows.shape[-1])
    low, high = halves[:, 0], halves[:, 1, ::-1] if mirrored else halves[:, 1]
    greater = jnp.maximum(low, high)
    return jnp.stack([jnp.minimum(low, high), greater[:, ::-1] if mirrored else greater], axis=1).reshape(rows.shape)
