"""Workers on a Ray cluster: each actor hosts one worker of `local` on its node, so that limits and kills are the same there.

The run's folder must be on a file system that all nodes share. A cluster is joined as Ray finds it (`RAY_ADDRESS`); without
one, a local one is started for the time of the run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import cloudpickle  # type: ignore[import-untyped]

from quintain.errors import InfrastructureError, QuintainError, Unavailable, one_line

from . import Factory, Finished, Job, Killed
from .local import LocalExecutor
from .slot import State

CLOSE_LIMIT_S = 30.0


class Host:
    """In a Ray actor: one local worker, which does a job at a time."""

    def __init__(self, factory: bytes, path: list[str]) -> None:
        sys.path.extend(place for place in path if place not in sys.path)
        self._executor = LocalExecutor(cloudpickle.loads(factory), workers=1)
        self._executor.__enter__()

    def do(self, job: Any) -> Finished:
        jobs = iter([job])
        try:
            for finished in self._executor.run(lambda: next(jobs, None)):
                return finished
        except QuintainError as error:
            return Finished(job, error=error)
        return Finished(job, error=InfrastructureError("a Ray actor has no worker left"))

    def close(self) -> None:
        self._executor.__exit__(None, None, None)


class RayExecutor:
    """`workers` actors of one CPU each; raises `Unavailable` where Ray is not installed."""

    def __init__(self, factory: Factory, *, workers: int) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise Unavailable("the executor 'ray' needs Ray; run `pip install 'quintain[ray]'`") from None
        self._factory = cloudpickle.dumps(factory)
        self._count = workers
        self._hosts: list[Any] = []
        self._started_ray = False

    def __enter__(self) -> Self:
        try:
            if not self._ray.is_initialized():
                self._ray.init(log_to_driver=False, include_dashboard=False)
                self._started_ray = True
            self._hosts = [self._host() for _ in range(self._count)]
        except BaseException as error:
            self.kill()
            if isinstance(error, Exception):
                raise InfrastructureError(f"Ray cannot start: {one_line(error)}") from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        if kind is None and self._hosts:
            closing = [host.close.remote() for host in self._hosts]
            self._ray.wait(closing, num_returns=len(closing), timeout=CLOSE_LIMIT_S)
        self.kill()

    def kill(self) -> None:
        for host in self._hosts:
            self._ray.kill(host)
        self._hosts = []
        if self._started_ray:
            self._ray.shutdown()
            self._started_ray = False

    def run(self, next_job: Callable[[], Job | None]) -> Iterator[Finished]:
        running: dict[Any, tuple[Any, Any]] = {}
        while True:
            busy = {id(host) for host, _ in running.values()}
            for host in [each for each in self._hosts if id(each) not in busy]:
                job = next_job()
                if job is None:
                    break
                running[host.do.remote(job)] = (host, job)
            if not running:
                return
            for done in self._ray.wait(list(running), num_returns=1)[0]:
                yield self._result(done, *running.pop(done))

    def _result(self, done: Any, host: Any, job: Any) -> Finished:
        """What a host says; one that was lost with its node is replaced."""
        try:
            return Finished(*self._ray.get(done))
        except self._ray.exceptions.RayActorError as error:
            self._hosts[self._hosts.index(host)] = self._host()
            return Finished(job, killed=Killed(False, State(), f"its Ray actor was lost: {one_line(error, limit=120)}"))
        except self._ray.exceptions.RayError as error:
            return Finished(job, error=InfrastructureError(f"Ray: {one_line(error)}"))

    def _host(self) -> Any:
        return self._ray.remote(num_cpus=1)(Host).remote(self._factory, sys.path)
