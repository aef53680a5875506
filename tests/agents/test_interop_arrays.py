"""Policies over arrays, of Gymnasium, PettingZoo and JAX: what they see, how they are read, and that they play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toy_world as toy
from gymnasium.spaces import Box, Discrete

import quintain
from quintain.agents.interop.arrays import decode, encode
from quintain.agents.interop.gymnasium import GymnasiumAgent
from quintain.agents.interop.pettingzoo import PettingZooAgent
from quintain.agents.interop.policy import PolicyAgent
from quintain.core import Limits, Meta, TaskView
from quintain.errors import AgentError, UsageError
from quintain.spaces import Choose, Control, Noop, Observation

VIEW = TaskView(id="t/a", goal="", limits=Limits(), meta=Meta())


def act(agent: Any, *observations: Observation, seed: int = 0) -> list[Any]:
    agent.reset(VIEW, seed)
    return [agent.act(each) for each in observations]


def test_numbers_in_the_text_come_before_the_screenshot() -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert encode(None, Observation(text="[1, 2.5]", screenshot=pixels)).tolist() == [1, 2.5]
    assert encode(None, Observation(text="hello", screenshot=pixels)) is pixels
    with pytest.raises(AgentError, match=r"give it a method encode\(observation\)"):
        encode(None, Observation(text="hello"))


class Boxed:
    observation_space = Box(-1, 1, (2, 1), np.float64)
    action_space = Discrete(3, start=5)


def test_arrays_have_the_shape_and_dtype_of_the_policys_space() -> None:
    seen = encode(Boxed(), Observation(text="[0.5, 1]"))
    assert Boxed.observation_space.contains(seen)
    with pytest.raises(AgentError, match=r"Boxed sees arrays of shape \(2, 1\), but got \(3,\)"):
        encode(Boxed(), Observation(text="[1, 2, 3]"))


def test_integers_choose_and_arrays_control() -> None:
    assert decode(None, np.int64(3)) == Choose(index=3)
    assert decode(None, jnp.asarray([2])) == Choose(index=2)
    assert decode(Boxed(), 6) == Choose(index=1)
    assert decode(None, np.array([0.5, -1.0])) == Control(values=(0.5, -1.0))
    assert decode(None, Noop()) == Noop()
    for wrong in (object(), -1, float("nan")):
        with pytest.raises(AgentError, match="neither a move nor controls"):
            decode(None, wrong)


class Counting:
    """The signature of Stable-Baselines3's recurrent policies; its state is how often it was asked."""

    observation_space = Box(0, 100, (1,), np.float32)

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> Any:
        assert self.observation_space.contains(observation) and deterministic
        assert episode_start.tolist() == [state is None]
        return np.array([(state or 0) % 2]), (state or 0) + 1


def test_a_recurrent_policy_gets_its_state_back_within_an_episode() -> None:
    agent, seen = GymnasiumAgent(Counting), [Observation(text="0")] * 3
    assert act(agent, *seen) == act(agent, *seen) == [Choose(index=index) for index in (0, 1, 0)]


class Greedy:
    """Any policy of Gymnasium's world: the observation is the text's number, the action from a space of its own."""

    action_space = Discrete(2)

    def predict(self, observation: Any) -> Any:
        return self.action_space.dtype.type(toy.UP if observation < 3 else toy.DOWN), None


def zoo_policy(observation: Any, agent: str) -> int:
    return toy.UP if agent == "agent_0" else toy.DOWN


class Walker:
    """Counts in its carry; mixes parameters and keys into nothing but the action."""

    params = jnp.asarray(1.0)

    def init(self, key: Any) -> Any:
        return jnp.asarray(0)

    def act(self, params: Any, carry: Any, observation: Any, key: Any) -> tuple[Any, Any]:
        noise = jax.random.bernoulli(key, 0.0).astype(jnp.int32)
        return carry + 1, jnp.where(observation * params < 3, toy.UP, toy.DOWN) + noise


@pytest.mark.parametrize("agent", [Greedy, zoo_policy, Walker, Walker()], ids=["gymnasium", "pettingzoo", "policy", "made"])
def test_they_play(agent: Any, tmp_path: Path) -> None:
    run = quintain.evaluate(agent, toy.counter_task(target=3), workers=0, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0]


class Dice:
    def init(self, key: Any) -> Any:
        return key

    def act(self, params: Any, carry: Any, observation: Any, key: Any) -> tuple[Any, Any]:
        return carry, jax.random.randint(key, (), 0, 1000)


def test_the_keys_of_a_policy_follow_from_the_seed() -> None:
    seen = [Observation(text="0")] * 4
    first, again, other = (act(PolicyAgent(Dice), *seen, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len({action.index for action in first}) > 1


def test_a_real_policy_of_pettingzoo_knows_its_seat() -> None:
    rps_v2 = pytest.importorskip("pettingzoo.classic.rps_v2", reason="tried in environments that have PettingZoo")
    env = rps_v2.env()
    env.reset(seed=3)
    asked: list[str] = []

    def policy(observation: Any, agent: str) -> Any:
        asked.append(agent)
        return env.action_space(agent).sample()

    moves = act(PettingZooAgent(policy, seat="player_1"), *[Observation(text="3")] * 5)
    assert all(env.action_space("player_1").contains(np.int64(move.index)) for move in moves)
    act(PettingZooAgent(policy), Observation(text="3", goal_fields={"seat": "player_0"}))
    assert asked == ["player_1"] * 5 + ["player_0"]


def test_a_policy_of_a_real_gymnasium_environment_is_read() -> None:
    env = gymnasium.make("CartPole-v1")

    class Leaning:
        observation_space, action_space = env.observation_space, env.action_space

        def predict(self, observation: Any) -> Any:
            assert self.observation_space.contains(observation)
            return np.asarray(int(observation[2] > 0)), None

    seen, _ = env.reset(seed=0)
    moves = act(GymnasiumAgent(Leaning()), Observation(text=str(seen.tolist())), Observation(text="[0, 0, -0.1, 0]"))
    assert [move.index for move in moves] == [int(seen[2] > 0), 0]
    env.close()


def test_what_has_no_such_methods_is_refused() -> None:
    with pytest.raises(UsageError, match="no method predict"):
        GymnasiumAgent("random")
    with pytest.raises(UsageError, match="is no policy"):
        PolicyAgent("random")
