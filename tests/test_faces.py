"""The faces: `gymnasium.Env`, awaitable, and `gymnasium.vector.VectorEnv`."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import gymnasium
import numpy as np
import pytest
from counter_world import BREAK, UP, CounterWorld, Reached, counter_task
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import quintain
from quintain import background
from quintain.core import Episode, Limits, Score, Step, Task
from quintain.environment import Environment
from quintain.errors import EnvironmentFault, EvaluatorError, UsageError
from quintain.faces import GymEnv, VecEnv
from quintain.spaces import Choose, Noop

GO, DEAD = Choose(index=UP), Choose(index=BREAK)


def make(**setup: Any) -> GymEnv:
    return quintain.make(counter_task(**setup))


def test_gymnasiums_own_checker_is_content() -> None:
    env = make()
    check_env(env, skip_render_check=True)
    env.close()


def test_a_step_has_names_and_unpacks() -> None:
    with make(target=2) as env:
        observation, _ = env.reset(seed=1)
        assert observation.text == "0"
        step = env.step(GO)
        assert isinstance(step, Step)
        observation, reward, terminated, truncated, info = step
        assert (observation.text, reward, terminated, truncated) == ("1", 0.5, False, False)
        assert info["score"].value == 0.5


def test_seeds_are_drawn_from_the_first_one() -> None:
    def seeds(seed: int | None) -> list[int]:
        with quintain.make(counter_task(), seed=seed) as env:
            return [env.reset()[1]["seed"] for _ in range(3)]

    assert seeds(5) == seeds(5) != seeds(6)
    assert seeds(5)[0] == 5
    assert len({*seeds(None), *seeds(None)}) == 6


def test_it_renders_screenshots_where_asked_to() -> None:
    with quintain.make(counter_task(), render_mode="rgb_array") as env:
        assert env.render() is None
        env.reset()
        picture = env.render()
        assert picture is not None and picture.shape == (4, 6, 3)
    with pytest.raises(UsageError, match="render_mode 'human'"):
        quintain.make(counter_task(), render_mode="human")


def test_wrappers_of_gymnasium_fit() -> None:
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(make(target=9), 2))
    env.reset(seed=0)
    env.step(GO)
    *_, truncated, info = env.step(GO)
    assert truncated
    assert info["episode"]["l"] == 2
    env.close()


async def test_it_works_inside_of_a_running_loop() -> None:
    with make() as env:
        env.reset(seed=0)
        assert env.step(GO).observation.text == "1"
    async with quintain.make_async(counter_task()) as awaited:
        await awaited.reset(seed=0)
        assert (await awaited.step(GO)).observation.text == "1"
        assert awaited.task.id == "toy/count"
        assert awaited.capabilities.replay


def test_the_awaitable_face_can_be_awaited_from_any_loop() -> None:
    env = quintain.make_async(counter_task(target=9))
    assert asyncio.run(env.reset(seed=0))[0].text == "0"
    assert asyncio.run(env.step(GO)).observation.text == "1"
    asyncio.run(env.close())


async def test_awaiting_leaves_the_callers_loop_free_and_can_be_cancelled() -> None:
    env = quintain.make_async(counter_task(), delay=30)
    await env.reset(seed=0)
    beats = 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            step = asyncio.ensure_future(env.step(GO))
            while not step.done():
                await asyncio.sleep(0.01)
                beats += 1
    assert beats > 2
    step.cancel()
    await env.close()


def test_eight_threads_step_side_by_side() -> None:
    texts: dict[int, list[str | None]] = {}

    def play(seed: int) -> None:
        with make(target=50, limits=Limits()) as env:
            seen = [env.reset(seed=seed)[0].text]
            seen += [env.step(GO).observation.text for _ in range(20)]
            texts[seed] = seen

    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts == {seed: [str(n) for n in range(21)] for seed in range(8)}


def vector(n: int = 3, *, mode: AutoresetMode = AutoresetMode.NEXT_STEP, **setup: Any) -> VecEnv:
    return quintain.make_vec(counter_task(**{"target": 2, **setup}), n, autoreset_mode=mode)


def texts(observations: Any) -> list[str]:
    return [each.text for each in observations]


def test_a_vector_env_steps_together() -> None:
    vec = quintain.make_vec(counter_task(target=9, limits=Limits()), 8, delay=0.1)
    observations, infos = vec.reset(seed=10)
    assert list(infos["seed"]) == list(range(10, 18))
    assert observations in vec.observation_space
    began = time.monotonic()
    for _ in range(3):
        vec.step([GO] * 8)
    # One after the other they would take eight times this long; half of that leaves room for a busy machine.
    assert time.monotonic() - began < 3 * 8 * 0.1 / 2
    vec.close()
    assert all(env.world.closed == 1 for env in vec.environments)  # type: ignore[attr-defined]
    vec.close()


def test_ended_episodes_begin_again_in_the_next_step() -> None:
    vec = vector()
    vec.reset(seed=1)
    vec.step([GO, GO, Noop()])
    observations, rewards, terminated, _, infos = vec.step([GO, Noop(), Noop()])
    assert texts(observations) == ["2", "1", "0"]
    assert list(terminated) == [True, False, False]
    assert list(rewards) == [0.5, 0.0, 0.0]
    assert infos["score"][0].value == 1.0
    observations, rewards, terminated, _, infos = vec.step([GO, GO, GO])
    assert texts(observations) == ["0", "2", "1"]
    assert list(rewards) == [0.0, 0.5, 0.5]
    assert list(infos["_seed"]) == [True, False, False]
    vec.close()


def test_ended_episodes_begin_again_in_the_same_step() -> None:
    vec = vector(mode=AutoresetMode.SAME_STEP)
    vec.reset(seed=1)
    vec.step([GO, GO, Noop()])
    observations, rewards, terminated, _, infos = vec.step([GO, Noop(), Noop()])
    assert texts(observations) == ["0", "1", "0"]
    assert list(rewards) == [0.5, 0.0, 0.0]
    assert list(terminated) == [True, False, False]
    assert list(infos["_final_obs"]) == [True, False, False]
    assert infos["final_obs"][0].text == "2"
    assert infos["final_info"]["score"][0].value == 1.0
    assert infos["score"][1].value == 0.5
    assert infos["score"][0] is None
    assert texts(vec.step([GO] * 3)[0]) == ["1", "0", "1"]
    vec.close()


def test_without_autoreset_the_caller_resets_by_mask() -> None:
    vec = vector(mode=AutoresetMode.DISABLED)
    vec.reset(seed=1)
    vec.step([GO] * 3)
    vec.step([GO, Noop(), Noop()])
    with pytest.raises(UsageError, match="reset_mask"):
        vec.step([GO] * 3)
    observations, _ = vec.reset(options={"reset_mask": np.array([True, False, False])})
    assert texts(observations) == ["0", "1", "1"]
    assert texts(vec.step([GO] * 3)[0]) == ["1", "2", "2"]
    vec.close()


def test_a_vector_env_repeats_under_its_seed() -> None:
    def goals(seed: int | None, first: int | None = None) -> list[str]:
        vec = quintain.make_vec(counter_task(limits=Limits(steps=1)), 3, seed=first)
        seen = [each.goal for each in vec.reset(seed=seed)[0]]
        for _ in range(6):
            seen += [each.goal for each in vec.step([Noop()] * 3)[0]]
        vec.close()
        return seen

    assert goals(7) == goals(7) == goals(None, 7) != goals(8)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_world_that_breaks_ends_only_its_own_episode(mode: AutoresetMode) -> None:
    vec = vector(mode=mode)
    vec.reset(seed=1)
    observations, rewards, terminated, truncated, infos = vec.step([GO, DEAD, GO])
    assert np.isnan(rewards).tolist() == [False, True, False]
    assert not terminated.any()
    assert truncated.tolist() == [False, True, False]
    if mode is AutoresetMode.NEXT_STEP:
        assert "broke" in infos["failure"][1]
        assert "broke" in str(observations[1].error)
        observations, rewards, _, truncated, _ = vec.step([Noop(), GO, Noop()])
        assert (observations[1].text, rewards[1], truncated[1]) == ("0", 0.0, False)
    else:
        assert "broke" in infos["final_info"]["failure"][1]
        assert "broke" in str(infos["final_obs"][1].error)
        assert observations[1].text == "0"
    assert texts(vec.step([Noop(), GO, Noop()])[0]) == ["1", "1", "1"]
    vec.close()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_world_that_is_stuck_is_reset_until_it_is_not(mode: AutoresetMode) -> None:
    vec = vector(2, mode=mode, target=1, stuck_resets=(1, 2))
    vec.reset(seed=1)
    resets = [*vec.step([GO, Noop()])[3].tolist()]
    seen = [vec.step([Noop(), Noop()]) for _ in range(4)]
    failed = [bool(np.isnan(rewards[0])) for _, rewards, *_ in seen]
    expected = [True, True, False, False] if mode is AutoresetMode.NEXT_STEP else [True, False, False, False]
    assert failed == expected, resets
    assert seen[-1][0][0].error is None
    assert texts(vec.step([Noop(), Noop()])[0]) == ["0", "0"]
    vec.close()


def test_a_first_reset_that_fails_is_an_error() -> None:
    vec = vector(stuck_resets=(0,))
    with pytest.raises(EnvironmentFault, match="stuck"):
        vec.reset()
    vec.close()


def test_what_is_dropped_without_close_is_closed_wherever_it_is_collected() -> None:
    async def collect() -> None:
        gc.collect()

    vec = vector()
    vec.reset(seed=1)
    worlds: list[Any] = [env.world for env in vec.environments]
    cycle: list[Any] = [vec]
    cycle.append(cycle)
    del vec, cycle
    background.run(collect())
    deadline = time.monotonic() + 30
    while not all(world.closed for world in worlds) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [world.closed for world in worlds] == [1, 1, 1]


class Wrong:
    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        raise KeyError("wrong")


def test_what_is_not_the_worlds_fault_is_raised() -> None:
    vec = VecEnv([Environment(CounterWorld(), counter_task(), evaluator=each) for each in (Reached(), Wrong())])
    vec.reset(seed=1)
    with pytest.raises(EvaluatorError, match="wrong"):
        vec.step([GO, GO])
    with pytest.raises(UsageError, match="takes 2 actions"):
        vec.step([GO])
    with pytest.raises(UsageError, match="takes 2 seeds"):
        vec.reset(seed=[1])
    vec.close()
    with pytest.raises(UsageError, match="n >= 1"):
        quintain.make_vec(counter_task(), 0)
