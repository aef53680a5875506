"""SMAX: two teams of units fight until one is dead (Rutherford et al. 2024, after SMAC)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import jax.numpy as jnp
import numpy as np
from jax import Array

from quintain.draws import Streams, uniform
from quintain.envs.marl.smax import control, heuristic, placing, seeing
from quintain.envs.marl.smax.battle import MOVES, SIZE, TICK, TICKS, Orders, State, fought, pushed
from quintain.envs.marl.smax.heuristic import Heuristic
from quintain.envs.marl.smax.units import KINDS, RANDOM, SCENARIOS, Placing, Scenario, Traits, roster, traits
from quintain.functional import Moved, Seen, TeamPolicy

PAUSE = 9
"""Purpose of random numbers: by how much a pause after a shot differs from the type's."""
OTHER_SEED = 0x5EED
"""Sets the streams of an enemy inside the game apart from those of the agents."""


class Smax:
    """A battle of allies, who are the agents, against an enemy that the game plays; or of two teams of agents.

    A team is rewarded by the mean part of health that the other lost in the step, and by 1 for winning: all others are dead, and
    not all of the own. The dead are rewarded with their team. `info` has ``won`` and ``lost``, of the allies.

    Args:
        scenario: a name in `SCENARIOS`, or rosters and places.
        allies: names of types in place of the scenario's; all `RANDOM` where types are drawn.
        enemies: likewise.
        enemy: ``"heuristic"``; ``"self"``, by which both teams are agents; or a policy of its units, which acts as agents do.
        enemy_params: of such a policy.
        sparse: only winning (1) and losing (-1) count.
        continuous: actions are four numbers (`control.continuous`).
        walls_kill: whether units die that touch the edge of the map.
        placing: in place of the scenario's.
    """

    action_range = (0.0, 1.0)
    simultaneous = True

    def __init__(
        self,
        scenario: str | Scenario = "3m",
        *,
        allies: tuple[str, ...] | None = None,
        enemies: tuple[str, ...] | None = None,
        enemy: Literal["heuristic", "self"] | TeamPolicy = "heuristic",
        enemy_params: Any = None,
        sparse: bool = False,
        continuous: bool = False,
        walls_kill: bool = True,
        placing: Placing | None = None,
        horizon: int = 100,
    ) -> None:
        known = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
        ours, theirs = tuple(allies or known.allies), tuple(enemies or known.enemies)
        self.placing, self.fixed = placing or known.placing, _types(ours + theirs)
        if self.placing not in get_args(Placing):
            raise ValueError(f"placing is one of {', '.join(get_args(Placing))}, got {self.placing!r}")
        self.team, self.foes = len(ours), len(theirs)
        self.policy: TeamPolicy | None = _policy(enemy, self.foes)
        self.enemy_params, self.sparse, self.continuous, self.walls_kill = enemy_params, sparse, continuous, walls_kill
        self.horizon, self.returns = horizon, (-1.0, 1.0) if sparse else (0.0, 2.0)
        sides = [("ally", self.team, self.foes), ("enemy", self.foes, self.team)][: 1 if self.policy else 2]
        self.agents = tuple(f"{name}_{at}" for name, count, _ in sides for at in range(count))
        self.kinds = tuple(name for name, count, _ in sides for _ in range(count))
        self.action_sizes = tuple(
            control.NUMBERS if continuous else MOVES + others for _, count, others in sides for _ in range(count)
        )
        units = self.team + self.foes
        self.observation_sizes = (seeing.PER_UNIT * (units - 1) + seeing.OWN,) * len(self.agents)
        # Cooldowns fall below zero without end, and neighbours push a unit over the edge by their radii at most.
        outside = units * max(kind.radius for kind in KINDS)
        self.observation_range = (-max(outside, horizon * TICKS * TICK), SIZE + outside)

    def reset(self, streams: Streams) -> State:
        batch = streams.env.shape[0]
        units = self.team + self.foes
        fixed = self.fixed is not None
        types = jnp.zeros((0, batch), jnp.int8) if fixed else placing.drawn(streams, self.team, self.foes)
        of = traits(types if self.fixed is None else self.fixed)
        x, y = placing.placed(streams, self.team, self.foes, placing=self.placing)
        everyone = jnp.ones((units, batch), dtype=bool)
        return State(
            jnp.stack(pushed(x, y, everyone, of.radius), axis=1),
            jnp.broadcast_to(of.health, (units, batch)),
            jnp.zeros((units, batch), jnp.float32),
            jnp.zeros((units, 2, batch), jnp.float32),
            jnp.zeros((units, batch), jnp.int8),
            types,
            None if self.policy is None else self.policy.init(batch),
        )

    def step(self, state: State, actions: Array, streams: Streams) -> tuple[State, Moved]:
        of = self.traits(state)
        carry, orders = self._orders(state, of, actions, streams)
        renewed = of.cooldown + uniform(streams, PAUSE, (self.team + self.foes,), low=-TICK, high=2 * TICK)
        reached = fought(state, orders, of, allies=self.team, renewed=renewed, walls_kill=self.walls_kill)
        reached = reached._replace(enemy=carry)
        alive = reached.health > 0
        dead, beaten = ~alive[: self.team].any(axis=0), ~alive[self.team :].any(axis=0)
        won, lost = beaten & ~dead, dead & ~beaten
        reward = self._rewards((state.health - reached.health) / of.health, won, lost)
        return reached, Moved(reward, dead | beaten, {"won": won, "lost": lost})

    def _rewards(self, hurt: Array, won: Array, lost: Array) -> Array:
        victory, defeat = won.astype(jnp.float32), lost.astype(jnp.float32)
        if self.sparse:
            teams = [victory - defeat, defeat - victory]
        else:
            teams = [hurt[self.team :].mean(axis=0) + victory, hurt[: self.team].mean(axis=0) + defeat]
        return jnp.stack([teams[kind == "enemy"] for kind in self.kinds])

    def _orders(self, state: State, of: Traits, actions: Array, streams: Streams) -> tuple[Any, Orders]:
        """What the enemy's policy carries on, and what all units do."""
        ours = self._read(actions[: self.team], state, streams, enemy=False)
        if self.policy is None:
            return None, control.joined(ours, self._read(actions[self.team :], state, streams, enemy=True))
        apart = streams._replace(seed=streams.seed ^ jnp.uint32(OTHER_SEED))
        if isinstance(self.policy, Heuristic):
            found = heuristic.foes(state, of, allies=self.team)
            carry, chosen = self.policy.decided(state.enemy, state.position[self.team :], found, apart)
            return carry, control.joined(ours, control.discrete(chosen))
        looking = Seen(self._seen(state, enemy=True), self._legal(state, enemy=True), state.health[self.team :] > 0)
        carry, chosen = self.policy.act(self.enemy_params, state.enemy, looking, apart)
        return carry, control.joined(ours, self._read(chosen, state, streams, enemy=True))

    def _read(self, actions: Array, state: State, streams: Streams, *, enemy: bool) -> Orders:
        if self.continuous:
            return control.continuous(actions, state, streams, allies=self.team, enemy=enemy)
        return control.discrete(actions)

    def traits(self, state: State) -> Traits:
        return traits(state.types if self.fixed is None else self.fixed)

    def observe(self, state: State) -> Array:
        ours = self._seen(state, enemy=False)
        return ours if self.policy else jnp.concatenate([ours, self._seen(state, enemy=True)])

    def mask(self, state: State) -> Array:
        ours = self._legal(state, enemy=False)
        if self.policy:
            return ours
        most, parts = max(self.action_sizes), (ours, self._legal(state, enemy=True))
        return jnp.concatenate([jnp.pad(each, ((0, 0), (0, most - each.shape[1]), (0, 0))) for each in parts])

    def acting(self, state: State) -> Array:
        return state.health[: len(self.agents)] > 0

    def alive(self, state: State) -> Array:
        return self.acting(state)

    def world_state(self, state: State) -> Array:
        return seeing.overview(state, self.traits(state), allies=self.team)

    def _seen(self, state: State, *, enemy: bool) -> Array:
        return seeing.seen(state, self.traits(state), allies=self.team, enemy=enemy)

    def _legal(self, state: State, *, enemy: bool) -> Array:
        if self.continuous:
            count = self.foes if enemy else self.team
            return jnp.ones((count, control.NUMBERS, state.health.shape[1]), dtype=bool)
        return seeing.legal(state, self.traits(state), allies=self.team, enemy=enemy)


def _types(names: tuple[str, ...]) -> np.ndarray | None:
    """int8 [units, 1], or None where they are drawn."""
    if set(names) == {RANDOM}:
        return None
    return np.array(roster(names), np.int8)[:, None]


def _policy(enemy: Any, units: int) -> TeamPolicy | None:
    if enemy == "self":
        return None
    found = Heuristic(units) if enemy == "heuristic" else enemy
    if isinstance(found, Heuristic) and found.units != units:
        raise ValueError(f"the enemy has {units} units, its heuristic is for {found.units}")
    if not isinstance(found, TeamPolicy):
        raise ValueError(f"enemy is 'heuristic', 'self' or a policy of a team, got {enemy!r:.60}")
    return found
