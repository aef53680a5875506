"""Multi-agent worlds through the APIs of others, each by its own conformance suite, warnings as errors."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("jax", reason="jax is not installed")
pytest.importorskip("pettingzoo", reason="pettingzoo is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # What PettingZoo warns of when it imports its own tests.
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test, state_test
from gymnasium.vector import AutoresetMode

import quintain
from quintain.errors import UsageError
from quintain.multiagent.making import list_games, make_aec, make_functional, make_parallel, make_vector

SPREAD = "mpe/simple_spread_v3"


ALIKE = {f"smax/{name}" for name in ("8m", "25m", "10m_vs_11m", "27m_vs_30m", "3s5z", "3s_vs_5z", "3s5z_vs_3s6z", "6h_vs_8z")}
ALIKE |= {"smax/smacv2_10_units", "smax/smacv2_20_units"}
ALIKE |= {world for world in list_games("storm") if world != "storm/prisoners_dilemma"}
ALIKE |= {f"overcooked/{name}" for name in ("asymm_advantages", "coord_ring", "counter_circuit")}
"""Worlds that differ from others of their family in numbers only, and take long to compile; those stand for them."""


@pytest.mark.parametrize("world", [world for world in list_games() if world not in ALIKE])
@pytest.mark.filterwarnings("ignore:Agents have different:UserWarning", "ignore:Observation numpy array is all zeros:UserWarning")
@pytest.mark.filterwarnings("ignore:The class of:UserWarning", "ignore:Observations are different shapes:UserWarning")
def test_every_world_passes_pettingzoos_own_tests(world: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Agents that differ, and are told nothing, are not warned of: it is their game."""
    parallel_api_test(make_parallel(world), num_cycles=60)
    parallel_seed_test(lambda: make_parallel(world), num_cycles=30)
    api_test(make_aec(world), num_cycles=60)
    seed_test(lambda: make_aec(world), num_cycles=30)
    state_test(make_aec(world), make_parallel(world), num_cycles=30)


def test_a_seed_repeats_and_a_reset_without_one_goes_on() -> None:
    env, other = make_parallel(SPREAD), make_parallel(SPREAD)
    first, again = env.reset(seed=3)[0], other.reset(seed=3)[0]
    assert all((first[name] == again[name]).all() for name in first)
    following = env.reset()[0]
    assert not any((following[name] == first[name]).all() for name in first)
    assert all((following[name] == seen).all() for name, seen in other.reset()[0].items())


def test_an_episode_is_truncated_after_exactly_its_horizon() -> None:
    env = make_parallel(SPREAD, horizon=4)
    env.reset(seed=0)
    for step in range(4):
        _, _, terminations, truncations, infos = env.step(dict.fromkeys(env.agents, 0))
        assert not any(terminations.values()) and all(truncations.values()) == (step == 3)
        assert infos["agent_0"]["action_mask"].tolist() == [1] * 5
    assert env.agents == [] and env.step({}) == ({}, {}, {}, {}, {})


@pytest.mark.parametrize("seats", ["joint", "separate"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_vectors_end_and_begin_as_their_mode_says(mode: AutoresetMode, seats: Any) -> None:
    envs = make_vector(SPREAD, 4, horizon=5, seats=seats, autoreset_mode=mode)
    first, _ = envs.reset(seed=1)
    assert envs.observation_space.contains(first)
    for _ in range(5):
        seen, reward, terminated, truncated, infos = envs.step(np.zeros_like(envs.action_space.sample()))
    assert truncated.all() and not terminated.any() and reward.shape == (envs.num_envs,) and (reward < 0).all()
    if mode is AutoresetMode.SAME_STEP:
        assert infos["_final_obs"].all() and not np.array_equal(infos["final_obs"][0], seen[0])
    elif mode is AutoresetMode.NEXT_STEP:
        after, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
        assert (reward == 0).all() and not truncated.any() and not np.array_equal(after, seen)
    else:
        with pytest.raises(UsageError, match="reset_mask"):
            envs.step(envs.action_space.sample())
        half = np.arange(envs.num_envs) < envs.num_envs // 2
        with_half, _ = envs.reset(options={"reset_mask": half})
        assert not np.array_equal(with_half[half], seen[half]) and np.array_equal(with_half[~half], seen[~half])


def test_a_world_is_made_by_its_id_alone() -> None:
    with contextlib.closing(quintain.make_vec(SPREAD, 3, seed=1, horizon=5)) as envs:
        seen, _ = envs.reset()
        assert seen.shape == (3, 3, 18)
    with pytest.raises(UsageError, match="leave out observe"):
        quintain.make_vec(SPREAD, 3, observe=("text",))
    assert quintain.make_parallel(SPREAD).possible_agents == ["agent_0", "agent_1", "agent_2"]
    assert SPREAD in quintain.list_games("mpe/*")


def test_gymnasiums_own_statistics_count_episodes() -> None:
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(make_vector(SPREAD, 3, horizon=6, seed=2))
    envs.reset()
    lengths: list[int] = []
    for _ in range(15):
        *_, infos = envs.step(envs.action_space.sample())
        if "episode" in infos:
            lengths += infos["episode"]["l"][infos["_episode"]].tolist()
    assert lengths == [6] * 6


def test_what_a_world_does_not_take_is_refused() -> None:
    with pytest.raises(UsageError, match="no multi-agent world; one looks like"):
        make_functional("spread")
    with pytest.raises(UsageError, match="did you mean simple_spread_v3"):
        make_functional("mpe/simple_spred_v3")
    with pytest.raises(UsageError, match="takes no argument 'cout'; did you mean count"):
        make_functional(SPREAD, cout=3)
    with pytest.raises(UsageError, match="at least one agent"):
        make_functional(SPREAD, count=0)
    env = make_parallel(SPREAD)
    with pytest.raises(UsageError, match="reset"):
        env.step({})
    env.reset(seed=0)
    for actions, message in (({"agent_0": 0}, "no action of agent_1"), (dict.fromkeys(env.agents, 7), "outside 0 … 4")):
        with pytest.raises(UsageError, match=message):
            env.step(actions)
    with pytest.raises(UsageError, match="shape"):
        envs = make_vector(SPREAD, 2)
        envs.reset(seed=0)
        envs.step(np.zeros((2, 2), int))
