"""Scores on demand, referees in the living world, and states that can be gone back to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from counter_world import DOWN, HERE, UP, CounterWorld, Reached, counter_task

import quintain
from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Service, Task, TaskView
from quintain.environment import Environment
from quintain.errors import EnvironmentFault, EvaluatorError, TaskError, UsageError
from quintain.judging import judge
from quintain.scoring import score_episode, score_run
from quintain.spaces import Action, AskScore, Bash, Choose, Noop, Observation, Say, Submit
from quintain.store import Store
from quintain.testing import check_env

THIS = str(Path(__file__).resolve())


def asked_task(**fields: Any) -> Task:
    return counter_task(when="asked", target=4, **fields)


class StillCounter(CounterWorld):
    """Has no end of its own: only a submission or a limit ends the episode."""

    async def collect(self, probe: Any) -> Evidence:
        return (await super().collect(probe)).model_copy(update={"done": False})


async def played(task: Task, moves: Sequence[Action | str], evaluator: Any = None) -> tuple[Environment, list[Any]]:
    environment = Environment(StillCounter(), task, evaluator=evaluator or Reached())
    await environment.reset(seed=0)
    return environment, [await environment.step(move) for move in moves]


async def test_each_score_asked_for_is_told_and_rewarded_by_what_it_adds() -> None:
    up, down, ask = Choose(index=UP), Choose(index=DOWN), AskScore()
    environment, steps = await played(asked_task(), [up, ask, up, up, ask, down, down, ask, Submit()])
    assert [step.reward for step in steps] == [0, 0.25, 0, 0, 0.5, 0, 0, 0, 0]
    assert sum(step.reward for step in steps) == environment.score.value == 0.75  # type: ignore[union-attr]
    assert [steps[index].observation.text for index in (1, 4, 7)] == [
        "score 0.2500",
        "score 0.7500 (best so far 0.7500)",
        "score 0.2500 (best so far 0.7500)",
    ]
    assert steps[-1].info["score"].parts == {"way": 0.75, "attempts": 4.0, "first": 0.25, "last": 0.25}
    numbers = [evidence.values["number"] for evidence in environment.episode().attempts]
    assert numbers == [1, 3, 1]


async def test_the_end_may_be_the_best() -> None:
    environment, steps = await played(asked_task(), [Choose(index=UP), AskScore(), Choose(index=UP), Submit()])
    assert [step.reward for step in steps] == [0, 0.25, 0, 0.25]
    assert environment.episode().reward == 0.5


async def test_asking_in_the_last_step_is_answered_once() -> None:
    environment, steps = await played(asked_task(limits=Limits(steps=2)), [Choose(index=UP), AskScore()])
    assert steps[-1].truncated and steps[-1].reward == 0.25
    assert steps[-1].observation.text == "score 0.2500"
    assert environment.episode().attempts == ()


class Several(StillCounter):
    def parse(self, text: str) -> list[Action]:
        return [*super().parse(text), AskScore()]


async def test_what_came_before_the_question_is_told_too() -> None:
    environment = Environment(Several(), asked_task(), evaluator=Reached())
    await environment.reset(seed=0)
    assert (await environment.step("up up")).observation.text == "2\nscore 0.5000"
    assert (await environment.step(Say(text="well"))).observation.text == "2\nscore 0.5000"


@pytest.mark.parametrize("when", ["end", "step"])
async def test_where_scores_are_hidden_none_is_told(when: Any) -> None:
    environment, steps = await played(counter_task(when=when, target=4), [Choose(index=UP), AskScore()])
    assert "'score' is no action of this environment" in steps[-1].observation.error
    assert "score" not in environment.view.action_kinds
    if when == "end":
        assert [(step.info, step.reward) for step in steps] == [({}, 0.0)] * 2
    assert "score" in Environment(CounterWorld(), asked_task(), evaluator=Reached()).view.action_kinds


class Moody(Reached):
    """Leaves odd numbers unscored."""

    def score(self, task: Task, episode: Episode) -> Score:
        assert episode.evidence is not None
        odd = int(str(episode.evidence.values["number"])) % 2
        return Score(value=None, reason="cannot tell") if odd else super().score(task, episode)


async def test_an_unscored_attempt_takes_nothing_away() -> None:
    up, ask = Choose(index=UP), AskScore()
    environment, steps = await played(asked_task(), [up, ask, up, ask, up, ask, Submit()], Moody())
    assert [step.reward for step in steps] == [0, 0, 0, 0.5, 0, 0, 0]
    assert steps[1].observation.text == "unscored: cannot tell"
    assert environment.score is not None and environment.score.value == 0.5
    assert score_episode(environment.task, Moody(), environment.episode(agent="x")).value == 0.5


class AskingAgent:
    def reset(self, task: TaskView, seed: int) -> None: ...

    def act(self, observation: Observation) -> Action:
        return (Choose(index=UP), AskScore(), Choose(index=DOWN), AskScore(), Submit())[observation.step]


def test_stored_attempts_are_scored_again_byte_for_byte(tmp_path: Path) -> None:
    task = asked_task().model_copy(update={"env": f"{THIS}:StillCounter"})
    run = quintain.evaluate({"asking": f"{THIS}:AskingAgent"}, [task], episodes=2, out=tmp_path / "run", workers=0)
    with Store.open(run.path) as store:
        episodes = [store.episode(row[0]) for row in store.query("SELECT id FROM latest ORDER BY id")]
        before = [store.score(episode.id) for episode in episodes]
    assert [len(episode.attempts) for episode in episodes] == [2, 2]
    assert [episode.reward for episode in episodes] == [0.25, 0.25]
    for episode, score in zip(episodes, before, strict=True):
        assert score is not None and score.value == 0.25
        assert judge(task, Reached(), episode).parts == score.parts
    assert score_run(run.path, workers=0, check=True).changed == 0


class RefereedCounter(StillCounter):
    """Notes what is asked of it, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def serve(self, services: Mapping[str, Service]) -> None:
        self.heard.append(("serve", sorted(services)))

    @asynccontextmanager
    async def scene(self, *, final: bool) -> AsyncIterator[int]:
        self.heard.append(("freeze", final))
        yield self.number
        self.heard.append("thaw")

    async def collect(self, probe: Any) -> Evidence:
        self.heard.append("collect")
        return await super().collect(probe)


