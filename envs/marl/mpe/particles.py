"""What the scenarios share: places, velocities, words, and how actions become both (mpe2's `simple_env.py`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from quintain.draws import Streams, integers, uniform
from quintain.envs.marl.mpe.physics import Bodies, moved
from quintain.functional import Moved

START, GOALS = 0, 1
"""Purposes of random numbers: where everything starts, and what is the goal."""
MOVES = 5
ANYWHERE, INSIDE = 1.0, 0.9
"""Half the side of the square in which things start."""


class State(NamedTuple):
    """Of every scenario; the parts that one has no use for are empty."""

    position: Array
    """[agents, 2, environments]."""
    velocity: Array
    landmarks: Array
    """[landmarks, 2, environments]."""
    said: Array
    """[agents, words, environments]: what was said in the last step."""
    goals: Array
    """int32 [goals, environments]."""


class Particles(ABC):
    """A scenario without its observations and rewards, which a subclass gives (`seen`, `rewards`).

    Args:
        agents: their names.
        kinds: the type of each.
        bodies: of agents, then landmarks.
        words: how many each agent may say; 0 is silent.
        goals: the number of choices that each hidden goal is drawn from.
        spread: half the side of the square in which landmarks start.
        continuous: actions are numbers in [0, 1]: nothing, left, right, down, up, then one for each word.
    """

    action_range = (0.0, 1.0)
    simultaneous = True
    returns = (-float("inf"), float("inf"))

    def __init__(
        self,
        agents: tuple[str, ...],
        kinds: tuple[str, ...],
        bodies: Bodies,
        *,
        words: tuple[int, ...] = (),
        goals: tuple[int, ...] = (),
        spread: float = ANYWHERE,
        continuous: bool = False,
        horizon: int = 25,
    ) -> None:
        self.agents, self.kinds, self.bodies, self.horizon = agents, kinds, bodies, horizon
        self.words, self.goals, self.spread, self.continuous = words or (0,) * len(agents), goals, spread, continuous
        self.moves = bodies.movable[: len(agents)]
        both = zip(self.moves, self.words, strict=True)
        self.action_sizes = tuple(self._size(MOVES if moves else 0, said) for moves, said in both)
        self.observation_sizes = self.sizes()
        bound = bodies.reach(horizon)
        self.observation_range = (-bound, bound)

    @abstractmethod
    def seen(self, state: State, agent: int) -> list[Array]:
        """Blocks [features, environments] of one agent's observation."""
        ...

    @abstractmethod
    def sizes(self) -> tuple[int, ...]:
        """Features of each agent's observation."""
        ...

    @abstractmethod
    def rewards(self, state: State) -> Array:
        """float32 [agents, environments]."""
        ...

    def reset(self, streams: Streams) -> State:
        count, marks = len(self.agents), len(self.bodies.radius) - len(self.agents)
        places = uniform(streams, START, (count + marks, 2), low=-1.0, high=1.0)
        batch = places.shape[-1]
        goals = [integers(streams, GOALS + at, choices) for at, choices in enumerate(self.goals)]
        return State(
            places[:count],
            jnp.zeros((count, 2, batch), jnp.float32),
            places[count:] * self.spread,
            jnp.zeros((count, max(self.words), batch), jnp.float32),
            jnp.stack(goals) if goals else jnp.zeros((0, batch), jnp.int32),
        )

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        thrust, said = self.decoded(actions)
        everything = jnp.concatenate([state.position, state.landmarks])
        position, velocity = moved(everything, state.velocity, self.force(state, thrust), self.bodies)
        reached = State(position, velocity, state.landmarks, said, state.goals)
        return reached, Moved(self.rewards(reached), self.ended(reached), {})

    def ended(self, state: State) -> Array:
        """bool [environments]: by these rules never, so that only the time limit ends an episode."""
        return jnp.zeros(state.position.shape[-1], dtype=bool)

    def force(self, state: State, thrust: Array) -> Array:
        """[agents, 2, environments]: what agents push themselves with, given their actions' directions."""
        return thrust * jnp.array(self.bodies.accelerations, jnp.float32)[:, None, None]

    def decoded(self, actions: Array) -> tuple[Array, Array]:
        """Directions [agents, 2, environments] and words [agents, words, environments]."""
        pairs = [self._one(actions[agent], agent) for agent in range(len(self.agents))]
        return jnp.stack([direction for direction, _ in pairs]), jnp.stack([said for _, said in pairs])

    def _one(self, action: Array, agent: int) -> tuple[Array, Array]:
        moves, words, most = self.moves[agent], self.words[agent], max(self.words)
        if self.continuous:
            first = MOVES if moves else 0
            move = jnp.stack([action[2] - action[1], action[4] - action[3]]) if moves else jnp.zeros_like(action[:2])
            said = jnp.zeros((most, action.shape[-1]), jnp.float32).at[:words].set(action[first : first + words])
            return move, said
        way = action % MOVES if moves else jnp.zeros_like(action)
        x = (way == 2).astype(jnp.float32) - (way == 1).astype(jnp.float32)
        y = (way == 4).astype(jnp.float32) - (way == 3).astype(jnp.float32)
        word = action // MOVES if moves else action
        said = (word[None] == jnp.arange(most)[:, None]) & (jnp.arange(most) < words)[:, None]
        return jnp.stack([x, y]), said.astype(jnp.float32)

    def _size(self, moves: int, words: int) -> int:
        return moves + words if self.continuous else max(moves, 1) * max(words, 1)

    def observe(self, state: State) -> Array:
        most, rows = max(self.observation_sizes), []
        for agent, size in enumerate(self.observation_sizes):
            row = jnp.concatenate(self.seen(state, agent))
            rows.append(jnp.pad(row, ((0, most - size), (0, 0))) if size < most else row)
        return jnp.stack(rows)

    def mask(self, state: State) -> Array:
        sizes = jnp.array(self.action_sizes)[:, None, None]
        legal = jnp.arange(max(self.action_sizes))[None, :, None] < sizes
        return jnp.broadcast_to(legal, (*legal.shape[:2], state.position.shape[-1]))

    def acting(self, state: State) -> Array:
        return jnp.ones((len(self.agents), state.position.shape[-1]), dtype=bool)

    def alive(self, state: State) -> Array:
        return self.acting(state)

    def world_state(self, state: State) -> Array:
        parts = [each.reshape(-1, each.shape[-1]).astype(jnp.float32) for each in state]
        return jnp.concatenate([each for each in parts if len(each)])


