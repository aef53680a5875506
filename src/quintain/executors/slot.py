"""What a worker is doing, in a few bytes of shared memory that survive its death.

`time.monotonic` counts from the start of the machine in every process, so that parent and worker can compare. A state is written
between two equal counters and read the other way round, so that no reader takes half of an old one for half of a new one.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import NamedTuple

PHASES = ("idle", "setup", "agent", "environment", "evaluator", "store")
LAYOUT = struct.Struct("<QIIdd")
HEAD = struct.Struct("<Q")
READS = 1000


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
            os.ftruncate(descriptor, LAYOUT.size + HEAD.size)
        self._memory = mmap.mmap(-1 if descriptor is None else descriptor, LAYOUT.size + HEAD.size)
        self._written = 0
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
        self._written += 1
        # `pack_into` clears its target first, which a reader would see: the bytes are made ready elsewhere.
        self._memory[: HEAD.size] = HEAD.pack(self._written)
        self._memory[: LAYOUT.size] = LAYOUT.pack(self._written, PHASES.index(phase), self._step, now, self._playing)
        self._memory[LAYOUT.size :] = HEAD.pack(self._written)

    def read(self) -> State:
        """The newest whole state. A worker that died while it wrote one leaves what is there."""
        for _ in range(READS):
            (ended,) = HEAD.unpack_from(self._memory, LAYOUT.size)
            begun, phase, step, since, playing = LAYOUT.unpack_from(self._memory)
            if begun == ended and HEAD.unpack_from(self._memory)[0] == ended:
                break
        return State(PHASES[phase], step, since, playing)

    def close(self) -> None:
        self._memory.close()