class Judge(Reached):
    def __init__(self, *, services: bool = False, breaks: str = "") -> None:
        self.services, self.breaks = services, breaks

    def begin(self, task: Task, seed: int) -> Mapping[str, Service]:
        if self.breaks == "begin":
            raise OSError("no judge today")
        return {"judge": self._answer} if self.services else {}

    async def examine(self, task: Task, scene: Any, evidence: Evidence) -> Evidence:
        if self.breaks == "examine":
            raise OSError("the judge fainted")
        return evidence.model_copy(update={"values": evidence.values | {"seen": scene}})

    async def _answer(self, request: Any) -> Any:
        return request


async def refereed(judge: Judge, **fields: Any) -> tuple[RefereedCounter, Environment]:
    world = RefereedCounter()
    return world, Environment(world, asked_task(**fields), evaluator=judge)


async def test_a_referee_examines_the_frozen_state_at_each_question_and_at_the_end() -> None:
    world, environment = await refereed(Judge(services=True))
    await environment.reset(seed=0)
    for move in (Choose(index=UP), AskScore(), Submit()):
        await environment.step(move)
    assert world.heard == [
        ("serve", ["judge"]),
        *(("freeze", False), "collect", "thaw"),
        *(("freeze", True), "collect", "thaw"),
    ]
    assert environment.evidence is not None and environment.evidence.values["seen"] == 1


