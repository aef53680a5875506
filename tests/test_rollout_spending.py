"""What an agent spends, notes and is told in an episode."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import toy_world as toy
from toy_loops import UP, Lines

from quintain import ledger
from quintain.core import Episode, Limits, Score, Task, Usage
from quintain.environment import Environment
from quintain.errors import AgentError, BudgetSpent, InfrastructureError
from quintain.faces import AsyncEnv
from quintain.ledger import Note
from quintain.rollout import rollout
from quintain.spaces import Observation


class Spender(toy.Agent):
    """Spends at its reset, at each action, and at the end."""

    def __init__(self, *, tokens: int | None = 10, usd: float | None = 0.5, checks: bool = False) -> None:
        self.tokens, self.usd, self.checks = tokens, usd, checks

    def spend(self, what: str) -> None:
        if self.checks:
            ledger.current().check()
        with ledger.purpose(what):
            ledger.current().charge(calls=1, input_tokens=self.tokens, usd=self.usd)
        ledger.current().note("model", what=what)

    def reset(self, task: Any, seed: int) -> None:
        self.spend("plan")
        self.left: list[int | None] = []
        self.ended: list[Any] = []

    def act(self, observation: Observation) -> Any:
        self.left.append(observation.budget.tokens)
        self.spend("act")
        return UP

    async def finish(self, observation: Observation) -> None:
        self.ended.append(observation.text)
        self.spend("reflect")


async def play(agent: Any, task: Task | None = None, **options: Any) -> Episode:
    task = task or toy.counter_task()
    async with AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=toy.Counted())) as env:
        return await rollout(env, agent, seed=0, **options)


def within(limits: Limits, **setup: Any) -> Task:
    return toy.counter_task(**setup).model_copy(update={"limits": limits})


async def test_charges_of_reset_act_and_finish_are_the_episodes() -> None:
    agent, lines = Spender(), Lines()
    episode = await play(agent, recorder=lines)
    assert {each.what: each.calls for each in episode.usage.charges} == {"plan": 1, "act": 3, "reflect": 1}
    assert (episode.usage.tokens, episode.usage.usd) == (50, 2.5)
    assert agent.ended == ["3"]
    kinds = [line.data["what"] if isinstance(line, Note) else type(line).__name__[0] for line in lines.lines]
    assert kinds == ["plan", "O", "act", "S", "O", "act", "S", "O", "act", "S", "O", "reflect"]
    assert ledger.current().charges == ()


async def test_budgets_are_what_is_left_after_the_reset_too() -> None:
    agent = Spender(usd=None)
    episode = await play(agent, within(Limits(tokens=30), target=5))
    assert agent.left == [20, 10]
    assert episode.outcome == "ok" and episode.steps[-1].truncated and len(episode.steps) == 2
    assert episode.usage.usd is None and episode.reward == pytest.approx(0.4)


@pytest.mark.parametrize(("tokens", "acts"), [(10, 0), (30, 2)])
async def test_a_spent_budget_ends_the_episode_as_truncated_wherever_it_is_met(tokens: int, acts: int) -> None:
    class Careful(Spender):
        def reset(self, task: Any, seed: int) -> None:
            super().reset(task, seed)
            if tokens == 10:
                ledger.current().check()

        def act(self, observation: Observation) -> Any:
            self.spend("act")
            ledger.current().check()
            return UP

    agent, lines = Careful(), Lines()
    episode = await play(agent, within(Limits(tokens=tokens), target=5), recorder=lines)
    assert (episode.outcome, episode.failure) == ("ok", None)
    last = episode.steps[-1]
    assert (last.action, last.truncated, last.error) == (None, True, f"the episode's {tokens} tokens are spent")
    assert len(episode.steps) == max(1, acts) and episode.evidence is not None
    assert lines.lines[-1].data["what"] == "reflect" and agent.ended == [str(max(0, acts - 1))]
    assert episode.reward == pytest.approx(max(0, acts - 1) / 5)


async def test_a_spent_budget_counts_where_costs_are_unknown() -> None:
    class Unsure(Spender):
        def act(self, observation: Observation) -> Any:
            raise BudgetSpent("my own limit")

    episode = await play(Unsure(tokens=None, usd=None), within(Limits(usd=1), target=5, when="end"))
    assert episode.outcome == "ok" and episode.steps[-1].truncated and episode.steps[-1].error == "my own limit"
    assert (episode.usage.tokens, episode.usage.usd) == (None, None)


async def test_own_books_count_once_and_charges_are_kept() -> None:
    class Bookkeeper(Spender):
        def usage(self) -> Usage:
            return Usage(tokens=7)

    episode = await play(Bookkeeper())
    assert (episode.usage.tokens, episode.usage.usd) == (7, 2.5)
    assert sum(each.calls for each in episode.usage.charges) == 5


async def test_what_was_noted_before_a_failure_is_kept() -> None:
    class Failing(Spender):
        def act(self, observation: Observation) -> Any:
            self.spend("last words")
            raise ValueError("lost")

    lines = Lines()
    agent = Failing()
    episode = await play(agent, recorder=lines)
    assert episode.outcome == "agent_error" and lines.lines[-1].data["what"] == "last words"
    assert {each.what for each in episode.usage.charges} == {"plan", "last words"} and agent.ended == []


@pytest.mark.parametrize("error", [ValueError("confused"), InfrastructureError("no model"), AgentError("agent: finish: mine")])
async def test_failing_at_the_finish_is_the_agents_and_leaves_the_score(error: Exception) -> None:
    class Failing(toy.UpAgent):
        def finish(self, observation: Observation) -> None:
            raise error

    episode = await play(Failing())
    assert episode.failure is not None and (episode.outcome, episode.failure.owner) == ("agent_error", "agent")
    assert episode.failure.message.startswith("agent: finish: ") and episode.failure.message.count("finish") == 1
    assert episode.reward == pytest.approx(1.0) and episode.evidence is not None and episode.scorable


async def test_a_finish_has_little_time_where_none_is_left_and_a_spent_budget_is_no_failure() -> None:
    class Slow(toy.UpAgent):
        async def finish(self, observation: Observation) -> None:
            await asyncio.sleep(3600)

    class Spent(toy.UpAgent):
        def finish(self, observation: Observation) -> None:
            raise BudgetSpent("spent")

    episode = await play(Slow(), toy.counter_task(seconds=0.2))
    assert episode.outcome == "agent_error" and episode.reward == pytest.approx(1.0)
    assert (await play(Spent())).failure is None


async def test_what_judging_spends_is_not_the_agents() -> None:
    class Judge(toy.Counted):
        def score(self, task: Task, episode: Episode) -> Score:
            ledger.current().charge(calls=1, input_tokens=1000)
            return super().score(task, episode)

    class Climber:
        async def play(self, episode: Any) -> None:
            while not episode.over:
                await episode.act(UP)

    for agent in (toy.UpAgent(), Climber()):
        async with AsyncEnv(Environment(toy.CounterWorld(), toy.counter_task(), evaluator=Judge())) as env:
            episode = await rollout(env, agent, seed=0)
        assert episode.failure is None and episode.usage.charges == ()


async def test_a_ledger_is_one_episodes_and_knows_its_trial() -> None:
    seen: list[ledger.Ledger] = []

    class Curious(toy.UpAgent):
        def act(self, observation: Observation) -> Any:
            seen.append(ledger.current())
            return UP

    for _ in range(2):
        await play(Curious(), agent_id="curious")
    assert len(seen) == 6 and len({id(each) for each in seen}) == 2
    assert {each.key for each in seen} == {"toy/count 0 curious"}
