"""The conformance suite of worlds: what the author of an environment family owes to `quintain.environment.Environment`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from pydantic import BaseModel

from quintain import background
from quintain.core import Capabilities, Evidence, Probe, Task, World
from quintain.environment import Environment
from quintain.faces import GymEnv
from quintain.making import load_evaluator
from quintain.model_space import ModelSpace
from quintain.spaces import KINDS, MODALITIES, TALK, Action, Observation

from .drawing import Draw, any_action
from .environments import check_env
from .nonconformance import Nonconformance, allowed, require


def check_world(
    make: Callable[[], World], task: Task, *, seeds: Sequence[int] = (0, 1), steps: int = 10, draw: Draw | None = None
) -> None:
    """Check a world by itself, then the environment that it makes with `task` (see `check_env`).

    Args:
        make: makes a world; it is called several times, and each world is closed.
        task: one that this world can set up.
        seeds: episodes to play.
        steps: steps to take in each, fewer where the episode ends.
        draw: chooses the actions.

    Raises:
        Nonconformance: the first thing that is wrong.
    """
    world = make()
    name = type(world).__name__
    require(isinstance(world, World), f"{name}: lacks {', '.join(_missing(world)) or 'a part'} of the World protocol")
    with allowed(name):
        try:
            _check_declarations(world, name)
            _check_parse(world, name)
            background.run(_check_episodes(world, task, seeds=seeds, steps=steps, draw=draw))
        finally:
            background.run(_close_twice(world, name))
    check_env(GymEnv(Environment(make(), task, evaluator=load_evaluator(task))), seeds=seeds, steps=steps, draw=draw)


def _check_declarations(world: World, name: str) -> None:
    require(isinstance(world.Setup, type) and issubclass(world.Setup, BaseModel), f"{name}.Setup is no pydantic model")
    strict = world.Setup.model_config.get("extra") == "forbid"
    require(strict, f"{name}.Setup accepts unknown fields, so that typing errors in tasks pass; set extra='forbid'")
    unknown = set(world.action_kinds) - set(KINDS)
    require(not unknown, f"{name}.action_kinds: {', '.join(sorted(unknown))} are no kinds of action")
    talk = set(world.action_kinds) & TALK
    require(not talk, f"{name}.action_kinds: {', '.join(sorted(talk))} are handled by the environment; leave them out")
    capabilities = world.capabilities
    require(isinstance(capabilities, Capabilities), f"{name}.capabilities is {type(capabilities).__name__}, not Capabilities")
    absent = set(world.default_observe) - set(capabilities.modalities)
    require(not absent, f"{name}.default_observe: {', '.join(sorted(absent))} are not among its capabilities.modalities")
    require(set(capabilities.modalities) <= set(MODALITIES), f"{name}.capabilities: unknown modalities {capabilities.modalities}")
    texts = all(isinstance(key, str) and isinstance(value, str) for key, value in world.versions.items())
    require(texts, f"{name}.versions must map names to version texts, has {world.versions}")


def _missing(world: object) -> list[str]:
    names = ("Setup", "action_kinds", "default_observe", "capabilities", "versions", "reset", "act", "collect", "parse", "close")
    return [name for name in names if not hasattr(world, name)]


def _check_parse(world: World, name: str) -> None:
    for text in ("", "this is no call", "(", "\x00", "no_such_function(1)", 'click("' * 50):
        where = f"{name}.parse({text[:30]!r})"
        try:
            actions = world.parse(text)
        except ValueError as problem:
            require(str(problem) and "\n" not in str(problem), f"{where}: the message must be one line, not empty")
        except Exception as error:
            raise Nonconformance(f"{where}: raised {type(error).__name__}; raise ValueError") from error
        else:
            require(isinstance(actions, list), f"{where}: gave {type(actions).__name__}, not a list of actions")


async def _check_episodes(world: World, task: Task, *, seeds: Sequence[int], steps: int, draw: Draw | None) -> None:
    name = type(world).__name__
    space = ModelSpace[Action](*(KINDS[kind] for kind in KINDS if kind in world.action_kinds))
    draw = draw or any_action(space)
    for modality in world.capabilities.modalities:
        observation = await world.reset(task.for_world(), seed=seeds[0], observe=(modality,))
        given = getattr(observation, modality)
        there = given is not None and not (isinstance(given, tuple) and not given)
        require(there, f"{name}.reset(observe=({modality!r},)): the observation has no {modality}")
    for seed in seeds:
        random = Random(seed)
        observation = await world.reset(task.for_world(), seed=seed, observe=world.default_observe)
        require(observation.goal or task.goal, f"{name}.reset: neither the task nor the observation states a goal")
        for _ in range(steps):
            action = draw(observation, random)
            observation = await world.act(action)
            kind = type(observation).__name__
            require(isinstance(observation, Observation), f"{name}.act({action!r}): gave {kind}, not an Observation")
            evidence = await world.collect(task.evaluator.probe if task.evaluator else Probe())
            require(isinstance(evidence, Evidence), f"{name}.collect: gave {type(evidence).__name__}, not Evidence")
            same = Evidence.model_validate_json(evidence.model_dump_json()) == evidence
            require(same, f"{name}.collect: the evidence changes on its way through JSON")
            if evidence.done:
                break


async def _close_twice(world: World, name: str) -> None:
    await world.close()
    with allowed(f"{name}: the second close()"):
        await world.close()
