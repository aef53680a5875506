"""SMAX as JaxMARL plays it, from set states: half a second of battle, what is seen of it, and what the scripted team does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")

from smax_record import last, placed, recorded  # noqa: E402

from quintain.draws import categorical, streams  # noqa: E402
from quintain.envs.marl.smax import heuristic, seeing  # noqa: E402
from quintain.envs.marl.smax.games import GAMES  # noqa: E402
from quintain.envs.marl.smax.heuristic import Heuristic, Memory  # noqa: E402
from quintain.functional import POLICY, Seen  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402
from quintain.unroll import unroll  # noqa: E402

STEPPED = ("3m", "2s3z", "5m_vs_6m", "3s5z_vs_3s6z", "6h_vs_8z", "smacv2_5_units")
CLOSE = {"rtol": 1e-5, "atol": 2e-5}


@pytest.mark.parametrize("name", STEPPED)
def test_a_step_hurts_moves_and_rewards_as_jaxmarl_does(name: str) -> None:
    game, found = GAMES[name](enemy="self"), recorded(name)
    state, moved = _step(game, found)
    np.testing.assert_array_equal(state.health, last(found["after_health"]))
    np.testing.assert_allclose(state.position, last(found["after_position"]), **CLOSE)
    np.testing.assert_allclose(state.move, last(found["after_move"]), atol=1e-6)
    np.testing.assert_array_equal(state.attack, last(found["after_attack"]))
    _same_shots(state, found)
    np.testing.assert_allclose(moved.reward[[0, -1]], found["rewards"], **CLOSE)
    np.testing.assert_array_equal(moved.terminated, found["done"])
    died = ((last(found["health"]) > 0) & (last(found["after_health"]) == 0)).sum()
    assert died > 0, "the states are to include deaths"


def test_the_recorded_states_include_victories_and_defeats() -> None:
    rewards = np.concatenate([recorded(name)["rewards"] for name in STEPPED], axis=1)
    assert (rewards >= 1).any(axis=1).all() and not (rewards >= 1).all(axis=0).any()


@pytest.mark.parametrize("name", ["2s3z", "5m_vs_6m"])
def test_continuous_actions_move_and_shoot_as_in_jaxmarl(name: str) -> None:
    game, found = GAMES[name](enemy="self", continuous=True), recorded(f"continuous {name}")
    state, _ = _step(game, found)
    np.testing.assert_array_equal(state.health, last(found["after_health"]))
    np.testing.assert_allclose(state.position, last(found["after_position"]), **CLOSE)
    np.testing.assert_array_equal(state.attack, last(found["after_attack"]))
    assert (found["after_attack"] > 0).any() and (np.abs(found["after_move"]) > 0).any()


@pytest.mark.parametrize("name", STEPPED)
def test_observations_masks_and_the_state_of_the_world_are_jaxmarls(name: str) -> None:
    game, found = GAMES[name](enemy="self"), recorded(name)
    state = placed(game, found, after=True)
    seen, legal, world = jax.jit(lambda state: (game.observe(state), game.mask(state), game.world_state(state)))(state)
    np.testing.assert_allclose(seen, last(found["observation"]), atol=2e-6)
    np.testing.assert_array_equal(legal, last(found["mask"]))
    np.testing.assert_allclose(world, last(found["world"]), atol=2e-6)
    against = GAMES[name]()
    np.testing.assert_array_equal(jax.jit(against.observe)(state), seen[: against.team])
    assert np.asarray(seen)[:, :: seeing.PER_UNIT].any(axis=(1, 2)).all(), "each unit is to see another"


@pytest.mark.parametrize("name", ["3m", "5m_vs_6m", "smacv2_5_units"])
def test_the_scripted_team_acts_as_jaxmarls(name: str) -> None:
    """Where nothing is drawn: not whom of several in sight a unit walks up to."""
    game, found = GAMES[name](enemy="self"), recorded(name)
    before, at = placed(game, found), streams(0, len(found["done"]))
    observation, legal = jax.device_get(jax.jit(lambda state: (game.observe(state), game.mask(state)))(before))
    for team, foes, own in ((game.team, game.foes, slice(0, game.team)), (game.foes, game.team, slice(game.team, None))):
        memory = Memory(last(found["goal"][:, own]), last(found["target"][:, own]))
        policy, seen = Heuristic(team), Seen(observation[own], legal[own, : 5 + foes], legal[own, 0])
        after, actions = jax.device_get(jax.jit(policy.act)(None, memory, seen, at))
        rows = observation[own, (team - 1) * 13 : (team - 1 + foes) * 13]
        sighted = (rows[:, ::13] > 0).sum(axis=1)
        certain = ((sighted <= 1) | (after.target >= 0)) & (before.health[own] > 0)
        np.testing.assert_array_equal(actions[certain], last(found["scripted"][:, own])[certain])
        np.testing.assert_array_equal(after.target, last(found["after_target"][:, own]))
        assert certain.sum() > certain.size / 4
        if own.start:
            again, same = _straight(game, policy, memory, before)
            alive = before.health[own] > 0
            np.testing.assert_array_equal(same[alive], actions[alive])
            np.testing.assert_array_equal(again.target, after.target)


@pytest.mark.parametrize("name", ["3m", "2s3z", "5m_vs_6m"])
@pytest.mark.parametrize("who", ["random", "scripted"])
def test_battles_are_won_as_often_as_in_jaxmarl(name: str, who: str) -> None:
    game = GAMES[name]()
    policy = Heuristic(game.team) if who == "scripted" else Legal()
    found = unroll(Episodes(game, reset="never"), policy, seed=5, episodes=3000)
    ours = np.stack([found.info["won"], found.returns[0], found.length]).astype(np.float64)
    mean, error = recorded(f"battles {name}")[who]
    spread = np.sqrt(error**2 + ours.var(axis=1, ddof=1) / ours.shape[1])
    assert (np.abs(ours.mean(axis=1) - mean) <= 3 * spread).all(), (ours.mean(axis=1), mean, spread)


def _straight(game: Any, policy: Heuristic, memory: Memory, before: Any) -> Any:
    """What it decides from the state itself, as the game asks it to."""

    def decided(memory: Memory, state: Any) -> Any:
        found = heuristic.foes(state, game.traits(state), allies=game.team)
        return policy.decided(memory, state.position[game.team :], found, streams(0, state.health.shape[-1]))

    return jax.device_get(jax.jit(decided)(memory, before))


class Legal:
    """Acts at random among what is legal."""

    def init(self, environments: int) -> Any:
        return ()

    def act(self, params: Any, carry: Any, seen: Seen, at: Any) -> tuple[Any, Any]:
        return carry, categorical(at, POLICY, jax.numpy.where(seen.mask, 0.0, -jax.numpy.inf), axis=1)


def _step(game: Any, found: dict[str, np.ndarray]) -> Any:
    before, actions = placed(game, found), last(found["actions"])
    actions = actions.astype(np.int32) if actions.dtype.kind == "i" else actions
    return jax.device_get(jax.jit(game.step)(before, actions, streams(0, actions.shape[-1])))


def _same_shots(state: Any, found: dict[str, np.ndarray]) -> None:
    """Who fired is the same, and the cooldowns of who did not."""
    before, after = last(found["cooldown"]), last(found["after_cooldown"])
    fired = after > before - 0.5 + 1e-3
    np.testing.assert_array_equal(state.cooldown > before - 0.5 + 1e-3, fired)
    np.testing.assert_allclose(state.cooldown[~fired], after[~fired], atol=1e-5)
    assert fired.any() and not fired.all()
    assert (np.abs(state.cooldown - after)[fired] <= 3 / 16 + 1e-5).all()
