"""The background loop: one a process, also after a fork, and a clean end of the interpreter."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from counter_world import UP, counter_task

import quintain
from quintain import background
from quintain.spaces import Choose


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_threads_share_one_loop() -> None:
    loops: list[object] = []
    threads = [threading.Thread(target=lambda: loops.append(background.run(_loop()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(loops) == 8
    assert set(map(id, loops)) == {id(background.loop())}


def test_calling_the_synchronous_face_on_the_loop_itself_is_refused() -> None:
    async def nested() -> None:
        background.run(_loop())

    with pytest.raises(RuntimeError, match="use make_async"):
        background.run(nested())


def test_errors_and_results_cross() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        background.run(fail())


def _play_in_child() -> None:
    with quintain.make(counter_task()) as env:
        env.reset(seed=0)
        os._exit(7 if env.step(Choose(index=UP)).observation.text == "1" else 1)


def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    with quintain.make(counter_task()) as env:
        env.reset(seed=0)
        child = multiprocessing.get_context("fork").Process(target=_play_in_child)
        child.start()
        child.join(60)
        assert child.exitcode == 7
        assert env.step(Choose(index=UP)).observation.text == "1"


SCRIPTS = {
    "closed": "env.close()",
    "left open": "pass",
    "a vector env left open": "vec = quintain.make_vec(counter_task(), 3)\nvec.reset(seed=0)",
    "a vector env in a cycle": (
        "class A: pass\na = A(); a.me = a; a.vec = quintain.make_vec(counter_task(), 3)\na.vec.reset(seed=0)"
    ),
    "an async vector env left open": (
        "import gymnasium\nvec = gymnasium.vector.AsyncVectorEnv([make_counter] * 2)\nvec.reset(seed=0)"
    ),
    "work under way": (
        "import threading\nslow = quintain.make(counter_task(), delay=60)\nslow.reset()\n"
        "import contextlib\ndef play():\n    with contextlib.suppress(BaseException):\n        slow.step(Noop())\n"
        "threading.Thread(target=play, daemon=True).start()\nimport time\ntime.sleep(0.3)"
    ),
    "closed by atexit": "import atexit\natexit.register(env.close)",
    "inside of a running loop": "import asyncio\nasync def main():\n    env.step(Noop())\nasyncio.run(main())",
    "after a fork": "import os\nif os.fork() == 0:\n    e = quintain.make(counter_task())\n    e.reset()\nelse:\n    os.wait()",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_ends_cleanly(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    start = """\
        import quintain
        from counter_world import counter_task, make_counter
        from quintain.spaces import Noop
        if __name__ == "__main__":
            env = quintain.make(counter_task())
            env.reset(seed=0)
            env.step(Noop())
    """
    script.write_text(textwrap.dedent(start) + textwrap.indent(SCRIPTS[name], "    ") + "\n    print('done')\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONFAULTHANDLER": "1"}
    command = [sys.executable, "-X", "dev", "-W", "error", str(script)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "done" in result.stdout
