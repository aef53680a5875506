"""Branches in a real browser, by replay, and in a real sandbox, by saved states."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from toy_loops import Loop

from quintain.core import Limits, Task
from quintain.environment import Environment
from quintain.errors import Unavailable, UsageError
from quintain.faces import AsyncEnv
from quintain.making import make_async, make_world
from quintain.rollout import rollout
from quintain.spaces import Bash


@pytest.fixture
def browser() -> None:
    _there("browser")


@pytest.fixture
def sandbox() -> None:
    _there("repo")


def _there(env: str) -> None:
    try:
        make_world(env)
    except Unavailable as error:
        if os.environ.get("QUINTAIN_CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


async def test_a_web_page_is_branched_by_replay(browser: None) -> None:
    async def play(episode: Any) -> None:
        button = next(each for each in episode.observation.elements if each.role == "button")
        await episode.act({"kind": "noop"})
        right, wrong = await episode.branch(), await episode.branch()
        await wrong.act({"kind": "press", "keys": "Tab"})
        assert not wrong.over
        await right.act({"kind": "click", "target": button.ref})
        assert right.over and not episode.over
        await episode.adopt(right)
        assert episode.over

    async with make_async("miniwob/click-test", observe=["elements"]) as env:
        episode = await rollout(env, Loop(play), seed=7)
    assert episode.failure is None, episode.failure.message
    assert episode.reward == pytest.approx(1.0) and len(episode.steps) == 2


async def test_a_repository_is_branched_by_saved_states(sandbox: None, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/notes.txt").write_text("one\n")

    async def play(episode: Any) -> None:
        await episode.act(Bash(command="cd /workspace && export MARK=7"))
        branches = [await episode.branch() for _ in range(3)]
        for number, branch in enumerate(branches):
            await branch.act(Bash(command=f"echo {number} >> notes.txt; cat notes.txt"))
        assert [branch.observation.text for branch in branches] == ["one\n0\n", "one\n1\n", "one\n2\n"]
        further = await branches[1].branch()
        await further.act(Bash(command="echo $MARK > more.txt"))
        assert (await episode.act(Bash(command="cat notes.txt; ls"))).text == "one\nnotes.txt\n"
        with pytest.raises(UsageError, match="left the episode at step 1"):
            await episode.adopt(further)
        again = await episode.branch()
        await again.act(Bash(command="echo $MARK > more.txt"))
        await again.act(Bash(command="false"))
        seen = await episode.adopt(again)
        assert (seen.exit_code, seen.step) == (1, 4)
        assert (await episode.act(Bash(command="cat more.txt notes.txt"))).text == "7\none\n"

    setup = {"trees": [{"source": str(tmp_path / "tree"), "target": "/workspace"}], "python": "none"}
    task = Task(id="toy/repo", env="repo", goal="Look", setup=setup, limits=Limits(steps=30))
    another = functools.partial(make_world, "repo")
    async with AsyncEnv(Environment(another(), task, another=another)) as env:
        episode = await rollout(env, Loop(play), seed=0)
    assert episode.failure is None, episode.failure.message
    assert len(episode.steps) == 6
