"""What runs in a worker process: it builds the handler once, then does one job after the other until it is told to end."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from quintain import errors
from quintain.errors import InfrastructureError, QuintainError, one_line

from .slot import Slot

PR_SET_PDEATHSIG = 1
Reply = tuple[str, Any]
"""``("ready", None)``, ``("result", value)`` or ``("error", (class name, message))``."""


def main(connection: int, slot: int) -> None:
    """Serve the run at the other end of these descriptors."""
    for descriptor in (connection, slot):
        os.set_inheritable(descriptor, False)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    serve(Connection(connection), Slot(slot))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that an agent left running would keep the interpreter alive.
    os._exit(0)


def serve(run: Connection, slot: Slot) -> None:
    try:
        handler = cloudpickle.loads(run.recv_bytes())(slot)
    except Exception as error:
        with suppress(ConnectionError):
            run.send(described(error))
        return
    try:
        run.send(("ready", None))
        while (data := run.recv_bytes()) != b"":
            slot.enter("setup")
            try:
                reply = pickle.dumps(("result", handler(pickle.loads(data))))
            except Exception as error:
                reply = pickle.dumps(described(error))
            slot.enter("idle")
            run.send_bytes(reply)
    except (EOFError, ConnectionError):
        pass  # the run is over
    handler.close()


def described(error: Exception) -> Reply:
    """An error in a form that the run can read whatever modules it has."""
    if isinstance(error, QuintainError):
        name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        return "error", (name, str(error))
    return "error", (InfrastructureError.__name__, f"worker: {one_line(error)}")


def restored(described: tuple[str, str]) -> QuintainError:
    """The error that `described` told of."""
    name, message = described
    kind: type[QuintainError] = getattr(errors, name)
    return kind(message)
