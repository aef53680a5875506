"""A worker's state is read whole, however busy the worker."""

from __future__ import annotations

import os
import signal
import tempfile

from quintain.executors.slot import Slot

READS = 100_000


def test_no_half_written_state_is_read() -> None:
    with tempfile.TemporaryFile() as memory:
        writer = os.fork()
        if writer == 0:
            slot = Slot(memory.fileno())
            while True:
                for phase in ("setup", "agent", "environment", "agent", "environment", "evaluator", "idle"):
                    slot.enter(phase)
        try:
            slot = Slot(memory.fileno())
            states = {(state.phase, state.step, state.playing > 0) for state in (slot.read() for _ in range(READS))}
        finally:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
    assert states - {("idle", 0, False)} <= {
        ("setup", 0, False),
        ("agent", 0, True),
        ("environment", 1, True),
        ("agent", 1, True),
        ("environment", 2, True),
        ("evaluator", 2, True),
    }
