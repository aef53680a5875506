"""What units see of a battle, and what they may do."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.envs.marl.smax.battle import MOVES, SIZE, STOP, State
from quintain.envs.marl.smax.units import KINDS, Traits

PER_UNIT, OWN = 7 + len(KINDS), 4 + len(KINDS)
"""Features of another unit, and of the unit itself."""


def seen(state: State, traits: Traits, *, allies: int, enemy: bool) -> Array:
    """float32 [a team's units, features, environments]: the unit list of each ally, or of each enemy.

    For each other unit, zeros unless both live and it is in sight: health as a part of the full, place from here over sight,
    last move, last attack over the highest action, cooldown as a part of the type's, type; of the unit itself health, place over
    the map's size, cooldown, type, zeros once it is dead. An enemy sees the list reversed, so that its own team comes first.
    """
    units = state.health.shape[0]
    if not enemy:
        return _listed(state, traits, _highest(units, allies), allies)
    turned = state._replace(**{field: getattr(state, field)[::-1] for field in State._fields[:-1]})
    backwards = Traits(*(leaf[::-1] for leaf in traits))
    return _listed(turned, backwards, _highest(units, allies)[::-1], units - allies)[::-1]


def _highest(units: int, allies: int) -> np.ndarray:
    """[units]: the last action of each."""
    return np.array([MOVES + units - allies - 1] * allies + [MOVES + allies - 1] * (units - allies), np.float32)


def _listed(state: State, traits: Traits, highest: np.ndarray, viewers: int) -> Array:
    units, batch = state.health.shape
    alive, health, cooldown = state.health > 0, state.health / traits.health, _waiting(state, traits)
    attack = state.attack.astype(jnp.float32) / highest[:, None]
    earlier = np.arange(units - 1) < np.arange(viewers)[:, None]

    def others(leaf: Any) -> Any:
        """[viewers, units - 1, …]: of all but the viewer."""
        before = earlier.reshape(*earlier.shape, *[1] * (leaf.ndim - 1))
        return jnp.where(before, leaf[None, :-1], leaf[None, 1:])

    apart = others(state.position) - state.position[:viewers, None]
    near = squared(apart, axis=2) < jnp.square(traits.sight[:viewers, None])
    visible = (near & alive[:viewers, None] & others(alive))[:, :, None]
    rows = [
        others(health)[:, :, None],
        apart / traits.sight[:viewers, None, None],
        others(state.move),
        others(attack)[:, :, None],
        others(cooldown)[:, :, None],
        jnp.broadcast_to(others(traits.onehot), (viewers, units - 1, len(KINDS), batch)),
    ]
    told = jnp.where(visible, jnp.concatenate(rows, axis=2), 0.0)
    own = _own(state, traits, state.position / SIZE, cooldown)[:viewers]
    return jnp.concatenate([told.reshape(viewers, -1, batch), own], axis=1)


def _waiting(state: State, traits: Traits) -> Array:
    return jnp.clip(state.cooldown / traits.cooldown, 0.0, 1.0)


def _own(state: State, traits: Traits, position: Array, cooldown: Array) -> Array:
    """[units, features, environments]."""
    shape = (state.health.shape[0], len(KINDS), state.health.shape[1])
    health = state.health / traits.health
    rows = [health[:, None], position, cooldown[:, None], jnp.broadcast_to(traits.onehot, shape)]
    return jnp.where((state.health > 0)[:, None], jnp.concatenate(rows, axis=1), 0.0)


def squared(ways: Array, *, axis: int) -> Array:
    """The squared lengths of ways whose x and y lie along `axis`; a sum over so short an axis is slow on a CPU."""
    x, y = (jax.lax.index_in_dim(ways, at, axis, keepdims=False) for at in range(2))
    return x * x + y * y


def overview(state: State, traits: Traits, *, allies: int) -> Array:
    """float32 [features, environments]: of each living unit health, place, cooldown, type; then all teams (0, 1) and types."""
    units, batch = state.health.shape
    teams = jnp.broadcast_to((jnp.arange(units) >= allies)[:, None], (units, batch)).astype(jnp.float32)
    types = (traits.onehot * np.arange(len(KINDS), dtype=np.float32)[:, None]).sum(axis=1)
    features = _own(state, traits, state.position, state.cooldown).reshape(-1, batch)
    return jnp.concatenate([features, teams, jnp.broadcast_to(types, (units, batch))])


def legal(state: State, traits: Traits, *, allies: int, enemy: bool) -> Array:
    """bool [a team's units, actions, environments]: to stop always, to move while alive, to attack who lives within reach."""
    alive = state.health > 0
    apart = squared(state.position[:allies, None] - state.position[allies:], axis=2)
    if enemy:
        apart, own, other = jnp.swapaxes(apart, 0, 1)[:, ::-1], slice(allies, None), alive[:allies][::-1]
    else:
        own, other = slice(allies), alive[allies:]
    attacks = (apart < jnp.square(traits.reach[own, None])) & alive[own, None] & other
    moves = jnp.broadcast_to(alive[own, None], (attacks.shape[0], MOVES, attacks.shape[2]))
    return jnp.concatenate([moves | (jnp.arange(MOVES) == STOP)[:, None], attacks], axis=1)
