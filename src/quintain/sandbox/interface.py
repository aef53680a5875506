"""What every sandbox does, whichever backend it stands on. `quintain.testing.check_sandbox` is the conformance suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class Process(Protocol):
    """A program that runs inside while its caller does other things."""

    async def write(self, data: bytes) -> None: ...

    async def close_input(self) -> None: ...

    async def read(self, limit: int = 65536) -> bytes:
        """What it printed next, both streams in their order; empty at its end."""
        ...

    async def wait(self) -> int:
        """The exit code."""
        ...

    async def kill(self) -> None: ...


@runtime_checkable
class Sandbox(Protocol):
    """Processes and files apart from the host. One episode at a time; `reset` throws all of it away.

    Paths are those that programs inside see; relative ones count from `spec.workdir`. Symbolic links are resolved inside. Methods
    raise `quintain.errors.SandboxLost` when the sandbox itself broke (a `reset` brings it back), `UsageError` for what the spec
    or backend cannot do, `FileNotFoundError`, `IsADirectoryError`, `PermissionError` and other `OSError` for files.
    """

    spec: SandboxSpec

    @property
    def id(self) -> str: ...

    @property
    def capabilities(self) -> SandboxCapabilities: ...

    async def start(self) -> None: ...

    async def reset(self, spec: SandboxSpec | None = None) -> None:
        """Every process ended, every change gone; with `spec`, it is that one from now on."""
        ...

    async def exec(
        self,
        command: Sequence[str] | str,
        *,
        input: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        uid: int | None = None,
        timeout_s: float | None = None,
    ) -> ExecResult:
        """Run a command in a process of its own and wait for it; a string is run by ``bash -c``.

        `uid`: another user than the specification's, where the backend has several at a time; a UsageError elsewhere.

        At the time limit the command's whole process tree is killed. Programs that it left in the background live on.
        """
        ...

    async def shell(self, code: str, *, interpreter: Interpreter = "bash", timeout_s: float | None = None) -> ExecResult:
        """Run code in the persistent interpreter, which keeps its folder, variables and background jobs from call to call."""
        ...

    async def spawn(self, command: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Process: ...

    async def read(self, path: str, *, limit: int = 64 * 2**20) -> bytes:
        """The content of a regular file; one that is longer than `limit` bytes is an OSError (EFBIG)."""
        ...

    async def write(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        """Missing folders are made. Without a mode, a file that is there keeps its own, and another one gets 0o644."""
        ...

    async def put_tree(self, source: Path, target: str) -> None: ...

    async def get_tree(
        self, source: str, target: Path, *, limits: TreeLimits | None = None, only: Sequence[str] = ()
    ) -> TakenTree:
        """Copy regular files out: no links, pipes, devices or sockets, sparse ones only as far as their size is allowed.

        `only`: glob patterns of paths relative to `source`; all by default. A `source` that is a file is taken under its name.
        """
        ...

    async def snapshot(self) -> Snapshot:
        """Files and shell state as they are now. Where nothing but the shell is running the cost does not depend on sizes."""
        ...

    async def restore(self, snapshot: Snapshot) -> None:
        """Back to a snapshot of this sandbox or of one that it was forked from; every process is ended."""
        ...

    async def fork(self, snapshot: Snapshot | None = None, *, spec: SandboxSpec | None = None) -> Sandbox:
        """Another sandbox with the files of a snapshot (by default of now), whose closing is the caller's.

        `spec` may change what is not a layer: uid, network, limits, mounts, env.
        """
        ...

    async def kill_all(self) -> None:
        """End every process inside; the files stay."""
        ...

    async def stats(self) -> SandboxStats: ...

    async def close(self) -> None:
        """Nothing is left behind; safe to call twice."""
        ...
