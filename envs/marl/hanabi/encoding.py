"""What players see, in the order of the Hanabi Learning Environment's `canonical_encoders.cc`."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.hanabi.rules import TOLD, State, Table, places, read

Belief = Literal["possible", "counted"]


def size(table: Table) -> int:
    """Features of an observation."""
    players, hand, faces = table.players, table.hand, table.faces
    hands = (players - 1) * hand * faces + players
    board = table.cards - players * hand + faces + table.information + table.lives
    last = 2 * players + 4 + table.colours + table.ranks + 2 * hand + faces + 2
    return hands + board + table.cards + last + players * hand * (faces + table.colours + table.ranks)


def observed(table: Table, state: State, belief: Belief) -> Array:
    """float32 [players, features, environments]: other hands, board, discards, last move, and what hints say of every hand."""
    hands, missing, public = _hands(table, state), state.hands[:, -1:] < 0, _public(table, state)
    actor, move, target, rest = _last(table, state)
    known = beliefs(table, state, belief)
    blocks = []
    for viewer in range(table.players):
        order = [(viewer + offset) % table.players for offset in range(table.players)]
        blocks += [*(hands[other] for other in order[1:]), *(missing[other] for other in order), public]
        blocks += [*(actor[other : other + 1] for other in order), move, *(target[other : other + 1] for other in order), rest]
        blocks += [known[other] for other in order]
    # Put together as bytes where they can be: on a CPU a policy's first layer then costs a third.
    kind = jnp.uint8 if belief == "possible" else jnp.float32
    together = jnp.concatenate([block.astype(kind) for block in blocks])
    return together.reshape(table.players, -1, together.shape[-1]).astype(jnp.float32)


def everything(table: Table, state: State) -> Array:
    """float32 [features, environments]: all hands too, and whose turn it is; the order of the deck is chance to come."""
    actor, move, target, rest = _last(table, state)
    turn = places(table.players) == state.player
    blocks = [_hands(table, state), state.hands[:, -1] < 0, turn, _public(table, state), actor, move, target, rest]
    blocks.append(beliefs(table, state, "possible"))
    return jnp.concatenate([block.astype(jnp.float32).reshape(-1, block.shape[-1]) for block in blocks])


def beliefs(table: Table, state: State, belief: Belief) -> Array:
    """[players, features, environments] of every card: what it may be, and the colour and the rank that it was said to be.

    "possible" is 1 for what hints leave, as in the Hanabi Learning Environment; "counted" shares 1 out among these by how many of
    each are neither played nor discarded (V0 of Foerster et al. 2019).
    """
    colours = _flags(state.colours, table.colours)
    ranks = _flags(state.ranks, table.ranks)
    faces = (colours[:, :, :, None] & ranks[:, :, None]).reshape(*colours.shape[:2], table.faces, -1)
    said_colours, said_ranks = colours & (state.colours >= TOLD)[:, :, None], ranks & (state.ranks >= TOLD)[:, :, None]
    if belief == "counted":
        weights = jnp.where(faces, left(table, state).astype(jnp.float32), 0.0)
        faces = weights / jnp.maximum(weights.sum(axis=2, keepdims=True), 1.0)
    cards = jnp.concatenate([each.astype(faces.dtype) for each in (faces, said_colours, said_ranks)], axis=2)
    return cards.reshape(table.players, -1, cards.shape[-1])


def left(table: Table, state: State) -> Array:
    """int8 [faces, environments]: cards of each face that are neither played nor discarded."""
    copies = jnp.array(table.copies, jnp.int8)[:, None]
    played = state.fireworks[:, None] > places(table.ranks)
    return (copies - played.astype(jnp.int8)).reshape(table.faces, -1) - state.discards


def _flags(masks: Array, count: int) -> Array:
    """bool [players, hand, count, environments]: the bits of masks [players, hand, environments]."""
    return (masks[:, :, None] & (jnp.int8(1) << places(count))) != 0


def _hands(table: Table, state: State) -> Array:
    """bool [players, hand * faces, environments]."""
    return (state.hands[:, :, None] == places(table.faces)).reshape(table.players, -1, state.hands.shape[-1])


def _public(table: Table, state: State) -> Array:
    """bool [features, environments]: cards in the deck, fireworks, tokens, lives, discards."""
    deck = places(table.cards - table.players * table.hand) < table.cards - state.dealt
    fireworks = (state.fireworks[:, None] == places(table.ranks) + jnp.int8(1)).reshape(table.faces, -1)
    tokens, lives = places(table.information) < state.information, places(table.lives) < state.lives
    gone = state.discards.reshape(table.colours, table.ranks, -1)
    piles = jnp.concatenate([gone[:, rank, None] > places(count) for rank, count in enumerate(table.copies)], axis=1)
    return jnp.concatenate([deck, fireworks, tokens, lives, piles.reshape(table.cards, -1)])


def _last(table: Table, state: State) -> tuple[Array, Array, Array, Array]:
    """Of the last move: who made it, of which kind, whom it told, each as bool [features, environments], and what and whose."""
    there = state.move >= 0
    actor = jnp.where(state.player == 0, jnp.int8(table.players - 1), state.player - jnp.int8(1))
    move = read(table, actor, state.move.astype(jnp.int32))
    plays, discards, hints = move.plays & there, move.discards & there, move.of_colour | move.of_rank
    kind = jnp.stack([plays, discards, move.of_colour, move.of_rank])
    rest = jnp.concatenate(
        [
            (places(table.colours) == move.value) & move.of_colour,
            (places(table.ranks) == move.value) & move.of_rank,
            state.touched,
            (places(table.hand) == move.slot) & (plays | discards),
            places(table.faces) == state.shown,
            (state.scored & plays)[None],
            (state.gained & plays)[None],
        ]
    )
    return (places(table.players) == actor) & there, kind, (places(table.players) == move.target) & hints, rest
