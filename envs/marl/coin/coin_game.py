"""The coin game: two agents take coins of two colours, and each coin taken by the wrong one costs its owner."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, integers
from quintain.functional import Moved

START, COINS = 0, 1
"""Purposes of random numbers: where all begin, and where taken coins come back."""
SIDE, CELLS, ACTIONS = 3, 9, 5
"""Actions: right, left, up, down, stay; up counts rows up, and the grid's edges meet."""
Payoffs = tuple[tuple[float, float, float], tuple[float, float, float]]
DILEMMA: Payoffs = ((1.0, 1.0, -2.0), (1.0, 1.0, -2.0))


class State(NamedTuple):
    """Red is agent 0."""

    place: Array
    """int8 [red, blue, red coin, blue coin; row, column; environments]."""
    taken: Array
    """int16 [agents; of the own colour, of the other's; environments]: coins so far."""


class CoinGame:
    """Two agents and a coin of each colour on a torus of 3x3 cells (Lerer and Peysakhovich 2017; Foerster et al. 2018), with
    both coins there at all times as Lu et al. 2022 play it, from where the 16 steps are, and JaxMARL.

    An agent sees planes of itself, the other, its own coin and the other's: 9 cells of 4 features. A taken coin comes back in any
    cell, under an agent or the other coin too. Each step is paid; JaxMARL does not pay the last of an episode, and nests episodes
    in episodes.

    Args:
        payoffs: for each agent, what it gets for a coin of its colour, for one of the other's, and when its own is taken by the
            other. Whoever steps on a coin together is paid alike.
        egocentric: each sees the torus turned so that itself is in the middle.
        shared: both get the sum.
    """

    agents: tuple[str, ...] = ("agent_0", "agent_1")
    kinds: tuple[str, ...] = ("agent", "agent")
    observation_sizes: tuple[int, ...] = (4 * CELLS,) * 2
    observation_range = (0.0, 1.0)
    action_sizes: tuple[int, ...] = (ACTIONS,) * 2
    continuous = False
    action_range = (0.0, 0.0)
    simultaneous = True

    def __init__(self, *, payoffs: Payoffs = DILEMMA, egocentric: bool = False, shared: bool = False, horizon: int = 16) -> None:
        if len(payoffs) != 2 or any(len(row) != 3 for row in payoffs):
            raise ValueError(f"coin_game needs payoffs (own coin, other's coin, own coin lost) of two agents, got {payoffs}")
        self.payoffs, self.egocentric, self.shared, self.horizon = payoffs, egocentric, shared, horizon
        (own, other, lost), (own_, other_, lost_) = payoffs
        events = ((own, own_, other + lost_, other_ + lost),) if shared else payoffs
        worst = min(sum(min(each, 0.0) for each in row) for row in events)
        best = max(sum(max(each, 0.0) for each in row) for row in events)
        self.returns = (horizon * worst, horizon * best)

    def reset(self, streams: Streams) -> State:
        agents, coins = integers(streams, START, CELLS**2, (2,))
        place = jnp.concatenate([_places(agents), _places(coins)])
        return State(place, jnp.zeros_like(place[:2], jnp.int16))

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        rows = (actions == 2).astype(jnp.int8) - (actions == 3).astype(jnp.int8)
        columns = (actions == 0).astype(jnp.int8) - (actions == 1).astype(jnp.int8)
        agents, coins = _wrapped(state.place[:2] + jnp.stack([rows, columns], axis=1)), state.place[2:]
        met = (agents[:, None] == coins[None]).all(axis=2)
        red, blue = met
        back = jnp.where((red | blue)[:, None], _places(integers(streams, COINS, CELLS**2)), coins)
        own, others = jnp.stack([red[0], blue[1]]), jnp.stack([red[1], blue[0]])
        taken = state.taken + jnp.stack([own, others], axis=1).astype(jnp.int16)
        reached = State(jnp.concatenate([agents, back]), taken)
        ended = jnp.zeros_like(red[0])
        return reached, Moved(self._paid(own, others), ended, {"own": taken[:, 0], "others": taken[:, 1]})

    def _paid(self, own: Array, others: Array) -> Array:
        gains = [
            jnp.where(own[at], row[0], 0.0) + jnp.where(others[at], row[1], 0.0) + jnp.where(others[1 - at], row[2], 0.0)
            for at, row in enumerate(self.payoffs)
        ]
        return jnp.stack([gains[0] + gains[1]] * 2 if self.shared else gains).astype(jnp.float32)

    def observe(self, state: State) -> Array:
        place, planes = state.place, []
        for at in range(2):
            seen = place if not self.egocentric else _wrapped(place + (jnp.int8(1) - place[at][None]))
            planes.append(_planes(jnp.stack([seen[at], seen[1 - at], seen[2 + at], seen[3 - at]])))
        return jnp.stack(planes)

    def mask(self, state: State) -> Array:
        return jnp.ones((2, ACTIONS, state.place.shape[-1]), bool)

    def acting(self, state: State) -> Array:
        return jnp.ones((2, state.place.shape[-1]), bool)

    def alive(self, state: State) -> Array:
        return self.acting(state)

    def world_state(self, state: State) -> Array:
        """The planes of red, blue and their coins, as `observe` has them for red."""
        return _planes(state.place)


def _planes(place: Array) -> Array:
    """float32 [cells x 4, environments]: who of four is where, cell by cell."""
    cell = place[:, 0] * jnp.int8(SIDE) + place[:, 1]
    here = cell[None] == jnp.arange(CELLS, dtype=jnp.int8)[:, None, None]
    return here.astype(jnp.float32).reshape(4 * CELLS, -1)


def _places(pair: Array) -> Array:
    """int8 [2, row and column, environments] of two cells in one number."""
    cells = jnp.stack([pair // CELLS, pair % CELLS])
    return jnp.stack([cells // SIDE, cells % SIDE], axis=1).astype(jnp.int8)


def _wrapped(place: Array) -> Array:
    """Of places at most one torus away, which a comparison brings back more cheaply than a division."""
    return place + jnp.where(place < 0, SIDE, jnp.where(place >= SIDE, -SIDE, 0)).astype(jnp.int8)
