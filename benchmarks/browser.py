"""The browser environment against browsergym-core 0.14.3 with browsergym-miniwob, interleaved, on the same Chromium package.

Run ``python benchmarks/browser.py [--quick] [--json]`` with ``quintain[browser]`` installed. The peer gets its own virtual
environment. Ours runs on chromium-headless-shell where that is installed; the peer cannot.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import quintain
from quintain.core import Task

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure import Row, arguments, cpu_ms, pss_mb, row, show, timed
from peer import Peer

REQUIREMENTS = ("browsergym-core==0.14.3", "browsergym-miniwob==0.14.3", "miniwob==1.1.0")
TASK = "miniwob/click-test"
ENVIRONMENTS = 16
STEPS = 5
SPARE_S = 0.25
"""In which the context of the next episode is made ahead, which is no part of a step."""


def big_page() -> str:
    """A table of 600 rows, 4,867 elements in all with html, head and body."""
    cell = "<tr><td>{i}</td><td><a href='#{i}'>record {i}</a></td><td><input value='{i}'></td><td><button>open</button></td></tr>"
    head = "".join(f"<p>note <b>{n}</b></p>" for n in range(30))
    return f"<title>big</title><h1>Records</h1>{head}<table>{''.join(cell.format(i=i) for i in range(600))}</table>"


def peer() -> Peer:
    return Peer("browsergym", "browsergym_peer.py", REQUIREMENTS)


def act(env: quintain.faces.GymEnv, observation: quintain.Observation) -> None:
    """Press the page's button; the reward says that it was pressed."""
    assert observation.elements is not None
    step = env.step(quintain.Click(target=observation.elements.one(role="button").ref))
    assert step.reward == 1.0, step


def reset_and_step(repeats: int) -> Iterator[Row]:
    """Reset and acting step, ours after the peer's."""
    times: dict[str, list[float]] = {name: [] for name in ("reset", "step", "their reset", "their step")}
    env = quintain.make(TASK, observe=("elements", "screenshot"))
    with peer() as other:
        other.call("reset", task="click-test", seed=0)
        env.reset(seed=0)
        for i in range(repeats):
            times["their reset"].append(other.call("reset", task="click-test", seed=i))
            answer = other.call("click", role="button")
            assert answer["reward"] == 1.0, answer
            times["their step"].append(answer["ms"])
            for k in range(5):
                began = time.perf_counter()
                observation, _ = env.reset(seed=10 * i + k)
                times["reset"].append((time.perf_counter() - began) * 1000)
                time.sleep(SPARE_S)
                times["step"].append(timed(lambda seen=observation: act(env, seen)))
        yield row("reset, fresh context", times["reset"], times["their reset"], "ms")
        yield row("acting step: elements, screenshot, reward", times["step"], times["their step"], "ms")
    env.close()


def processor(repeats: int) -> Iterator[Row]:
    """CPU of a step that hovers, over the whole process tree; means, because the kernel counts in ticks of 10 ms."""
    env = quintain.make(TASK, observe=("elements", "screenshot"))
    ours = theirs = 0.0
    with peer() as other:
        for i in range(repeats):
            other.call("reset", task="click-test", seed=i)
            used = cpu_ms(other.pid)
            for _ in range(STEPS):
                other.call("hover", role="button")
            theirs += cpu_ms(other.pid) - used
            observation, _ = env.reset(seed=i)
            assert observation.elements is not None
            ref = observation.elements.one(role="button").ref
            time.sleep(SPARE_S)
            used = cpu_ms(os.getpid())
            for _ in range(STEPS):
                env.step(quintain.Hover(target=ref))
            ours += cpu_ms(os.getpid()) - used
    env.close()
    yield row("CPU of a step, process tree", ours / (repeats * STEPS), theirs / (repeats * STEPS), "ms")


