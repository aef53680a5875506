"""Hanabi as a game over arrays."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams
from quintain.envs.marl.hanabi import encoding, rules
from quintain.envs.marl.hanabi.deck import shuffled
from quintain.envs.marl.hanabi.rules import State, Table
from quintain.functional import Moved

MOST_PLAYERS, MOST_FACES, MOST_HELD = 5, 5, 5


class Hanabi:
    """Players build fireworks, a colour each, from cards of which each sees all but its own.

    Actions of a player: discard or play one of its `hand` cards, then tell a colour, then a rank, each to the next player, the
    one after it, and so on. What the others give meanwhile is not looked at, and all of it is in their masks. A move that is not
    legal passes the turn. The reward, the same for all, is the change of the score: the cards in the fireworks, or nothing once
    the last life is lost (as the Hanabi Learning Environment and OpenSpiel score). ``info["score"]`` is the score.

    Args:
        hand: cards of a player; by default 5, and 4 from four players on.
        information, lives: tokens to begin with; there are never more.
        belief: what is shown of each card that hints speak of (see `encoding.beliefs`).
        forgiving: a lost game keeps its points.

    Raises:
        ValueError: sizes outside the rules, or fewer cards than are dealt.
    """

    continuous = False
    action_range = (0.0, 1.0)
    observation_range = (0.0, 1.0)
    simultaneous = False

    def __init__(
        self,
        players: int = 2,
        *,
        colours: int = 5,
        ranks: int = 5,
        hand: int | None = None,
        information: int = 8,
        lives: int = 3,
        belief: encoding.Belief = "possible",
        forgiving: bool = False,
    ) -> None:
        held = (5 if players < 4 else 4) if hand is None else hand
        self.table = table = Table(players, colours, ranks, held, information, lives)
        limits = ((players, 2, MOST_PLAYERS), (colours, 1, MOST_FACES), (ranks, 1, MOST_FACES), (held, 1, MOST_HELD))
        if not all(low <= value <= high for value, low, high in (*limits, (information, 0, 99), (lives, 1, 99))):
            raise ValueError(
                "Hanabi needs 2 to 5 players, 1 to 5 colours, ranks and cards in a hand, 0 to 99 tokens and 1 to 99 lives, got "
                f"{players}, {colours}, {ranks}, {held}, {information} and {lives}"
            )
        if table.cards < players * held:
            raise ValueError(f"Hanabi needs a card for each place in a hand, got {table.cards} for {players} hands of {held}")
        if belief not in ("possible", "counted"):
            raise ValueError(f"belief is 'possible' or 'counted', got {belief!r}")
        self.belief: encoding.Belief = belief
        self.forgiving = forgiving
        self.agents = tuple(f"player_{index}" for index in range(players))
        self.kinds = ("player",) * players
        self.observation_sizes = (encoding.size(table),) * players
        self.action_sizes = (2 * held + (players - 1) * (colours + ranks),) * players
        self.horizon = table.longest
        self.returns = (0.0, float(table.faces))

    def reset(self, streams: Streams) -> State:
        return rules.dealt(self.table, shuffled(self.table.deck, streams))

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        reached = rules.moved(self.table, state, rules.own(actions, state.player))
        before, after = self.score(state), self.score(reached)
        reward = jnp.broadcast_to((after - before).astype(jnp.float32), (len(self.agents), len(after)))
        return reached, Moved(reward, rules.over(self.table, reached), {"score": after})

    def score(self, state: State) -> Array:
        """int32 [environments]."""
        found = rules.height(state.fireworks).astype(jnp.int32)
        return found if self.forgiving else jnp.where(state.lives > 0, found, 0)

    def observe(self, state: State) -> Array:
        return encoding.observed(self.table, state, self.belief)

    def mask(self, state: State) -> Array:
        return rules.legal(self.table, state) | ~self.acting(state)[:, None]

    def acting(self, state: State) -> Array:
        return rules.places(len(self.agents)) == state.player

    def alive(self, state: State) -> Array:
        return jnp.ones((len(self.agents), state.player.shape[-1]), bool)

    def world_state(self, state: State) -> Array:
        return encoding.everything(self.table, state)
