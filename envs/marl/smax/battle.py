"""What half a second of battle does: eight ticks in which all units act at once on the state at the tick's start."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.smax.units import Traits

SIZE = 32.0
"""Side of the square map."""
TICKS, TICK = 8, 1 / 16
"""Of one step, and the seconds of each. No unit fires twice in a step: the shortest pause between two shots is eight ticks."""
MOVES, STOP = 5, 4
"""North, east, south, west, stop; then comes an attack for each unit of the other team."""
NEAR = 1e-6


class State(NamedTuple):
    """Of a battle: allies first, then enemies. A unit is alive while it has health."""

    position: Array
    """[units, 2, environments]."""
    health: Array
    """[units, environments]."""
    cooldown: Array
    """[units, environments]: seconds until it may fire; falls below 0."""
    move: Array
    """[units, 2, environments]: direction of the last move."""
    attack: Array
    """int8 [units, environments]: the last action if it was an attack, else 0."""
    types: Array
    """int8 [units, environments]: indices into `KINDS`; empty where the roster is fixed."""
    enemy: Any
    """What the policy of the enemy carries, if there is one."""


class Orders(NamedTuple):
    """What all units do."""

    move: Array
    """[units, 2, environments]."""
    attack: Array
    """int8 [units, environments]: the action that attacks, or 0. The enemy counts the allies from the last."""


class _Held(NamedTuple):
    """What ticks change: [units, environments]."""

    x: Array
    y: Array
    health: Array
    cooldown: Array


class _Side(NamedTuple):
    """One team at the start of a tick: [units, environments]."""

    x: Array
    y: Array
    alive: Array
    ready: Array
    aim: Array
    """Which unit of the other team each attacks; any other number is none."""
    reach: Any
    """Squared."""
    damage: Any


def fought(state: State, orders: Orders, traits: Traits, *, allies: int, renewed: Array, walls_kill: bool) -> State:
    """The state after a step.

    Args:
        renewed: [units, environments]: the cooldown of a unit after a shot.
        walls_kill: whether a unit that touches the edge of the map dies.
    """
    pace = traits.speed * TICK
    to_x, to_y = orders.move[:, 0] * pace, orders.move[:, 1] * pace
    aim = orders.attack.astype(jnp.int32) - MOVES
    aim = jnp.concatenate([aim[:allies], allies - 1 - aim[allies:]])
    reach = traits.reach * traits.reach

    def tick(_: int, held: _Held) -> _Held:
        alive = held.health > 0
        everyone = _Side(held.x, held.y, alive, alive & (held.cooldown <= 0), aim, reach, traits.damage)
        ours, theirs = _Side(*(leaf[:allies] for leaf in everyone)), _Side(*(leaf[allies:] for leaf in everyone))
        (lost, fired), (hurt, shot) = _struck(theirs, ours), _struck(ours, theirs)
        health = jnp.maximum(held.health - jnp.concatenate([lost, hurt]), 0.0)
        cooldown = jnp.where(jnp.concatenate([shot, fired]), renewed, held.cooldown - TICK)
        x = jnp.where(alive, jnp.clip(held.x + to_x, 0.0, SIZE), held.x)
        y = jnp.where(alive, jnp.clip(held.y + to_y, 0.0, SIZE), held.y)
        if walls_kill:
            health = jnp.where((x <= 0) | (x >= SIZE) | (y <= 0) | (y >= SIZE), 0.0, health)
        return _Held(*pushed(x, y, health > 0, traits.radius), health, cooldown)

    held = _Held(state.position[:, 0], state.position[:, 1], state.health, state.cooldown)
    x, y, health, cooldown = jax.lax.fori_loop(0, TICKS, tick, held)
    position = jnp.stack([x, y], axis=1)
    return state._replace(position=position, health=health, cooldown=cooldown, **orders._asdict())


# Pairs of units are gone through one row [units, environments] at a time: arrays of all pairs and sums over an axis that is not
# the last took fifteen times as long on a CPU, single pairs of units as long but many times the time to compile.


def _struck(shooters: _Side, targets: _Side) -> tuple[Array, Array]:
    """Health that each target loses, and which shooters fire."""
    lost, fired = jnp.zeros_like(targets.x), jnp.zeros_like(shooters.alive)
    for at in range(len(shooters.aim)):
        one, numbers = _Side(*(leaf[at] for leaf in shooters)), jnp.arange(len(targets.aim))[:, None]
        hit = (one.aim == numbers) & (_squared(one, targets) < one.reach) & one.ready & targets.alive
        lost += jnp.where(hit, one.damage, 0.0)
    for at in range(len(targets.aim)):
        one = _Side(*(leaf[at] for leaf in targets))
        fired |= (shooters.aim == at) & (_squared(one, shooters) < shooters.reach) & one.alive
    return lost, fired & shooters.ready


def _squared(one: _Side, many: _Side) -> Array:
    return jnp.square(one.x - many.x) + jnp.square(one.y - many.y)


def pushed(x: Array, y: Array, alive: Array, radius: Any) -> tuple[Array, Array]:
    """Living units that overlap are moved apart, each by half of what they overlap, once; all [units, environments]."""
    by_x = by_y = jnp.zeros_like(x)
    for at in range(len(x)):
        from_x, from_y = x - x[at], y - y[at]
        overlap = (radius + radius[at]) / (jnp.sqrt(from_x * from_x + from_y * from_y) + NEAR) - 1.0
        weight = jnp.where(alive & alive[at], jnp.maximum(overlap, 0.0), 0.0)
        by_x, by_y = by_x + from_x * weight, by_y + from_y * weight
    return x + by_x / 2, y + by_y / 2
