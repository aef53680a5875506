"""Workers of the pool that die in an unusual moment: only the job in hand is lost, and no other worker waits for it."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest

from quintain.errors import InfrastructureError, Unavailable
from quintain.executors import Finished
from quintain.executors.local import LocalExecutor
from quintain.executors.slot import Slot, State


@dataclass(frozen=True)
class Call:
    """A job: something to call in the worker, within so many seconds."""

    work: Callable[[], Any]
    seconds: float = 60.0

    def overdue(self, state: State, now: float) -> bool:
        return now - state.since > self.seconds

    def __reduce__(self) -> Any:
        # A worker cannot import this module; it needs what is called only.
        return bytes, (cloudpickle.dumps(self.work),)


class Caller:
    def __call__(self, work: bytes) -> Any:
        return cloudpickle.loads(work)()

    def close(self) -> None:
        pass


class SlowToClose(Caller):
    def close(self) -> None:
        time.sleep(3600)


@pytest.fixture(autouse=True)
def this_module_travels() -> Iterator[None]:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def caller(slot: Slot) -> Caller:
    return Caller()


def done(executor: LocalExecutor, *jobs: Call) -> list[Finished]:
    """In the order of the jobs."""
    waiting = iter(jobs)
    finished = list(executor.run(lambda: next(waiting, None)))
    assert len(finished) == len(jobs)
    return sorted(finished, key=lambda each: jobs.index(each.job))


def how(finished: Finished) -> str:
    assert finished.error is None
    return finished.killed.how if finished.killed else f"result {finished.result}"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda: os._exit(0), "exit code 0"),
        (lambda: os._exit(3), "exit code 3"),
        (lambda: sys.exit(4), "exit code 4"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "SIGTERM"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "SIGSEGV"),
    ],
)
def test_whatever_ends_a_worker_is_told_and_the_next_job_is_done(end: Callable[[], None], said: str) -> None:
    with LocalExecutor(caller, workers=1) as executor:
        assert [how(each) for each in done(executor, Call(end), Call(lambda: 1))] == [said, "result 1"]


def test_a_worker_that_dies_while_it_has_no_job_costs_nothing() -> None:
    with LocalExecutor(caller, workers=1) as executor:
        first = done(executor, Call(lambda: threading.Timer(0.2, os._exit, (7,)).start()))
        time.sleep(0.5)
        assert [how(each) for each in first + done(executor, Call(lambda: 2))] == ["result None", "result 2"]


def test_a_worker_that_dies_while_it_sends_its_result_does_not_stop_the_others() -> None:
    def fatal() -> None:
        from multiprocessing.connection import Connection

        Connection.send_bytes = lambda connection, thing: os._exit(5)  # type: ignore[assignment,method-assign]

    with LocalExecutor(caller, workers=2) as executor:
        finished = done(executor, Call(fatal), *(Call(lambda: 1) for _ in range(20)))
        assert [how(each) for each in finished] == ["exit code 5", *["result 1"] * 20]
        assert finished[0].killed is not None and finished[0].killed.state.phase == "idle"


def test_many_that_hang_are_killed_side_by_side() -> None:
    def deaf() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        while True:
            time.sleep(60)

    with LocalExecutor(caller, workers=4) as executor:
        jobs = [Call(deaf, 0.2) for _ in range(4)]
        began = time.monotonic()
        assert [how(each) for each in done(executor, *jobs, Call(lambda: 1))] == [*["killed"] * 4, "result 1"]
        assert time.monotonic() - began < 3 * 4, "not one after the other, each after a grace"


def test_a_job_that_ends_as_it_becomes_overdue_has_one_end_and_the_worker_is_not_lost() -> None:
    with LocalExecutor(caller, workers=2) as executor:
        jobs = [Call(functools.partial(time.sleep, 0.2 + number % 8 / 100), 0.2) for number in range(16)]
        finished = done(executor, *jobs, *(Call(lambda: 1) for _ in range(4)))
        assert [each.job for each in finished[:16]] == jobs and {how(each) for each in finished[:16]} <= {"result None", "killed"}
        assert [how(each) for each in finished[16:]] == ["result 1"] * 4


def test_what_a_dead_worker_had_started_ends_too(tmp_path: Path) -> None:
    def orphan() -> None:
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={})
        (tmp_path / "pid").write_text(str(started.pid))
        os._exit(1)

    with LocalExecutor(caller, workers=1) as executor:
        done(executor, Call(orphan))
        deadline = time.monotonic() + 10
        while psutil.pid_exists(int((tmp_path / "pid").read_text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_results_and_jobs_may_be_large() -> None:
    with LocalExecutor(caller, workers=2) as executor:
        data = os.urandom(3_000_000)
        finished = done(executor, *(Call(lambda: data) for _ in range(4)))
        assert [each.result == data for each in finished] == [True] * 4


def test_a_result_that_cannot_be_sent_is_an_error_of_its_job() -> None:
    with LocalExecutor(caller, workers=1) as executor:
        finished = done(executor, Call(threading.Lock), Call(lambda: 1))
        assert isinstance(finished[0].error, InfrastructureError) and "pickle" in str(finished[0].error)
        assert how(finished[1]) == "result 1"


def test_a_handler_that_cannot_be_built_is_told_as_it_was_raised() -> None:
    def missing(slot: Slot) -> Caller:
        raise Unavailable("it needs beads")

    with pytest.raises(Unavailable, match="^it needs beads$"), LocalExecutor(missing, workers=2) as executor:
        done(executor, Call(lambda: 1))


def test_workers_that_cannot_start_end_the_run() -> None:
    def fatal(slot: Slot) -> Caller:
        os._exit(6)

    said = r"could not start \(exit code 6\)"
    with pytest.raises(InfrastructureError, match=said), LocalExecutor(fatal, workers=2) as executor:
        done(executor, Call(lambda: 1))


def test_a_handler_that_does_not_close_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quintain.executors.local.CLOSE_LIMIT_S", 0.5)
    before = set(psutil.Process().children(recursive=True))
    with LocalExecutor(lambda slot: SlowToClose(), workers=2) as executor:
        assert how(done(executor, Call(os.getpid))[0]).startswith("result ")
    assert [each for each in psutil.Process().children(recursive=True) if each not in before] == []


def test_it_goes_on_after_a_run_that_was_left_in_the_middle() -> None:
    with LocalExecutor(caller, workers=2) as executor:
        jobs = iter([Call(lambda: 1)] * 10)
        for finished in executor.run(lambda: next(jobs, None)):
            assert how(finished) == "result 1"
            break
        assert [how(each) for each in executor.run(lambda: next(jobs, None))][-1] == "result 1"
