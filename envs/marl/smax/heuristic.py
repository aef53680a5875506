"""The scripted team: shoots what is in reach, sticks to its target, and else walks up to somebody."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, integers
from quintain.envs.marl.smax.battle import MOVES, SIZE, State
from quintain.envs.marl.smax.seeing import OWN, PER_UNIT
from quintain.envs.marl.smax.units import KINDS, Traits
from quintain.functional import POLICY, Seen

PURSUED, ATTACKED = POLICY, POLICY + 1
"""Purposes of random numbers."""
NOBODY, FRESH = -1, -2
"""In place of a target: none, and that the episode has just begun."""


class Memory(NamedTuple):
    """What the units of a team remember."""

    goal: Array
    """[units, 2, environments]: where each goes while it sees no enemy: its first place, mirrored through the map's centre."""
    target: Array
    """int8 [units, environments]: which enemy each attacked last, as the attacks are counted."""


class Foe(NamedTuple):
    """One unit of the other team, from each unit of the own: [units, environments]."""

    x: Array
    """From the unit."""
    y: Array
    visible: Array
    near: Array
    """In reach of the unit's weapon, and visible."""


@dataclasses.dataclass(frozen=True)
class Heuristic:
    """A `TeamPolicy` of a whole team of SMAX, either one, that needs no parameters (JaxMARL's `create_heuristic_policy`).

    Args:
        units: in the team.
        attack: whom to attack among those in reach; whoever was attacked last is attacked on while in reach.
        shoots: whether it attacks at all; otherwise it only walks.
    """

    units: int
    attack: Literal["closest", "random"] = "closest"
    shoots: bool = True

    def init(self, environments: int) -> Memory:
        shape = (self.units, environments)
        return Memory(jnp.zeros((self.units, 2, environments), jnp.float32), jnp.full(shape, FRESH, jnp.int8))

    def act(self, params: Any, carry: Memory, seen: Seen, streams: Streams) -> tuple[Memory, Array]:
        rows, foes = seen.observation, seen.mask.shape[1] - MOVES
        sight, reach = (
            sum(getattr(kind, trait) * rows[:, at - len(KINDS)] for at, kind in enumerate(KINDS)) for trait in ("sight", "reach")
        )
        found = []
        for foe in range(self.units - 1, self.units - 1 + foes):
            health, x, y = (rows[:, foe * PER_UNIT + at] for at in range(3))
            found.append(_foe(x * sight, y * sight, health > 0, reach))
        own = (self.units - 1 + foes) * PER_UNIT
        assert own + OWN == rows.shape[1], "the observation is not a unit list of these teams"
        return self.decided(carry, rows[:, own + 1 : own + 3] * SIZE, found, streams)

    def decided(self, memory: Memory, position: Array, foes: Sequence[Foe], streams: Streams) -> tuple[Memory, Array]:
        """What is remembered, and int32 actions [units, environments], from the own places [units, 2, environments]."""
        goal = jnp.where((memory.target == FRESH)[:, None], SIZE - position, memory.goal)
        target, near = self._target(memory, foes, streams)
        to, sighted = _pursued(foes, streams, self.units)
        to = jnp.where(sighted[:, None], to, goal - position)
        actions = jnp.where(near, target + MOVES, _direction(to)) if self.shoots else _direction(to)
        return Memory(goal, jnp.where(near, target, NOBODY).astype(jnp.int8)), actions

    def _target(self, memory: Memory, foes: Sequence[Foe], streams: Streams) -> tuple[Array, Array]:
        """int32 [units, environments]: whom to attack, and whether anybody can be."""
        nobody = jnp.zeros_like(memory.target, dtype=bool)
        best, target, kept, near = jnp.full(nobody.shape, jnp.inf), jnp.zeros(nobody.shape, jnp.int32), nobody, nobody
        for at, foe in enumerate(foes):
            apart = jnp.square(foe.x) + jnp.square(foe.y)
            better = foe.near & (apart < best)
            best, target = jnp.where(better, apart, best), jnp.where(better, at, target)
            kept, near = kept | (foe.near & (memory.target == at)), near | foe.near
        if self.attack == "random":
            drawn = _picked([foe.near for foe in foes], streams, ATTACKED, self.units)
            for at, one in enumerate(drawn):
                target = jnp.where(one, at, target)
        return jnp.where(kept, memory.target.astype(jnp.int32), target), near


def foes(state: State, traits: Traits, *, allies: int) -> list[Foe]:
    """The allies as the enemy counts them, seen from each enemy."""
    alive, own = state.health[allies:] > 0, state.position[allies:]
    found = []
    for ally in reversed(range(allies)):
        apart = state.position[ally] - own
        visible = alive & (state.health[ally] > 0) & (jnp.square(apart).sum(axis=1) < jnp.square(traits.sight[allies:]))
        found.append(_foe(apart[:, 0], apart[:, 1], visible, traits.reach[allies:]))
    return found


def _foe(x: Array, y: Array, visible: Array, reach: Any) -> Foe:
    return Foe(x, y, visible, visible & (jnp.square(x) + jnp.square(y) < jnp.square(reach)))


def _pursued(foes: Sequence[Foe], streams: Streams, units: int) -> tuple[Array, Array]:
    """The way [units, 2, environments] to a random visible one, and whether there is any."""
    x = y = jnp.zeros(foes[0].x.shape, jnp.float32)
    sighted = jnp.zeros(x.shape, dtype=bool)
    for foe, chosen in zip(foes, _picked([foe.visible for foe in foes], streams, PURSUED, units), strict=True):
        x, y, sighted = jnp.where(chosen, foe.x, x), jnp.where(chosen, foe.y, y), sighted | foe.visible
    return jnp.stack([x, y], axis=1), sighted


def _picked(among: Sequence[Array], streams: Streams, purpose: int, units: int) -> list[Array]:
    """For each candidate whether it is the one drawn, evenly among those that hold."""
    count = sum(each.astype(jnp.int32) for each in among)
    left = integers(streams, purpose, count, (units,))
    found = []
    for each in among:
        found.append(each & (left == 0))
        left = left - each.astype(jnp.int32)
    return found


def _direction(way: Array) -> Array:
    """int32: the move that fits best; the first of north, east, south, west where several do."""
    x, y = way[:, 0], way[:, 1]
    across, along = jnp.abs(x), jnp.abs(y)
    return jnp.where(y >= across, 0, jnp.where(x >= along, 1, jnp.where(-y >= across, 2, 3)))
