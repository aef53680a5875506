"""What a move does to a table of Hanabi (rules of the Hanabi Learning Environment's `hanabi_state.cc`)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

TOLD = 64
"""In `State.colours` and `State.ranks`: a hint said it outright."""


class Table(NamedTuple):
    """What a game is played with."""

    players: int
    colours: int
    ranks: int
    hand: int
    information: int
    lives: int

    @property
    def copies(self) -> tuple[int, ...]:
        """Cards of one colour, by rank: three of the lowest, one of the highest, two of the others."""
        return tuple(3 if rank == 0 else 1 if rank == self.ranks - 1 else 2 for rank in range(self.ranks))

    @property
    def faces(self) -> int:
        return self.colours * self.ranks

    @property
    def cards(self) -> int:
        return self.colours * sum(self.copies)

    @property
    def deck(self) -> list[int]:
        """Codes of all cards."""
        faces = [(colour, rank) for colour in range(self.colours) for rank in range(self.ranks)]
        return [colour * self.ranks + rank for colour, rank in faces for _ in range(self.copies[rank])]

    @property
    def longest(self) -> int:
        """Moves of the longest legal game: each token is spent, and each card discarded for another, until the deck is empty."""
        draws = self.cards - self.players * self.hand
        hints = self.information + draws - 1 if self.information and draws else 0
        return hints + draws + self.players


class State(NamedTuple):
    """A table. Cards are codes, colour * ranks + rank; -1 is none."""

    deck: Array
    """int8 [cards, environments], in the order of dealing."""
    dealt: Array
    """int8 [environments]: cards that are no longer in the deck."""
    hands: Array
    """int8 [players, hand, environments]: oldest first."""
    colours: Array
    """int8 [players, hand, environments]: bit c is set where hints leave colour c possible; 0 where there is no card."""
    ranks: Array
    """int8 [players, hand, environments]: the same of ranks."""
    fireworks: Array
    """int8 [colours, environments]: their heights."""
    discards: Array
    """int8 [colours * ranks, environments]: how many of each are gone."""
    information: Array
    lives: Array
    turns: Array
    """int8 [environments]: moves left once the deck is empty."""
    player: Array
    """int8 [environments]: whose turn it is."""
    move: Array
    """int8 [environments]: the last one; -1 is none."""
    touched: Array
    """bool [hand, environments]: cards that the last move, a hint, was true of."""
    shown: Array
    """int8 [environments]: the card that the last move played or discarded."""
    scored: Array
    """bool [environments]: the last move raised a firework."""
    gained: Array
    """bool [environments]: the last move brought an information token back."""


class Move(NamedTuple):
    """An action taken apart; what does not apply is False."""

    slot: Array
    """[environments]: of a card in the own hand."""
    discards: Array
    plays: Array
    of_colour: Array
    of_rank: Array
    target: Array
    """[environments]: the player that is told."""
    value: Array
    """[environments]: the colour or rank that is told."""


def dealt(table: Table, deck: Array) -> State:
    """The beginning of a game with a deck, whose first cards go to the first player."""
    held, batch = table.players * table.hand, deck.shape[-1]

    def full(value: int, *shape: int) -> Array:
        return jnp.full((*shape, batch), value, jnp.int8)

    hands = (table.players, table.hand)
    return State(
        deck,
        full(held),
        deck[:held].reshape(*hands, batch),
        full((1 << table.colours) - 1, *hands),
        full((1 << table.ranks) - 1, *hands),
        full(0, table.colours),
        full(0, table.faces),
        full(table.information),
        full(table.lives),
        full(table.players),
        full(0),
        full(-1),
        jnp.zeros((table.hand, batch), bool),
        full(-1),
        jnp.zeros(batch, bool),
        jnp.zeros(batch, bool),
    )


def moved(table: Table, state: State, action: Array) -> State:
    """After the action (int32 [environments]) of the player whose turn it is; one that is not legal passes the turn."""
    move = read(table, state.player, action)
    card = at(own(state.hands, state.player), move.slot)
    suit, rank = jax.lax.div(card, jnp.int8(table.ranks)), jax.lax.rem(card, jnp.int8(table.ranks))
    touched = _touched(table, state.hands, move)
    hints = touched.any(axis=(0, 1)) & (state.information > 0)
    plays, discards = move.plays & (card >= 0), move.discards & (card >= 0) & (state.information < table.information)
    fits = plays & (at(state.fireworks, suit) == rank)
    gained = (discards | (fits & (rank == table.ranks - 1))) & (state.information < table.information)
    takes, empty = plays | discards, state.dealt >= table.cards
    fireworks = state.fireworks + ((places(table.colours) == suit) & fits).astype(jnp.int8)
    lives = state.lives - (plays & ~fits).astype(jnp.int8)
    draws = takes & ~empty & (lives > 0) & (height(fireworks) < table.faces)
    drawn = jnp.where(draws, at(state.deck, state.dealt), jnp.int8(-1))
    mine = (places(table.players) == state.player) & takes
    known = _told(table, state, move, touched & hints, hints)
    blank = [jnp.where(draws, jnp.int8((1 << count) - 1), jnp.int8(0)) for count in (table.colours, table.ranks)]
    return State(
        state.deck,
        state.dealt + draws.astype(jnp.int8),
        _without(state.hands, move.slot, mine, drawn),
        _without(known[0], move.slot, mine, blank[0]),
        _without(known[1], move.slot, mine, blank[1]),
        fireworks,
        state.discards + ((places(table.faces) == card) & takes & ~fits).astype(jnp.int8),
        state.information + gained.astype(jnp.int8) - hints.astype(jnp.int8),
        lives,
        state.turns - empty.astype(jnp.int8),
        following(table, state.player),
        jnp.where(takes | hints, action, -1).astype(jnp.int8),
        (touched & hints).any(axis=0),
        jnp.where(takes, card, jnp.int8(-1)),
        fits,
        gained,
    )


def over(table: Table, state: State) -> Array:
    """bool [environments]: no life, no firework or no turn is left."""
    return (state.lives <= 0) | (height(state.fireworks) >= table.faces) | (state.turns <= 0)


def height(fireworks: Array) -> Array:
    """int8 [environments]: cards in all of them."""
    return fireworks.sum(axis=0, dtype=jnp.int8)


def legal(table: Table, state: State) -> Array:
    """bool [players, actions, environments], as if it were the turn of each."""
    held = state.hands >= 0
    some = state.information > 0
    suit, rank = jax.lax.div(state.hands, jnp.int8(table.ranks)), jax.lax.rem(state.hands, jnp.int8(table.ranks))
    colours = ((suit[:, :, None] == places(table.colours)) & held[:, :, None]).any(axis=1) & some
    ranks = ((rank[:, :, None] == places(table.ranks)) & held[:, :, None]).any(axis=1) & some
    rows = []
    for player in range(table.players):
        others = [(player + offset) % table.players for offset in range(1, table.players)]
        own = [held[player] & (state.information < table.information), held[player]]
        rows.append(jnp.concatenate([*own, *(colours[other] for other in others), *(ranks[other] for other in others)]))
    return jnp.stack(rows)


def read(table: Table, player: Array, action: Array) -> Move:
    """Actions: discard and play by place in the hand, then colours, then ranks, each by the next players in turn."""
    hint = action - 2 * table.hand
    rank_hint = hint - (table.players - 1) * table.colours
    of_colour, of_rank = (hint >= 0) & (rank_hint < 0), rank_hint >= 0
    offset = jnp.where(of_rank, rank_hint // table.ranks, hint // table.colours) + 1
    value = jnp.where(of_rank, rank_hint % table.ranks, hint % table.colours)
    return Move(
        (action % table.hand).astype(jnp.int8),
        action < table.hand,
        (action >= table.hand) & (hint < 0),
        of_colour,
        of_rank,
        ((player + offset) % table.players).astype(jnp.int8),
        value.astype(jnp.int8),
    )


def following(table: Table, player: Array) -> Array:
    return jnp.where(player == table.players - 1, jnp.int8(0), player + jnp.int8(1))


def places(count: int) -> Array:
    """int8 [count, 1]: to compare indices with, one an environment."""
    return jnp.arange(count, dtype=jnp.int8)[:, None]


def at(rows: Array, index: Array) -> Array:
    """[environments] of int8 rows [rows, environments]: the row of each one's index; -1 where there is none."""
    return jnp.where(places(len(rows)) == index, rows, jnp.int8(-1)).max(axis=0)


