"""Every scenario against mpe2: one step from set states, whole episodes, and where episodes begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpe_referee import Referee
from scipy import stats

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import streams  # noqa: E402
from quintain.envs.marl.mpe.games import GAMES  # noqa: E402
from quintain.envs.marl.mpe.particles import State  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402

SQUEEZED = 0.3
"""Brings particles together, so that there are contacts."""
STATES = 24
VARIANTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("simple_spread_v3", {"count": 5}, {"N": 5}),
    ("simple_spread_v3", {"count": 9, "local_ratio": 0.25}, {"N": 9, "local_ratio": 0.25}),
    ("simple_spread_v3", {"closest": (1, 2)}, {"num_agent_neighbors": 1, "num_landmark_neighbors": 2}),
    (
        "simple_tag_v3",
        {"adversaries": 4, "good": 2, "obstacles": 3},
        {"num_adversaries": 4, "num_good": 2, "num_obstacles": 3},
    ),
    ("simple_tag_v3", {"closest": (2, 1)}, {"num_agent_neighbors": 2, "num_landmark_neighbors": 1}),
    ("simple_tag_v3", {"terminate_on_success": True}, {"terminate_on_success": True}),
    ("simple_adversary_v3", {"count": 4}, {"N": 4}),
]
PLAIN = [(name, {"continuous": way}, {"continuous_actions": way}) for name in GAMES for way in (False, True)]


def drawn(game: Any, random: np.random.Generator) -> tuple[State, np.ndarray, np.ndarray]:
    """States, half of them squeezed, the places in them, and actions."""
    agents, things = len(game.agents), len(game.bodies.radius)
    scale = np.where(np.arange(STATES) % 2, 1.0, SQUEEZED)
    places = random.uniform(-1, 1, (things, 2, STATES)) * scale
    paces = random.normal(size=(agents, 2, STATES)) * np.array(game.moves)[:, None, None]
    goals = np.array([random.integers(0, choices, STATES) for choices in game.goals]).reshape(-1, STATES)
    said = np.zeros((agents, max(game.words), STATES))
    parts = (places[:agents], paces, places[agents:], said)
    state = State(*(jnp.asarray(each, jnp.float32) for each in parts), jnp.asarray(goals, jnp.int32))
    if game.continuous:
        return state, places, random.uniform(0, 1, (agents, max(game.action_sizes), STATES)).astype(np.float32)
    return state, places, np.array([random.integers(0, size, STATES) for size in game.action_sizes])


def given(game: Any, actions: np.ndarray, at: int) -> list[Any]:
    if game.continuous:
        return [actions[agent, :size, at] for agent, size in enumerate(game.action_sizes)]
    return [np.int64(each) for each in actions[:, at]]


@pytest.mark.parametrize(("name", "ours", "theirs"), PLAIN + VARIANTS)
def test_one_step_is_mpe2s(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    game, referee = GAMES[name](**ours), Referee(name, **theirs)
    assert list(game.agents) == referee.names
    state, places, actions = drawn(game, np.random.default_rng(1))
    reached, moved = jax.jit(game.step)(state, jnp.asarray(actions), streams(0, STATES))
    seen, ended = np.asarray(jax.jit(game.observe)(reached)), []
    for at in range(STATES):
        referee.put(places[..., at], np.asarray(state.velocity)[..., at], goals=np.asarray(state.goals)[:, at].tolist())
        observations, rewards, over, _ = referee.step(given(game, actions, at))
        for agent, observation in enumerate(observations):
            assert len(observation) == game.observation_sizes[agent]
            assert seen[agent, : len(observation), at] == pytest.approx(observation, abs=2e-5)
        assert np.asarray(moved.reward)[:, at] == pytest.approx(rewards, abs=2e-5)
        ended.append(over)
    assert np.asarray(moved.terminated).tolist() == ended
    assert any(ended) == bool(ours.get("terminate_on_success"))


@pytest.mark.parametrize("name", ["simple_spread_v3", "simple_tag_v3", "simple_reference_v3"])
def test_a_free_run_is_mpe2s_to_the_end_of_the_episode(name: str) -> None:
    env, referee = Episodes(GAMES[name]()), Referee(name)
    state, step = env.init(streams(5, 1)), jax.jit(env.step)
    game = state.game
    places = np.concatenate([game.position, game.landmarks])[..., 0]
    referee.put(places, np.asarray(game.velocity)[..., 0], goals=np.asarray(game.goals)[:, 0].tolist())
    random = np.random.default_rng(0)
    for number in range(25):
        actions = [random.integers(size) for size in env.game.action_sizes]
        state, out = step(state, jnp.asarray(actions)[:, None])
        observations, rewards, _, truncated = referee.step(actions)
        for agent, observation in enumerate(observations):
            assert np.asarray(out.final_observation)[agent, : len(observation), 0] == pytest.approx(observation, abs=1e-4)
        assert np.asarray(out.reward)[:, 0] == pytest.approx(rewards, abs=2e-4)
        assert bool(out.truncated[0]) == truncated == (number == 24)
    assert int(state.streams.episode[0]) == 1 and not bool(out.terminated[0])


@pytest.mark.parametrize("name", ["simple_tag_v3", "simple_push_v3"])
def test_episodes_begin_where_mpe2s_do(name: str) -> None:
    game, referee, theirs = GAMES[name](), Referee(name), []
    for seed in range(150):
        referee.env.reset(seed=seed)
        theirs.append([entity.state.p_pos for entity in referee.world.entities])
    state = game.reset(streams(1, 2000))
    ours = np.concatenate([state.position, state.landmarks])
    for thing, places in enumerate(np.array(theirs).transpose(1, 0, 2)):
        assert stats.ks_2samp(ours[thing].ravel(), places.ravel()).pvalue > 1e-3
    if game.goals:
        assert np.bincount(np.asarray(state.goals[0])).min() > 900


def test_words_reach_who_is_to_hear_them() -> None:
    game = GAMES["simple_speaker_listener_v4"]()
    state = game.reset(streams(0, 4))
    reached, _ = game.step(state, jnp.array([[0, 1, 2, 1], [0, 0, 0, 0]]), streams(0, 4))
    assert np.asarray(game.observe(reached))[1, -3:].argmax(axis=0).tolist() == [0, 1, 2, 1]
    assert (np.asarray(reached.position[0]) == np.asarray(state.position[0])).all()


def test_wrong_numbers_of_agents_are_refused() -> None:
    for name, wrong in (
        ("simple_spread_v3", {"count": 0}),
        ("simple_tag_v3", {"good": 0}),
        ("simple_adversary_v3", {"count": 0}),
    ):
        with pytest.raises(ValueError, match="needs"):
            GAMES[name](**wrong)
