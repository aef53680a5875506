"""Worker processes on this machine, each with a pipe of its own, so that one can be killed without a word from the others.

The parent never imports the caller's main module into a worker: a script needs no ``if __name__ == "__main__"`` guard. Each
worker lives below a reaper (`reaper.py`) that ends it with all of its descendants.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cloudpickle  # type: ignore[import-untyped]

from quintain.config import available_cores
from quintain.errors import InfrastructureError

from . import Factory, Finished, Job, Killed
from .slot import Slot
from .worker import restored

BOOT = "import sys; sys.path[:] = {path!r}; from quintain.executors.worker import main; main({connection}, {slot})"
REAPER = Path(__file__).with_name("reaper.py")
CORES_VARIABLE = "QUINTAIN_CORES"
"""Tells each worker its share of the cores, for what an agent or an environment computes in several threads."""
POLL_S = 0.1
START_LIMIT_S = 120.0
CLOSE_LIMIT_S = 15.0
STATUS_LIMIT_S = 5.0
FAILED_STARTS = 3
"""Workers that may fail in a row before any is ready; after that it is no accident."""


class _Worker:
    """One worker process and what it is doing."""

    def __init__(self, factory: bytes, *, cores: int) -> None:
        self.connection, theirs = Pipe()
        self.job: Any = None
        self.ready = False
        self.started = time.monotonic()
        with theirs, tempfile.TemporaryFile() as memory:
            self.slot = Slot(memory.fileno())
            self.process = self._spawn(theirs, memory.fileno(), cores)
        with suppress(OSError):  # It died already, which `LocalExecutor` sees at this pipe's end.
            self.connection.send_bytes(factory)

    @staticmethod
    def _spawn(theirs: Connection, slot: int, cores: int) -> subprocess.Popen[bytes]:
        boot = BOOT.format(path=sys.path, connection=theirs.fileno(), slot=slot)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", REAPER, sys.executable, "-c", boot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(theirs.fileno(), slot),
            env={**os.environ, CORES_VARIABLE: str(cores)},
            process_group=0,
        )

    def kill(self) -> None:
        """Tell the reaper; it does not wait for it."""
        self.connection.close()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def how_it_ended(self) -> str:
        """The exit status of a worker that is dead."""
        out = self.process.stdout
        if out is None or not select.select([out], [], [], STATUS_LIMIT_S)[0]:
            return "unknown exit status"
        code = int(out.readline() or b"-9")
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def gone(self, limit_s: float) -> bool:
        """Whether the reaper is done, waiting up to `limit_s`; releases everything then."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.slot.close()
        return True


class LocalExecutor:
    """`workers` processes that serve jobs with a handler each; the handler is built by `factory` in the worker."""

    def __init__(self, factory: Factory, *, workers: int) -> None:
        self._factory = cloudpickle.dumps(factory)
        self._count = workers
        self._cores = max(1, available_cores() // max(1, workers))
        self._workers: list[_Worker] = []
        self._leaving: list[_Worker] = []
        self._failed_starts = 0
        self._returned: list[Job] = []
        """Jobs whose worker was found dead when they were handed to it."""

    def __enter__(self) -> Self:
        self._workers = [_Worker(self._factory, cores=self._cores) for _ in range(self._count)]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        try:
            if kind is None:
                self._close_gently()
        finally:
            self.kill()

    def run(self, next_job: Callable[[], Job | None]) -> Iterator[Finished]:
        while self._hand_out(next_job):
            yield from self._heard()
            yield from self._overdue()
            self._leaving = [worker for worker in self._leaving if not worker.gone(0)]

    def _hand_out(self, next_job: Callable[[], Job | None]) -> bool:
        """Give idle workers jobs; whether there is anything to wait for."""
        for worker in self._workers:
            if worker.ready and worker.job is None:
                job = self._returned.pop() if self._returned else next_job()
                if job is None:
                    return any(each.job is not None for each in self._workers)
                try:
                    worker.connection.send_bytes(pickle.dumps(job))
                except OSError:
                    # It died while idle; its end of the pipe tells so in `_heard`.
                    worker.ready = False
                    self._returned.append(job)
                else:
                    worker.job = job
        return True

    def _heard(self) -> Iterator[Finished]:
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), POLL_S):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                kind, value = worker.connection.recv()
            except (EOFError, OSError):
                yield from self._died(worker)
                continue
            if kind == "ready":
                worker.ready, self._failed_starts = True, 0
            elif not worker.ready:
                raise restored(value)
            else:
                job, worker.job = worker.job, None
                yield Finished(job, result=value) if kind == "result" else Finished(job, error=restored(value))

    def _died(self, worker: _Worker) -> Iterator[Finished]:
        how, state = worker.how_it_ended(), worker.slot.read()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= FAILED_STARTS:
                raise InfrastructureError(f"a worker process could not start ({how}); its own output says why")
        self._replace(worker)
        if worker.job is not None:
            yield Finished(worker.job, killed=Killed(False, state, how))

    def _overdue(self) -> Iterator[Finished]:
        now = time.monotonic()
        for worker in list(self._workers):
            if not worker.ready and now - worker.started > START_LIMIT_S:
                raise InfrastructureError(
                    f"a worker process did not start within {START_LIMIT_S:.0f} s; is the machine overloaded?"
                )
            state = worker.slot.read()
            # An idle worker has not begun its job: its state is still that of the last one, or none.
            begun = worker.job is not None and state.phase != "idle"
            if begun and worker.job.overdue(state, now) and not worker.connection.poll():
                self._replace(worker)
                yield Finished(worker.job, killed=Killed(True, state, "killed"))

    def _replace(self, worker: _Worker) -> None:
        worker.kill()
        self._leaving.append(worker)
        self._workers[self._workers.index(worker)] = _Worker(self._factory, cores=self._cores)

    def _close_gently(self) -> None:
        """Let every worker close its worlds and agents; those that do not start or end in time are killed."""
        closing = [worker for worker in self._workers if worker.ready and worker.job is None]
        for worker in closing:
            try:
                worker.connection.send_bytes(b"")
            except OSError:
                continue
        deadline = time.monotonic() + CLOSE_LIMIT_S
        waiting = {worker.connection for worker in closing}
        while waiting and (left := deadline - time.monotonic()) > 0:
            waiting -= set(wait(list(waiting), left))

    def kill(self) -> None:
        for worker in self._workers:
            worker.kill()
        leaving, self._workers, self._leaving = [*self._leaving, *self._workers], [], []
        for worker in leaving:
            worker.gone(STATUS_LIMIT_S + 2)
