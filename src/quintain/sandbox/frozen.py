"""A sandbox at one moment, as a referee sees it: what was left there, and fresh sandboxes to run it in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from quintain.errors import SandboxLost

from .interface import Sandbox
from .spec import ExecResult, ResourceLimits, SandboxSpec, Snapshot, TreeLimits

REFEREE_UID: Final = 2000
ENVIRONMENT: Final = {"HOME": "/tmp", "PYTHONNOUSERSITE": "1"}
"""What the agent left in its home folder is not looked at."""
NOT_RUN: Final = 126
MEMORY: Final = Path("/dev/shm")
FreshSandbox = Callable[[SandboxSpec], Awaitable[Sandbox]]


class FrozenScene:
    """The `Scene` of a sandbox, for one ``async with`` block: frozen when it is entered, its fresh sandboxes closed at its end.

    Args:
        sandbox: the one that the agent had. Where the scene is not final, the agent's processes go on in it meanwhile.
        seed, elapsed_s: of the episode.
        final: end all processes first.
        without: mounts below these places are not shown in fresh sandboxes.
        pristine: makes a started sandbox as it was before the agent began, from the spec that it gets.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        seed: int,
        elapsed_s: float,
        final: bool,
        without: Sequence[str] = (),
        pristine: FreshSandbox | None = None,
    ) -> None:
        self.seed, self.elapsed_s = seed, elapsed_s
        self._sandbox, self._final, self._without, self._pristine = sandbox, final, tuple(without), pristine
        self._snapshot: Snapshot | None = None
        self._still: Sandbox | None = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> FrozenScene:
        if self._final:
            await self._sandbox.kill_all()
            self._still = self._sandbox
        else:
            self._snapshot = await self._sandbox.snapshot()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def still(self) -> Sandbox:
        """A sandbox with the frozen files in which nothing runs; it is read only, by agreement."""
        if self._still is None:
            self._still = await self._fork(self._sandbox.spec)
        return self._still

    async def files(self, patterns: Sequence[str], *, limits: TreeLimits | None = None) -> dict[str, bytes]:
        return (await take_files(await self.still(), patterns, limits=limits or TreeLimits())).files

    async def run(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, bytes] | None = None,
        input: bytes = b"",
        timeout_s: float = 60.0,
        limits: ResourceLimits | None = None,
    ) -> ExecResult:
        """See `Scene.run`; where the agent left things so that nothing can be run, the exit code is `NOT_RUN`."""
        async with AsyncExitStack() as stack:
            fresh = await self._fresh(stack, limits=limits)
            try:
                for path, data in (files or {}).items():
                    await _put(fresh, str(PurePosixPath(fresh.spec.workdir, path)), data)
                return await fresh.exec(command, input=input, timeout_s=timeout_s)
            except OSError as error:
                return ExecResult(
                    exit_code=NOT_RUN, stderr=f"{error.filename or fresh.spec.workdir}: {error.strerror}\n".encode()
                )

    async def sandbox(self, *, limits: ResourceLimits | None = None, pristine: bool = False) -> Sandbox:
        return await self._fresh(self._opened, limits=limits, pristine=pristine)

    async def _fresh(self, stack: AsyncExitStack, *, limits: ResourceLimits | None, pristine: bool = False) -> Sandbox:
        spec = self._referees_spec(limits)
        if pristine:
            if self._pristine is None:
                raise SandboxLost("nothing was kept of this sandbox as it was before the agent began")
            fresh = await self._pristine(spec)
            stack.push_async_callback(fresh.close)
            return fresh
        # A sandbox has one user, to whom its files belong: another one in a fork finds them to be its own.
        return await self._fork(spec, stack)

    async def _fork(self, spec: SandboxSpec, stack: AsyncExitStack | None = None) -> Sandbox:
        if self._snapshot is None:
            self._snapshot = await self._sandbox.snapshot()
        fork = await self._sandbox.fork(self._snapshot, spec=spec)
        (stack or self._opened).push_async_callback(fork.close)
        return fork

    def _referees_spec(self, limits: ResourceLimits | None) -> SandboxSpec:
        spec = self._sandbox.spec
        mounts = [each for each in spec.mounts if not any(_within(each.target, place) for place in self._without)]
        return spec.model_copy(
            update={
                "uid": REFEREE_UID,
                "network": "none",
                "allow": (),
                "mounts": tuple(mounts),
                "env": spec.env | ENVIRONMENT,
                "limits": limits or spec.limits,
                "metered": True,
            }
        )


class TakenFiles(NamedTuple):
    """Contents by path relative to the working folder, and what was left behind, and why."""

    files: dict[str, bytes]
    left: dict[str, str]


async def take_files(sandbox: Sandbox, patterns: Sequence[str], *, limits: TreeLimits) -> TakenFiles:
    """Regular files of a sandbox's working folder that match glob patterns; none where the folder cannot be read any more."""
    with TemporaryDirectory(prefix="quintain-", dir=_roomy(limits.total_bytes)) as folder:
        try:
            taken = await sandbox.get_tree(sandbox.spec.workdir, Path(folder), limits=limits, only=patterns)
        except OSError as error:
            return TakenFiles({}, {sandbox.spec.workdir: error.strerror or "it cannot be read"})
        return TakenFiles({path: (Path(folder) / path).read_bytes() for path in sorted(taken.files)}, taken.left)


async def _put(sandbox: Sandbox, path: str, data: bytes) -> None:
    """Write a file, also where the agent has left a folder or a pipe of that name."""
    try:
        await sandbox.write(path, data)
    except OSError:
        await sandbox.exec(["/bin/rm", "-rf", "--", path])
        await sandbox.write(path, data)


def _roomy(size: int) -> str | None:
    """A folder in memory that has the room, where a file costs a hundredth of what it costs on a disk."""
    try:
        return str(MEMORY) if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2 * size else None
    except OSError:
        return None


def _within(target: str, place: str) -> bool:
    return PurePosixPath(target).is_relative_to(place)
