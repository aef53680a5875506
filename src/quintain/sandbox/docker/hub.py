"""The first program in a container: starts a keeper there, and carries what it and its porters say over the one stream.

It is sent as an archive through that very stream (`payload`), so that any image with Python and bash will do. The end of the
stream is the end of the hub, and with it of the container.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from quintain.sandbox.keeper import kernel
from quintain.sandbox.keeper.bubbles import Bubbles
from quintain.sandbox.keeper.control import PACKET, Control
from quintain.sandbox.keeper.loop import Loop
from quintain.sandbox.keeper.main import keep
from quintain.sandbox.keeper.world import World

from .channels import CONTROL, PIECE, Pieces, piece
from .enclosure import Enclosure

GROUPS = "/sys/fs/cgroup"
REMOUNT = 0x20


class Outlet:
    """Bytes on their way to a descriptor that takes them when it can."""

    def __init__(self, loop: Loop, descriptor: int, *, broken: Callable[[], None]) -> None:
        self._loop, self._descriptor, self._broken = loop, descriptor, broken
        self._unsent = bytearray()
        os.set_blocking(descriptor, False)

    def send(self, data: bytes) -> None:
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._descriptor, self._unsent[:PIECE])]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
            self._broken()
            return
        self._loop.writing(self._descriptor, self._flush if self._unsent else None)


class Hub:
    def __init__(self, loop: Loop, control: socket.socket) -> None:
        self._loop, self._control = loop, control
        self._pieces = Pieces()
        self._stream = Outlet(loop, 1, broken=loop.stop)
        self._channels: dict[int, tuple[socket.socket, Outlet]] = {}
        os.set_blocking(0, False)
        loop.reading(0, self._receive)
        loop.reading(control.fileno(), self._ready)

    def _receive(self) -> None:
        try:
            data = os.read(0, PIECE)
        except BlockingIOError:
            return
        if not data:
            self._loop.stop()
            return
        for channel, part in self._pieces.feed(data):
            if channel == CONTROL:
                self._pass_on(json.loads(part))
            elif channel in self._channels:
                if part:
                    self._channels[channel][1].send(part)
                else:
                    self._close(channel)

    def _ready(self) -> None:
        """The keeper's first words; there is nothing after them but its end."""
        said = self._control.recv(PACKET)
        if not said:
            self._loop.stop()
        self._stream.send(piece(CONTROL, said or b'{"failed": "the keeper in the container ended"}'))

    def _pass_on(self, request: dict[str, Any]) -> None:
        """A request to the keeper, with a new connection for each channel that it names."""
        given = [self._open(channel) for channel in request.pop("channels")]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = request.pop("id")
        socket.send_fds(self._control, [json.dumps(request).encode()], [*(each.fileno() for each in given), theirs.fileno()])
        for each in (*given, theirs):
            each.close()
        self._loop.reading(ours.fileno(), partial(self._answer, number, ours))

    def _answer(self, number: int, ours: socket.socket) -> None:
        self._loop.reading(ours.fileno(), None)
        with ours:
            answer = json.loads(ours.recv(PACKET) or b'{"error": "the keeper ended"}')
        self._stream.send(piece(CONTROL, json.dumps({"id": number, **answer}).encode()))

    def _open(self, channel: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._channels[channel] = ours, Outlet(self._loop, ours.fileno(), broken=lambda: None)
        self._loop.reading(ours.fileno(), lambda: self._carry(channel, ours))
        return theirs

    def _carry(self, channel: int, ours: socket.socket) -> None:
        try:
            data = ours.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._stream.send(piece(channel, data))
        if not data:
            self._close(channel)

    def _close(self, channel: int) -> None:
        ours, _ = self._channels.pop(channel)
        self._loop.reading(ours.fileno(), None)
        self._loop.writing(ours.fileno(), None)
        ours.close()


def _open_groups() -> None:
    """Make the container's own control groups writable for the keeper, so that each sandbox gets one below them.

    In version 2 a group with limits below it may hold no processes itself: those of the container move one down.
    """
    for path in [GROUPS, *(f"{GROUPS}/{name}" for name in os.listdir(GROUPS))]:  # noqa: PTH208
        if os.path.ismount(path):
            with contextlib.suppress(OSError):
                kernel.mount("none", path, flags=kernel.BIND | REMOUNT | kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)
    top = Path(GROUPS)
    if (top / "cgroup.controllers").exists():
        with contextlib.suppress(OSError):
            (top / "first").mkdir(exist_ok=True)
            for pid in (top / "cgroup.procs").read_text().split():
                (top / "first" / "cgroup.procs").write_text(pid)


def main() -> None:
    """Never returns while the stream lasts."""
    _open_groups()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        os.dup2(theirs.fileno(), 0)
        ours.close()
        theirs.close()
        keep(lambda connection: Bubbles(Control(connection), Enclosure(), World()))
        os._exit(0)
    theirs.close()
    loop = Loop()
    Hub(loop, ours)
    loop.run()
    sys.exit(0)
