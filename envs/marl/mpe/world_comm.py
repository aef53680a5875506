"""simple_world_comm_v3: tag with food, forests to hide in, and a leader of the hunters who sees everything and speaks."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.mpe.particles import INSIDE, Particles, State, distance, nearest, outside, team
from quintain.envs.marl.mpe.physics import Bodies

HUNTER, PREY, OBSTACLE, FOOD, FOREST = 0.075, 0.045, 0.2, 0.03, 0.3
WORDS = 4


class WorldComm(Particles):
    """Landmarks are obstacles, then food, then forests. An agent in a forest is seen only by who is in the same one, and by the
    leader; who is in a forest sees only those in it."""

    def __init__(
        self,
        *,
        good: int = 2,
        adversaries: int = 4,
        obstacles: int = 1,
        food: int = 2,
        forests: int = 2,
        continuous: bool = False,
        horizon: int = 25,
    ) -> None:
        if min(good, adversaries, food) < 1 or min(obstacles, forests) < 0:
            raise ValueError("simple_world_comm needs prey, adversaries and food")
        self.adversaries, self.good, self.obstacles, self.food, self.forests = adversaries, good, obstacles, food, forests
        count, hard = adversaries + good, adversaries + good + obstacles
        marks = obstacles + food + forests
        bodies = Bodies(
            (HUNTER,) * adversaries + (PREY,) * good + (OBSTACLE,) * obstacles + (FOOD,) * food + (FOREST,) * forests,
            collides=(True,) * hard + (False,) * (food + forests),
            movable=(True,) * count + (False,) * marks,
            accelerations=(3.0,) * adversaries + (4.0,) * good,
            fastest=(1.0,) * adversaries + (1.3,) * good,
        )
        super().__init__(
            ("leadadversary_0", *team(adversaries - 1, "adversary"), *team(good, "agent")),
            ("leadadversary", *("adversary",) * (adversaries - 1), *("agent",) * good),
            bodies,
            words=(WORDS, *(0,) * (count - 1)),
            spread=INSIDE,
            continuous=continuous,
            horizon=horizon,
        )

    def sizes(self) -> tuple[int, ...]:
        count, marks = len(self.agents), len(self.bodies.radius) - len(self.agents)
        both = 4 + 2 * marks + 2 * (count - 1) + self.forests
        hunters, prey = both + 2 * self.good + WORDS, both + 2 * (self.good - 1)
        return (hunters,) * self.adversaries + (prey,) * self.good

    def hidden(self, state: State) -> Array:
        """bool [agents, forests, environments]: who is in which forest."""
        trees = state.landmarks[self.obstacles + self.food :]
        rows = []
        for place, radius in zip(state.position, self.bodies.radius, strict=False):
            rows.append(jnp.stack([distance(place, tree) < radius + FOREST for tree in trees]))
        return jnp.stack(rows)

    def seen(self, state: State, agent: int) -> list[Array]:
        here, batch = state.position[agent], state.position.shape[-1]
        marks = (state.landmarks - here[None]).reshape(-1, batch)
        covered = self.hidden(state) if self.forests else jnp.zeros((len(self.agents), 0, batch), bool)
        places, paces = [], []
        for other in range(len(self.agents)):
            if other == agent:
                continue
            together = (covered[agent] & covered[other]).any(axis=0)
            open_air = ~covered[agent].any(axis=0) & ~covered[other].any(axis=0)
            visible = (together | open_air | (agent == 0)).astype(jnp.float32)
            places.append((state.position[other] - here) * visible)
            if other >= self.adversaries:
                paces.append(state.velocity[other] * visible)
        flags = jnp.where(covered[agent], 1.0, -1.0)
        own = [state.velocity[agent], here, marks, *places]
        return [*own, *paces, flags, state.said[0]] if agent < self.adversaries else [*own, flags, *paces]

    def rewards(self, state: State) -> Array:
        hunters, prey = state.position[: self.adversaries], state.position[self.adversaries :]
        food = state.landmarks[self.obstacles : self.obstacles + self.food]
        apart = jnp.stack([jnp.stack([distance(hunter, each) for each in prey]) for hunter in hunters])
        touching = (apart < HUNTER + PREY).astype(jnp.float32)
        hunt = -0.1 * apart.min(axis=1) + 5 * touching.sum(axis=(0, 1))[None]
        rows = []
        for at, each in enumerate(prey):
            meals = [distance(each, bite) for bite in food]
            eaten = sum(((meal < PREY + FOOD).astype(jnp.float32) for meal in meals), jnp.zeros_like(meals[0]))
            rows.append(2 * eaten - 0.05 * nearest(meals) - 5 * touching[:, at].sum(axis=0) - 2 * outside(each))
        return jnp.concatenate([hunt, jnp.stack(rows)])
