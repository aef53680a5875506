"""Sampled decisions: what a vote is worth is known exactly."""

from __future__ import annotations

import asyncio
import math
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.scripted import ScriptedAgent
from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.deciding import Majority, Sampled
from quintain.errors import BudgetSpent, InfrastructureError, UsageError
from quintain.making import make_async
from quintain.registry import load
from quintain.rollout import rollout
from quintain.spaces import Choose

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]


def chance_of_majority(n: int, p: float, moves: int) -> float:
    """Of n independent votes, each right with probability p and else for any of the wrong moves; of m tied groups the right one
    is the first with probability 1/m, since votes come in any order."""
    wrong = (1 - p) / (moves - 1)
    total = 0.0
    for counts in product(range(n + 1), repeat=moves):
        if sum(counts) != n or counts[0] < max(counts):
            continue
        ways = math.factorial(n) / math.prod(math.factorial(each) for each in counts)
        total += ways * p ** counts[0] * wrong ** (n - counts[0]) / counts.count(counts[0])
    return total


def test_the_formula_is_the_binomial_where_there_are_two_moves() -> None:
    n, p = 6, 0.7
    exact = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) * (0.5 if 2 * k == n else 1) for k in range(n // 2, n + 1))
    assert chance_of_majority(n, p, 2) == pytest.approx(exact)


@pytest.mark.parametrize(("n", "p", "moves"), [(5, 0.6, 2), (4, 0.6, 2), (5, 0.4, 4)])
async def test_the_majority_of_noisy_oracles_is_as_good_as_the_formula_says(n: int, p: float, moves: int) -> None:
    episodes, questions = 20, 50
    agent = Sampled(lambda: quiz.Knowing(p), n)
    rewards = [(await quiz.play(agent, questions=questions, moves=moves, seed=seed)).reward for seed in range(episodes)]
    decisions, exact = episodes * questions, chance_of_majority(n, p, moves)
    margin = 2.576 * math.sqrt(exact * (1 - exact) / decisions)
    assert abs(sum(rewards) / episodes - exact) < margin, (sum(rewards) / episodes, exact)


async def test_repeats_under_a_seed_and_differs_under_another() -> None:
    async def moves_of(seed: int) -> list[Any]:
        episode = await quiz.play(Sampled(lambda: quiz.Knowing(0.5), 3), questions=30, moves=5, seed=seed)
        return [step.action for step in episode.steps]

    assert await moves_of(3) == await moves_of(3)
    assert await moves_of(3) != await moves_of(4)


async def test_nested_copies_have_different_seeds() -> None:
    agent = Sampled(lambda: Sampled(quiz.Fixed, 3), 3)
    await quiz.play(agent)
    seeds = [leaf.seed for inner in agent.members.agents for leaf in inner.members.agents]
    assert len(set(seeds)) == 9


async def test_copies_propose_side_by_side() -> None:
    class Waiting(quiz.Fixed):  # type: ignore[misc]
        met = asyncio.Barrier(3)

        async def act(self, observation: Any) -> Any:
            await self.met.wait()  # Passes only when all three are here.
            return await super().act(observation)

    episode = await asyncio.wait_for(quiz.play(Sampled(Waiting, 3)), 20)
    assert episode.outcome == "ok"


class OfAnother:
    """Picks the last candidate."""

    def select(self, view: Any, observation: Any, candidates: Any) -> int:
        return len(candidates) - 1


async def test_who_proposed_another_action_is_told_once_what_was_done() -> None:
    first, second = quiz.Fixed(0), quiz.Fixed(1)
    agent = Sampled("null", 1, select=OfAnother())
    agent.members.agents = [first, second]
    episode = await quiz.play(agent, questions=3)
    assert episode.outcome == "ok"
    assert first.told == [Choose(index=1)] * 3
    assert second.told == []
    assert first.end is not None and first.end.step == 3


async def test_the_inner_agents_learn_what_the_outermost_technique_did() -> None:
    leaves = [quiz.Fixed(0), quiz.Fixed(0), quiz.Fixed(1)]
    inner, other = Sampled("null", 1), Sampled("null", 1)
    inner.members.agents, other.members.agents = leaves[:2], leaves[2:]
    agent = Sampled("null", 1, select=OfAnother())
    agent.members.agents = [inner, other]
    await quiz.play(agent, questions=2)
    assert [leaf.told for leaf in leaves] == [[Choose(index=1)] * 2, [Choose(index=1)] * 2, []]


async def test_an_agent_that_fails_leaves_the_others() -> None:
    agent, heard = Sampled("null", 1), quiz.Heard()
    agent.members.agents = [quiz.Failing(ValueError("no idea")), quiz.Fixed(0), quiz.Failing(SystemExit(1))]
    episode = await quiz.play(agent, heard=heard)
    assert episode.outcome == "ok"
    failed = heard.of("proposal failed")
    assert [each["by"] for each in failed] == [0, 2] and "no idea" in failed[0]["error"]


async def test_a_malformed_proposal_is_a_failed_one() -> None:
    class Malformed(quiz.Fixed):  # type: ignore[misc]
        async def act(self, observation: Any) -> Any:
            return {"kind": "choose", "index": -1}

    agent, heard = Sampled("null", 1), quiz.Heard()
    agent.members.agents = [Malformed(), quiz.Fixed(0)]
    assert (await quiz.play(agent, heard=heard)).outcome == "ok"
    assert "greater than or equal to 0" in heard.of("proposal failed")[0]["error"]


async def test_call_text_that_only_the_world_reads_is_voted_on_and_done() -> None:
    class Texting(quiz.Knowing):  # type: ignore[misc]
        def act(self, observation: Any) -> Any:
            return str(super().act(observation).index)

    assert (await quiz.play(Sampled(Texting, 3), questions=4)).reward == pytest.approx(1.0)


async def test_where_all_fail_the_episode_does() -> None:
    agent = Sampled("null", 1)
    agent.members.agents = [quiz.Failing(ValueError("no idea")), quiz.Failing(KeyError("x"))]
    episode = await quiz.play(agent)
    assert episode.outcome == "agent_error"
    assert "all 2 agents failed, the first with ValueError: no idea" in episode.failure.message


async def test_infrastructure_that_fails_is_never_voted_away() -> None:
    agent = Sampled("null", 1)
    agent.members.agents = [quiz.Fixed(0), quiz.Failing(InfrastructureError("the model is gone")), quiz.Fixed(0)]
    episode = await quiz.play(agent)
    assert episode.outcome == "env_error" and episode.failure.owner == "infrastructure"


async def test_a_spent_budget_leaves_what_was_proposed_before() -> None:
    agent = Sampled("null", 1)
    agent.members.agents = [quiz.Failing(BudgetSpent("spent")), quiz.Fixed(0)]
    assert (await quiz.play(agent)).steps[0].action == {"kind": "choose", "index": 0}
    agent.members.agents = [quiz.Failing(BudgetSpent("spent")), quiz.Failing(ValueError("no idea"))]
    episode = await quiz.play(agent)
    assert episode.outcome == "ok" and episode.failure is None


async def test_usage_is_the_sum_of_those_who_keep_books() -> None:
    assert not hasattr(Sampled(quiz.Fixed, 3), "usage")
    usage = Sampled(quiz.Paying, 3).usage()
    assert (usage.tokens, usage.usd) == (21, 0.75)


async def test_samples_are_charged_as_such() -> None:
    episode = await quiz.play(Sampled(quiz.Paying, 3), questions=4)
    assert {each.what: (each.calls, each.tokens) for each in episode.usage.charges} == {"sample": (12, 24)}


async def test_close_reaches_every_copy_and_the_selector() -> None:
    class Closing(OfAnother):
        closed = False

        async def close(self) -> None:
            self.closed = True

    selector = Closing()
    agent = Sampled(quiz.Fixed, 3, select=selector)
    await quiz.play(agent)
    await agent.close()
    assert all(each.closed for each in agent.members.agents) and selector.closed


async def test_an_object_is_copied_with_what_it_knows() -> None:
    agent = Sampled(quiz.Knowing(0.0), 3)
    assert len({id(each) for each in agent.members.agents}) == 3
    assert [each.p for each in agent.members.agents] == [0.0] * 3


class Playing:
    async def play(self, episode: Any) -> str:
        return "done"


def test_what_cannot_be_sampled_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="0 agents are none"):
        Sampled("null", 0)
    with pytest.raises(UsageError, match="no selector is called 'loudest'"):
        Sampled("null", 2, select="loudest")
    with pytest.raises(UsageError, match="cannot be made"):
        Sampled("null", 2, select="judge")
    with pytest.raises(UsageError, match="has no method select"):
        Sampled("null", 2, select=object())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="owns its loop"):
        Sampled(Playing, 2)


@pytest.mark.usefixtures("real_browser")
async def test_sampled_scripts_win_on_web_pages() -> None:
    for task_id in ("miniwob/click-test-2", "miniwob/enter-text"):
        async with make_async(task_id, observe=("elements",)) as env:
            episode = await rollout(env, Sampled(ScriptedAgent, 3), seed=5)
        assert episode.reward == 1.0, (task_id, episode.failure)


def test_weights_count_and_ties_go_to_the_first() -> None:
    def picked(indices: list[int], weights: list[float] | None = None) -> int:
        candidates = [Candidate(Choose(index=index), by=by) for by, index in enumerate(indices)]
        return Majority(weights).select(None, None, candidates)  # type: ignore[arg-type]

    assert picked([2, 1, 1]) == 1
    assert picked([2, 1]) == 0
    assert picked([2, 1, 1], [3, 1, 1]) == 0
    assert picked([2, 1, 1], [2, 1, 1]) == 0
    assert picked([2, 1, 1], [1.5, 1, 1]) == 1
