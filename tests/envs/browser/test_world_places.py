"""A browser world works wherever Python code runs: threads, running loops, forked and spawned processes, notebooks."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import quintain
from quintain.spaces import Click

TASK = "miniwob/click-test"
pytestmark = pytest.mark.usefixtures("real_browser")


def play(seed: int = 0) -> float:
    """The reward of pressing the page's button."""
    with quintain.make(TASK) as env:
        observation, _ = env.reset(seed=seed)
        assert observation.elements is not None
        return env.step(Click(target=observation.elements.one(role="button").ref)).reward


def report(queue: multiprocessing.SimpleQueue[float]) -> None:
    queue.put(play())


async def play_async() -> float:
    async with quintain.make_async(TASK) as env:
        observation, _ = await env.reset(seed=1)
        assert observation.elements is not None
        return (await env.step(Click(target=observation.elements.one(role="button").ref))).reward


def test_eight_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(play, range(8))) == [1.0] * 8


async def test_inside_a_running_loop_in_both_ways() -> None:
    assert play() == 1.0
    assert await asyncio.gather(play_async(), play_async()) == [1.0, 1.0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_a_child_process_after_the_parent_used_its_own(method: str) -> None:
    assert play() == 1.0
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=report, args=(queue,))
    child.start()
    assert queue.get() == 1.0
    child.join(30)
    assert child.exitcode == 0
    assert play() == 1.0


def test_a_script_that_closes_nothing_ends_cleanly() -> None:
    code = f"import quintain; env = quintain.make('{TASK}'); print(env.reset(seed=1)[0].goal)"
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("Click the button.\n", "")


def test_in_a_notebook_kernel() -> None:
    """What a kernel does: it runs cells one after the other on a loop that is running already."""
    cells = [
        "import quintain",
        f"env = quintain.make('{TASK}')",
        "observation, info = env.reset(seed=3)",
        "print(observation.elements.one(role='button').name)",
        f"e = quintain.make_async('{TASK}'); o, _ = await e.reset(seed=3); print(o == observation); await e.close()",
        "env.close()",
    ]
    kernel = f"""
import ast, asyncio, inspect
async def main():
    scope = {{}}
    for cell in {json.dumps(cells)}:
        result = eval(compile(cell, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), scope)
        if inspect.isawaitable(result):
            await result
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", kernel], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("Click Me!\nTrue\n", "")