@pytest.mark.parametrize("asked", [True, False])
async def test_without_a_referee_the_end_is_frozen_if_something_is_asked_and_nobody_is_served(asked: bool) -> None:
    world, task = RefereedCounter(), counter_task(target=4)
    assert task.evaluator is not None
    spec = task.evaluator.model_copy(update={"probe": Probe(query={"sum": True} if asked else {})})
    environment = Environment(world, task.model_copy(update={"evaluator": spec}), evaluator=Reached())
    await environment.reset(seed=0)
    await environment.step(Noop())
    await environment.step(Submit())
    ending = [("freeze", True), "collect", "thaw"] if asked else ["collect"]
    assert world.heard == [("serve", []), "collect", *ending]


@pytest.mark.parametrize(("breaks", "problem"), [("begin", "beginning: OSError: no judge"), ("examine", "examining: OSError")])
async def test_a_referee_that_breaks_owns_its_failure(breaks: str, problem: str) -> None:
    _, environment = await refereed(Judge(breaks=breaks))
    with pytest.raises(EvaluatorError, match=problem):
        await environment.reset(seed=0)
        await environment.step(AskScore())


async def test_a_question_that_fails_leaves_no_attempt_behind() -> None:
    referee = Judge()
    _, environment = await refereed(referee)
    await environment.reset(seed=0)
    await environment.step(AskScore())
    referee.breaks = "examine"
    with pytest.raises(EvaluatorError):
        await environment.step(AskScore())
    assert environment.episode().attempts == ()
    assert environment.evidence is not None


class Frail(RefereedCounter):
    @asynccontextmanager
    async def scene(self, *, final: bool) -> AsyncIterator[int]:
        raise OSError("it melted")
        yield 0


async def test_a_state_that_cannot_be_frozen_is_the_worlds_fault() -> None:
    environment = Environment(Frail(), asked_task(), evaluator=Judge())
    await environment.reset(seed=0)
    with pytest.raises(EnvironmentFault, match="collecting evidence: OSError: it melted"):
        await environment.step(Submit())


def test_a_world_that_allows_no_referee_is_refused() -> None:
    with pytest.raises(TaskError, match="examines the living world"):
        Environment(CounterWorld(), asked_task(), evaluator=Judge())


class SavingCounter(StillCounter):
    capabilities = Capabilities(modalities=("text", "screenshot", "windows"), replay=True, copies=True, snapshot=True)

    async def snapshot(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("number", "target", "padding", "observe")}

    async def restore(self, saved: dict[str, Any]) -> None:
        vars(self).update(saved)

    async def fork(self, saved: dict[str, Any]) -> CounterWorld:
        twin = SavingCounter()
        vars(twin).update(saved)
        return twin


class SavingReferee(SavingCounter, RefereedCounter): ...


async def saving(task: Task | None = None) -> Environment:
    environment = Environment(SavingCounter(), task or asked_task(limits=Limits(steps=9)), evaluator=Reached())
    await environment.reset(seed=0)
    return environment


async def test_going_back_takes_everything_of_the_episode_back() -> None:
    environment = await saving()
    for move in (Choose(index=UP), AskScore(), Say(text="one")):
        await environment.step(move)
    saved, before = await environment.snapshot(), environment.episode(id="x")
    for move in (Choose(index=UP), Choose(index=UP), AskScore(), Say(text="three"), Submit(answer="3")):
        last = await environment.step(move)
    assert last.terminated and environment.score is not None and environment.score.value == 0.75
    seen = await environment.restore(saved)
    assert (seen.step, seen.budget.steps, seen.text) == (3, 6, "score 0.2500")
    assert environment.episode(id="x") == before
    assert environment.score is not None and environment.score.value == 0.25
    step = await environment.step(Choose(index=UP))
    assert step.observation.text == "2"
    assert [(message.role, message.text) for message in step.observation.messages][-2:] == [
        ("assistant", "one"),
        ("system", "at 2"),
    ]


async def test_a_state_can_be_gone_back_to_often_and_its_rewards_sum_up() -> None:
    environment = await saving(counter_task(target=4))
    await environment.step(Choose(index=UP))
    saved = await environment.snapshot()
    for ups in (3, 1, 2):
        await environment.restore(saved)
        for _ in range(ups):
            step = await environment.step(Choose(index=UP))
        assert environment.episode().reward == step.info["score"].value == (1 + ups) / 4