def throughput(seconds: float, their_seconds: float) -> Iterator[Row]:
    """Steps a second of 16 environments in one process; the peer, of which 8 do not start, with 4 processes."""
    env = quintain.make_vec(TASK, ENVIRONMENTS, observe=("elements", "screenshot"))
    observations, _ = env.reset(seed=1)
    steps = failures = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        actions = [quintain.Hover(target=seen.elements.one(role="button").ref) for seen in observations if seen.elements]
        observations, _, _, _, infos = env.step(actions)
        failures += int(sum(infos.get("_failure", ())))
        steps += ENVIRONMENTS
    ours = steps / (time.perf_counter() - began)
    env.close()
    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        others = [stack.enter_context(peer()) for _ in range(4)]
        list(threads.map(lambda other: other.call("reset", task="click-test", seed=1), others))
        deadline = time.perf_counter() + their_seconds

        def drive(other: Peer) -> int:
            done = 0
            while time.perf_counter() < deadline:
                other.call("step", action="noop(0)")
                done += 1
            return done

        began = time.perf_counter()
        their_steps = sum(threads.map(drive, others))
        theirs = their_steps / (time.perf_counter() - began)
    yield row(f"{ENVIRONMENTS} environments (peer: 4)", ours, theirs, "steps/s")
    yield Row(f"failures in {steps} steps of {ENVIRONMENTS} environments", failures, None, None, "failures")


def memory() -> Iterator[Row]:
    """Proportional memory of a further environment."""
    held = []
    for n in (1, 9):
        env = quintain.make_vec(TASK, n, observe=("elements", "screenshot"))
        env.reset(seed=1)
        env.step([quintain.Noop()] * n)
        held.append(pss_mb(os.getpid()))
        env.close()
    with peer() as first, peer() as second:
        first.call("reset", task="click-test", seed=1)
        alone = pss_mb(first.pid)
        second.call("reset", task="click-test", seed=1)
        both = pss_mb(first.pid) + pss_mb(second.pid)
    yield row("memory of a further environment", (held[1] - held[0]) / 8, both - alone, "MB")


def large_page(repeats: int) -> Iterator[Row]:
    """Observing (elements, no screenshot) a page of 4,867 elements."""
    html = big_page()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, peer() as other:
        (Path(folder) / "big.html").write_text(html)
        env = quintain.make(Task(id="bench/big", env="browser", setup={"start": ["root:/big.html"], "root": folder}))
        observation, _ = env.reset(seed=0)
        other.call("reset", task="click-test", seed=1)
        for _ in range(repeats):
            ours += [timed(lambda: env.step(quintain.Noop())) for _ in range(3)]
            theirs.append(other.call("observe", html=html))
        env.close()
    assert observation.elements is not None
    yield row("page of 4,867 elements: step that only observes", ours, theirs, "ms")


def fingerprints(every: int) -> dict[str, str]:
    """What each page shows under seed 7, in a browser of this process."""
    found = {}
    for task in quintain.list_tasks("miniwob")[::every]:
        env = quintain.make(task, observe=("elements", "screenshot"))
        seen, _ = env.reset(seed=7)
        assert seen.elements is not None and seen.screenshot is not None
        text = repr(seen.elements.to_jsonable()).encode()
        found[task] = hashlib.sha256(text).hexdigest() + hashlib.sha256(seen.screenshot.tobytes()).hexdigest()
        env.close()
    return found


def determinism(every: int) -> Iterator[Row]:
    """Pages of MiniWoB++ whose elements and pixels are identical in two browser processes under the same seed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as first:
        once = first.submit(fingerprints, every).result()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as second:
        again = second.submit(fingerprints, every).result()
    same = sum(once[task] == again[task] for task in once)
    for task in once:
        if once[task] != again[task]:
            print(f"differs: {task}", file=sys.stderr)
    yield Row("pages with identical elements and pixels", same, None, None, f"of {len(once)}")


def main() -> None:
    chosen = arguments(__doc__.splitlines()[0])
    quick = chosen.quick

    def rows() -> Iterator[Row]:
        yield from reset_and_step(3 if quick else 15)
        yield from processor(3 if quick else 10)
        yield from throughput(4 if quick else 15, 4 if quick else 15)
        yield from memory()
        yield from large_page(1 if quick else 5)
        yield from determinism(10 if quick else 1)

    show(rows(), as_json=chosen.json)


if __name__ == "__main__":
    main()
