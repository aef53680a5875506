"""Agents of every shape: recognised before anything starts, lifted, and played."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import toy_world as toy

import quintain
from quintain import lifting
from quintain.agency.shapes import shape
from quintain.core import Agent, LoopAgent
from quintain.errors import UsageError
from quintain.lifting import AgentLike, build, check, label_of
from quintain.registry import catalog, lookup
from quintain.spaces import Action, Choose, Observation

UP = Choose(index=toy.UP)


def up(observation: Observation) -> Action:
    return UP


async def up_later(seen: Observation, *, index: int = toy.UP) -> Action:
    return Choose(index=index)


class Upwards:
    def __call__(self, obs: Any) -> Action:
        return UP


def loop(episode: quintain.SyncHandle) -> None:
    while not episode.over:
        episode.act(UP)


async def loop_later(handle: quintain.EpisodeHandle, *, times: int = 100) -> str:
    for _ in range(times):
        if not handle.over:
            await handle.act(UP)
    return "done"


class Looping:
    async def play(self, episode: quintain.EpisodeHandle) -> None:
        await loop_later(episode)


def maker(index: int = toy.UP) -> Callable[[Observation], Action]:
    return lambda observation: Choose(index=index)


def raising() -> None:
    raise SystemExit(3)


def agent_maker(**config: Any) -> toy.UpAgent:
    return toy.UpAgent(**config)


SHAPES = {
    "step": toy.UpAgent, "function": up, "coroutine": up_later, "partial": functools.partial(up_later, index=toy.UP),
    "callable": Upwards, "loop": Looping, "loop function": loop, "loop coroutine": loop_later, "maker": maker,
    "maker of an agent": agent_maker,
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_plays(name: str, tmp_path: Path) -> None:
    run = quintain.evaluate(SHAPES[name], toy.counter_task(target=3), workers=0, out=tmp_path / "run")
    episode = next(run.episodes())
    assert (run.rows()["value"].tolist(), episode.outcome, len(episode.steps)) == ([1.0], "ok", 3)


def test_functions_travel_to_workers(tmp_path: Path) -> None:
    agents = {"function": lambda observation: UP, "loop": loop_later, "place": f"{__file__}:maker"}
    run = quintain.evaluate(agents, toy.counter_task(), workers=1, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (toy.UpAgent, "step"),
        (toy.UpAgent(), "step"),
        (Looping, "loop"),
        (up, "function"),
        (up_later, "function"),
        (lambda obs: UP, "function"),
        (Upwards, "function"),
        (Upwards(), "function"),
        (loop, "loop function"),
        (lambda episode: None, "loop function"),
        (lambda observation, agent: 0, "pettingzoo"),
        (raising, "maker"),
        (lambda model: toy.UpAgent(), "maker"),
        (agent_maker, "maker"),
        (type("A", (), {"get_action": lambda self, obs: ("", {})}), "agentlab"),
        (type("A", (), {"make_agent": lambda self: None}), "agentlab"),
        (type("A", (), {"predict": lambda self, instruction, obs: []}), "osworld"),
        (type("A", (), {"predict": lambda self, observation, state=None: (0, state)}), "gymnasium"),
        (type("A", (), {"init": lambda self, key: 0, "act": lambda self, params, carry, observation, key: (0, 0)}), "policy"),
    ],
)
def test_shapes_are_told_apart(thing: Any, expected: str) -> None:
    assert shape(thing) == expected


@pytest.mark.parametrize("name", catalog("agents"))
def test_every_agent_of_the_catalog_has_a_shape(name: str) -> None:
    assert shape(lookup("agents", name)) in ("step", "loop")


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (type("A", (), {"reset": lambda self, task, seed: None}), "has no method act(observation); an agent has both"),
        (type("A", (), {"act": lambda self, observation: UP}), "has no method reset(task, seed); an agent has both"),
        (type("A", (), {}), "no other shape of an agent: reset and act; play;"),
        (
            type("A", (), {"reset": lambda self: None, "act": lambda self, observation: UP}),
            "cannot be called as reset(task, seed)",
        ),
        (type("A", (), {"reset": lambda self, *_: None, "act": lambda self: UP}), "its act cannot be called as act(observation)"),
        (type("A", (), {"play": lambda self: None}), "its play cannot be called as play(episode)"),
        (42, "has no method reset(task, seed)"),
        (None, "has no method reset(task, seed)"),
    ],
)
def test_what_is_no_agent_is_refused_with_what_is_missing(thing: Any, said: str) -> None:
    for use in (build, check):
        with pytest.raises(UsageError) as caught:
            use(thing)
        assert said in str(caught.value) and str(caught.value).startswith(f"agent {label_of(thing)!r}: ")


@pytest.mark.parametrize(
    ("agent", "config", "said"),
    [
        ("nul", {}, "unknown agent 'nul'; did you mean null"),
        ("forger", {"attak": "x"}, "agent 'forger': takes no argument 'attak'; did you mean attack?"),
        ("forger", {}, "needs the argument 'attack'; give it in its config, or with --set attack=…"),
        ("null", {"x": 1}, "takes no arguments, but was given 'x'"),
        (up, {"index": 1}, "takes no arguments, but was given 'index'"),
        (up_later, {"indx": 1}, "takes no argument 'indx'; did you mean index?"),
        (toy.UpAgent(), {"x": 1}, "takes no arguments, but was given 'x'"),
        ({"agnt": "null"}, {}, "unknown field 'agnt'; did you mean agent?"),
        ("null(x=1", {}, "write an agent with its arguments as in"),
        ("missing.toml", {}, "no file 'missing.toml'"),
        ("missing.py:Agent", {}, "agent 'missing.py:Agent': no file 'missing.py'"),
    ],
)
def test_wrong_names_and_arguments_are_refused_on_one_line(agent: Any, config: dict[str, Any], said: str) -> None:
    for use in (build, check):
        with pytest.raises(UsageError) as caught:
            use(agent, **config)
        assert said in str(caught.value) and "\n" not in str(caught.value)


class Wrapping:
    """A technique, as far as its arguments are concerned."""

    def __init__(self, agent: AgentLike, others: list[AgentLike] | None = None, plan: Any = None) -> None:
        self.agents = [build(each) for each in (agent, *(others or ()))]

    def reset(self, task: Any, seed: int) -> None: ...

    def act(self, observation: Observation) -> Action:
        return UP


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"agent": "nul"}, "agent 'Wrapping': unknown agent 'nul'"),
        ({"agent": "null", "others": ["null", "randm"]}, "unknown agent 'randm'; did you mean random"),
        ({"agent": {"agent": "forger", "config": {"attak": 1}}}, "agent 'forger': takes no argument 'attak'"),
        ({"agent": "null", "plan": [{"deep": {"agent": "nobody"}}]}, "unknown agent 'nobody'"),
    ],
)
def test_agents_among_the_arguments_are_checked_too(config: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(Wrapping, **config)


def test_agents_among_the_arguments_are_built() -> None:
    inner = {"agent": "constant", "config": {"action": {"kind": "choose", "index": 1}}}
    made = build(Wrapping, agent=inner, others=["null", up, toy.UpAgent])
    assert [type(each).__name__ for each in made.agents] == ["ConstantAgent", "NullAgent", "FunctionAgent", "UpAgent"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("maker", "said"),
    [
        (raising, "agent 'raising': cannot be built: SystemExit: 3"),
        (lambda: 7, "has no method reset"),
        (lambda: toy.UpAgent, "made <class 'toy_world.UpAgent'>, which is no agent"),
        (lambda: lambda x: x, "which is no agent"),
    ],
)
def test_a_maker_that_makes_no_agent_is_refused(maker: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(maker)
    assert said in str(caught.value)


def test_what_is_built_keeps_the_contract() -> None:
    assert isinstance(build(up), Agent) and isinstance(build("random"), Agent)
    assert isinstance(build(loop), LoopAgent) and not isinstance(build(loop), Agent)
    assert lifting.made(up) is up


def test_arguments_are_those_of_the_description_and_of_the_call() -> None:
    made: Any = build({"agent": f"{toy.TOY}:MovesAgent", "config": {"moves": [1]}}, moves=[2, 3])
    assert made.moves == [2, 3]
    assert build(f"{toy.TOY}:MovesAgent(moves=[4])").moves == [4]  # type: ignore[union-attr]
