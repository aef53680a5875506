"""A repository and a shell: programs, files and pictures in a sandbox, which is reset in milliseconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import ClassVar, Final, Literal, NamedTuple, get_args

from quintain.core import Capabilities, Evidence, Probe, Service, WorldTask
from quintain.envs.repo import doctor, images, science, terminal
from quintain.envs.repo.blocks import parse_block
from quintain.envs.repo.plan import OURS, Plan, plan, serving
from quintain.envs.repo.probe import collected
from quintain.envs.repo.requirements import check_inside
from quintain.envs.repo.services import ServiceDesk
from quintain.envs.repo.setup import Setup
from quintain.errors import TaskError, Unavailable, UsageError
from quintain.sandbox import (
    Backend,
    ExecResult,
    Interpreter,
    Sandbox,
    SandboxCapabilities,
    SandboxSpec,
    Scene,
    Snapshot,
    open_sandbox,
)
from quintain.sandbox.frozen import FrozenScene
from quintain.spaces import Action, Bash, Edit, Modality, Observation, Python, Read, ViewImage, Wait, Write

TEXT_BYTES: Final = 16 * 1024
READ_BYTES: Final = 8 * 2**20
PREPARE_SECONDS: Final = 600.0
PLANS_KEPT: Final = 64


class RepoState(NamedTuple):
    """A state of this world that can be gone back to, as long as the world or a fork of it is open."""

    snapshot: Snapshot
    seed: int
    elapsed_s: float


class RepoWorld:
    """A sandbox with a persistent shell and a persistent Python; see `Setup` for what a task may say.

    Args:
        backend: ``bubblewrap``, ``docker``, ``local`` (which isolates nothing), or ``auto``, the first of the isolating ones
            that works here.
        text_bytes: of a command's output, shown as its head and tail.
    """

    Setup: ClassVar[type[Setup]] = Setup
    default_observe: tuple[Modality, ...] = ("text",)
    action_kinds = frozenset({"bash", "python", "read", "write", "edit", "view_image", "wait", "noop"})

    def __init__(self, *, backend: Backend | Literal["auto"] = "auto", text_bytes: int = TEXT_BYTES) -> None:
        if backend not in ("auto", *get_args(Backend)):
            raise UsageError(f"backend {backend!r} is unknown; use one of auto, {', '.join(get_args(Backend))}")
        if text_bytes < 256:
            raise UsageError(f"text_bytes={text_bytes} is too little to read; use at least 256")
        self._offered = _offered(backend)
        self._text_bytes = text_bytes
        self._plans: dict[str, Plan] = {}
        self._checked: list[Plan] = []
        self._services: Mapping[str, Service] = {}
        self._desk: ServiceDesk | None = None
        self._sandbox: Sandbox | None = None
        self._frozen: FrozenScene | None = None
        self._begun: Snapshot | None = None

    @staticmethod
    def doctor() -> list[doctor.Finding]:
        """What this family needs on this machine, whether it is there, and how to get it."""
        return doctor.examine()

    @staticmethod
    def setup(say: Callable[[str], None]) -> list[tuple[str, str]]:
        """Make what no package manager brings; see `quintain.doctor.set_up`."""
        return science.build(say)

    @property
    def capabilities(self) -> Capabilities:
        found = self._offered
        isolated = found.isolation != "none"
        return Capabilities(
            modalities=("text",),
            replay=True,
            copies=True,
            snapshot=found.snapshot and found.fork,
            isolation=(
                *(("files", "processes") if isolated else ()),
                *(("network",) if "none" in found.networks else ()),
                *(part for part in ("memory", "pids", "cpus", "disk") if getattr(found, part) != "none"),
            ),
            notes={"backend": found.backend, "replay": "as far as the programs repeat themselves", **found.notes},
        )

    @property
    def versions(self) -> dict[str, str]:
        known: dict[str, str] = {"sandbox": self._offered.backend}
        if self._sandbox is not None and self._plan.science is not None:
            known["science"] = self._plan.science.name
        return known

    def parse(self, text: str) -> list[Action]:
        return parse_block(text)

    def serve(self, services: Mapping[str, Service]) -> None:
        self._services = dict(services)

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self._plan, self._task, self._seed = self._planned(task), task.id, seed
        self._begun = None
        sandbox = await self._started(await self._spec_to_serve(self._plan.spec))
        if self._offered.backend == "docker" and self._plan.setup.root is None and self._plan not in self._checked:
            await check_inside(sandbox, self._plan.setup.requires, task=task.id, python=self._plan.science is not None)
            self._checked.append(self._plan)
        shown = self._plan.shown
        if self._plan.setup.prepare:
            await self._prepare(sandbox)
            self._begun = await sandbox.snapshot() if self._offered.snapshot else None
        if self._plan.setup.prepare or self._plan.setup.root is not None:
            shown = tuple((await sandbox.exec(["ls", "-1Ap"])).text.splitlines())
        self._began = time.monotonic()
        return Observation(goal=task.goal, text=self._view(task.goal, shown))

    async def act(self, action: Action) -> Observation:
        sandbox = self._living()
        try:
            match action:
                case Bash(command=command, timeout_s=timeout_s):
                    return await self._run(sandbox, command, "bash", timeout_s)
                case Python(code=code, timeout_s=timeout_s):
                    return await self._run(sandbox, code, "python", timeout_s)
                case Wait(seconds=seconds):
                    await asyncio.sleep(min(seconds, self._plan.setup.limits.seconds))
                    return Observation(text="")
                case Read() | Write() | Edit() | ViewImage():
                    return await self._on_file(sandbox, action)
        except (OSError, ValueError) as problem:
            return Observation(text="", error=_said(problem, action))
        return Observation(text="")

    async def collect(self, probe: Probe) -> Evidence:
        """Evidence of the working folder; see `quintain.envs.repo.probe.Query`."""
        sandbox = self._living()
        return await collected(await self._frozen.still() if self._frozen else sandbox, probe.query, task=self._task)

    def scene(self, *, final: bool) -> AbstractAsyncContextManager[Scene]:
        return self._freeze(final=final)

    async def snapshot(self) -> RepoState:
        snapshot = await self._living().snapshot()
        return RepoState(snapshot, self._seed, time.monotonic() - self._began)

    async def restore(self, saved: RepoState) -> None:
        await self._living().restore(saved.snapshot)
        self._seed, self._began = saved.seed, time.monotonic() - saved.elapsed_s

    async def fork(self, saved: RepoState) -> RepoWorld:
        twin = RepoWorld(backend=self._offered.backend, text_bytes=self._text_bytes)
        twin._plan, twin._task, twin._seed = self._plan, self._task, saved.seed
        twin._begun, twin._began = self._begun, time.monotonic() - saved.elapsed_s
        twin._sandbox = await self._living().fork(saved.snapshot)
        return twin

    async def close(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        desk, self._desk = self._desk, None
        try:
            if sandbox is not None:
                await sandbox.close()
        finally:
            if desk is not None:
                await desk.close()

    def _planned(self, task: WorldTask) -> Plan:
        key = task.model_dump_json(include={"setup"})
        found = self._plans.pop(key, None) or plan(task, self._offered)
        self._plans[key] = found
        if len(self._plans) > PLANS_KEPT:
            del self._plans[next(iter(self._plans))]
        return found

    async def _spec_to_serve(self, spec: SandboxSpec) -> SandboxSpec:
        if self._services and self._desk is None:
            self._desk = await ServiceDesk.open()
        if self._desk is not None:
            await self._desk.offer(self._services)
        return serving(spec, self._desk.folder) if self._services and self._desk else spec

    async def _started(self, spec: SandboxSpec) -> Sandbox:
        if self._sandbox is None:
            sandbox = open_sandbox(spec, backend=self._offered.backend)
            await sandbox.start()
            self._sandbox = sandbox
        else:
            await self._sandbox.reset(None if spec == self._sandbox.spec else spec)
        return self._sandbox

    async def _prepare(self, sandbox: Sandbox) -> None:
        for command in self._plan.setup.prepare:
            result = await sandbox.exec(command, timeout_s=PREPARE_SECONDS)
            if result.exit_code != 0:
                how = "did not end" if result.exit_code is None else f"failed with exit code {result.exit_code}"
                raise TaskError(f"{self._task}: setup.prepare: {command!r} {how}: {' '.join(result.text.split())[-300:]}")

    def _view(self, goal: str, shown: Sequence[str]) -> str:
        if self._plan.setup.view is not None:
            return self._plan.setup.view
        names = [f"  {name}" for name in shown] or ["  (empty)"]
        return "\n".join([*([goal, ""] if goal else []), f"{self._plan.setup.workdir}:", *names])

    async def _run(self, sandbox: Sandbox, code: str, interpreter: Interpreter, timeout_s: float | None) -> Observation:
        most = self._plan.setup.limits.seconds
        seconds = min(timeout_s or most, most)
        result: ExecResult = await sandbox.shell(code, interpreter=interpreter, timeout_s=seconds)
        text = terminal.told(result, limit=self._text_bytes, seconds=seconds, interpreter=interpreter)
        return Observation(text=text, exit_code=result.exit_code)

    async def _on_file(self, sandbox: Sandbox, action: Read | Write | Edit | ViewImage) -> Observation:
        path = action.path
        if "\0" in path:
            raise ValueError("a path cannot have a null character in it")
        match action:
            case Write(content=content):
                data = content.encode()
                await sandbox.write(path, data, mode=_mode(data))
                return Observation(text=f"wrote {len(data)} bytes to {path}")
            case ViewImage():
                picture = images.decode(await sandbox.read(path, limit=images.FILE_BYTES))
                text = f"{path}: {picture.format}, {picture.width} x {picture.height} pixels"
                return Observation(text=text, images=(picture.pixels,))
        before = await sandbox.read(path, limit=READ_BYTES)
        match action:
            case Read(start=start, lines=lines):
                if b"\0" in before[:8192]:
                    raise ValueError(f"read: {path} is no text; it has {len(before)} bytes")
                text = before.decode("utf-8", "replace")
                return Observation(text=terminal.numbered(text, path=path, start=start, lines=lines, limit=self._text_bytes))
            case Edit(old=old, new=new):
                after = terminal.edited(before, old, new, path=path)
                await sandbox.write(path, after)
        return Observation(text=f"edited {path}")

    @asynccontextmanager
    async def _freeze(self, *, final: bool) -> AsyncIterator[Scene]:
        sandbox = self._living()
        if final and self._desk is not None:
            await self._desk.hush()
        scene = FrozenScene(
            sandbox,
            seed=self._seed,
            elapsed_s=time.monotonic() - self._began,
            final=final,
            without=(OURS,),
            pristine=self._as_begun,
        )
        async with scene:
            self._frozen = scene
            try:
                yield scene
            finally:
                self._frozen = None

    async def _as_begun(self, spec: SandboxSpec) -> Sandbox:
        if self._begun is not None:
            return await self._living().fork(self._begun, spec=spec)
        sandbox = open_sandbox(spec, backend=self._offered.backend)
        try:
            await sandbox.start()
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    def _living(self) -> Sandbox:
        if self._sandbox is None:
            raise UsageError("the repository world is not reset yet; call reset() first")
        return self._sandbox


def _mode(data: bytes) -> int | None:
    """What has an interpreter's line may be run, as people expect of it; other files keep their mode."""
    return 0o755 if data.startswith(b"#!") else None


def _offered(backend: Backend | Literal["auto"]) -> SandboxCapabilities:
    try:
        return open_sandbox(backend=backend).capabilities
    except Unavailable as error:
        raise Unavailable(
            f"the repository environment is unavailable because no sandbox works here: {error}; `{science.SETUP}`"
        ) from None


def _said(problem: OSError | ValueError, action: Action) -> str:
    """What was wrong, so that an agent can mend it."""
    path = getattr(action, "path", "")
    match problem:
        case FileNotFoundError():
            return f"{action.kind}: there is no file {path!r}"
        case IsADirectoryError():
            return f"{action.kind}: {path!r} is a folder"
        case NotADirectoryError():
            return f"{action.kind}: a part of {path!r} is a file, not a folder"
        case PermissionError():
            return f"{action.kind}: no permission for {path!r}"
        case OSError():
            return f"{action.kind}: {path!r}: {problem.strerror or problem}"
    return " ".join(str(problem).split()) if str(problem).startswith(f"{action.kind}:") else f"{action.kind}: {problem}"