def own(hands: Array, player: Array) -> Array:
    """[hand, environments]: the hand of each environment's player."""
    found = hands[0]
    for other in range(1, len(hands)):
        found = jnp.where(player == other, hands[other], found)
    return found


def _touched(table: Table, hands: Array, move: Move) -> Array:
    """bool [players, hand, environments]: cards that a hint is true of."""
    suit, rank = jax.lax.div(hands, jnp.int8(table.ranks)), jax.lax.rem(hands, jnp.int8(table.ranks))
    told = (places(table.players) == move.target)[:, None] & (hands >= 0)
    return told & ((move.of_colour & (suit == move.value)) | (move.of_rank & (rank == move.value)))


def _told(table: Table, state: State, move: Move, touched: Array, hints: Array) -> tuple[Array, Array]:
    """Colours and ranks that stay possible after a hint."""
    told = (places(table.players) == move.target)[:, None] & hints
    bit = jnp.int8(1) << move.value
    found = []
    for rows, kind in ((state.colours, move.of_colour), (state.ranks, move.of_rank)):
        news = jnp.where(touched, bit | jnp.int8(TOLD), rows & ~bit)
        found.append(jnp.where(told & kind, news, rows))
    return found[0], found[1]


def _without(rows: Array, slot: Array, mine: Array, last: Array) -> Array:
    """Rows [players, hand, environments] in which the card at the slot left, later ones moved up, and `last` came."""
    ends = jnp.broadcast_to(last, (len(rows), 1, last.shape[-1]))
    later = jnp.concatenate([rows[:, 1:], ends], axis=1)
    return jnp.where(mine[:, None] & (places(rows.shape[1]) >= slot), later, rows)