async def test_a_fork_goes_its_own_way() -> None:
    environment = await saving()
    await environment.step(Choose(index=UP))
    twin = await environment.fork()
    await environment.step(Choose(index=UP))
    step = await twin.step(Choose(index=DOWN))
    assert step.observation.text == "0"
    assert [len(each.records) for each in (environment, twin)] == [2, 2]
    assert (await environment.step(Noop())).observation.text == "2"
    await twin.close()
    await environment.step(Noop())


async def test_the_clock_goes_back_too() -> None:
    environment = await saving(counter_task(target=4, limits=Limits(seconds=100.0)))
    environment._started -= 60
    saved = await environment.snapshot()
    environment._started -= 30
    seen = await environment.restore(saved)
    assert seen.budget.seconds is not None and 39 < seen.budget.seconds <= 40


async def test_what_cannot_be_saved_says_why() -> None:
    plain = Environment(CounterWorld(), counter_task(), evaluator=Reached())
    await plain.reset(seed=0)
    with pytest.raises(UsageError, match=r"cannot be saved; see its capabilities\.snapshot"):
        await plain.snapshot()
    served = Environment(SavingReferee(), asked_task(), evaluator=Judge(services=True))
    await served.reset(seed=0)
    with pytest.raises(UsageError, match="services would remember"):
        await served.fork()
    environment = await saving()
    saved = await environment.snapshot()
    await environment.step(Submit())
    with pytest.raises(UsageError, match="no episode is being played"):
        await environment.snapshot()
    other = Environment(SavingCounter(), counter_task("toy/other"), evaluator=Reached())
    await other.reset(seed=0)
    with pytest.raises(UsageError, match="saved in toy/count, and means nothing in toy/other"):
        await other.restore(saved)


async def test_the_faces_have_it_too() -> None:
    task = counter_task(target=4).model_copy(update={"env": f"{THIS}:SavingCounter"})
    async with quintain.make_async(task) as env:
        await env.reset(seed=0)
        saved = await env.snapshot()
        await env.step(Choose(index=UP))
        async with await env.fork() as twin:
            assert (await twin.step(Choose(index=UP))).observation.text == "2"
        assert (await env.restore(saved)).text == "0"


def test_the_gymnasium_face_has_it_too() -> None:
    env = quintain.make(counter_task(target=4).model_copy(update={"env": f"{THIS}:SavingCounter"}))
    env.reset(seed=0)
    saved = env.snapshot()
    env.step(Choose(index=UP))
    twin = env.fork(saved)
    assert twin.step(Choose(index=UP)).observation.text == "1"
    assert env.restore(saved).text == "0"
    twin.close()
    env.close()


class Clocked(StillCounter):
    action_kinds = frozenset({"bash", "python", "wait", "noop"})
    given: float | None = None

    async def act(self, action: Action) -> Observation:
        self.given = getattr(action, "timeout_s", None)
        return self._look()


@pytest.mark.parametrize(
    ("seconds", "asked", "low", "high"), [(None, 7.0, 7, 7), (100.0, 7.0, 7, 7), (100.0, 700.0, 90, 100), (100.0, None, 90, 100)]
)
async def test_no_command_outlives_the_episode(seconds: float | None, asked: float | None, low: float, high: float) -> None:
    world = Clocked()
    environment = Environment(world, counter_task(target=4, limits=Limits(seconds=seconds)), evaluator=Reached())
    await environment.reset(seed=0)
    await environment.step(Bash(command="x", timeout_s=asked))
    assert world.given is not None and low <= world.given <= high
    assert environment.records[0].action == {"kind": "bash", "command": "x"} | ({} if asked is None else {"timeout_s": asked})


def test_an_environment_with_scores_on_demand_keeps_the_contract() -> None:
    task = asked_task().model_copy(update={"evaluator": EvaluatorSpec(id=f"{HERE}:Reached", when="asked")})
    check_env(task)
