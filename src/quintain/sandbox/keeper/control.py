"""The control socket of a keeper: requests in, one answer to each, the end of the harness noticed.

A request is one packet, ``{"op": name, ...}``, and carries descriptors: the last one is where the answer goes, those before it
are the operation's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from .loop import Loop
from .processes import Proc, Running, descendants

PACKET = 1 << 20
END_S = 10.0
Reply = socket.socket
Operation = Callable[[dict[str, Any], list[int], Reply], "dict[str, Any] | None"]
"""Its answer; None where that follows later, by `answer`."""


class Control:
    """Runs the operations of one keeper, and collects its children."""

    def __init__(self, connection: socket.socket) -> None:
        self.loop = Loop()
        self.ended: Callable[[set[int]], None] = lambda _: None
        """Told of children that ended by themselves."""
        self._connection = connection
        self._operations: dict[str, Operation] = {}
        self._awaited: dict[int, Callable[[int], None]] = {}
        self._signals = _child_signals()

    def serve(self, operations: dict[str, Operation], facts: dict[str, Any]) -> None:
        """Until the harness is gone."""
        self._operations = operations
        self._connection.send(json.dumps({"ready": facts}).encode())
        self._connection.setblocking(False)
        self.loop.reading(self._connection.fileno(), self._receive)
        self.loop.reading(self._signals, lambda: self.ended(self.collect()))
        self.loop.run()

    def start(self, command: list[str], done: Callable[[int], None]) -> None:
        """Run a program; `done` gets its exit code."""
        self._awaited[os.posix_spawn(command[0], command, os.environ)] = done

    def kill(self, pid: int) -> None:
        """And wait until it is gone, with its namespace if it was the first there."""
        self.wait(self.send(pid))

    @staticmethod
    def send(pid: int, number: int = signal.SIGKILL) -> int:
        """Send a signal; a handle to wait by, -1 where there is no such process any more."""
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return -1
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
        return handle

    def wait(self, handle: int) -> None:
        """Until a process has ended, `END_S` at most."""
        if handle < 0:
            return
        # Children are collected meanwhile: what waits for its namespace to be empty waits for that.
        poll, until = select.poll(), time.monotonic() + END_S
        poll.register(handle, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while (left := until - time.monotonic()) > 0:
            if handle in dict(poll.poll(left * 1000)):
                break
            self.collect()
        os.close(handle)
        self.collect()

    def collect(self) -> set[int]:
        """Numbers of the children that have ended, adopted ones too."""
        ended = set()
        with contextlib.suppress(BlockingIOError):
            os.read(self._signals, 4096)
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
                ended.add(found[0])
                if done := self._awaited.pop(found[0], None):
                    done(os.waitstatus_to_exitcode(found[1]))
        return ended

    def end_all(self) -> None:
        """Kill all that this process started, and what it was given as an orphan; it takes some seconds at most."""

        def below(all_: dict[int, Running]) -> set[int]:
            self.collect()
            return descendants([os.getpid()], all_)

        Proc().end(below)

    def _receive(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connection, PACKET, 8)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        if not data:
            self.loop.stop()
            return
        request = json.loads(data)
        *given, last = descriptors
        reply = socket.socket(fileno=last)
        try:
            said = self._operations[request["op"]](request, given, reply)
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        finally:
            for each in given:
                os.close(each)
        if said is not None:
            answer(reply, said)


def answer(reply: Reply, said: dict[str, Any]) -> None:
    with contextlib.suppress(OSError), reply:
        reply.send(json.dumps(said).encode())


def _child_signals() -> int:
    """Readable whenever a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading
