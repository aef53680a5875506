"""The spaces of a game's agents, as Gymnasium has them, and actions checked against them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from quintain.errors import UsageError
from quintain.functional import Game


def observation_space(game: Game, agent: int) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(*game.observation_range, (game.observation_sizes[agent],), np.float32)


def state_space(game: Game) -> gymnasium.spaces.Box:
    """Of `Game.world_state`, whose size only a look at it tells."""
    import jax

    from quintain.draws import streams

    shape = jax.eval_shape(lambda: game.world_state(game.reset(streams(0, 1)))).shape
    return gymnasium.spaces.Box(*game.observation_range, shape[:1], np.float32)


def action_space(game: Game, agent: int) -> gymnasium.Space[Any]:
    size = game.action_sizes[agent]
    if game.continuous:
        low, high = game.action_range
        return gymnasium.spaces.Box(low, high, (size,), np.float32)
    return gymnasium.spaces.Discrete(size)


def fitting(game: Game, agent: int, action: Any, name: str) -> NDArray[Any]:
    """One agent's action as the game takes it, padded; zeros where it has none to give.

    Raises:
        UsageError: outside the agent's space, or no number.
    """
    size, most = game.action_sizes[agent], max(game.action_sizes)
    if not game.continuous:
        if action is None:
            return np.int32(0)  # type: ignore[return-value]
        whole = np.asarray(action)
        if whole.size != 1 or not np.isfinite(whole.astype(np.float64)).all() or whole.item() != int(whole.item()):
            raise UsageError(f"{name}: action {action!r:.60} is no whole number")
        if not 0 <= int(whole.item()) < size:
            raise UsageError(f"{name}: action {int(whole.item())} is outside 0 … {size - 1}")
        return np.int32(whole.item())  # type: ignore[return-value]
    numbers = np.zeros(most, np.float32)
    if action is not None:
        given = np.asarray(action, np.float32)
        if given.shape != (size,) or not np.isfinite(given).all():
            raise UsageError(f"{name}: an action is {size} finite numbers, got {action!r:.80}")
        numbers[:size] = np.clip(given, *game.action_range)
    return numbers
