"""`fast_train`: the same weights as a slow training script, in less time.

Mirrors RE-Bench's `optimize_llm_foundry`. Data and seed are drawn after the freeze. Each training is a process of its own that
has the packages as they were before the agent came, and loads them before the clock starts; the submission's files are put there
just then, so that none of its code can run ahead. What counts is the processor time of all that ran in there: other work on the
machine hardly changes it, and nothing inside can hide any. Where a GPU does the work, or no control group counts, it is the time
that passes. The weights are held against those of our own run of the starting script on the same data, which no sandbox of a
submission has ever seen.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintain.core import Episode, Evidence, Score, Task
from quintain.evaluators.repo.research.contest import Cycles, Lap, contest, outcome
from quintain.evaluators.repo.research.frames import Declared
from quintain.evaluators.repo.research.fresh import Contender, Timing, pristine_of, solutions, talking
from quintain.evaluators.repo.research.outcome import Invalid, Measured, digest, examined, scored
from quintain.sandbox import Scene, TreeLimits

NAME = "research_fast_train"
INPUTS, HIDDEN, OUTPUTS = 16, 32, 4
ROWS = 154
SHORT_LAPS = 2
FAR = 1e-4
"""Sum of absolute differences over the sum of absolute weights. Another order of additions makes 1e-7, a learning rate that is
off by 1 % makes 1e-3, the last step left out 1e-3."""
WEIGHTS = {
    "w1": Declared("float32", (INPUTS, HIDDEN)),
    "b1": Declared("float32", (HIDDEN,)),
    "w2": Declared("float32", (HIDDEN, HIDDEN)),
    "b2": Declared("float32", (HIDDEN,)),
    "w3": Declared("float32", (HIDDEN, OUTPUTS)),
    "b3": Declared("float32", (OUTPUTS,)),
}
LIMITS = TreeLimits(files=200, total_bytes=2**24)
Weights = Mapping[str, NDArray[Any]]


class Lesson(NamedTuple):
    """What one training is given."""

    data: dict[str, NDArray[np.float32]]
    seed: int


def draw(rng: np.random.Generator) -> Lesson:
    x = rng.standard_normal((ROWS, INPUTS)).astype(np.float32)
    y = np.tanh(x @ rng.standard_normal((INPUTS, OUTPUTS)) / 2).astype(np.float32)
    return Lesson({"x": x, "y": y}, int(rng.integers(2**31)))


def distance(given: Weights, wanted: Weights) -> float:
    """L1 distance of the weights, relative to those wanted; infinite where a weight is no number."""
    far = sum(float(np.abs(given[name].astype(np.float64) - wanted[name]).sum()) for name in wanted)
    return far / sum(float(np.abs(each).sum()) for each in wanted.values()) if np.isfinite(far) else float("inf")


class FastTrain:
    """Score of ln(seconds), start and reference measured in the same session."""

    version = "2"

    def __init__(self, *, cycles: int = 3, most: int = 10) -> None:
        self.cycles = Cycles(cycles, most)

    def begin(self, task: Task, seed: int) -> Mapping[str, Any]:
        return {}

    async def examine(self, task: Task, scene: Scene, evidence: Evidence) -> Evidence:
        files = await scene.files(["**"], limits=LIMITS)
        return await examined(evidence, self._measure(task, scene, files), artefact=digest(files))

    def score(self, task: Task, episode: Episode) -> Score:
        return scored(episode, evaluator=NAME, version=self.version)

    async def _measure(self, task: Task, scene: Scene, files: Mapping[str, bytes]) -> Measured:
        lessons: dict[int, Lesson] = {}
        farthest = [0.0]

        def check(laps: Mapping[Contender, Lap]) -> None:
            (wanted,) = laps["start"].result
            far = max(distance(each, wanted) for each in laps["submission"].result)
            farthest.append(far)
            if not far <= FAR:
                raise Invalid(f"the weights are {far:.2e} from those of the original training; at most {FAR:.0e} is allowed")

        if "solution.py" not in files:
            raise Invalid("there is no solution.py")
        given: dict[Contender, Mapping[str, bytes]] = {
            name: files if source is None else {"solution.py": source.encode()} for name, source in solutions(task).items()
        }
        async with AsyncExitStack() as stack:
            sandboxes = {name: await stack.enter_async_context(pristine_of(scene)) for name in given}
            clean = {name: await sandbox.snapshot() for name, sandbox in sandboxes.items()}

            async def run(name: Contender, cycle: int) -> Lap:
                # One of the start takes as long as several of the others.
                laps = [await once(name, cycle) for _ in range(1 if name == "start" else SHORT_LAPS)]
                return Lap(statistics.fmean(lap.seconds for lap in laps), [lap.result for lap in laps])

            async def once(name: Contender, cycle: int) -> Lap:
                lesson, sandbox = lessons.setdefault(cycle, draw(np.random.default_rng())), sandboxes[name]
                await sandbox.restore(clean[name])
                async with talking(sandbox, "fast_train") as line:
                    ready = await line.ask(timeout_s=120)
                    for path, data in given[name].items():
                        await sandbox.write(path, data)
                    values: Mapping[str, Any] = {"seed": lesson.seed, "names": list(WEIGHTS)}
                    async with Timing(sandbox, on_cpu=ready.values.get("platform") == "cpu") as timing:
                        reply = await line.ask(values, lesson.data, expect=WEIGHTS, timeout_s=120)
                    return Lap(timing.seconds or reply.seconds, reply.arrays)

            found = outcome(await contest(run, check=check, cycles=self.cycles), what="training")
        return found.model_copy(update={"parts": found.parts | {"distance": max(farthest)}})
