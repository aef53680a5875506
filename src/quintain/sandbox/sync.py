"""The synchronous face of a sandbox: the same methods, on quintain's own loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from quintain import background

from .interface import Process, Sandbox
from .spec import (
    ExecResult,
    Interpreter,
    SandboxCapabilities,
    SandboxSpec,
    SandboxStats,
    Snapshot,
    TakenTree,
    TreeLimits,
)


class SyncProcess:
    """The synchronous face of a process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def write(self, data: bytes) -> None:
        background.run(self._process.write(data))

    def close_input(self) -> None:
        background.run(self._process.close_input())

    def read(self, limit: int = 65536) -> bytes:
        return background.run(self._process.read(limit))

    def wait(self) -> int:
        return background.run(self._process.wait())

    def kill(self) -> None:
        background.run(self._process.kill())


class SyncSandbox:
    """The synchronous face of a sandbox that has not been started yet; see `Sandbox` for what the methods do.

    From then on the sandbox belongs to quintain's own loop, so that it may be used from any thread, also where a loop runs.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def id(self) -> str:
        return self._sandbox.id

    @property
    def spec(self) -> SandboxSpec:
        return self._sandbox.spec

    @property
    def capabilities(self) -> SandboxCapabilities:
        return self._sandbox.capabilities

    def start(self) -> None:
        background.run(self._sandbox.start())

    def reset(self, spec: SandboxSpec | None = None) -> None:
        background.run(self._sandbox.reset(spec))

    def exec(
        self,
        command: Sequence[str] | str,
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        uid: int | None = None,
        timeout_s: float | None = None,
    ) -> ExecResult:
        return background.run(self._sandbox.exec(command, input=input, cwd=cwd, env=env, uid=uid, timeout_s=timeout_s))

    def shell(self, code: str, *, interpreter: Interpreter = "bash", timeout_s: float | None = None) -> ExecResult:
        return background.run(self._sandbox.shell(code, interpreter=interpreter, timeout_s=timeout_s))

    def spawn(self, command: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> SyncProcess:
        return SyncProcess(background.run(self._sandbox.spawn(command, cwd=cwd, env=env)))

    def read(self, path: str, *, limit: int = 64 * 2**20) -> bytes:
        return background.run(self._sandbox.read(path, limit=limit))

    def write(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        background.run(self._sandbox.write(path, data, mode=mode))

    def put_tree(self, source: Path, target: str) -> None:
        background.run(self._sandbox.put_tree(source, target))

    def get_tree(self, source: str, target: Path, *, limits: TreeLimits | None = None, only: Sequence[str] = ()) -> TakenTree:
        return background.run(self._sandbox.get_tree(source, target, limits=limits, only=only))

    def snapshot(self) -> Snapshot:
        return background.run(self._sandbox.snapshot())

    def restore(self, snapshot: Snapshot) -> None:
        background.run(self._sandbox.restore(snapshot))

    def fork(self, snapshot: Snapshot | None = None, *, spec: SandboxSpec | None = None) -> SyncSandbox:
        return SyncSandbox(background.run(self._sandbox.fork(snapshot, spec=spec)))

    def kill_all(self) -> None:
        background.run(self._sandbox.kill_all())

    def stats(self) -> SandboxStats:
        return background.run(self._sandbox.stats())

    def close(self) -> None:
        background.run(self._sandbox.close())
