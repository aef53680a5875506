"""What JaxMARL did from set states (`benchmarks/smax_fixture.py`), and those states as quintain's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RECORD = Path(__file__).parent / "envs" / "marl" / "smax.npz"


def recorded(name: str) -> dict[str, np.ndarray]:
    """The arrays of a scenario, [states, units, …] as JaxMARL has them."""
    with np.load(RECORD) as arrays:
        return {key.partition("/")[2]: arrays[key] for key in arrays.files if key.partition("/")[0] == name}


def last(leaf: np.ndarray) -> Any:
    """States, which come first there, as environments, which come last here."""
    return np.moveaxis(leaf, 0, -1)


def placed(game: Any, found: dict[str, np.ndarray], *, after: bool = False, memory: Any = None) -> Any:
    """A batch of quintain's states, before or after the recorded step."""
    from quintain.envs.marl.smax.battle import State

    prefix = "after_" if after else ""
    position = last(found[f"{prefix}position"])
    move = last(found["after_move"]) if after else np.zeros_like(position)
    types = last(found["types"]) if game.fixed is None else np.zeros((0, position.shape[-1]), np.int8)
    rest = (last(found[f"{prefix}{field}"]) for field in ("health", "cooldown"))
    return State(position, *rest, move, last(found[f"{prefix}attack"]), types, memory)
