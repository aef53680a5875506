"""How particles move: forces of actions and contacts, then positions, then velocities (mpe2's `core.py`).

Positions are arrays [entities, 2, environments], agents first.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

DT = 0.1
DAMPING = 0.25
CONTACT_FORCE = 100.0
CONTACT_MARGIN = 1e-3
PAIRS = 28
"""Up to so many pairs are computed one by one, which compiles longer and runs faster."""
FREE = float("inf")
"""A body that nothing slows down."""


class Bodies(NamedTuple):
    """What does not change: one entry an entity, agents first."""

    radius: tuple[float, ...]
    collides: tuple[bool, ...]
    movable: tuple[bool, ...]
    accelerations: tuple[float, ...]
    """Of agents only, as `fastest`."""
    fastest: tuple[float, ...]
    """Infinite where nothing is clipped."""

    def pairs(self) -> list[tuple[int, int]]:
        """Entities that can push each other."""
        count = len(self.radius)
        return [
            (a, b)
            for a in range(count) for b in range(a + 1, count)
            if self.collides[a] and self.collides[b] and (self.movable[a] or self.movable[b])
        ]  # fmt: skip

    def reach(self, steps: int) -> float:
        """A bound on positions relative to anything, and on velocities, over so many steps from within the square of ±1."""
        pushes = CONTACT_FORCE * 2 * max(self.radius) * (len(self.radius) - 1) if self.pairs() else 0.0
        fastest = 1 + (max(self.accelerations) + pushes) * DT / DAMPING
        return 2 * (1 + fastest * DT * steps)


def moved(position: Array, velocity: Array, force: Array, bodies: Bodies) -> tuple[Array, Array]:
    """Positions and velocities of the agents one tick later; `position` [entities, 2, N], the others [agents, 2, N].

    Contacts are computed where the particles were, and positions move by the velocity from before.
    """
    agents = velocity.shape[0]
    pushes = crowded(position, bodies, agents) if len(bodies.pairs()) > PAIRS else paired(position, bodies, agents)
    ahead = velocity * (1 - DAMPING) + (force + pushes) * DT
    return position[:agents] + velocity * DT, limited(ahead, bodies)


def paired(position: Array, bodies: Bodies, agents: int) -> Array:
    """Contact forces on the agents, pair by pair."""
    pushed = [jnp.zeros_like(position[0])] * agents
    for a, b in bodies.pairs():
        push = contact(position[a] - position[b], bodies.radius[a] + bodies.radius[b])
        if a < agents and bodies.movable[a]:
            pushed[a] = pushed[a] + push
        if b < agents and bodies.movable[b]:
            pushed[b] = pushed[b] - push
    return jnp.stack(pushed)


def crowded(position: Array, bodies: Bodies, agents: int) -> Array:
    """The same of all agents against all that they can touch, as one array."""
    solid = [at for at, collides in enumerate(bodies.collides) if collides]
    apart = jnp.moveaxis(position[:agents, None] - position[np.array(solid)][None], 2, 0)
    touching = np.add.outer(bodies.radius[:agents], np.array(bodies.radius)[solid]).astype(np.float32)[..., None]
    unfelt = np.equal.outer(np.arange(agents), solid) | ~np.array(bodies.collides[:agents])[:, None]
    unfelt = unfelt | ~np.array(bodies.movable[:agents])[:, None]
    distance = jnp.sqrt((apart**2).sum(axis=0) + unfelt[..., None])
    depth = jnp.logaddexp(0.0, (touching - distance) / CONTACT_MARGIN) * CONTACT_MARGIN
    strength = jnp.where(unfelt[..., None], 0.0, CONTACT_FORCE * depth / distance)
    return jnp.moveaxis((strength * apart).sum(axis=2), 0, 1)


def contact(apart: Array, touching: float) -> Array:
    """Force [2, environments] on the first of two bodies that are `apart`; soft, and felt a little before they touch."""
    distance = jnp.sqrt((apart**2).sum(axis=0))
    depth = jnp.logaddexp(0.0, (touching - distance) / CONTACT_MARGIN) * CONTACT_MARGIN
    return CONTACT_FORCE * depth / distance * apart


def limited(velocity: Array, bodies: Bodies) -> Array:
    """No faster than each body can be."""
    if all(most == FREE for most in bodies.fastest):
        return velocity
    most = jnp.array(bodies.fastest, jnp.float32)[:, None]
    speed = jnp.sqrt((velocity**2).sum(axis=1))
    return velocity * jnp.minimum(1.0, most / jnp.maximum(speed, 1e-12))[:, None]
