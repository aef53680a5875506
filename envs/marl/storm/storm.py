"""STORM: agents collect coins of two colours and play a matrix game with whom their beam meets."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.draws import Streams, bits, integers
from quintain.envs.marl.storm.grid import (
    FACINGS,
    anybody,
    before,
    distinct,
    heading,
    numbered,
    relative,
    settled,
    skipped,
    total,
)
from quintain.envs.marl.storm.view import CELLS, PLANES, Shown, planes
from quintain.functional import Moved

START, AGAIN, COLOURS, FIRST = 0, 1, 2, 3
"""Purposes of random numbers: where all start, where the thawed do, which coins are red, and who goes first."""
LEFT, RIGHT, FORWARD, INTERACT, STAY, ACTIONS = 0, 1, 2, 3, 4, 5
MOST = 100
"""Agents: pairs of them are looked at as one array, and their ranks take a byte."""
Matrix = tuple[tuple[float, float], tuple[float, float]]
Payoffs = tuple[Matrix, Matrix]


class State(NamedTuple):
    """Places are along the first and the second axis of the grid."""

    place: Array
    """int8 [agents, 2, environments]."""
    facing: Array
    """int8 [agents, environments]: see `grid.FACINGS`."""
    carried: Array
    """int16 [agents, red and blue, environments]."""
    frozen: Array
    """int16 [agents, environments]: steps until the agent starts again."""
    met: Array
    """bool [agents, agents, environments]: with whom a frozen agent interacted."""
    fired: Array
    """bool [agents, environments]: whose beam is to be seen."""
    red: Array
    """bool [coins, environments]: the colour of each coin's cell."""
    there: Array
    """bool [coins, environments]."""


