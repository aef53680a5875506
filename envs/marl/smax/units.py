"""Types of units and the rosters of the scenarios (JaxMARL 0.2.0, after the StarCraft challenges SMAC and SMACv2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

Placing = Literal["apart", "surround", "reflect", "either"]
"""Where battles begin: face to face; one team amid the other; mirrored halves; one of the last two at random."""
RANDOM = "random"
"""The name, in a roster, of a unit whose type is drawn for each episode."""


class Kind(NamedTuple):
    """A type of unit; distances in units of the map, times in seconds."""

    name: str
    speed: float
    damage: float
    reach: float
    sight: float
    radius: float
    health: float
    cooldown: float


KINDS = (
    Kind("marine", 3.15, 9.0, 5.0, 9.0, 0.375, 45.0, 0.61),
    Kind("marauder", 2.25, 10.0, 6.0, 10.0, 0.5625, 125.0, 1.07),
    Kind("stalker", 4.13, 13.0, 6.0, 10.0, 0.625, 160.0, 1.87),
    Kind("zealot", 3.15, 8.0, 2.0, 9.0, 0.5, 150.0, 0.86),
    Kind("zergling", 4.13, 5.0, 2.0, 8.0, 0.375, 35.0, 0.5),
    Kind("hydralisk", 3.15, 12.0, 5.0, 9.0, 0.625, 80.0, 0.59),
)
NAMES = tuple(kind.name for kind in KINDS)


class Traits(NamedTuple):
    """Of each unit of a battle: float32 [units, environments], or [units, 1] where rosters are fixed."""

    speed: Any
    damage: Any
    reach: Any
    sight: Any
    radius: Any
    health: Any
    cooldown: Any
    onehot: Any
    """[units, types, …]."""


class Scenario(NamedTuple):
    """Who fights whom, by names of types, and where they start."""

    allies: tuple[str, ...]
    enemies: tuple[str, ...]
    placing: Placing = "apart"


def traits(types: np.ndarray | Array) -> Traits:
    """`types`: indices into `KINDS`, [units, environments or 1]; NumPy's, where they are known before compiling."""
    numbers = np.arange(len(KINDS))[:, None]
    if isinstance(types, np.ndarray):
        known = {trait: np.array([getattr(kind, trait) for kind in KINDS], np.float32)[types] for trait in Traits._fields[:-1]}
        return Traits(**known, onehot=(types[:, None] == numbers).astype(np.float32))
    found = {trait: _chosen(types, [getattr(kind, trait) for kind in KINDS]) for trait in Traits._fields[:-1]}
    return Traits(**found, onehot=(types[:, None] == numbers).astype(jnp.float32))


def _chosen(types: Array, column: list[float]) -> Array:
    """By comparing and not by indexing, which is slower on a CPU."""
    found = jnp.full(types.shape, column[0], jnp.float32)
    for at, value in enumerate(column[1:], start=1):
        found = jnp.where(types == at, jnp.float32(value), found)
    return found


def roster(names: tuple[str, ...]) -> tuple[int, ...]:
    """Indices into `KINDS`.

    Raises:
        ValueError: no units, or an unknown type.
    """
    for name in names:
        if name not in NAMES:
            raise ValueError(f"unknown type of unit {name!r}; there are {', '.join(NAMES)}, or {RANDOM} for all units")
    if not names:
        raise ValueError("a team needs at least one unit")
    return tuple(NAMES.index(name) for name in names)


def _units(**counts: int) -> tuple[str, ...]:
    return tuple(name for name, count in counts.items() for _ in range(count))


def _drawn(count: int) -> Scenario:
    return Scenario((RANDOM,) * count, (RANDOM,) * count, "either")


SCENARIOS: Mapping[str, Scenario] = {
    "3m": Scenario(_units(marine=3), _units(marine=3)),
    "8m": Scenario(_units(marine=8), _units(marine=8)),
    "25m": Scenario(_units(marine=25), _units(marine=25)),
    "5m_vs_6m": Scenario(_units(marine=5), _units(marine=6)),
    "10m_vs_11m": Scenario(_units(marine=10), _units(marine=11)),
    "27m_vs_30m": Scenario(_units(marine=27), _units(marine=30)),
    "2s3z": Scenario(_units(stalker=2, zealot=3), _units(stalker=2, zealot=3)),
    "3s5z": Scenario(_units(stalker=3, zealot=5), _units(stalker=3, zealot=5)),
    "3s5z_vs_3s6z": Scenario(_units(stalker=3, zealot=5), _units(stalker=3, zealot=6)),
    "3s_vs_5z": Scenario(_units(stalker=3), _units(zealot=5)),
    "6h_vs_8z": Scenario(_units(hydralisk=6), _units(zealot=8)),
    "smacv2_5_units": _drawn(5),
    "smacv2_10_units": _drawn(10),
    "smacv2_20_units": _drawn(20),
}
