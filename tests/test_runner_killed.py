"""Runs that are killed or interrupted: nothing finished is lost or repeated, and no process stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from quintain.registry import load
from quintain.runner import resume
from quintain.store import Store

toy: Any = sys.modules[load(f"{Path(__file__).with_name('toy_world.py')}:CounterWorld", what="toy world").__module__]
UP = f"{toy.TOY}:UpAgent"


def start(tmp_path: Path, body: str, *, marker: Path, count: int) -> subprocess.Popen[bytes]:
    """A script in a process of its own, once so many episodes have begun."""
    script = tmp_path / "script.py"
    task = f"Task(id='toy/x', env='{toy.TOY}:CounterWorld', setup={{'target': 5, 'marker': '{marker}'}}, limits={{'steps': 9}}, "
    task += f"evaluator={{'id': '{toy.TOY}:Counted', 'when': 'step'}})"
    script.write_text(f"from quintain import evaluate\nfrom quintain.core import Task\ntask = {task}\n{body}\n")
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (marker.exists() and len(marker.read_text().splitlines()) >= count):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    return process


def test_killing_everything_loses_nothing_finished_and_repeats_nothing(tmp_path: Path) -> None:
    marker, run = tmp_path / "marker", tmp_path / "run"
    body = f"evaluate('{UP}', task, episodes=30, workers=2, out='{run}', options={{'delay': 0.02}}, resume=True)"
    for count in (5, 15):
        process = start(tmp_path, body, marker=marker, count=count)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert len(family) >= 5, "the script, and two workers below their reapers"
        for each in family:
            # Those of a run that is dead already end by themselves, as fast as this.
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.communicate()
        with Store.open(run) as store:
            kept = {episode.id for episode in store.episodes()}
        assert len(kept) >= count - 4
    played = len(marker.read_text().splitlines())
    final = resume(run, workers=2)
    episodes = list(final.episodes())
    assert len(episodes) == 30 and {episode.outcome for episode in episodes} == {"ok"}
    assert kept <= {episode.id for episode in episodes}
    assert len(marker.read_text().splitlines()) - played == 30 - len(kept)


def test_workers_and_their_children_end_with_the_run_however_it_ends(tmp_path: Path) -> None:
    marker, run = tmp_path / "marker", tmp_path / "run"
    agent = f"AgentConfig(agent='{toy.TOY}:MovesAgent', config={{'moves': [6, 0, 0, 4]}}, name='moves')"
    body = f"from quintain.config import AgentConfig\nevaluate({agent}, task, workers=1, out='{run}')"
    process = start(tmp_path, body, marker=marker, count=1)
    family = psutil.Process(process.pid).children(recursive=True)
    deadline = time.monotonic() + 20
    while len(family) < 3 and time.monotonic() < deadline:
        family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 3, "reaper, worker, and what the world started in a session of its own"
    process.kill()
    process.communicate()
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path) -> None:
    marker, run = tmp_path / "marker", tmp_path / "run"
    body = f"evaluate('{UP}', task, episodes=500, workers=2, out='{run}', options={{'delay': 0.02}})"
    process = start(tmp_path, body, marker=marker, count=6)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1].decode()
    assert "of 500 episodes are kept" in said.splitlines()[-1] and "--resume" in said
    assert psutil.wait_procs(family, timeout=10)[1] == []
    with Store.open(run) as store:
        ids = {episode.id for episode in store.episodes()}
        assert len(ids) >= 4
        assert {path.name.split(".")[0] for path in (run / "traces").iterdir()} == ids
