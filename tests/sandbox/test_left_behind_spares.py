"""Nothing is left of namespaces that were only half made when their keeper ended, whichever way it came to its end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sandbox_host import eventually, marked, works

from quintain.sandbox import keeping

ROUNDS, LATEST_S = 24, 0.008
"""Ends are spread over the time that the making takes."""
KILLED = 8
HARNESS = """
import asyncio, sys
from quintain.sandbox import keeping
keeper = keeping.keeper("bubble")
asyncio.run(keeper.ask("prepare", uid=int(sys.argv[1])))
print("asked", flush=True)
sys.stdin.read()
"""


def half_made(uid: int) -> list[str]:
    """Processes that make namespaces for a user of that number."""
    return marked(f"--uid\0{uid}\0")


@pytest.fixture
def uid() -> int:
    """One that no other test has, by which its processes are found."""
    works("bubblewrap")
    return random.Random(os.urandom(8)).randrange(20_000, 60_000)


def test_a_keeper_that_is_let_go_ends_them(uid: int) -> None:
    for turn in range(ROUNDS):
        keeper = keeping.Keeper("bubble")
        asyncio.run(keeper.ask("prepare", uid=uid))
        time.sleep(LATEST_S * turn / ROUNDS)
        keeper.close()
    assert eventually(lambda: not half_made(uid), within_s=3.0), half_made(uid)


def test_a_keeper_whose_harness_is_killed_ends_them(uid: int) -> None:
    for turn in range(KILLED):
        command = [sys.executable, "-c", HARNESS, str(uid)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as harness:
            assert harness.stdout is not None and harness.stdout.readline() == b"asked\n"
            time.sleep(LATEST_S * turn / KILLED)
            harness.send_signal(signal.SIGKILL)
    assert eventually(lambda: not half_made(uid), within_s=3.0), half_made(uid)


def test_spares_of_another_user_are_ended_by_a_keeper_that_goes_on(uid: int) -> None:
    keeper = keeping.Keeper("bubble")
    try:
        for turn in range(ROUNDS):
            asyncio.run(keeper.ask("prepare", uid=uid))
            time.sleep(LATEST_S * turn / ROUNDS)
            asyncio.run(keeper.ask("prepare", uid=uid + 1))
        assert eventually(lambda: not half_made(uid), within_s=3.0), half_made(uid)
        assert eventually(lambda: half_made(uid + 1))
    finally:
        keeper.close()
    assert eventually(lambda: not half_made(uid + 1), within_s=3.0), half_made(uid + 1)
