"""A game with a reset policy and a time limit."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, stepped
from quintain.errors import UsageError
from quintain.functional import Game, Out

Reset = Literal["same step", "never"]


class Played(NamedTuple):
    """The state of a batch of episodes."""

    game: Any
    streams: Streams


class Episodes:
    """Plays a game: counts its steps, truncates after exactly `horizon` of them, and starts the next episode.

    With ``reset="never"`` an ended episode goes on to be stepped by the rules, which is what a single unroll of each episode
    wants; whoever unrolls looks at the first end only. The fresh state of the next episode is drawn from the streams, so that it
    hangs neither on how the last one ended nor on what the neighbours do.
    """

    def __init__(self, game: Game, *, horizon: int | None = None, reset: Reset = "same step") -> None:
        if (game.horizon if horizon is None else horizon) < 1:
            raise UsageError(f"horizon must be at least 1, got {horizon}")
        self.game, self.horizon, self.reset = game, game.horizon if horizon is None else horizon, reset

    def init(self, streams: Streams) -> Played:
        return Played(self.game.reset(streams), streams)

    def step(self, state: Played, actions: Array) -> tuple[Played, Out]:
        game, at = self.game, state.streams
        reached, moved = game.step(state.game, actions, at)
        truncated = (at.step + jnp.uint32(1) >= jnp.uint32(self.horizon)) & ~moved.terminated
        over = moved.terminated | truncated
        if self.reset == "never":
            following, going = reached, stepped(at, jnp.zeros_like(over))
        else:
            going = stepped(at, over)
            following = jax.tree.map(lambda fresh, old: jnp.where(over, fresh, old), game.reset(going), reached)
        observation, final = game.observe(following), game.observe(reached)
        return Played(following, going), Out(observation, moved.reward, moved.terminated, truncated, moved.info, final)

    def observe(self, state: Played) -> Any:
        return self.game.observe(state.game)

    def mask(self, state: Played) -> Any:
        return self.game.mask(state.game)

    def acting(self, state: Played) -> Any:
        return self.game.acting(state.game)