class Storm:
    """Two or more agents on a square grid (Khan et al. 2023, after Melting Pot's worlds "in the matrix"), by JaxMARL's rules for
    two.

    An agent turns, steps ahead, sends a beam, or stays. Coins are picked up by stepping on them. A beam meets the cell ahead, the
    one behind it and those at its two sides; with everybody there who carries something, as the sender must, the matrix game is
    played: each plays the colours in the shares in which it carries them. Both are then frozen, and see what the other carries;
    after that they start again with nothing, in cells without coins, and all coins are back.

    An agent sees planes of 25 cells, by five columns from right to left, each from near to far: see `view.PLANES`. Then come what
    it carries of red and of blue, whether it carries anything, and of each other whether it carries anything and, while frozen
    together, what.

    Unlike in JaxMARL: all pairs that meet are paid, and the last step of an episode is; either colour takes either half of the
    cells; all four facings occur; agents start in any cell without a coin.

    Args:
        payoffs: of the agent with the lower number, by its colour and the other's (red, blue), and of the other, likewise.
        freeze: steps for which agents that met do nothing.
        coins: cells of coins; by default three in each corner. Every second is of one colour, and which is drawn each episode.
        shuffled: half of the coins are red, whichever.
    """

    continuous = False
    action_range = (0.0, 0.0)
    simultaneous = True

    def __init__(
        self,
        players: int = 2,
        *,
        payoffs: Payoffs = (((3, 0), (5, 1)), ((3, 5), (0, 1))),
        size: int = 8,
        freeze: int = 5,
        coins: tuple[tuple[int, int], ...] | None = None,
        shuffled: bool = False,
        horizon: int = 152,
    ) -> None:
        cells = corners(size) if coins is None else tuple((int(a), int(b)) for a, b in coins)
        fits = all(0 <= each < size for cell in cells for each in cell) and len(set(cells)) == len(cells) > 0
        if not 6 <= size <= 100 or not fits:
            raise ValueError(f"storm needs a size from 6 to 100 and different cells of coins within, got {size} and {cells}")
        if not 2 <= players <= min(MOST, size * size - len(cells)) or freeze < 1:
            raise ValueError(
                f"storm needs 2 to {MOST} players, with room for them, and a freeze of a step, got {players}, {freeze}"
            )
        matrices = np.array(payoffs, np.float32)
        if matrices.shape != (2, 2, 2):
            raise ValueError(f"storm needs payoffs of two agents, each 2 x 2, got {payoffs}")
        self.players, self.payoffs, self.size, self.freeze, self.shuffled = players, matrices, size, freeze, shuffled
        self.horizon, self.coins = horizon, np.array(cells, np.int8)
        self.numbers = np.array([a * size + b for a, b in cells], np.int16)[:, None]
        self.agents = tuple(f"agent_{at}" for at in range(players))
        self.kinds, self.action_sizes = ("agent",) * players, (ACTIONS,) * players
        self.observation_sizes = (len(PLANES) * CELLS + 3 * players,) * players
        self.observation_range = (0.0, float(max(horizon, size, freeze)))
        # A pair picks up and sends a beam before each game; in a crowd who sent it may have waited.
        games = horizon // (freeze + 2) if players == 2 else -(-horizon // (freeze + 1)) * (players - 1)
        self.returns = (games * min(0.0, float(matrices.min())), games * max(0.0, float(matrices.max())))

    def reset(self, streams: Streams) -> State:
        place, facing = self._starting(streams, START)
        coins = len(self.coins)
        if self.shuffled:
            chosen, _ = distinct(streams, COLOURS, of=coins, count=coins // 2)
            red = (chosen[:, None] == jnp.arange(coins)[:, None]).any(axis=0)
        else:
            red = jnp.arange(coins, dtype=jnp.int32)[:, None] % 2 == integers(streams, COLOURS, 2)
        # Made of what was drawn, so that all parts of a state are split over devices alike.
        none, nothing = jnp.zeros_like(facing, bool), jnp.zeros_like(place, jnp.int16)
        return State(place, facing, nothing, nothing[:, 0], none[:, None] & none[None], none, red, jnp.ones_like(red))

    def _starting(self, streams: Streams, purpose: int) -> tuple[Array, Array]:
        """Different cells without coins [agents, 2, environments], and facings."""
        free = self.size**2 - len(self.coins)
        index, facing = distinct(streams, purpose, of=free, count=self.players, directions=FACINGS)
        cell = skipped(index, np.sort(self.numbers[:, 0]).astype(np.int32))
        return jnp.stack([cell // self.size, cell % self.size], axis=1).astype(jnp.int8), facing.astype(jnp.int8)

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        acts = jnp.where(state.frozen > 0, STAY, actions)
        turn = (acts == RIGHT).astype(jnp.int8) * jnp.int8(FACINGS - 1) + (acts == LEFT).astype(jnp.int8)
        facing = (state.facing + turn) % jnp.int8(FACINGS)
        ahead = jnp.stack(heading(state.facing), axis=1) * (acts == FORWARD).astype(jnp.int8)[:, None]
        wanted = jnp.clip(state.place + ahead, 0, self.size - 1)
        place = self._moved(state.place, wanted, streams)
        on = (numbered(place, self.size)[:, None] == self.numbers) & state.there
        found = jnp.stack([anybody(on & state.red, axis=1), anybody(on & ~state.red, axis=1)], axis=1)
        carried, there = state.carried + found.astype(jnp.int16), state.there & ~anybody(on)
        fired = acts == INTERACT
        meets = self._meeting(place, facing, fired, (state.frozen == 0) & anybody(carried > 0, axis=1))
        frozen = jnp.maximum(state.frozen - jnp.int16(1), jnp.int16(0))
        frozen = jnp.where(anybody(meets, axis=1), jnp.int16(self.freeze), frozen)
        reached = State(place, facing, carried, frozen, state.met | meets, fired, state.red, there)
        ended = jnp.zeros_like(there[0])
        games = total(total(meets.astype(jnp.int32))) // 2
        over = state.frozen == 1
        reached = jax.lax.cond(over.any(), lambda: self._thawed(reached, over, streams), lambda: reached)
        return reached, Moved(self._paid(carried, meets), ended, {"games": games})

    def _moved(self, place: Array, wanted: Array, streams: Streams) -> Array:
        """Where agents are after all have wanted to be somewhere.

        Without the condition each use of a place would draw ranks and settle anew, as XLA fuses them on a CPU.
        """
        old, going = numbered(place, self.size), numbered(wanted, self.size)
        same = (going[:, None] == going[None]) & ~jnp.eye(self.players, dtype=bool)[:, :, None]
        return jax.lax.cond(
            same.any(), lambda: jnp.where(settled(old, going, self._rank(streams))[:, None], wanted, place), lambda: wanted
        )

    def _rank(self, streams: Streams) -> Array:
        """uint32 [agents, environments]: drawn, and no two alike."""
        drawn = bits(streams, FIRST, (self.players,)) & jnp.uint32(0xFFFFFF00)
        return drawn | jnp.arange(self.players, dtype=jnp.uint32)[:, None]

    def _meeting(self, place: Array, facing: Array, fired: Array, able: Array) -> Array:
        """bool [agents, agents, environments]: who plays with whom, both ways round."""
        apart = place[None] - place[:, None]
        ahead, left = relative(facing[:, None], apart[:, :, 0], apart[:, :, 1])
        hit = ((ahead == 1) & (jnp.abs(left) <= 1)) | ((ahead == 2) & (left == 0))
        hit &= fired[:, None] & able[:, None] & able[None]
        return hit | hit.swapaxes(0, 1)

    def _paid(self, carried: Array, meets: Array) -> Array:
        """float32 [agents, environments]: the sums over all whom an agent meets."""
        held = carried.astype(jnp.float32)
        share = held / jnp.maximum(held[:, :1] + held[:, 1:], 1.0)
        pairs = meets & np.triu(np.ones((self.players, self.players), bool), 1)[:, :, None]
        sums = []
        for matrix in self.payoffs:
            value = sum(
                float(matrix[own, other]) * share[:, None, own] * share[None, :, other] for own in range(2) for other in range(2)
            )
            sums.append(jnp.where(pairs, value, 0.0))
        return total(sums[0], axis=1) + total(sums[1])

    def _thawed(self, state: State, over: Array, streams: Streams) -> State:
        """With those who are frozen no more in new cells.

        As many different cells are drawn as there are agents: however many are taken by who stays, enough are left, and by
        symmetry all choices of free cells are equally likely.
        """
        cells, facing = self._starting(streams, AGAIN)
        stand = numbered(state.place, self.size)
        free = ~anybody((numbered(cells, self.size)[:, None] == stand[None]) & ~over[None], axis=1)
        chosen = free[None] & (before(free)[None] == before(over)[:, None])
        place = jnp.where(over[:, None], total(jnp.where(chosen[:, :, None], cells[None], jnp.int8(0)), axis=1), state.place)
        turned = total(jnp.where(chosen, facing[None], jnp.int8(0)), axis=1)
        covered = anybody(numbered(place, self.size)[:, None] == self.numbers)
        cold = state.frozen > 0
        return State(
            place,
            jnp.where(over, turned, state.facing),
            jnp.where(over[:, None], jnp.int16(0), state.carried),
            state.frozen,
            state.met & cold[:, None] & cold[None],
            state.fired & ~over,
            state.red,
            jnp.where(anybody(over), ~covered, state.there),
        )

    def observe(self, state: State) -> Array:
        carries, held = anybody(state.carried > 0, axis=1), state.carried.astype(jnp.float32)
        coins = state.there & state.red, state.there & ~state.red
        seen = planes(Shown(state.place, state.facing, state.fired, carries, state.frozen > 0, *coins), self.coins, self.size)
        view = seen.reshape(self.players, len(PLANES) * CELLS, -1).astype(jnp.float32)
        shown = jnp.where(state.met[:, :, None], held[None], 0.0)
        told = jnp.concatenate([jnp.broadcast_to(carries[None, :, None], shown[:, :, :1].shape), shown], axis=2)
        count = self.players
        others = np.array([[other for other in range(count) if other != agent] for agent in range(count)])
        rest = told[np.arange(count)[:, None], others].reshape(count, 3 * (count - 1), -1)
        return jnp.concatenate([view, held, carries[:, None].astype(jnp.float32), rest], axis=1)

    def mask(self, state: State) -> Array:
        free = self.acting(state)
        return jnp.stack([free, free, free, free, jnp.ones_like(free)], axis=1)

    def acting(self, state: State) -> Array:
        return state.frozen == 0

    def alive(self, state: State) -> Array:
        return jnp.ones(state.frozen.shape, bool)

    def world_state(self, state: State) -> Array:
        """Places, one-hot facings, and everything else as it stands in the state."""
        ways = state.facing[:, None] == jnp.arange(FACINGS, dtype=jnp.int8)[:, None]
        parts = [state.place, ways, *state[2:]]
        return jnp.concatenate([each.reshape(-1, each.shape[-1]).astype(jnp.float32) for each in parts])


def corners(size: int) -> tuple[tuple[int, int], ...]:
    """Three cells near each corner of the grid, in JaxMARL's order, by which colours take turns."""
    far = size - 1
    near = ((1, 1), (1, 2), (2, 1))
    right = ((1, far - 1), (2, far - 1), (1, far - 2))
    return (*near, *right, (far - 1, 2), (far - 2, 1), (far - 1, 1), (far - 1, far - 1), (far - 1, far - 2), (far - 2, far - 1))
