"""simple_tag_v3: slow adversaries hunt fast prey among obstacles."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.closest import Neighbours, around, nearest_of, without
from quintain.envs.marl.mpe.particles import INSIDE, Particles, State, distance, outside, team
from quintain.envs.marl.mpe.physics import Bodies

HUNTER, PREY, OBSTACLE = 0.075, 0.05, 0.2
CONTACT = 10.0


def hunters_and_prey(adversaries: int, good: int, obstacles: int) -> Bodies:
    count = adversaries + good
    return Bodies(
        (HUNTER,) * adversaries + (PREY,) * good + (OBSTACLE,) * obstacles,
        collides=(True,) * (count + obstacles),
        movable=(True,) * count + (False,) * obstacles,
        accelerations=(3.0,) * adversaries + (4.0,) * good,
        fastest=(1.0,) * adversaries + (1.3,) * good,
    )


def contacts(position: Array, adversaries: int) -> Array:
    """float32 [adversaries, prey, environments]: who touches whom."""
    rows = []
    for hunter in position[:adversaries]:
        rows.append(jnp.stack([(distance(hunter, prey) < HUNTER + PREY).astype(jnp.float32) for prey in position[adversaries:]]))
    return jnp.stack(rows)


class Tag(Particles):
    """Observation: own velocity and place, obstacles and others from there, velocities of the prey among the others."""

    def __init__(
        self,
        *,
        adversaries: int = 3,
        good: int = 1,
        obstacles: int = 2,
        continuous: bool = False,
        horizon: int = 25,
        closest: Neighbours = None,
        terminate_on_success: bool = False,
    ) -> None:
        if adversaries < 1 or good < 1 or obstacles < 0:
            raise ValueError(f"simple_tag needs adversaries and prey, got {adversaries} and {good}, with {obstacles} obstacles")
        self.adversaries, self.good, self.closest, self.terminate_on_success = adversaries, good, closest, terminate_on_success
        super().__init__(
            team(adversaries, "adversary") + team(good, "agent"),
            ("adversary",) * adversaries + ("agent",) * good,
            hunters_and_prey(adversaries, good, obstacles),
            spread=INSIDE,
            continuous=continuous,
            horizon=horizon,
        )

    def sizes(self) -> tuple[int, ...]:
        others, marks = len(self.agents) - 1, len(self.bodies.radius) - len(self.agents)
        if self.closest is not None:
            return (4 + 2 * self.closest[1] + 4 * self.closest[0],) * len(self.agents)
        prey = [self.good - (at >= self.adversaries) for at in range(len(self.agents))]
        return tuple(4 + 2 * marks + 2 * others + 2 * each for each in prey)

    def seen(self, state: State, agent: int) -> list[Array]:
        marks, others = around(state, agent, self.closest)
        return [state.velocity[agent], state.position[agent], marks, others, self.paces(state, agent)]

    def paces(self, state: State, agent: int) -> Array:
        """[features, environments]: velocities of the prey among the others; hunters' places among the nearest stay zero."""
        batch = state.velocity.shape[-1]
        if self.closest is None:
            first = self.adversaries
            prey = state.velocity[first:] if agent < first else without(state.velocity[first:], agent - first)
            return prey.reshape(-1, batch)
        good = (jnp.arange(len(self.agents)) >= self.adversaries)[:, None, None]
        apart = without(state.position, agent) - state.position[agent][None]
        return nearest_of(without(state.velocity * good, agent), apart, self.closest[0]).reshape(-1, batch)

    def rewards(self, state: State) -> Array:
        touching = contacts(state.position, self.adversaries)
        hunt = jnp.broadcast_to(CONTACT * touching.sum(axis=(0, 1)), (self.adversaries, touching.shape[-1]))
        edges = jnp.stack([outside(prey) for prey in state.position[self.adversaries :]])
        return jnp.concatenate([hunt, -CONTACT * touching.sum(axis=0) - edges])

    def ended(self, state: State) -> Array:
        """All prey are caught at once."""
        if not self.terminate_on_success:
            return super().ended(state)
        return (contacts(state.position, self.adversaries).max(axis=0) > 0).all(axis=0)
