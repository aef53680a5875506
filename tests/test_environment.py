"""What is alike in every family: limits, rewards, talk, malformed actions, failures and their owners."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from counter_world import BREAK, DOWN, HERE, UP, CounterWorld, Reached, counter_task

from quintain.core import Episode, EvaluatorSpec, Limits, Score, StepRecord, Task
from quintain.environment import Environment
from quintain.errors import EnvironmentFault, EvaluatorError, TaskError, UsageError
from quintain.spaces import Action, Bash, Choose, Infeasible, Noop, Observation, Say, Submit, Type


def environment(task: Task | None = None, **options: Any) -> Environment:
    task = task or counter_task()
    options = {"evaluator": Reached() if task.evaluator else None, **options}
    return Environment(CounterWorld(), task, **options)


@pytest.fixture
async def counter() -> AsyncIterator[Environment]:
    made = environment(counter_task(target=4))
    await made.reset(seed=0)
    yield made
    await made.close()


async def test_rewards_are_gains_and_sum_up_to_the_score(counter: Environment) -> None:
    rewards = [(await counter.step(Choose(index=move))).reward for move in (UP, UP, DOWN, UP, UP)]
    assert rewards == [0.25, 0.25, -0.25, 0.25, 0.25]
    last = await counter.step(Choose(index=UP))
    assert last.terminated and not last.truncated
    assert last.info["score"].value == 1.0 == counter.episode().reward == sum(rewards) + last.reward


async def test_scored_at_the_end_only_the_last_reward_counts() -> None:
    counter = environment(counter_task(target=4, when="end"))
    await counter.reset(seed=0)
    steps = [await counter.step(Choose(index=UP)), await counter.step(Choose(index=UP)), await counter.step(Submit(answer="2"))]
    assert [step.reward for step in steps] == [0.0, 0.0, 0.5]
    assert steps[-1].terminated
    assert counter.episode().answer == "2"


async def test_without_evaluator_there_is_no_reward() -> None:
    counter = environment(Task(id="toy/free", env="x", goal="look"))
    observation, _ = await counter.reset()
    assert observation.goal.startswith("Count to")
    step = await counter.step(Infeasible(reason="no end"))
    assert (step.reward, step.terminated, step.info) == (0.0, True, {})
    assert counter.episode().infeasible == "no end"


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_the_step_limit_truncates_after_exactly_so_many(limit: int) -> None:
    counter = environment(counter_task(target=9, limits=Limits(steps=limit)))
    observation, _ = await counter.reset()
    for index in range(limit):
        assert observation.budget.steps == limit - index
        step = await counter.step("nonsense" if index == 0 else Noop())
        observation = step.observation
        assert step.truncated == (index == limit - 1)
    assert observation.budget.steps == 0
    assert not step.terminated


async def test_reaching_the_goal_in_the_last_step_terminates() -> None:
    counter = environment(counter_task(target=1, limits=Limits(steps=1)))
    await counter.reset()
    step = await counter.step(Choose(index=UP))
    assert step.terminated and not step.truncated


async def test_the_time_limit_truncates() -> None:
    counter = environment(counter_task(target=9, limits=Limits(seconds=1e-6)))
    observation, _ = await counter.reset()
    assert observation.budget.seconds is not None
    assert (await counter.step(Noop())).truncated


async def test_the_same_seed_gives_the_same_episode(counter: Environment) -> None:
    first, info = await counter.reset(seed=3)
    again, _ = await counter.reset(seed=3)
    assert first == again
    assert info == {"seed": 3, "task": "toy/count"}
    goals = {(await environment(counter_task(), seed=seed).reset())[0].goal for seed in range(20)}
    assert len(goals) > 3


@pytest.mark.parametrize("seed", [-1, 2**64])
async def test_seeds_out_of_range_are_refused(counter: Environment, seed: int) -> None:
    with pytest.raises(UsageError, match=str(seed)):
        await counter.reset(seed=seed)


MALFORMED: dict[str, Any] = {
    "'bash' is no action of this environment; it takes choose, control|'bash' is no action": Bash(command="ls"),
    "no move in 'jump'": "jump",
    "no move in ''": "",
    "no_such": {"kind": "no_such"},
    "got NoneType": None,
    "choose.index": {"kind": "choose", "index": -1},
    "not fit for JSON": Say(text="\ud800"),
    "no move in .*; say": "\ud800",
    "no move in": "x" * 10_000,
}


@pytest.mark.parametrize("problem", MALFORMED)
async def test_a_malformed_action_changes_nothing_and_is_explained(counter: Environment, problem: str) -> None:
    await counter.step(Choose(index=UP))
    step = await counter.step(MALFORMED[problem])
    assert step.observation.text == "1"
    assert step.observation.step == 2
    assert not (step.terminated or step.truncated)
    with pytest.raises(AssertionError, match=problem):
        assert not step.observation.error, step.observation.error
    Episode.model_validate_json(counter.episode().model_dump_json())
    assert (await counter.step(Noop())).observation.error is None


async def test_an_action_that_cannot_be_done_is_an_observation(counter: Environment) -> None:
    step = await counter.step(Choose(index=5))
    assert step.observation.error == "there is no move 5; choose 0 or 1"
    assert counter.records[0].error == step.observation.error


async def test_text_may_hold_several_actions(counter: Environment) -> None:
    step = await counter.step("up up up")
    assert step.observation.text == "3"
    assert step.observation.step == 1
    assert counter.records[0].action == [{"kind": "choose", "index": 0}] * 3


async def test_json_text_is_an_action(counter: Environment) -> None:
    assert (await counter.step('{"kind": "choose", "index": 0}')).observation.text == "1"
    assert (await counter.step({"kind": "choose", "index": 0})).observation.text == "2"


class Talkative(CounterWorld):
    def parse(self, text: str) -> list[Action]:
        return [Choose(index=UP), Say(text="one"), Choose(index=9), Choose(index=UP)] if text else []


async def test_talk_keeps_what_was_seen_and_a_failed_action_stops_the_rest() -> None:
    counter = Environment(Talkative(), counter_task(target=9), evaluator=Reached())
    await counter.reset()
    step = await counter.step("anything")
    assert step.observation.text == "1"
    assert step.observation.error == "there is no move 9; choose 0 or 1"
    assert [(m.role, m.text) for m in step.observation.messages] == [("system", "at 0"), ("system", "at 1"), ("assistant", "one")]
    step = await counter.step(Say(text="two"))
    assert step.observation.text == "1"
    assert [m.text for m in step.observation.messages] == ["at 0", "at 1", "one", "two"]
    assert (await counter.step("")).observation.error == "no action in ''"


async def test_only_what_was_asked_for_is_observed() -> None:
    for observe in (("screenshot",), "screenshot"):
        counter = environment(observe=observe)
        observation, _ = await counter.reset()
        assert observation.screenshot is not None
        assert observation.windows == ()
    with pytest.raises(UsageError, match="'elements' is not offered by this world; choose from text, screenshot, windows"):
        environment(observe=("elements",))
    with pytest.raises(UsageError, match="'smell' is no observation of any world"):
        environment(observe=("smell",))


async def test_a_step_outside_of_an_episode_is_a_usage_error(counter: Environment) -> None:
    fresh = environment()
    with pytest.raises(UsageError, match="call reset"):
        await fresh.step(Noop())
    assert fresh.episode().steps == ()
    await counter.step(Submit())
    with pytest.raises(UsageError, match="the episode is over"):
        await counter.step(Noop())
    await counter.reset()
    await counter.step(Noop())


async def test_closing_twice_is_fine_and_final(counter: Environment) -> None:
    await counter.close()
    await counter.close()
    assert counter.world.closed == 1  # type: ignore[attr-defined]
    for attempt in (counter.reset, lambda: counter.step(Noop())):
        with pytest.raises(UsageError, match="is closed; make another"):
            await attempt()


async def test_a_broken_world_ends_the_episode_and_owns_the_failure(counter: Environment) -> None:
    with pytest.raises(EnvironmentFault, match="toy/count: choose: OSError: the counter broke"):
        await counter.step(Choose(index=BREAK))
    with pytest.raises(UsageError, match="over"):
        await counter.step(Noop())
    await counter.reset()
    assert (await counter.step(Choose(index=UP))).observation.text == "1"


async def test_a_reset_that_fails_leaves_no_episode() -> None:
    counter = environment(counter_task(stuck_resets=(1,)))
    await counter.reset()
    with pytest.raises(EnvironmentFault, match="stuck"):
        await counter.reset()
    with pytest.raises(UsageError, match="over"):
        await counter.step(Noop())
    await counter.reset()


class Broken:
    version = "1"

    def __init__(self, result: Any) -> None:
        self.result = result

    def score(self, task: Task, episode: Episode) -> Score:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("result", "problem"), [(KeyError("x"), "KeyError"), (1.0, "expected a Score, got float"), (None, "Score")]
)
async def test_a_broken_evaluator_owns_its_failure(result: Any, problem: str) -> None:
    counter = environment(evaluator=Broken(result))
    await counter.reset()
    with pytest.raises(EvaluatorError, match=problem):
        await counter.step(Choose(index=UP))


async def test_an_unscored_episode_has_no_reward_but_a_score_of_none() -> None:
    counter = environment(evaluator=Broken(Score(value=None, reason="cannot tell")))
    await counter.reset()
    step = await counter.step(Submit())
    assert step.reward == 0.0
    assert step.info["score"].value is None


def test_a_wrong_setup_is_the_tasks_fault_and_says_where() -> None:
    task = counter_task().model_copy(update={"setup": {"taget": 3}})
    with pytest.raises(TaskError, match=r"toy/count: setup.taget: Extra inputs are not permitted; see Setup of environment"):
        environment(task)


async def test_stopped_from_outside_it_can_still_be_scored(counter: Environment) -> None:
    await counter.step(Choose(index=UP))
    await counter.finish()
    episode = counter.episode(agent="x")
    assert Reached().score(counter.task, episode).value == 0.25
    assert episode.steps == (StepRecord(**counter.records[0].model_dump()),)


async def test_an_agent_sees_the_goal_of_this_episode_and_the_kinds_but_no_reference() -> None:
    task = counter_task().model_copy(update={"reference": "secret", "evaluator": EvaluatorSpec(id=f"{HERE}:Reached")})
    counter = environment(task)
    observation, _ = await counter.reset(seed=2)
    assert counter.view.goal == observation.goal != ""
    assert counter.view.action_kinds == ("choose", "message", "submit", "infeasible", "wait", "noop")
    assert "secret" not in counter.view.model_dump_json() + observation.model_dump_json()


async def test_the_kinds_of_a_world_bound_what_it_is_given(counter: Environment) -> None:
    assert Type(text="x") not in counter.action_space
    assert isinstance((await counter.step(Type(text="x"))).observation, Observation)
    assert "Type" in str(counter.records[0].action)
