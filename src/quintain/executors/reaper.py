"""Run as a program, never imported: it parents one worker and ends it, with every descendant, when its own standard input ends.

``python -I -S reaper.py PROGRAM ARGUMENT...``; every inherited descriptor from 3 on goes to the worker. The run holds the only
other end of standard input: its death, however sudden, is seen here. Being the *subreaper* of the worker's tree brings back
what put itself into another session. Children of the worker that clean up after themselves get a moment for it. The worker's
exit status goes to standard output, as soon as it is known.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 1.0
LIMIT_S = 5.0


def main(*command: str) -> None:
    """Start the worker, wait for its end or that of standard input, then kill and reap what is left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    worker = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, 2, 1)],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    )
    os.closerange(3, 1024)
    watched = os.pidfd_open(worker)
    select.select([0, watched], [], [])
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    status = os.waitpid(worker, 0)[1]
    with contextlib.suppress(OSError):
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(1)
    end_children(time.monotonic())


def end_children(now: float) -> None:
    """Reap until no child is left; kill those that outstay the grace. A killed child's own children become ours."""
    while time.monotonic() < now + LIMIT_S:
        try:
            if os.waitpid(-1, os.WNOHANG) != (0, 0):
                continue
        except ChildProcessError:
            return
        if time.monotonic() > now + GRACE_S:
            for pid in children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def children() -> list[int]:
    """The direct children of this process, from /proc."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                # The command's name may hold anything, parentheses included: the fields start after the last one.
                if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
