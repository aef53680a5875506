"""The keeper as a program: ``python -I -S -c … FOLDER KIND BWRAP``, with the control socket as its standard input.

It ends with its harness, and everything with it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Protocol


class Running(Protocol):
    def run(self) -> None:
        """Keep sandboxes until the harness is gone."""
        ...


def main() -> None:
    """Keep sandboxes of the kind that the arguments name."""
    kind, bwrap = sys.argv[2:]
    keep(_plain if kind == "plain" else lambda connection: _bubbles(connection, bwrap))


def keep(make: Callable[[socket.socket], Running]) -> None:
    """Run what `make` makes of the control socket, until the harness, at the other end of standard input, is gone."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    try:
        keeper = make(connection)
    except Exception as error:
        import json

        connection.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        sys.exit(1)
    keeper.run()


def _bubbles(connection: socket.socket, bwrap: str) -> Running:
    from .world import World

    # It copies what is shown of /etc while the rest is loaded, which takes as long.
    world = World()
    from .bubble import Bubblewrap
    from .bubbles import Bubbles
    from .control import Control

    return Bubbles(Control(connection), Bubblewrap(bwrap), world)


def _plain(connection: socket.socket) -> Running:
    from .control import Control
    from .plain import Plain

    return Plain(Control(connection))
