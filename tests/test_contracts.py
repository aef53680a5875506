"""The conformance suites: content with what keeps the contract, and precise about each way of breaking it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from counter_world import HERE, CounterWorld, Reached, counter_task
from pydantic import BaseModel

import quintain
from quintain.core import Agent, Capabilities, Episode, EvaluatorSpec, Evidence, Probe, Score, Task, TaskView, WorldTask
from quintain.environment import Environment
from quintain.faces import GymEnv
from quintain.making import find_tasks, load_evaluator, suite
from quintain.registry import catalog
from quintain.spaces import Action, Choose, Noop, Observation
from quintain.testing import Nonconformance, check_agent, check_env, check_evaluator, check_task, check_world


def gym(world: CounterWorld, task: Task | None = None, evaluator: Any = None) -> GymEnv:
    task = task or counter_task()
    return GymEnv(Environment(world, task, evaluator=evaluator or Reached()))


def test_what_keeps_the_contract_passes() -> None:
    check_env(counter_task())
    check_env(quintain.make(counter_task(when="end"), observe=("text", "screenshot")))
    check_world(CounterWorld, counter_task())
    check_task(counter_task())
    check_agent(Upwards, [counter_task(), counter_task("toy/other", target=3)], repeats=True)


def test_the_suites_of_the_catalog_name_evaluators_that_keep_the_contract() -> None:
    seen = set()
    # A suite of others' data is empty where these are not; its evaluators are tried with data of the tests' own.
    filled = [name for name in catalog("suites") if suite(name).tasks]
    for task in find_tasks(filled):
        if task.evaluator is not None and task.evaluator.id not in seen:
            seen.add(task.evaluator.id)
            evaluator = load_evaluator(task)
            assert evaluator is not None
            check_evaluator(evaluator, task, [Episode(task=task.id, agent="x"), *episodes()])
    assert seen


def test_a_page_in_a_real_browser_keeps_the_contract() -> None:
    check_env("miniwob/click-button", steps=4)
    check_task("miniwob/click-button")


class Unrepeatable(CounterWorld):
    async def act(self, action: Action) -> Observation:
        return (await super().act(action)).model_copy(update={"text": str(random.random())})


class Dumb(CounterWorld):
    async def act(self, action: Action) -> Any:
        return {"text": "1"}


class Raising(CounterWorld):
    async def act(self, action: Action) -> Observation:
        raise ZeroDivisionError("oh")


class Unwritable(CounterWorld):
    async def act(self, action: Action) -> Observation:
        return (await super().act(action)).model_copy(update={"text": "\udcff"})


class Generous(CounterWorld):
    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Any]) -> Observation:
        return await super().reset(task, seed=seed, observe=(*observe, "screenshot"))


class Careless(CounterWorld):
    def parse(self, text: str) -> list[Action]:
        return []

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = 1


ENVIRONMENTS: dict[str, CounterWorld] = {
    r"seed 0: repeated, step 1 differs in text \('0\..*though the world promises replay": Unrepeatable(),
    "AttributeError|expected Observation": Dumb(),
    "toy/count: EnvironmentFault: toy/count: .*ZeroDivisionError: oh": Raising(),
    "observation to JSON and back: raised": Unwritable(),
    "screenshot was not asked for": Generous(),
}


@pytest.mark.parametrize("problem", ENVIRONMENTS)
def test_an_environment_that_breaks_the_contract_is_named(problem: str) -> None:
    with pytest.raises(Nonconformance, match=problem) as caught:
        check_env(gym(ENVIRONMENTS[problem]))
    assert isinstance(caught.value, AssertionError)
    assert "\n" not in str(caught.value)


class Changing(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        return Score(value=random.random())


class Impure(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        if episode.evidence:
            episode.evidence.values["seen"] = True
        return Score(value=0.0)


class Fragile(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        assert episode.evidence is not None
        return Score(value=float(episode.evidence.values["number"] > 5))  # type: ignore[operator,arg-type]


class Bare(Reached):
    def score(self, task: Task, episode: Episode) -> Any:
        return 1.0


class Excessive(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        return Score(value=2.0)


class Deep(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        return Score(value=0.5, parts={"all": float("inf")})


EVALUATORS: dict[str, Any] = {
    "scored differently the second time": Changing(),
    "changed its arguments": Impure(),
    "without evidence: raised AssertionError": Fragile(),
    "gave float, not a Score": Bare(),
    "less than or equal to 1": Excessive(),
    "does not survive JSON|to JSON and back": Deep(),
}


def episodes() -> list[Episode]:
    return [
        Episode(task="toy/count", agent="x", evidence=Evidence(values={"number": number, "target": 4}), answer="2")
        for number in (0, 2, 9)
    ]


@pytest.mark.parametrize("problem", EVALUATORS)
def test_an_evaluator_that_breaks_the_contract_is_named(problem: str) -> None:
    check_evaluator(Reached(), counter_task(), episodes())
    with pytest.raises(Nonconformance, match=problem):
        check_evaluator(EVALUATORS[problem], counter_task(), episodes())


class Loose(BaseModel):
    pass


class LooseSetup(CounterWorld):
    Setup = Loose


class UnknownKind(CounterWorld):
    action_kinds = frozenset({"choose", "fly"})


class Talking(CounterWorld):
    action_kinds = frozenset({"choose", "message"})


class Boastful(CounterWorld):
    capabilities = Capabilities(modalities=("text", "elements"), replay=True)


class Unversioned(CounterWorld):
    versions = {"counter": 1}  # type: ignore[assignment,dict-item]  # noqa: RUF012


class Unhelpful(CounterWorld):
    def parse(self, text: str) -> list[Action]:
        raise KeyError("x") if text else ValueError()


class Unproven(CounterWorld):
    async def collect(self, probe: Probe) -> Any:
        return None


class Nothing:
    pass


WORLDS: dict[str, Any] = {
    "Setup accepts unknown fields": LooseSetup,
    "fly are no kinds of action": UnknownKind,
    "message are handled by the environment": Talking,
    "the observation has no elements": Boastful,
    "versions must map names to version texts": Unversioned,
    "must be one line, not empty": Unhelpful,
    "gave NoneType, not Evidence": Unproven,
    "the second close": Careless,
    "gave dict, not an Observation": Dumb,
    "lacks Setup, action_kinds": Nothing,
}


@pytest.mark.parametrize("problem", WORLDS)
def test_a_world_that_breaks_the_contract_is_named(problem: str) -> None:
    with pytest.raises(Nonconformance, match=problem):
        check_world(WORLDS[problem], counter_task())


class Upwards:
    def __init__(self) -> None:
        self.closed = False

    def reset(self, task: TaskView, seed: int) -> None:
        assert "choose" in task.action_kinds

    async def act(self, observation: Observation) -> Action:
        return Choose(index=0)

    async def close(self) -> None:
        self.closed = True


class Mute(Upwards):
    async def act(self, observation: Observation) -> Any:
        return None


class Fickle(Upwards):
    async def act(self, observation: Observation) -> Action:
        return Choose(index=random.randrange(2)) if random.random() < 0.9 else Noop()


class Once(Upwards):
    def reset(self, task: TaskView, seed: int) -> None:
        assert not self.closed
        self.closed = True


class Lame:
    def act(self, observation: Observation) -> Action:
        return Noop()


AGENTS: dict[str, Any] = {
    "returned NoneType": Mute,
    "took other actions the second time": Fickle,
    "agent_error: agent: reset: AssertionError": Once,
    r"has no method reset\(task, seed\)": Lame,
    "cannot be built: ZeroDivisionError": lambda: 1 / 0,
}


@pytest.mark.parametrize("problem", AGENTS)
def test_an_agent_that_breaks_the_contract_is_named(problem: str) -> None:
    with pytest.raises(Nonconformance, match=problem):
        check_agent(AGENTS[problem], counter_task(target=100), steps=12, repeats=True)


def test_an_agent_is_closed_and_may_be_named() -> None:
    made: list[Upwards] = []

    def make() -> Agent:
        made.append(Upwards())
        return made[-1]

    check_agent(make, counter_task())
    assert made[0].closed
    check_agent("null", counter_task())
    with pytest.raises(Nonconformance, match="unknown agent 'nul'; did you mean null"):
        check_agent("nul", counter_task())


class Free(Reached):
    def score(self, task: Task, episode: Episode) -> Score:
        return Score(value=0.5, reason="for trying")


TASKS: dict[str, Task] = {
    "doing nothing scores 0.5 .for trying": counter_task().model_copy(update={"evaluator": EvaluatorSpec(id=f"{__file__}:Free")}),
    "unknown evaluator 'nosuch'": counter_task().model_copy(update={"evaluator": EvaluatorSpec(id="nosuch")}),
    "unknown environment 'nosuch'": Task(id="toy/nowhere", env="nosuch"),
    "setup.targt: Extra inputs": Task(id="toy/typo", env=f"{HERE}:CounterWorld", setup={"targt": 1}),
}


@pytest.mark.parametrize("problem", TASKS)
def test_a_task_that_breaks_the_contract_is_named(problem: str) -> None:
    with pytest.raises(Nonconformance, match=problem):
        check_task(TASKS[problem])
    with pytest.raises(Nonconformance, match="did you mean miniwob/click-test"):
        check_task("miniwob/clik-test")
