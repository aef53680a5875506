"""Overcooked as a game, and its published layouts by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams
from quintain.envs.marl.overcooked.cooking import COOKED, DELIVERY, Dynamics, State, begun, cooked, interacted, walked
from quintain.envs.marl.overcooked.encoding import PLANES, encoded
from quintain.envs.marl.overcooked.kitchens import COOKS, LAYOUTS, kitchen
from quintain.functional import Game, Moved

ACTIONS = 6
CHORES = 9
"""Interactions that a served soup takes: three onions taken and potted, a dish taken, the soup taken and served."""


class Overcooked:
    """Two cooks who get 20 each for every soup of three onions that one of them serves.

    `shape` is that of an observation before it was flattened: planes, rows, columns. `info["shaped"]` are the shaped rewards of
    each cook, float32 [agents, environments].

    Args:
        layout: the name of a published one, or a grid text (see `kitchen`).
        dynamics: "old", of the published results, or "new" (see `Dynamics`).
        shaping: how many times the shaped rewards are added to each cook's own.
        horizon: the last 40 steps before it are shown as urgent.
    """

    agents: tuple[str, ...] = ("agent_0", "agent_1")
    kinds = ("cook",) * COOKS
    action_sizes = (ACTIONS,) * COOKS
    continuous = False
    action_range = (0.0, 1.0)
    observation_range = (0.0, float(COOKED))
    simultaneous = True

    def __init__(
        self, layout: str = "cramped_room", *, dynamics: Dynamics = "old", shaping: float = 0.0, horizon: int = 400
    ) -> None:
        if dynamics not in ("old", "new"):
            raise ValueError(f"dynamics are 'old' or 'new', got {dynamics!r}")
        if not 1 <= horizon < 2**15:
            raise ValueError(f"horizon must be in 1 … 32767, got {horizon}")
        self.kitchen = kitchen(layout)
        self.dynamics: Dynamics = dynamics
        self.shaping, self.horizon = shaping, horizon
        self.shape = (PLANES, self.kitchen.height, self.kitchen.width)
        self.observation_sizes = (PLANES * self.kitchen.cells,) * COOKS
        # A pot is filled in two steps at least, the first of which may be that in which it was emptied.
        soups = min(len(self.kitchen.pots) * (horizon // (COOKED + 1)), COOKS * horizon // CHORES)
        self.returns = (-float("inf"), float("inf")) if shaping else (0.0, DELIVERY * soups)

    def reset(self, streams: Streams) -> State:
        """The same for all: nothing is drawn."""
        return begun(self.kitchen, streams.env.shape[-1])

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        used, done = interacted(self.kitchen, state, actions, self.dynamics)
        reached = cooked(walked(self.kitchen, used, actions), self.dynamics)
        reward = jnp.broadcast_to(DELIVERY * done.served.sum(axis=0, dtype=jnp.float32), done.shaped.shape)
        if self.shaping:
            reward = reward + self.shaping * done.shaped
        return reached, Moved(reward, jnp.zeros(state.time.shape, bool), {"shaped": done.shaped})

    def observe(self, state: State) -> Array:
        return encoded(self.kitchen, state, self.horizon)

    def mask(self, state: State) -> Array:
        return jnp.ones((COOKS, ACTIONS, *state.time.shape), bool)

    def acting(self, state: State) -> Array:
        return jnp.ones((COOKS, *state.time.shape), bool)

    def alive(self, state: State) -> Array:
        return self.acting(state)

    def world_state(self, state: State) -> Array:
        """The kitchen as the first cook sees it."""
        return self.observe(state)[0]


GAMES: Mapping[str, Callable[..., Game]] = {name: partial(Overcooked, layout=name) for name in LAYOUTS}
