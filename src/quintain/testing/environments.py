"""The conformance suite of environments: what each one owes to whoever steps it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import gymnasium
from gymnasium.utils.env_checker import check_env as check_gymnasium_env

from quintain import making
from quintain.core import Step, Task
from quintain.errors import UsageError
from quintain.faces import GymEnv
from quintain.spaces import Action, Observation, Submit, parse_action

from .drawing import Draw, any_action, malformed
from .nonconformance import Nonconformance, allowed, refusal, require


def check_env(env: GymEnv | Task | str, *, seeds: Sequence[int] = (0, 1), steps: int = 10, draw: Draw | None = None) -> None:
    """Check an environment (or the one of a task, or of a task's id) against the contract, and close it.

    Args:
        env: the environment; it needs to be fresh or between episodes.
        seeds: episodes to play.
        steps: steps to take in each, fewer where the episode ends.
        draw: chooses the actions; by default any that the action space has and that does not end the episode.

    Raises:
        Nonconformance: the first thing that is wrong.
    """
    if not isinstance(env, GymEnv):
        env = making.make(env)
    draw = draw or any_action(env.environment.action_space)
    where = env.task.id
    try:
        with allowed(where):
            _check_spaces(env)
            for seed in seeds:
                first = _play(env, seed=seed, steps=steps, draw=draw)
                if env.capabilities.replay:
                    _check_same(first, _play(env, seed=seed, steps=steps, draw=draw), f"{where}, seed {seed}")
            _check_malformed(env)
            _check_end(env)
            _check_limits(env, draw)
            if env.capabilities.replay:
                _check_gymnasium(env)
    finally:
        env.close()
    _check_closed(env)


def _check_spaces(env: GymEnv) -> None:
    where = f"{env.task.id}: action_space"
    space = env.environment.action_space
    space.seed(0)
    for _ in range(20):
        action = space.sample()
        require(action in space, f"{where}: sample() gave {action!r}, which it does not contain")
        [again] = space.from_jsonable(space.to_jsonable([action]))
        require(again == action, f"{where}: {action!r} came back from JSON as {again!r}")
        require(parse_action(action.model_dump_json()) == action, f"{where}: {action!r} does not survive model_dump_json")


def _play(env: GymEnv, *, seed: int, steps: int, draw: Draw) -> list[Observation]:
    """Play one episode to its end, submitting after `steps`; what was seen, the first observation included."""
    where, random = f"{env.task.id}, seed {seed}", Random(seed)
    observation, info = env.reset(seed=seed)
    _check_observation(env, observation, f"{where}, reset")
    require(isinstance(info, dict), f"{where}, reset: info is {type(info).__name__}, not a dict")
    require(observation.step == 0, f"{where}, reset: observation.step is {observation.step}, not 0")
    seen, rewards, step = [observation], 0.0, None
    for index in range(1, steps + 2):
        action = draw(observation, random) if index <= steps else Submit()
        step = env.step(action)
        observation = step.observation
        _check_step(env, step, f"{where}, step {index} ({action.kind})")
        require(observation.step == index, f"{where}, step {index}: observation.step is {observation.step}")
        seen.append(observation)
        rewards += step.reward
        if step.terminated or step.truncated:
            break
    require(step is not None and (step.terminated or step.truncated), f"{where}: submit did not end the episode")
    _check_score(env, rewards, where)
    return seen


def _check_step(env: GymEnv, step: Any, where: str) -> None:
    require(isinstance(step, Step), f"{where}: step() gave {type(step).__name__}, not a Step")
    _check_observation(env, step.observation, where)
    require(type(step.reward) is float and math.isfinite(step.reward), f"{where}: reward is {step.reward!r}, not a finite float")
    require(type(step.terminated) is bool and type(step.truncated) is bool, f"{where}: terminated and truncated must be bool")
    require(not (step.terminated and step.truncated), f"{where}: both terminated and truncated")
    require(isinstance(step.info, dict), f"{where}: info is {type(step.info).__name__}, not a dict")


def _check_observation(env: GymEnv, observation: Observation, where: str) -> None:
    space = env.environment.observation_space
    require(observation in space, f"{where}: observation_space does not contain the observation ({type(observation).__name__})")
    with allowed(f"{where}: observation to JSON and back"):
        again = Observation.model_validate_json(observation.model_dump_json())
    require(again == observation, f"{where}: the observation came back from JSON changed in {_differences(observation, again)}")
    for name in ("elements", "screenshot"):
        unwanted = getattr(observation, name) is not None and name not in env.environment.observe
        require(not unwanted, f"{where}: {name} was not asked for (observe={env.environment.observe}), but is there")


def _check_score(env: GymEnv, rewards: float, where: str) -> None:
    score = env.environment.score
    if env.task.evaluator is None:
        require(rewards == 0, f"{where}: a task without an evaluator gave rewards that sum to {rewards}")
        return
    require(score is not None, f"{where}: the episode is over and was not scored")
    if score is not None and score.value is not None:
        same = math.isclose(rewards, score.value, abs_tol=1e-9)
        require(same, f"{where}: the rewards sum to {rewards}, the score is {score.value}")


def _check_same(first: Sequence[Observation], second: Sequence[Observation], where: str) -> None:
    require(len(first) == len(second), f"{where}: took {len(first) - 1} steps, then {len(second) - 1}, though it promises replay")
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        require(a == b, f"{where}: repeated, step {index} differs in {_differences(a, b)}, though the world promises replay")


def _differences(a: Observation, b: Observation) -> str:
    names = [name for name in Observation.model_fields if a.model_copy(update={name: getattr(b, name)}) != a]
    return ", ".join(f"{name} ({str(getattr(a, name))[:60]!r} and {str(getattr(b, name))[:60]!r})" for name in names) or "nothing"


def _check_malformed(env: GymEnv) -> None:
    with _limited(env, None):
        env.reset(seed=0)
        for action in malformed(env.environment.action_space):
            where = f"{env.task.id}: step({_short(action)})"
            with allowed(where):
                step = env.step(action)  # type: ignore[arg-type]
            require(step.observation.error, f"{where}: observation.error is empty; say what is wrong with the action")
            _check_observation(env, step.observation, where)
            if step.terminated or step.truncated:
                env.reset(seed=0)


def _check_end(env: GymEnv) -> None:
    env.reset(seed=0)
    step = env.step(Submit())
    require(step.terminated and not step.truncated, f"{env.task.id}: submit must terminate the episode")
    with refusal(f"{env.task.id}: a step after the end", UsageError):
        env.step(Submit())
    with refusal(f"{env.task.id}: a negative seed", UsageError, gymnasium.error.Error):
        env.reset(seed=-1)


def _check_limits(env: GymEnv, draw: Draw) -> None:
    for limit in (1, 3):
        with _limited(env, limit):
            observation, _ = env.reset(seed=0)
            require(observation.budget.steps == limit, f"{env.task.id}: budget.steps is {observation.budget.steps}, not {limit}")
            random = Random(0)
            for index in range(1, limit + 1):
                step = env.step(draw(observation, random))
                observation = step.observation
                if step.terminated:
                    break
                where = f"{env.task.id}: limits.steps = {limit}, step {index}"
                require(step.truncated == (index == limit), f"{where}: truncated is {step.truncated}")


def _check_gymnasium(env: GymEnv) -> None:
    with warnings.catch_warnings(record=True) as caught, allowed(f"{env.task.id}: gymnasium.utils.env_checker"):
        warnings.simplefilter("always")
        check_gymnasium_env(env, skip_render_check=True, skip_close_check=True)
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            raise Nonconformance(f"{env.task.id}: gymnasium.utils.env_checker warns: {' '.join(str(warning.message).split())}")


def _check_closed(env: GymEnv) -> None:
    with allowed(f"{env.task.id}: the second close()"):
        env.close()
    with refusal(f"{env.task.id}: reset() after close()", UsageError):
        env.reset(seed=0)


@contextmanager
def _limited(env: GymEnv, steps: int | None) -> Iterator[None]:
    task = env.environment.task
    env.environment.task = task.model_copy(update={"limits": task.limits.model_copy(update={"steps": steps})})
    try:
        yield
    finally:
        env.environment.task = task


def _short(action: Action | object) -> str:
    text = repr(action)
    return text if len(text) <= 60 else text[:59] + "…"
