"""`prefix_scan`: the sum over those elements before which an odd number of elements is positive, as fast as possible.

Mirrors RE-Bench's `triton_cumsum`. The array goes over first, outside of the timed part; then the clock starts, keys go over, and
the function is applied several times in a row, each time to x * a + b of the last result, until the last result is back here as
plain bytes. Nothing can be computed before the keys are known, nothing is finished before it is here, and sending counts little.
As in `fast_train`, processor time counts where it can be known: one core does the least work, and more do not help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintain.core import Episode, Evidence, Score, Task
from quintain.evaluators.repo.research.contest import Cycles, Lap, contest, outcome
from quintain.evaluators.repo.research.frames import Declared, Line
from quintain.evaluators.repo.research.fresh import Contender, Timing, sandbox_of, solutions, talking
from quintain.evaluators.repo.research.outcome import Invalid, Measured, digest, examined, scored
from quintain.sandbox import Sandbox, Scene

Ints = NDArray[np.int32]
NAME = "research_prefix_scan"


class Size(NamedTuple):
    """How much one measurement does."""

    elements: int
    rounds: int


SIZES = {"cpu": Size(2**22, 4), "gpu": Size(2**26, 64)}


class Trial(NamedTuple):
    """Inputs of one measurement, and the right result."""

    x: Ints
    keys: Ints
    want: Ints


def prefix_scan(x: Ints) -> Ints:
    """What a submission must compute; sums wrap around at 32 bits."""
    odd_up_to = np.bitwise_xor.accumulate((x > 0).view(np.uint8))
    odd_before = np.empty_like(odd_up_to)
    odd_before[0], odd_before[1:] = 0, odd_up_to[:-1]
    return np.cumsum(x * odd_before, dtype=np.int32)


def draw(size: Size, rng: np.random.Generator) -> Trial:
    x = rng.integers(-(2**31), 2**31, size.elements, dtype=np.int32)
    keys = rng.integers(-(2**31), 2**31, (size.rounds, 2), dtype=np.int32)
    keys[:, 0] |= 1  # An even factor would lose bits in each round.
    want = x
    for factor, offset in keys:
        want = prefix_scan(want * factor + offset)
    return Trial(x, keys, want)


class PrefixScan:
    """Score of ln(time), start and reference measured in the same session."""

    version = "2"

    def __init__(self, *, cycles: int = 8, most: int = 36) -> None:
        self.cycles = Cycles(cycles, most)

    def begin(self, task: Task, seed: int) -> Mapping[str, Any]:
        return {}

    async def examine(self, task: Task, scene: Scene, evidence: Evidence) -> Evidence:
        files = await scene.files(["solution.py"])
        return await examined(evidence, self._measure(task, scene), artefact=digest(files))

    def score(self, task: Task, episode: Episode) -> Score:
        return scored(episode, evaluator=NAME, version=self.version)

    async def _measure(self, task: Task, scene: Scene) -> Measured:
        async with AsyncExitStack() as stack:
            sandboxes = {
                name: await stack.enter_async_context(sandbox_of(scene, source=source))
                for name, source in solutions(task).items()
            }
            size = SIZES["cpu" if await platform(sandboxes["start"]) == "cpu" else "gpu"]
            rng, drawn, lines = np.random.default_rng(), dict[int, Trial](), dict[Contender, Line]()

            async def run(name: Contender, cycle: int) -> Lap:
                if cycle not in drawn:
                    drawn.clear()
                    drawn[cycle] = await asyncio.to_thread(draw, size, rng)
                if name not in lines:
                    lines[name] = await stack.enter_async_context(talking(sandboxes[name], "prefix_scan"))
                    await lines[name].ask({"do": "load"}, timeout_s=60)
                    await lap(lines[name], drawn[cycle], sandboxes[name])  # Compiles; not counted.
                return await lap(lines[name], drawn[cycle], sandboxes[name], on_cpu=size == SIZES["cpu"])

            times = await contest(run, cycles=self.cycles, waiting=sandboxes["submission"])
        return outcome(times, what=f"{size.rounds} scans of {size.elements} numbers")


async def platform(sandbox: Sandbox) -> str:
    async with talking(sandbox, "backend") as line:
        return str((await line.ask(timeout_s=60)).values.get("platform"))


async def lap(line: Line, trial: Trial, sandbox: Sandbox, *, on_cpu: bool = True) -> Lap:
    """Seconds from the sending of the keys to the last byte of the result, which must be right."""
    await line.ask({"do": "hold"}, {"x": trial.x}, timeout_s=60)
    async with Timing(sandbox, on_cpu=on_cpu) as timing:
        reply = await line.ask({"do": "go"}, {"keys": trial.keys}, expect={"y": Declared("int32", trial.x.shape)}, timeout_s=60)
    if not np.array_equal(reply.arrays["y"], trial.want):
        at = int(np.argmax(reply.arrays["y"] != trial.want))
        raise Invalid(f"wrong result at position {at}: {reply.arrays['y'][at]} instead of {trial.want[at]}")
    return Lap(timing.seconds or reply.seconds)
