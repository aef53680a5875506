"""Browsers start, die, are replaced, and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from quintain.envs.browser import process
from quintain.envs.browser.cdp import ConnectionLost
from quintain.envs.browser.discovery import find_browser
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.pool import Pool, PoolOptions, shared_pool
from quintain.errors import EnvironmentFault, Unavailable, UsageError

pytestmark = pytest.mark.timeout(60)

CLIENT = """
import asyncio, sys
from quintain.envs.browser.pool import Pool
async def main():
    pool = Pool()
    context = await pool.acquire()
    print(context.host.process.pid, context.host.process.folder, flush=True)
    if sys.argv[1] == "wait":
        await asyncio.sleep(60)
asyncio.run(main())
"""


def tree(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def gone(processes: list[psutil.Process], limit_s: float = 10.0) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        # An orphan whose new parent reaps nothing stays a zombie: it is dead all the same.
        if all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes if psutil.pid_exists(p.pid)):
            return True
        time.sleep(0.02)
    return False


def client(mode: str) -> tuple[subprocess.Popen[str], int, Path]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = subprocess.Popen([sys.executable, "-c", CLIENT, mode], stdout=subprocess.PIPE, text=True, env=environment)
    assert started.stdout is not None
    pid, folder = started.stdout.readline().split()
    return started, int(pid), Path(folder)


def test_a_killed_client_leaves_no_process_and_no_folder() -> None:
    started, pid, folder = client("wait")
    processes = tree(pid)
    assert len(processes) > 3
    started.send_signal(signal.SIGKILL)
    started.communicate()
    assert gone(processes)
    assert not folder.exists()


def test_a_client_that_ends_without_closing_leaves_nothing() -> None:
    started, pid, folder = client("exit")
    started.communicate(timeout=20)
    assert started.returncode == 0
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_an_abandoned_folder_is_swept_and_a_live_one_is_not() -> None:
    abandoned = Path(tempfile.mkdtemp(prefix=process.FOLDER_PREFIX))
    (abandoned / "lock").touch()
    held, lock = process._locked_folder()
    process.sweep()
    assert not abandoned.exists()
    assert held.exists()
    os.close(lock)
    process.sweep()
    assert not held.exists()


async def test_closing_the_pool_ends_the_browser() -> None:
    pool = Pool(PoolOptions(spares=0))
    context = await pool.acquire()
    processes = tree(context.host.process.pid)
    await pool.close()
    assert gone(processes)
    assert context.dead
    with pytest.raises(ConnectionLost):
        await context.new_tab()
    with pytest.raises(UsageError, match="closed"):
        await pool.acquire()


async def test_a_browser_that_dies_is_replaced() -> None:
    pool = Pool(PoolOptions(spares=0))
    first = await pool.acquire()
    pending = asyncio.ensure_future(first.tabs[0].evaluate("new Promise(() => 0)"))
    await asyncio.sleep(0.05)
    for dying in tree(first.host.process.pid)[1:]:
        with contextlib.suppress(psutil.NoSuchProcess):
            dying.kill()
    with pytest.raises(EnvironmentFault):
        await asyncio.wait_for(pending, 10)
    assert first.dead
    async with await pool.acquire() as second:
        assert await second.tabs[0].evaluate("1 + 1") == 2
    await first.close()
    await pool.close()


async def test_a_crashed_page_harms_no_other() -> None:
    pool = Pool(PoolOptions(spares=0))
    async with await pool.acquire() as first, await pool.acquire() as second:
        tab = first.tabs[0]
        tab.session.post("Page.crash")
        with pytest.raises(EnvironmentFault):
            await asyncio.wait_for(tab.evaluate("new Promise(() => 0)"), 10)
        assert tab.dead
        assert await second.tabs[0].evaluate("1 + 1") == 2
        assert (await second.tabs[0].settle()).reason == "quiet"
        assert await (await first.new_tab()).evaluate("2 + 2") == 4
    await pool.close()


async def test_a_browser_is_recycled_once_its_contexts_are_closed() -> None:
    pool = Pool(PoolOptions(recycle_after=2, spares=0))
    contexts = [await pool.acquire() for _ in range(3)]
    old, new = contexts[0].host, contexts[2].host
    assert contexts[1].host is old
    assert new is not old
    for context in contexts[:2]:
        await context.close()
    await (await pool.acquire()).close()
    assert old.dead
    assert new.dead is None
    await pool.close()


async def test_a_forked_child_cannot_touch_the_browser() -> None:
    pool = shared_pool()
    context = await pool.acquire()
    child = os.fork()
    if child == 0:
        refused = False
        try:
            pool._check_usable()
        except UsageError:
            refused = True
        context.host.process.stop()
        process.stop_all()
        os._exit(0 if refused and not process._LIVE else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert await context.tabs[0].evaluate("1 + 1") == 2
    assert shared_pool() is pool
    await pool.close()


async def test_a_debug_port_opens_beside_the_pipe() -> None:
    pool = Pool(PoolOptions(debug_port=True))
    assert (await pool.debug_url()).startswith("http://127.0.0.1:")
    async with await pool.acquire(NetworkPolicy()) as context:
        assert await context.tabs[0].evaluate("1 + 1") == 2
    await pool.close()


def test_a_browser_that_does_not_exist_is_named() -> None:
    with pytest.raises(Unavailable, match="/no/such/browser"):
        find_browser("/no/such/browser")


def test_the_environment_variable_names_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    path = find_browser().path
    monkeypatch.setenv("QUINTAIN_BROWSER", path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_browser().path == path
    monkeypatch.delenv("QUINTAIN_BROWSER")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    with pytest.raises(Unavailable, match="install"):
        find_browser()


async def test_a_program_that_is_no_browser_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "not-a-browser"
    program.write_text("#!/bin/sh\necho broken library >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(Unavailable, match="broken library"):
        await Pool(PoolOptions(path=str(program))).acquire()