def distance(a: Array, b: Array) -> Array:
    """[environments] between two places [2, environments]."""
    return jnp.sqrt(((a - b) ** 2).sum(axis=0))


def nearest(distances: list[Array]) -> Array:
    """The least of several [environments]."""
    return jnp.stack(distances).min(axis=0)


def colour(index: Array, *, low: float, high: float, colours: int = 3) -> Array:
    """float32 [colours, environments]: `high` at the index, `low` elsewhere."""
    return jnp.where(index[None] == jnp.arange(colours)[:, None], jnp.float32(high), jnp.float32(low))


def chosen(index: Array, places: Array) -> Array:
    """[2, environments]: the place of each environment's index among [landmarks, 2, environments]."""
    found = places[0]
    for at in range(1, len(places)):
        found = jnp.where(index == at, places[at], found)
    return found


def outside(position: Array) -> Array:
    """Penalty [environments] for a place [2, environments] near or beyond the edge of the square of ±1."""
    x = jnp.abs(position)
    return jnp.where(x < 0.9, 0.0, jnp.where(x < 1.0, (x - 0.9) * 10, jnp.minimum(jnp.exp(2 * x - 2), 10.0))).sum(axis=0)


def team(count: int, name: str) -> tuple[str, ...]:
    return tuple(f"{name}_{index}" for index in range(count))
