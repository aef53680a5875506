"""The store and the traces: real files, real processes."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from quintain.config import RunConfig
from quintain.core import Episode, Evidence, Failure, Score, StepRecord, Task, Usage
from quintain.errors import InfrastructureError, UsageError
from quintain.spaces import Observation
from quintain.store import Store, Trial
from quintain.trace import Blobs, TraceWriter, read_observation, read_trace

CONFIG = RunConfig(agents=("null",), tasks=("toy/a",))


def episode(task: str = "toy/a", *, seed: int = 1, outcome: str = "ok", **fields: object) -> Episode:
    known = {"task": task, "agent": "null", "seed": seed, "outcome": outcome, "steps": (StepRecord(action="x", reward=0.5),)}
    return Episode.model_validate(known | fields)


def test_an_episode_and_its_score_come_back_as_they_were(tmp_path: Path) -> None:
    stored = episode(seed=2**64 - 1, evidence=Evidence(values={"a": [1, None]}, files={"f": b"\x00\xff"}), usage=Usage(tokens=3))
    score = Score(value=0.25, passed=False, parts={"b": 0.1, "a": 0.2}, reason="why", evaluator="e", version="2")
    with Store.create(tmp_path / "run", CONFIG) as store:
        store.append(stored, score)
    with Store.open(tmp_path / "run") as store:
        assert list(store.episodes()) == [stored]
        assert store.score(stored.id) == score
        assert store.config == CONFIG
        rows = store.rows()
        assert rows["seed"].tolist() == [2**64 - 1]
        assert rows["value"].tolist() == [0.25] and rows["tokens"].tolist() == [3] and np.isnan(rows["usd"]).all()


def test_a_run_without_episodes_has_empty_columns(tmp_path: Path) -> None:
    with Store.create(tmp_path, CONFIG) as store:
        assert list(store.episodes()) == []
        assert store.rows()["agent"] == [] and store.rows()["value"].shape == (0,)


def test_only_trials_without_a_usable_episode_are_missing(tmp_path: Path) -> None:
    with Store.create(tmp_path, CONFIG) as store:
        store.add_trials(Trial("toy/a", "null", seed, seed) for seed in range(6))
        store.append(episode(seed=0), None)
        store.append(episode(seed=1, outcome="env_error"), None)
        store.append(episode(seed=2, outcome="agent_error"), None)
        store.append(episode(seed=3, outcome="env_error"), None)
        store.append(episode(seed=3), None)
        store.append(episode(seed=4, outcome="timeout"), None)
        assert list(store.missing()) == [Trial("toy/a", "null", 1, 1, attempt=1), Trial("toy/a", "null", 5, 5, attempt=0)]
        assert [trial.seed for trial in store.missing(retry=())] == [5]
        assert len(list(store.episodes())) == 5 == len(store.rows()["seed"])


def test_storing_an_episode_twice_keeps_the_first(tmp_path: Path) -> None:
    first = episode()
    with Store.create(tmp_path, CONFIG) as store:
        store.append(first, Score(value=1.0, evaluator="e"), attempt=0)
        store.append(first.model_copy(update={"outcome": "timeout"}), Score(value=0.0, evaluator="e"), attempt=0)
        assert list(store.episodes()) == [first]
        assert store.rows()["value"].tolist() == [1.0]


def test_text_that_is_no_unicode_is_stored(tmp_path: Path) -> None:
    hostile = episode().model_copy(update={"answer": "a\ud800b", "failure": Failure(owner="agent", message="ok")})
    with Store.create(tmp_path, CONFIG) as store:
        store.append(hostile, Score(value=None, reason="bad \udfff"))
        assert next(store.episodes()).answer == "a?b"


def test_eight_threads_and_two_processes_append_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from quintain.store import Store; from quintain.core import Episode\n"
        "with Store.open(sys.argv[1]) as s:\n"
        "    [s.append(Episode(task='toy/p', agent=sys.argv[2], seed=i), None) for i in range(50)]"
    )
    with Store.create(tmp_path, CONFIG) as store:
        others = [subprocess.Popen([sys.executable, "-c", code, tmp_path, name]) for name in ("a", "b")]
        work = [threading.Thread(target=lambda t=t: [store.append(episode(f"toy/t{t}", seed=i), None) for i in range(20)])
                for t in range(8)]  # fmt: skip
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert [other.wait(30) for other in others] == [0, 0]
        assert len(list(store.episodes())) == 8 * 20 + 2 * 50


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    Store.create(tmp_path, CONFIG).close()
    with pytest.raises(UsageError, match="holds a run already"):
        Store.create(tmp_path, CONFIG)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        Store.open(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_corrupt_database_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    Store.create(tmp_path, CONFIG).close()
    (tmp_path / "run.db").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.db") as caught:
        Store.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_corrupt_configuration_is_one_clear_line(tmp_path: Path) -> None:
    Store.create(tmp_path, CONFIG).close()
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UsageError, match=r"run\.json cannot be read") as caught:
        Store.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be stored there"):
        Store.create(tmp_path / "file" / "run", CONFIG)
    with pytest.raises(UsageError, match="cannot be stored there"):
        Store.create("/proc/run", CONFIG)


def test_a_full_disk_is_infrastructure_and_keeps_what_was_stored(tmp_path: Path) -> None:
    with Store.create(tmp_path, CONFIG) as store:
        store.append(episode(seed=0), None)
        (pages,) = store.query("PRAGMA page_count")[0]
        store.query(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(InfrastructureError, match="make room, then resume") as caught:
            for seed in range(1, 1000):
                store.append(episode(seed=seed, answer=os.urandom(3000).hex()), None)
        assert "\n" not in str(caught.value)
        assert store.query("SELECT count(*) FROM episodes")[0][0] >= 1


def test_a_full_disk_under_a_trace_is_infrastructure(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    writer = TraceWriter(tmp_path / "full", Blobs(tmp_path))
    with pytest.raises(InfrastructureError, match="trace cannot be written"):
        writer.observed(Observation(text="x"))
    writer._file.close()


def as_another_user(code: str) -> subprocess.CompletedProcess[str]:
    """Run code without the right to write everywhere, which root has."""
    drop = "import os\nif os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
    imports = "import quintain.runner\nfrom quintain.store import Store\nfrom quintain.errors import QuintainError\n"
    return subprocess.run([sys.executable, "-c", imports + drop + code], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder that other users may enter and not write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_run_in_a_read_only_folder_can_be_read_and_not_written(shown: Path) -> None:
    with Store.create(shown / "run", CONFIG) as store:
        store.append(episode(), None)
    (shown / "run").chmod(0o555)
    done = as_another_user(
        f"with Store.open({str(shown / 'run')!r}) as store:\n"
        "    print(len(list(store.episodes())))\n"
        "    try: store.add_trials([quintain.store.Trial('a/b', 'c', 1, 1)])\n"
        "    except QuintainError as error: print(error)\n"
        f"try: Store.create({str(shown / 'other')!r}, store.config)\n"
        "except QuintainError as error: print(error)"
    )
    (shown / "run").chmod(0o755)
    read, write, create = done.stdout.splitlines() or [done.stderr] * 3
    assert read == "1", done.stderr
    assert "cannot be written" in write
    assert "cannot be stored there: Permission denied" in create


def test_a_trace_comes_back_with_its_pictures_stored_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    seen = [
        Observation(goal="g", text="é\n", screenshot=picture),
        Observation(goal="g", screenshot=picture.copy(), images=(picture[::-1], picture), step=1),
    ]
    record = StepRecord(action={"kind": "noop"}, reward=0.1, agent_s=0.2)
    with TraceWriter(tmp_path / "t.gz", blobs) as writer:
        writer.observed(seen[0])
        writer.acted(record)
        writer.observed(seen[1])
    lines = list(read_trace(tmp_path / "t.gz"))
    assert [line.step for line in lines] == [None, record, None]
    assert [read_observation(line.observation, blobs) for line in lines if line.observation] == seen
    assert len(list((tmp_path / "blobs").rglob("*.png"))) == 2
    assert len(gzip.decompress((tmp_path / "t.gz").read_bytes()).splitlines()) == 3


def test_actions_alone_can_be_traced(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "t.gz", Blobs(tmp_path), level="actions") as writer:
        writer.observed(Observation(text="x"))
        writer.acted(StepRecord(action="a"))
    assert [line.observation for line in read_trace(tmp_path / "t.gz")] == [None]


def test_a_trace_of_a_killed_process_is_readable_up_to_the_cut(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from quintain.trace import *; from quintain.core import StepRecord\n"
        "w = TraceWriter(Path(sys.argv[1]), Blobs(Path(sys.argv[2])))\n"
        "[w.acted(StepRecord(action=i)) for i in range(100)]; print('written', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "t.gz", tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"written\n"
    process.kill()
    process.wait()
    whole = (tmp_path / "t.gz").read_bytes()
    assert len(list(read_trace(tmp_path / "t.gz"))) == 100
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.gz").write_bytes(whole[:cut])
        assert [line.step.action for line in read_trace(tmp_path / "cut.gz") if line.step] == list(range(100))[
            : len(list(read_trace(tmp_path / "cut.gz")))
        ]


def test_a_missing_trace_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no trace"):
        list(read_trace(tmp_path / "none"))


def test_a_million_trials_are_streamed(tmp_path: Path) -> None:
    import tracemalloc

    count = 100_000
    with Store.create(tmp_path, CONFIG) as store:
        tracemalloc.start()
        began = time.monotonic()
        store.add_trials(Trial("toy/a", "null", seed * 7919, seed) for seed in range(count))
        assert [trial.k for trial, _ in zip(store.missing(), range(3), strict=False)] == [0, 1, 2]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4_000_000, (peak, time.monotonic() - began)
        assert sum(1 for _ in store.missing()) == count


def test_a_task_comes_back_as_it_was_run(tmp_path: Path) -> None:
    task = Task(id="toy/a", env="x:Y", setup={"a": [1]}, reference={"secret": 1})
    with Store.create(tmp_path, CONFIG) as store:
        store.add_tasks([task, task])
        assert list(store.tasks()) == [task] and store.task("toy/a") == task
        with pytest.raises(UsageError, match="holds no task"):
            store.task("toy/b")


def test_a_run_is_whole_as_soon_as_it_is_seen(tmp_path: Path) -> None:
    wrong: list[str] = []
    done = threading.Event()

    def look(folder: Path) -> None:
        while not done.is_set():
            if Store.holds_run(folder):
                try:
                    Store.open(folder).close()
                except UsageError as error:
                    wrong.append(str(error))

    for number in range(20):
        folder = tmp_path / str(number)
        done.clear()
        watcher = threading.Thread(target=look, args=(folder,))
        watcher.start()
        Store.create(folder, CONFIG).close()
        done.set()
        watcher.join()
    assert not wrong
