"""What `evaluate` adds to an episode beyond its environment and its agent: dispatch, trace, scoring, store.

``python benchmarks/overhead.py [--quick] [--json]``. The world is the counter of the tests, which takes next to no time itself.
There is no peer: the contract is at most 5 ms an episode. CPU time is what counts on a machine that others use too; the wall
clock beside it is honest on an idle one only.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from measure import Row, arguments, row, show

from quintain.core import EvaluatorSpec, Limits, Task
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.making import load_evaluator, make_world
from quintain.registry import load
from quintain.rollout import rollout
from quintain.runner import Progress, evaluate
from quintain.scoring import score_run
from quintain.store import Store
from quintain.trace import TraceLevel

TOY = Path(__file__).resolve().parents[1] / "tests" / "toy_world.py"
WORKERS = 2


class Spent(NamedTuple):
    """Milliseconds an episode."""

    cpu: float
    wall: float


def counting() -> Task:
    spec = EvaluatorSpec(id=f"{TOY}:Counted", when="step")
    return Task(id="toy/count", env=f"{TOY}:CounterWorld", setup={"target": 10}, evaluator=spec, limits=Limits(steps=20))


def cpu_ms() -> float:
    """Of this process and of all descendants that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1e3 * sum(each.ru_utime + each.ru_stime for each in used)


async def bare(episodes: int) -> float:
    """CPU milliseconds of an episode that is only played."""
    task = counting()
    agent = load(f"{TOY}:UpAgent", what="agent")()
    async with AsyncEnv(Environment(make_world(task.env), task, evaluator=load_evaluator(task))) as env:
        await rollout(env, agent, seed=0)
        began = time.process_time()
        for seed in range(episodes):
            await rollout(env, agent, seed=seed)
        return 1e3 * (time.process_time() - began) / episodes


def evaluated(folder: Path, *, episodes: int, trace: TraceLevel) -> Spent:
    """Of all workers and the parent: CPU as the difference between a long run and a short one, wall once workers are warm."""
    used = []
    for count in (episodes // 5, episodes):
        ended: list[float] = []
        began = cpu_ms()
        run = evaluate(
            f"{TOY}:UpAgent", counting(), episodes=count, workers=WORKERS, out=folder / f"{trace}-{count}", trace=trace,
            progress=lambda _, ended=ended: ended.append(time.perf_counter()),
        )  # fmt: skip
        used.append(cpu_ms() - began)
    rows, warm = run.rows(), episodes // 5
    wall = 1e3 * WORKERS * (ended[-1] - ended[warm]) / (episodes - warm - 1)
    played = 1e3 * float(np.mean((rows["agent_s"] + rows["environment_s"])[warm:]))
    return Spent((used[1] - used[0]) / (episodes - episodes // 5), wall - played)


def first_episode(folder: Path) -> float:
    """Seconds from the call to the end of the first episode: workers started, agents built."""
    ended: list[float] = []

    def note(_: Progress) -> None:
        ended.append(time.perf_counter())

    began = time.perf_counter()
    evaluate(f"{TOY}:UpAgent", counting(), workers=1, out=folder / "first", progress=note)
    return ended[0] - began


def storing(folder: Path, *, copies: int) -> float:
    with Store.open(folder) as store:
        episode = next(store.episodes())
        score = store.score(episode.id)
        more = [episode.model_copy(update={"id": f"copy-{number}", "seed": number}) for number in range(copies)]
        began = time.process_time()
        for each in more:
            store.append(each, score)
        return 1e3 * (time.process_time() - began) / copies


def scoring(folder: Path) -> float:
    began = cpu_ms()
    episodes = score_run(folder, workers=0).episodes
    return (cpu_ms() - began) / episodes


def measured(episodes: int) -> Iterator[Row]:
    played = asyncio.run(bare(episodes))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for trace in ("full", "none"):
            spent = evaluated(folder, episodes=episodes, trace=trace)
            yield row(f"overhead an episode, trace {trace}, CPU", spent.cpu - played, None, "ms")
            yield row(f"overhead an episode, trace {trace}, wall", spent.wall, None, "ms")
        yield row("call to end of first episode, 1 worker", first_episode(folder), None, "s")
        yield row("append an episode, CPU", storing(folder / f"full-{episodes}", copies=episodes), None, "ms")
        yield row("score a stored episode, CPU", scoring(folder / f"full-{episodes}"), None, "ms")


def main() -> None:
    flags = arguments("What evaluate adds to an episode beyond its environment and its agent.")
    show(measured(300 if flags.quick else 3000), as_json=flags.json)


if __name__ == "__main__":
    sys.exit(main())
