"""Agents that own their loop are stopped when their time is up, and nobody waits for those that cannot be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import toy_world as toy
from toy_loops import UP, climb, climb_in_a_thread, played

from quintain.handle import EpisodeOver


async def test_who_does_not_act_in_time_is_stopped() -> None:
    stopped = asyncio.Event()

    async def play(episode: Any) -> None:
        await episode.act(UP)
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()

    episode = await played(play, toy.counter_task(seconds=0.3))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == ("timeout", "agent")
    assert stopped.is_set() and episode.evidence is not None and episode.evidence.values["number"] == 1


async def test_who_refuses_to_stop_is_left_behind() -> None:
    free, said = asyncio.Event(), list[str]()

    async def play(episode: Any) -> None:
        while not free.is_set():
            try:
                await asyncio.wait_for(free.wait(), 3600)
            except asyncio.CancelledError:
                continue
        try:
            await episode.act(UP)
        except EpisodeOver as over:
            said.append(str(over))

    episode = await played(play, toy.counter_task(seconds=0.2))
    assert episode.outcome == "timeout" and episode.steps == ()
    free.set()
    while not said:
        await asyncio.sleep(0.01)
    assert "the episode is over" in said[0]


async def test_a_thread_that_hangs_is_left_behind_and_its_next_act_is_told() -> None:
    free, said = threading.Event(), list[str]()

    def play(episode: Any) -> None:
        episode.act(UP)
        free.wait(60)
        try:
            episode.act(UP)
        except EpisodeOver as over:
            said.append(str(over))

    episode = await played(play, toy.counter_task(seconds=0.3))
    assert episode.outcome == "timeout" and len(episode.steps) == 1
    free.set()
    while not said:
        await asyncio.sleep(0.01)
    assert "the episode is over" in said[0]


async def test_a_slow_world_is_waited_for_and_tells_the_agent_that_its_time_is_up() -> None:
    episode = await played(climb, toy.counter_task(seconds=0.2), delay=0.5)
    assert (episode.outcome, len(episode.steps), episode.steps[-1].truncated) == ("ok", 1, True)


async def test_who_goes_on_after_the_end_is_stopped_when_the_time_is_up() -> None:
    async def play(episode: Any) -> None:
        await climb(episode)
        await asyncio.sleep(3600)

    episode = await played(play, toy.counter_task(seconds=0.4))
    assert (episode.outcome, episode.reward) == ("ok", pytest.approx(1.0))


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    program = f"""
import asyncio, sys, time
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
import toy_world as toy
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.rollout import rollout
class Hanging:
    def play(self, episode): time.sleep(3600)
async def main():
    async with AsyncEnv(Environment(toy.CounterWorld(), toy.counter_task(seconds=0.2), evaluator=toy.Counted())) as env:
        print((await rollout(env, Hanging(), seed=0)).outcome)
asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "timeout\n", "")


@pytest.mark.parametrize("sync", [False, True])
async def test_cancelling_passes_and_stops_the_agent(sync: bool) -> None:
    began, ended = threading.Event(), threading.Event()

    async def play(episode: Any) -> None:
        try:
            began.set()
            await climb(episode)
        finally:
            ended.set()

    def play_in_a_thread(episode: Any) -> None:
        try:
            began.set()
            climb_in_a_thread(episode)
        finally:
            ended.set()

    work = asyncio.create_task(played(play_in_a_thread if sync else play, delay=30))
    while not began.is_set():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await asyncio.to_thread(ended.wait, 5)
