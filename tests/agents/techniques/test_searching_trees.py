"""Beam and tree search in a maze of snapshots, where greedy walks into a trap."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.techniques.searching import MCTS, Beam
from quintain.core import Limits, TaskView
from quintain.errors import UsageError
from quintain.handle import EpisodeHandle
from quintain.ledger import current
from quintain.registry import load
from quintain.rollout import rollout
from quintain.spaces import Action, Observation

maze: Any = sys.modules[load(f"{Path(__file__).with_name('maze_world.py')}:MazeWorld", what="maze").__module__]
SAVED, REPLAYED = {}, {"snapshot": False}
WAYS: list[dict[str, bool]] = [SAVED, REPLAYED]


def greedy() -> Beam:
    return Beam(value=maze.nearness(), width=1, depth=1, proposals=maze.directions)


def steps(episode: Any, what: str) -> int:
    return sum(charge.steps for charge in episode.usage.charges if charge.what == what)


@pytest.mark.parametrize("can", WAYS)
@pytest.mark.parametrize(
    "agent",
    [
        Beam(value=maze.nearness(), width=3, depth=4, proposals=maze.directions),
        Beam(value=maze.nearness(), width=2, depth=4, proposals=maze.directions, merge=True),
        MCTS(value=maze.nearness(), simulations=80, depth=6, proposals=maze.directions),
        MCTS(value=maze.nearness(), simulations=80, depth=6, proposals=maze.directions, commit=1),
        MCTS(maze.Wanderer(), value=maze.nearness(), simulations=80, depth=6, samples=6),
    ],
)
async def test_looking_ahead_escapes_the_trap_that_greedy_walks_into(agent: Any, can: dict[str, bool]) -> None:
    env, tally = maze.maze(**can)
    fooled = await rollout(env, greedy(), seed=1)
    assert fooled.outcome == "ok" and fooled.reward == 0.0 and env.environment.evidence.values["at"] == [0, 2]
    env, tally = maze.maze(**can)
    episode = await rollout(env, agent, seed=1)
    assert episode.outcome == "ok" and episode.reward == 1.0, episode.failure
    assert [step.action["index"] for step in episode.steps] == [1, 1, 0, 0]
    assert tally.open == 1, "every branch is closed, only the episode's own world is left"


@pytest.mark.parametrize("width", [1, 2, 4])
async def test_a_beam_keeps_no_more_branches_open_than_it_needs(width: int) -> None:
    env, tally = maze.maze()
    await rollout(env, Beam(value=maze.nearness(), width=width, depth=4, proposals=maze.directions), seed=1)
    assert tally.most <= 1 + 2 * width + 1


async def test_every_step_of_a_beam_is_charged_once() -> None:
    env, tally = maze.maze()
    episode = await rollout(env, Beam(value=maze.nearness(), width=2, depth=3, proposals=maze.directions), seed=1)
    assert steps(episode, "branch") == tally.steps, "adoption restores a state, and costs no step"
    env, tally = maze.maze(snapshot=False)
    episode = await rollout(env, Beam(value=maze.nearness(), width=2, depth=3, proposals=maze.directions), seed=1)
    assert steps(episode, "branch") + steps(episode, "replay") + len(episode.steps) == tally.steps


@pytest.mark.parametrize("most_open", [1, 3, 200])
async def test_a_tree_holds_no_more_branches_than_allowed_and_finds_the_same(most_open: int) -> None:
    env, tally = maze.maze()
    agent = MCTS(value=maze.nearness(), simulations=80, depth=6, proposals=maze.directions, most_open=most_open)
    episode = await rollout(env, agent, seed=1)
    assert [step.action["index"] for step in episode.steps] == [1, 1, 0, 0]
    assert tally.most <= 1 + most_open + 1
    assert steps(episode, "branch") <= tally.steps <= steps(episode, "branch") + len(episode.steps)


async def test_a_tree_that_holds_all_branches_costs_a_step_a_state() -> None:
    asked: list[tuple[str | None, int]] = []

    def value(view: TaskView, observation: Observation, actions: Sequence[Action]) -> float:
        asked.append((observation.text, len(actions)))
        return float(maze.nearness()(view, observation, actions))

    env, _ = maze.maze()
    agent = MCTS(value=value, simulations=60, depth=6, proposals=maze.directions, most_open=100)
    episode = await rollout(env, agent, seed=1)
    assert steps(episode, "branch") == len(asked) <= 60 * len(episode.steps)


async def test_rollouts_are_played_aside() -> None:
    env, tally = maze.maze()
    agent = MCTS(maze.Wanderer(), value=maze.nearness(), simulations=60, depth=6, samples=6, rollout=2, commit=2)
    episode = await rollout(env, agent, seed=1)
    assert episode.reward == 1.0 and tally.open == 1
    assert steps(episode, "branch") <= tally.steps


async def test_the_agents_of_a_search_know_the_history_of_their_branch() -> None:
    walked: list[Any] = []

    class Noted(maze.Wanderer):  # type: ignore[misc, name-defined]
        def act(self, observation: Observation) -> Action:
            assert len(self.seen) == observation.step, "one observation for each step of this branch"
            walked.append(self.told)
            return super().act(observation)  # type: ignore[no-any-return]

    for agent in (
        Beam(Noted(), value=maze.nearness(), width=2, depth=3),
        MCTS(Noted(), value=maze.nearness(), commit=1, simulations=20),
    ):
        env, _ = maze.maze()
        episode = await rollout(env, agent, seed=2)
        assert episode.outcome == "ok", episode.failure
    assert any(walked), "some samples were not what was done, and their agents were told what was"


async def test_a_spent_budget_leaves_what_the_search_has_found() -> None:
    def dear(view: TaskView, observation: Observation) -> Sequence[Action]:
        current().check()
        current().charge(input_tokens=10)
        return maze.directions(view, observation)  # type: ignore[no-any-return]

    env, tally = maze.maze()
    env.environment.task = env.environment.task.model_copy(update={"limits": Limits(steps=12, tokens=100)})
    episode = await rollout(env, MCTS(value=maze.nearness(), simulations=500, depth=6, proposals=dear), seed=1)
    assert episode.outcome == "ok" and episode.usage.tokens == 100 and episode.steps[-1].truncated
    assert tally.open == 1


@pytest.mark.parametrize("name", ["beam", "MCTS"])
async def test_a_world_without_branches_is_refused(name: str) -> None:
    env, tally = maze.maze(snapshot=False, replay=False)
    agent = greedy() if name == "beam" else MCTS(value=maze.nearness(), proposals=maze.directions)
    episode = await rollout(env, agent, seed=1)
    assert episode.failure is not None and f"{name}: toy/maze: this world has neither `snapshot`" in episode.failure.message
    assert tally.steps == 0


async def test_agents_that_own_their_loop_propose_no_moves() -> None:
    async def loop(episode: EpisodeHandle) -> None: ...

    env, _ = maze.maze()
    episode = await rollout(env, Beam(loop, value=maze.nearness()), seed=1)
    assert episode.failure is not None and "owns its loop" in episode.failure.message


async def test_a_value_that_is_no_number_is_the_agents_failure() -> None:
    env, tally = maze.maze()
    episode = await rollout(env, MCTS(value=lambda *_: float("nan"), proposals=maze.directions), seed=1)
    assert episode.outcome == "agent_error" and tally.open == 1


@pytest.mark.parametrize(
    "options",
    [{}, {"agent": "null", "proposals": maze.directions}, {"agent": "null", "samples": 0}, {"agent": "null", "value": 3}],
)
def test_what_cannot_be_is_refused_at_once(options: dict[str, Any]) -> None:
    for technique in (Beam, MCTS):
        with pytest.raises(UsageError):
            technique(**({"value": maze.nearness()} | options))
