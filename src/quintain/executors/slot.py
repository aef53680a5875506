"""What a worker is doing, in a few bytes of shared memory that survive its death.

`time.monotonic` counts from the start of the machine in every process, so that parent and worker can compare.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import NamedTuple

PHASES = ("idle", "setup", "agent", "environment", "evaluator", "store")
LAYOUT = struct.Struct("<IIdd")


class State(NamedTuple):
    """What a worker last said of itself."""

    phase: str = "idle"
    step: int = 0
    since: float = 0.0
    """When this phase began; `time.monotonic`."""
    playing: float = 0.0
    """When the job passed its setup, after which its time counts; 0 before."""


class Slot:
    """One worker's place; it writes, its parent reads."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Maps this file, or memory that no other process sees."""
        if descriptor is not None:
            os.ftruncate(descriptor, LAYOUT.size)
        self._memory = mmap.mmap(-1 if descriptor is None else descriptor, LAYOUT.size)
        self._playing = 0.0
        self._step = 0

    def enter(self, phase: str) -> None:
        """Begin a phase; the setup of the next job resets the step and the clock, and the agent's first phase starts it."""
        now = time.monotonic()
        if phase in ("setup", "idle"):
            self._playing, self._step = 0.0, 0
        elif phase == "agent" and not self._playing:
            self._playing = now
        elif phase == "environment":
            self._step += 1
        LAYOUT.pack_into(self._memory, 0, PHASES.index(phase), self._step, now, self._playing)

    def read(self) -> State:
        phase, step, since, playing = LAYOUT.unpack_from(self._memory, 0)
        return State(PHASES[phase], step, since, playing)

    def close(self) -> None:
        self._memory.close()
