"""Branches of an episode: other futures, by saved states and by replay, and taking one over."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from toy_loops import Lines, Loop

from quintain import ledger
from quintain.core import Episode, Task, World
from quintain.environment import Environment
from quintain.errors import EnvironmentFault, UsageError
from quintain.faces import AsyncEnv
from quintain.handle import Branch, EpisodeOver
from quintain.making import load_evaluator, make_async
from quintain.registry import load
from quintain.rollout import rollout
from quintain.spaces import Choose, Infeasible, Observation, Submit

maze: Any = sys.modules[load(f"{Path(__file__).parents[1] / 'branching_maze.py'}:Maze", what="maze").__module__]
BOTH = pytest.mark.parametrize("world", ["SavingMaze", "Maze"])
Play = Callable[[Any], Awaitable[Any]]


def go(*ways: int) -> list[Choose]:
    return [Choose(index=way) for way in ways]


@pytest.fixture(autouse=True)
def no_maze_stays_open() -> Any:
    maze.Maze.living.clear()
    yield
    assert not maze.Maze.living


async def played(play: Play, task: Task, **options: Any) -> Episode:
    async with make_async(task) as env:
        episode = await rollout(env, Loop(play), seed=0, **options)
        assert len(maze.Maze.living) == ("Maze" in task.env)
        return episode


async def solved(play: Play, task: Task, **options: Any) -> Episode:
    """Played, where an assertion in `play` is one of the test."""
    episode = await played(play, task, **options)
    assert episode.failure is None, episode.failure.message
    return episode


async def search(episode: Any) -> None:
    """Breadth first, each state in a branch of its own; then the way out is taken over."""
    known, waiting = {episode.observation.text.split(" after")[0]}, deque([await episode.branch()])
    while waiting:
        here = waiting.popleft()
        for way in range(4):
            there = await here.branch()
            seen = await there.act(Choose(index=way))
            if there.over:
                await episode.adopt(there)
                return
            place = seen.text.split(" after")[0]
            if place in known:
                await there.close()
            else:
                known.add(place)
                waiting.append(there)
        await here.close()


@BOTH
async def test_a_search_over_branches_finds_the_way_and_the_episode_has_walked_it(world: str) -> None:
    lines = Lines()
    episode = await solved(search, maze.maze_task(world), recorder=lines)
    assert [step.action["index"] for step in episode.steps] == maze.WAY_OUT  # type: ignore[index, call-overload]
    assert episode.reward == pytest.approx(1.0) and episode.steps[-1].terminated
    assert episode.evidence is not None and episode.evidence.values["walked"] == len(maze.WAY_OUT)
    assert lines.lines[1::2] == list(episode.steps)
    texts = [line.text for line in lines.lines[::2]]
    assert texts[:2] == ["at 1,1 after 0", "at 2,1 after 1"] and texts[-1] == "at 6,5 after 13"
    assert [line.step for line in lines.lines[::2]] == list(range(14))
    charged = {each.what: each.steps for each in episode.usage.charges}
    assert charged["act"] > 30 and ("replay" in charged) == (world == "Maze")


@BOTH
async def test_a_branch_goes_its_own_way_and_sees_no_more_than_an_agent(world: str) -> None:
    async def play(episode: Any) -> None:
        await episode.act(Choose(index=maze.EAST))
        branch = await episode.branch()
        assert branch.observation == episode.observation and branch.actions == ()
        seen = await branch.act("E")
        assert (seen.text, seen.step, seen.budget.steps) == ("at 3,1 after 2", 2, 28)
        assert "no action" in (await branch.act({"kind": "goto", "url": "x"})).error
        assert branch.actions == tuple(go(maze.EAST))
        further = await branch.branch()
        await further.act(Choose(index=maze.SOUTH))
        assert further.actions == tuple(go(maze.EAST, maze.SOUTH)) and further.observation.step == 4
        assert branch.observation.step == 3
        assert episode.observation.text == "at 2,1 after 1" and not episode.over
        for each in (branch, further):
            assert not [name for name in dir(each) if "reward" in name or "score" in name]
        assert isinstance(await episode.act(Choose(index=maze.EAST)), Observation)

    await solved(play, maze.maze_task(world))


@BOTH
@pytest.mark.parametrize("when", ["step", "end", "asked"])
async def test_ending_a_branch_is_not_judged(world: str, when: str) -> None:
    async def play(episode: Any) -> None:
        for last in (Submit(answer="x"), Infeasible(reason="why")):
            async with await episode.branch() as branch:
                refused = await branch.act({"kind": "score"})
                assert "no action of this environment" in refused.error
                await branch.act(last)
                assert branch.over
                with pytest.raises(EpisodeOver, match="branch is over"):
                    await branch.act("E")
            with pytest.raises(EpisodeOver, match="branch is closed"):
                await branch.act("E")
        await episode.act("E")

    episode = await solved(play, maze.maze_task(world, when=when))
    assert len(episode.steps) == 2 and episode.answer == ""


@BOTH
@pytest.mark.parametrize("last", [Submit(answer="here"), Infeasible(reason="no way")])
@pytest.mark.parametrize("when", ["step", "end"])
async def test_what_ended_a_branch_ends_the_episode_judged(world: str, last: Any, when: str) -> None:
    async def play(episode: Any) -> None:
        await episode.act("E")
        branch = await episode.branch()
        for action in ("E", "S", last):
            await branch.act(action)
        seen = await episode.adopt(branch)
        assert episode.over and seen == episode.observation and seen.step == 4
        with pytest.raises(EpisodeOver):
            await episode.branch()

    episode = await solved(play, maze.maze_task(world, when=when))
    assert (episode.answer, episode.infeasible) == (("here", None) if last.kind == "submit" else (None, "no way"))
    assert episode.reward == pytest.approx(3 / 6) and episode.steps[-1].terminated
    assert episode.evidence is not None and episode.evidence.values == {"x": 3, "y": 2, "walked": 3}


@BOTH
async def test_after_adopting_the_episode_goes_on(world: str) -> None:
    async def play(episode: Any) -> None:
        branch = await episode.branch()
        await branch.act("EE")
        await episode.adopt(branch)
        again = await episode.branch()
        await branch.act("S")
        await again.act("S")
        with pytest.raises(UsageError, match="left the episode at step 0, which is at step 1 now"):
            await episode.adopt(branch)
        await episode.adopt(again)
        for letter in "SWWSSEEEEE":
            await episode.act(letter)

    episode = await solved(play, maze.maze_task(world))
    assert episode.reward == pytest.approx(1.0) and len(episode.steps) == 12


@BOTH
async def test_a_branch_has_the_steps_that_the_episode_has_left(world: str) -> None:
    async def play(episode: Any) -> None:
        await episode.act("E")
        branch, attempt = await episode.branch(), await episode.attempt()
        assert attempt.observation.text == "at 1,1 after 0"
        for each in (branch, attempt):
            left = 0
            while not each.over:
                left = 4 - len(each.actions)
                assert (await each.act("W")).budget.steps == left - 1
            assert left == 1
        await episode.adopt(branch)

    episode = await solved(play, maze.maze_task(world, steps=5))
    assert len(episode.steps) == 5 and episode.steps[-1].truncated
    assert episode.reward == pytest.approx(1 / 6)


@BOTH
async def test_attempts_at_the_reset_can_be_adopted(world: str) -> None:
    async def play(episode: Any) -> None:
        attempts = await asyncio.gather(*(episode.attempt() for _ in range(4)))
        for number, each in enumerate(attempts):
            for letter in "EES"[:number]:
                await each.act(letter)
        await (further := await attempts[3].branch()).act("S")
        with ledger.purpose("best"):
            await further.act(Submit(answer="best"))
        await episode.adopt(further)

    episode = await solved(play, maze.maze_task(world))
    assert episode.answer == "best" and len(episode.steps) == 5
    assert {each.what: each.steps for each in episode.usage.charges if each.what != "replay"} == {"act": 7, "best": 1}


@BOTH
async def test_time_in_branches_is_the_environments_and_their_clock_is_the_episodes(world: str) -> None:
    branches: list[Branch] = []

    async def play(episode: Any) -> None:
        branches.append(await episode.branch())
        await asyncio.sleep(0.2)
        seen = await branches[0].act("E")
        assert seen.elapsed_s >= 0.18 and 0 < seen.budget.seconds <= 0.31
        await asyncio.sleep(0.2)
        await branches[0].act("E")
        assert not branches[0].over
        await asyncio.sleep(0.1)
        while True:
            branch = await episode.branch()
            await branch.act("W")

    phases: list[str] = []
    episode = await played(play, maze.maze_task(world, seconds=0.5), entering=phases.append)
    assert episode.outcome in ("ok", "timeout")
    assert phases.count("environment") >= 4 and episode.usage.environment_s > 0


@BOTH
async def test_a_fault_in_a_branch_is_the_worlds_and_can_be_lived_with(world: str) -> None:
    async def careless(episode: Any) -> None:
        await (await episode.branch()).act(Choose(index=maze.BREAK))

    async def careful(episode: Any) -> None:
        branch = await episode.branch()
        with pytest.raises(EnvironmentFault, match="the roof came down"):
            await branch.act(Choose(index=maze.BREAK))
        assert branch.over
        with pytest.raises(UsageError, match="whose world is whole"):
            await episode.adopt(branch)
        await episode.act("E")

    episode = await played(careless, maze.maze_task(world))
    assert episode.failure is not None and (episode.outcome, episode.failure.owner) == ("env_error", "environment")
    assert len((await solved(careful, maze.maze_task(world))).steps) == 2


async def test_a_copy_that_does_not_repeat_is_no_branch() -> None:
    async def play(episode: Any) -> None:
        await episode.act("E")
        await episode.branch()

    episode = await played(play, maze.maze_task("Maze", drift=True))
    assert episode.failure is not None and episode.failure.owner == "environment"
    assert "shows something else, though its capabilities say `replay`" in episode.failure.message


class Plain(maze.Maze):  # type: ignore[misc]
    capabilities = maze.Maze.capabilities.model_copy(update={"replay": False, "copies": False})


@pytest.mark.parametrize(
    ("world", "another", "said"),
    [
        (Plain, Plain, "can `snapshot`, or `replay` in `copies`"),
        (maze.Maze, None, "no copy of environment .* can be made"),
    ],
)
async def test_where_no_branch_can_be_made_it_is_said(world: type[World], another: Any, said: str) -> None:
    async def play(episode: Any) -> None:
        with pytest.raises(UsageError, match=said):
            await episode.branch()
        with pytest.raises(UsageError, match="no copy of environment"):
            await episode.attempt()

    task = maze.maze_task()
    environment = Environment(world(), task, evaluator=load_evaluator(task), another=another)
    async with AsyncEnv(environment) as env:
        episode = await rollout(env, Loop(play), seed=0)
    assert episode.failure is None, episode.failure.message


async def test_branches_of_another_episode_are_refused() -> None:
    kept: list[Branch] = []

    async def keep(episode: Any) -> None:
        kept.append(await episode.branch())

    async def use(episode: Any) -> None:
        with pytest.raises(UsageError, match="only an open branch of this episode"):
            await episode.adopt(kept[0])

    for play in (keep, use):
        await solved(play, maze.maze_task())


@BOTH
async def test_hundreds_of_branches_that_nobody_closes_are_closed_with_the_episode(world: str) -> None:
    async def play(episode: Any) -> None:
        branches = await asyncio.gather(*(episode.branch() for _ in range(100)))
        await asyncio.gather(*(each.act("E") for each in branches))
        more = await asyncio.gather(*(each.branch() for each in branches))
        await asyncio.gather(*(each.act("E") for each in more))
        assert len(maze.Maze.living) == 201
        await episode.adopt(more[57])

    episode = await solved(play, maze.maze_task(world))
    assert len(episode.steps) == 3
    assert sum(each.steps for each in episode.usage.charges if each.what == "act") == 200


async def test_a_branch_in_the_making_is_closed_with_the_episode() -> None:
    async def play(episode: Any) -> None:
        for _ in range(10):
            asyncio.create_task(episode.branch())  # noqa: RUF006
        await asyncio.sleep(0)

    await solved(play, maze.maze_task())


@pytest.mark.parametrize("world", ["SavingMaze", "Maze"])
async def test_cancelling_closes_branches(world: str) -> None:
    ready = asyncio.Event()

    async def play(episode: Any) -> None:
        for _ in range(3):
            await episode.branch()
        ready.set()
        await asyncio.sleep(3600)

    work = asyncio.create_task(played(play, maze.maze_task(world)))
    await ready.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
