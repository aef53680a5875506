"""Trials of agents that own their loop, what they cost, and whose world is kept."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import toy_world as toy

from quintain import ledger
from quintain.core import Episode
from quintain.errors import InfrastructureError
from quintain.executors.slot import State
from quintain.registry import load
from quintain.runner import evaluate, resume
from quintain.scoring import score_run
from quintain.spaces import Choose, Observation
from quintain.store import Store, Trial
from quintain.trace import read_note, read_trace
from quintain.trial import AGENT_GRACE_S, TrialJob

maze: Any = sys.modules[load(f"{Path(__file__).with_name('branching_maze.py')}:Maze", what="maze").__module__]
HERE = str(Path(__file__).resolve())


class Explorer:
    """Looks a step ahead in branches, and books and notes that."""

    async def play(self, episode: Any) -> None:
        for way in maze.WAY_OUT:
            with ledger.purpose("look ahead"):
                ledger.current().charge(calls=1, input_tokens=2, usd=None)
                branch = await episode.branch()
                seen = await branch.act(Choose(index=way))
            ledger.current().note("model", messages=[{"role": "user", "content": seen.text}])
            await episode.adopt(branch)


class Unreachable(toy.Agent):
    def act(self, observation: Observation) -> Any:
        raise InfrastructureError("the model cannot be reached")


class UnreachableLoop:
    async def play(self, episode: Any) -> None:
        await (await episode.branch()).act(Choose(index=maze.EAST))
        raise InfrastructureError("the model cannot be reached")


class Breaker:
    async def play(self, episode: Any) -> None:
        await episode.act(Choose(index=maze.BREAK))


class Killed(toy.Agent):
    def act(self, observation: Observation) -> Any:
        ledger.current().charge(calls=1, input_tokens=5)
        if observation.step == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return Choose(index=toy.UP)


@pytest.mark.parametrize("world", ["Maze", "SavingMaze"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_with_branches_is_run_stored_scored_again_and_resumed(tmp_path: Path, world: str, workers: int) -> None:
    run = evaluate(f"{HERE}:Explorer", maze.maze_task(world), episodes=2, workers=workers, out=tmp_path)
    with Store.open(tmp_path) as store:
        episodes = list(store.episodes())
        rows = store.query("SELECT what, calls, input_tokens, usd, steps FROM charges WHERE episode = ? AND what = 'look ahead'",
                           (episodes[0].id,))  # fmt: skip
        texts = [
            read_note(line.note, store.blobs).data["messages"][0]["content"]  # type: ignore[index, call-overload]
            for line in read_trace(store.trace_path(episodes[0].id))
            if line.note is not None
        ]
    assert [episode.outcome for episode in episodes] == ["ok", "ok"], episodes[0].failure
    assert rows == [("look ahead", 13, 26, None, 13)]
    assert texts[0] == "at 2,1 after 1" and texts[-1] == "at 6,5 after 13"
    for episode in episodes:
        assert episode.reward == pytest.approx(1.0) and len(episode.steps) == 13
        assert (episode.usage.tokens, episode.usage.usd) == (26, None)
        assert Episode.model_validate_json(episode.model_dump_json()) == episode
    assert score_run(tmp_path, workers=0, check=True).changed == 0
    assert len(resume(tmp_path).rows()["seed"]) == len(run.rows()["seed"]) == 2


@pytest.mark.parametrize("agent", ["Unreachable", "UnreachableLoop"])
def test_a_model_that_cannot_be_reached_does_no_harm_to_the_world(tmp_path: Path, agent: str) -> None:
    made = []
    for name in (agent, "Breaker"):
        before = maze.Maze.made
        evaluate(f"{HERE}:{name}", maze.maze_task("SavingMaze"), episodes=3, workers=0, out=tmp_path / name)
        made.append(maze.Maze.made - before)
        with Store.open(tmp_path / name) as store:
            failures = [episode.failure for episode in store.episodes()]
        assert {failure and failure.owner for failure in failures} == {"environment" if name == "Breaker" else "infrastructure"}
    # A world that broke is made anew for each play; the only others are those of branches.
    assert made[1] >= 3 and made[0] == 1 + (made[1] if agent == "UnreachableLoop" else 0)


def test_what_a_killed_worker_spent_is_unknown(tmp_path: Path) -> None:
    evaluate(f"{HERE}:Killed", toy.counter_task(), workers=1, out=tmp_path)
    with Store.open(tmp_path) as store:
        (episode,) = store.episodes()
    assert episode.outcome == "agent_error" and len(episode.steps) == 1
    assert (episode.usage.tokens, episode.usage.usd, episode.usage.charges) == (None, None, ())


def test_an_agent_is_told_the_end_after_its_time_is_up_and_is_not_waited_for() -> None:
    job = TrialJob("x", Trial("toy/count", "a", 0, 0), toy.counter_task(seconds=10), 0)

    def state(since: float) -> State:
        return State("agent", 1, since, 100.0)

    assert not job.overdue(state(100.0), 110.5)
    assert job.overdue(state(105.0), 110.0 + AGENT_GRACE_S + 0.1)
    assert not job.overdue(state(150.0), 150.0 + AGENT_GRACE_S - 0.1)
    assert job.overdue(state(150.0), 150.0 + AGENT_GRACE_S + 0.1)
