"""Run as a program, never imported: it parents one browser and ends it, with all descendants, when its standard input ends.

``python -I -S supervisor.py FOLDER PROGRAM ARGUMENT...``; descriptors 3 and 4 go to the browser. The Python process that wants
the browser holds the only other end of standard input, so its death, however sudden, is seen here. Being the *subreaper* of the
browser's tree brings back what put itself into another session (the crash handler does), and leaves no zombie in a container
whose first process reaps nothing. A parent-death signal would not do: Linux sends it when the forking *thread* ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LIMIT_S = 5.0


def main(folder: str, *command: str) -> None:
    """Start the browser, wait for the end of standard input, kill, reap, and delete ``folder``."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    defaults = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    browser = os.posix_spawn(command[0], command, os.environ, setsid=True, setsigdef=defaults)
    os.close(3)
    os.close(4)
    while os.read(0, 4096):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(browser, signal.SIGKILL)
    end_children(time.monotonic() + LIMIT_S)
    shutil.rmtree(folder, ignore_errors=True)


def end_children(deadline: float) -> None:
    """Kill and reap until no child is left; a killed child's own children become ours."""
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG) != (0, 0):
                continue
        except ChildProcessError:
            return
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def children() -> list[int]:
    """The direct children of this process, from /proc."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The command's name may hold anything, parentheses included: the fields start after the last one.
                if int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(folder.name))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
