"""SMAX beyond single steps: who plays the enemy, where battles begin, rosters, and how the scripted team decides."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import streams  # noqa: E402
from quintain.envs.marl.smax import placing  # noqa: E402
from quintain.envs.marl.smax.games import GAMES  # noqa: E402
from quintain.envs.marl.smax.heuristic import NOBODY, Foe, Heuristic, Memory  # noqa: E402
from quintain.envs.marl.smax.units import SCENARIOS, Placing, traits  # noqa: E402
from quintain.errors import UsageError  # noqa: E402
from quintain.functional import Game, Seen  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402
from quintain.multiagent.making import make_functional, make_game  # noqa: E402
from quintain.unroll import unroll  # noqa: E402

SIZES = {"3m": 75, "2s3z": 127, "5m_vs_6m": 140, "3s5z": 205, "3s_vs_5z": 101, "6h_vs_8z": 179, "3s5z_vs_3s6z": 218}
SIZES |= {"10m_vs_11m": 270, "25m": 647, "27m_vs_30m": 738, "smacv2_5_units": 127, "smacv2_10_units": 257, "smacv2_20_units": 517}
STOP = 4


class Still:
    """Stops, all of the time."""

    def init(self, environments: int) -> Any:
        return jnp.zeros(environments)

    def act(self, params: Any, carry: Any, seen: Seen, at: Any) -> tuple[Any, Any]:
        return carry + 1, jnp.full(seen.acting.shape, STOP, jnp.int32)


class Weighed:
    """Attacks with the unit that its parameters score highest, or stops where it cannot."""

    def init(self, environments: int) -> Any:
        return ()

    def act(self, params: Any, carry: Any, seen: Seen, at: Any) -> tuple[Any, Any]:
        return carry, jnp.argmax(jnp.where(seen.mask, params[:, None], -jnp.inf), axis=1).astype(jnp.int32)


def test_every_scenario_has_jaxmarls_sizes_and_agents() -> None:
    assert set(GAMES) == set(SCENARIOS) and len(GAMES) == 14
    for name, factory in GAMES.items():
        game: Any = factory()
        assert isinstance(game, Game) and game.horizon == 100
        assert SIZES.get(name, game.observation_sizes[0]) == game.observation_sizes[0]
        assert game.agents == tuple(f"ally_{at}" for at in range(game.team)) and game.action_sizes[0] == 5 + game.foes
    both = GAMES["5m_vs_6m"](enemy="self")
    assert both.kinds == ("ally",) * 5 + ("enemy",) * 6 and both.action_sizes == (11,) * 5 + (10,) * 6


@pytest.mark.parametrize("sparse", [False, True])
def test_self_play_rewards_each_team_for_what_the_other_lost(sparse: bool) -> None:
    game = GAMES["3m"](enemy="self", sparse=sparse)
    env = Episodes(game, reset="never")
    found = unroll(env, Charge(), seed=2, episodes=400)
    ally, enemy = found.returns[0], found.returns[-1]
    won, lost = found.info["won"], found.info["lost"]
    assert (found.returns[:3] == ally).all() and (found.returns[3:] == enemy).all() and won.any() and lost.any()
    if sparse:
        assert (ally == won * 1.0 - lost).all() and (enemy == -ally).all()
    else:
        assert (ally[won] == pytest.approx(2.0, abs=1e-5)) and (enemy[won] < 1).all() and (enemy[lost] > 1.999).all()
    low, high = game.returns
    assert (found.returns >= low).all() and (found.returns <= high + 1e-5).all()


class Charge:
    """Allies walk east and enemies west; who can attack attacks the first that it may."""

    def init(self, environments: int) -> Any:
        return ()

    def act(self, params: Any, carry: Any, seen: Seen, at: Any) -> tuple[Any, Any]:
        attacks = seen.mask[:, 5:]
        ways = jnp.where(jnp.arange(len(attacks)) < len(attacks) // 2, 1, 3)[:, None]
        return carry, jnp.where(attacks.any(axis=1), 5 + jnp.argmax(attacks, axis=1), ways).astype(jnp.int32)


def test_an_enemy_may_be_a_policy_with_parameters_and_a_carry() -> None:
    """A gunner that scores attacks highest beats those that stand and stop; one that scores them lowest hurts nobody."""
    found = {}
    for worth in (1.0, -1.0):
        params = jnp.array([-2.0] * 4 + [0.0] + [worth] * 3)
        arguments = {"placing": "surround", "enemy": Weighed(), "enemy_params": params, "horizon": 40}
        found[worth] = unroll(make_functional("smax/3m", reset="never", **arguments), Still(), seed=1, episodes=300)
    assert found[1.0].info["lost"].mean() > 0.1 and not found[-1.0].info["lost"].any()
    state = jax.eval_shape(GAMES["3m"](enemy=Still()).reset, streams(0, 4))
    assert state.enemy.shape == (4,)


def decided(policy: Heuristic, *arguments: Any) -> Any:
    return jax.jit(policy.decided)(*arguments)


def test_the_scripted_team_sticks_to_its_target_else_takes_the_closest() -> None:
    at = streams(0, 3)
    ones = jnp.ones((1, 3), dtype=bool)
    foes = [Foe(jnp.full((1, 3), x), jnp.zeros((1, 3)), ones, ones & (x < 5)) for x in (4.0, 2.0, 9.0)]
    memory = Memory(jnp.zeros((1, 2, 3)), jnp.array([[0, NOBODY, 2]], jnp.int8))
    after, actions = decided(Heuristic(1), memory, jnp.zeros((1, 2, 3)), foes, at)
    assert actions.tolist() == [[5, 6, 6]] and after.target.tolist() == [[0, 1, 1]]
    many = streams(0, 3000)
    wide = [Foe(*(jnp.broadcast_to(leaf[:, :1], (1, 3000)) for leaf in foe)) for foe in foes]
    idle = Memory(jnp.zeros((1, 2, 3000)), jnp.full((1, 3000), NOBODY, jnp.int8))
    _, drawn = decided(Heuristic(1, attack="random"), idle, jnp.zeros((1, 2, 3000)), wide, many)
    assert 0.45 < (np.asarray(drawn) == 5).mean() < 0.55 and set(np.unique(drawn)) == {5, 6}
    _, walks = decided(Heuristic(1, shoots=False), idle, jnp.zeros((1, 2, 3000)), wide, many)
    assert (np.asarray(walks) == 1).all()


def test_the_scripted_team_walks_where_it_sees_nobody_to_its_mirrored_start() -> None:
    nobody = jnp.zeros((1, 4), dtype=bool)
    foe = Foe(jnp.zeros((1, 4)), jnp.zeros((1, 4)), nobody, nobody)
    policy, at = Heuristic(1), streams(0, 4)
    position = jnp.array([[[24.0, 8.0, 17.0, 15.0], [15.0, 17.0, 30.0, 2.0]]])
    memory, actions = decided(policy, policy.init(4), position, [foe], at)
    assert actions.tolist() == [[3, 1, 2, 0]] and (np.asarray(memory.goal) == 32 - np.asarray(position)).all()
    again, actions = decided(policy, memory, memory.goal + jnp.array([1.0, 0.0])[:, None], [foe], at)
    assert actions.tolist() == [[3, 3, 3, 3]] and (np.asarray(again.goal) == np.asarray(memory.goal)).all()


@pytest.mark.parametrize(("allies", "enemies"), [(3, 5), (5, 3)])
def test_battles_begin_where_their_placing_says(allies: int, enemies: int) -> None:
    at, count = streams(4, 2000), 2000
    drawn = jax.jit(lambda at: {mode: placing.placed(at, allies, enemies, placing=mode) for mode in get_args(Placing)})(at)
    x, y = drawn["apart"]
    assert (abs(x[:allies] - 8) <= 2).all() and (abs(x[allies:] - 24) <= 2).all() and (abs(y - 16) <= 2).all()
    assert abs(float(x[:allies].mean()) - 8) < 0.05 and float(x.std(axis=1)[0]) == pytest.approx(4 / 12**0.5, rel=0.05)
    x, y = drawn["reflect"]
    both = min(allies, enemies)
    np.testing.assert_allclose(x[allies : allies + both], 32 - x[:both], atol=1e-5)
    assert (x[:allies] <= 16).all() and (x[allies:] >= 16).all() and (y[allies : allies + both] == y[:both]).all()
    x, y = drawn["surround"]
    amid = (abs(x - 16) <= 2) & (abs(y - 16) <= 2)
    ours, theirs = np.asarray(amid[:allies].all(axis=0)), np.asarray(amid[allies:].all(axis=0))
    assert (ours | theirs).all() and 0.45 < ours.mean() < 0.6
    assert (abs(abs(x - 16) - abs(y - 16)) <= 4 + 1e-4).all() and (x >= 1).all() and (y <= 31).all()
    mixed = drawn["either"]
    assert 0.4 < (np.asarray(mixed.x) == np.asarray(x)).all(axis=0).mean() < 0.6 and mixed.x.shape == (allies + enemies, count)


def test_drawn_types_are_the_same_for_both_teams_and_even() -> None:
    game = make_game("smax/smacv2_5_units", enemies=("random",) * 7)
    types = np.asarray(jax.jit(game.reset)(streams(1, 3000)).types)
    assert (types[:5] == types[5:10]).all()
    shares = [np.bincount(row, minlength=6) / 3000 for row in types]
    assert np.abs(np.array(shares) - 1 / 6).max() < 0.03


def test_rosters_may_be_given_and_are_checked() -> None:
    game: Any = make_game("smax/3m", allies=("marauder", "stalker"), enemies=("hydralisk",) * 4)
    state = jax.jit(game.reset)(streams(0, 2))
    assert np.asarray(state.health)[:, 0].tolist() == [125.0, 160.0] + [80.0] * 4 and game.agents == ("ally_0", "ally_1")
    assert np.asarray(traits(game.fixed).reach)[:, 0].tolist() == [6.0, 6.0] + [5.0] * 4
    for arguments, message in (
        ({"allies": ("marin",)}, "unknown type of unit 'marin'"),
        ({"allies": ("random",)}, "'random'"),
        ({"enemy": "nobody"}, "enemy is 'heuristic', 'self' or a policy"),
        ({"enemy": Heuristic(2)}, "the enemy has 3 units, its heuristic is for 2"),
        ({"placing": "above"}, "placing is one of"),
    ):
        with pytest.raises(UsageError, match=message):
            make_game("smax/3m", **arguments)


@pytest.mark.parametrize("walls_kill", [True, False])
def test_walls_kill_where_they_are_to_and_an_episode_lasts_a_hundred_steps(walls_kill: bool) -> None:
    env = make_functional("smax/3m", reset="never", enemy=Still(), walls_kill=walls_kill)
    found = unroll(env, West(), seed=0, episodes=50)
    assert (found.info["lost"] == walls_kill).all() and (found.terminated == walls_kill).all()
    assert (found.length < 20).all() if walls_kill else (found.length == 100).all()


class West(Still):
    def act(self, params: Any, carry: Any, seen: Seen, at: Any) -> tuple[Any, Any]:
        return carry, jnp.full(seen.acting.shape, 3, jnp.int32)
