"""A sandbox that stands on a keeper: the whole of `Sandbox`, for the backends `bubblewrap` and `local`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from quintain.errors import SandboxLost, UsageError

from .interface import Process
from .keeper.frames import Frame
from .lineage import Lineage
from .link import GONE, Link
from .proxy import Proxy
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
from .trees import Taker, batches

START_S = 30.0


class AnyKeeper(Protocol):
    """Keeps sandboxes; `facts` is what it found out about the place where it does."""

    facts: dict[str, Any]

    async def ask(self, op: str, *given: socket.socket, **fields: Any) -> dict[str, Any]:
        """One request; the descriptors of `given` go along, and stay the caller's. Raises SandboxLost."""
        ...

    def messages(self) -> str:
        """What it had to say about what went wrong, on one line."""
        ...


class House(Protocol):
    """Where sandboxes of one backend live."""

    async def keeper(self, spec: SandboxSpec) -> AnyKeeper: ...

    def plan(self, spec: SandboxSpec, facts: dict[str, Any]) -> dict[str, Any]:
        """What the keeper is told."""
        ...

    async def enter(self) -> None:
        """A sandbox moves in."""
        ...

    async def leave(self) -> None:
        """It moves out."""
        ...


class _Place:
    """One life of a sandbox, from its opening to its dropping."""

    def __init__(self, keeper: AnyKeeper, name: str, link: Link, proxy: Proxy | None) -> None:
        self.keeper, self.name, self.link, self._proxy = keeper, name, link, proxy

    async def start(self) -> None:
        if self._proxy is not None:
            await self._proxy.start()

    def leave(self) -> None:
        self.link.close()
        if self._proxy is not None:
            self._proxy.close()

    async def drop(self) -> None:
        self.leave()
        with contextlib.suppress(SandboxLost):
            await self.keeper.ask("drop", sandbox=self.name)


class _Plan(NamedTuple):
    """What the keeper is told of a specification; the folders in it are looked for once."""

    of: tuple[SandboxSpec, AnyKeeper]
    told: dict[str, Any]


class KeptSandbox:
    """Belongs to the loop on which it was started; opened by `open_sandbox`."""

    def __init__(self, spec: SandboxSpec, *, house: House, capabilities: SandboxCapabilities) -> None:
        self.spec, self._house, self._capabilities = spec, house, capabilities
        self._id = uuid.uuid4().hex[:12]
        self._lives = itertools.count(1)
        self._lineage = Lineage().join()
        self._plan: _Plan | None = None
        self._place: _Place | None = None
        self._closed = self._started = False
        self._moving = asyncio.Lock()
        self._shells: dict[Interpreter, asyncio.Lock] = {"bash": asyncio.Lock(), "python": asyncio.Lock()}
        self._dropping: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> str:
        return self._id

    @property
    def capabilities(self) -> SandboxCapabilities:
        return self._capabilities

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- life

    async def start(self) -> None:
        if self._place is None:
            await self.reset()

    async def reset(self, spec: SandboxSpec | None = None) -> None:
        if self._closed:
            raise UsageError("the sandbox is closed; open another")
        async with self._moving:
            if spec is not None:
                check(spec, self._capabilities)
                self.spec = spec
            lineage, self._lineage = self._lineage, Lineage().join()
            await self._move(None, b"")
            await lineage.leave()

    async def _move(self, below: str | None, state: bytes) -> None:
        """Leave the place for another; the old one is cleared away while the new one is already used."""
        old, self._place = self._place, None
        if old is not None:
            old.leave()
        if not self._started:
            self._started = True
            await self._house.enter()
        try:
            self._place = await self._open(below, before=old, state=state)
        finally:
            # A keeper that opened another in its place clears it away itself.
            if old is not None and (self._place is None or self._place.keeper is not old.keeper):
                task = asyncio.get_running_loop().create_task(old.drop())
                self._dropping.add(task)
                task.add_done_callback(self._dropping.discard)

    async def _open(self, below: str | None, *, before: _Place | None = None, state: bytes = b"", renew: bool = False) -> _Place:
        kept = self._lineage.keeper = await self._house.keeper(self.spec)
        name = f"{self._id}-{next(self._lives)}"
        if self._plan is None or self._plan.of != (self.spec, kept):
            self._plan = _Plan((self.spec, kept), self._house.plan(self.spec, kept.facts))
        plan = self._plan.told
        fields = {"sandbox": name, "plan": plan, "below": below, "before": before and before.name, "same_disk": renew}
        with contextlib.ExitStack() as theirs:
            ours, connection = socket.socketpair()
            given = [theirs.enter_context(connection)]
            door = None
            if self.spec.network == "allow-list":
                door, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                given.append(theirs.enter_context(far))
            link = await Link.open(ours)
            try:
                await kept.ask("renew" if renew else "open", *given, **fields)
            except BaseException:
                link.close()
                raise
        return await self._enter(_Place(kept, name, link, Proxy(self.spec.allow, door) if door else None), state)

    async def _enter(self, place: _Place, state: bytes) -> _Place:
        try:
            said = await asyncio.wait_for(place.link.ready, START_S)
            if said["event"] != "ready":
                raise SandboxLost(f"the sandbox did not start: {said['error']}; {place.keeper.messages()}")
            if state:
                place.link.tell("adopt", state)
            await place.start()
        except TimeoutError:
            await place.drop()
            raise SandboxLost(f"the sandbox did not start within {START_S:g} s") from None
        except BaseException:
            await place.drop()
            raise
        return place

    def _link(self) -> Link:
        return self._living().link

    def _living(self) -> _Place:
        if self._place is not None:
            return self._place
        if self._closed:
            raise UsageError("the sandbox is closed; open another")
        raise SandboxLost(GONE) if self._started else UsageError("the sandbox has not been started: await start() first")

    async def close(self) -> None:
        self._closed = True
        old, self._place = self._place, None
        if old is not None:
            await old.drop()
        await asyncio.gather(*self._dropping)
        lineage, self._lineage = self._lineage, Lineage()
        await lineage.leave()
        if self._started:
            self._started = False
            await self._house.leave()

    # -- commands

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
        if uid not in (None, self.spec.uid):
            raise UsageError(f"uid {uid}: this sandbox has one user, {self.spec.uid}; fork it with another uid in the spec")
        argv = ["bash", "-c", command] if isinstance(command, str) else list(command)
        limits = self.spec.limits
        frame = await self._link().ask(
            "exec",
            input,
            argv=argv,
            cwd=cwd,
            env=dict(env or {}),
            timeout_s=timeout_s or limits.seconds,
            limit=limits.output_bytes,
        )
        return _result(frame)

    async def shell(self, code: str, *, interpreter: Interpreter = "bash", timeout_s: float | None = None) -> ExecResult:
        limits = self.spec.limits
        async with self._shells[interpreter]:
            frame = await self._link().ask(
                "shell",
                interpreter=interpreter,
                code=code,
                timeout_s=timeout_s or limits.seconds,
                limit=limits.output_bytes,
            )
        return _result(frame)

    async def spawn(self, command: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Process:
        link = self._link()
        frame = await link.ask("spawn", argv=list(command), cwd=cwd, env=dict(env or {}))
        return _Talk(link, frame.header["process"])

    # -- files

    async def read(self, path: str, *, limit: int = 64 * 2**20) -> bytes:
        return (await self._link().ask("read", path=path, limit=limit)).body

    async def write(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        await self._link().ask("write", data, path=path, mode=mode)

    async def put_tree(self, source: Path, target: str) -> None:
        if not source.exists():
            raise FileNotFoundError(2, "no such folder to put into a sandbox", str(source))
        link = self._link()
        for entries, body in batches(source):
            await link.ask("put", body, target=target, entries=entries)

    async def get_tree(
        self, source: str, target: Path, *, limits: TreeLimits | None = None, only: Sequence[str] = ()
    ) -> TakenTree:
        bounds = (limits or TreeLimits()).model_dump()
        frame = await self._link().ask("tree", more=Taker(target), source=source, limits=bounds, only=list(only))
        return TakenTree(tuple(frame.header["files"]), frame.header["left"])

    # -- states

    async def snapshot(self) -> Snapshot:
        async with self._moving, self._shells["bash"]:
            place = self._living()
            snapshot = Snapshot(id=uuid.uuid4().hex[:12], sandbox=self._id)
            # The next namespaces are made while the shell tells its state.
            preparing = asyncio.create_task(place.keeper.ask("prepare", uid=self.spec.uid))
            frame = await place.link.ask("alone")
            await preparing
            if frame.header["alone"]:
                self._place = None
                self._place = await self._open(snapshot.id, before=place, state=frame.body, renew=True)
                place.leave()
            else:
                await self._copy(place, snapshot)
            self._lineage.add(snapshot, frame.body)
            return snapshot

    @staticmethod
    async def _copy(place: _Place, snapshot: Snapshot) -> None:
        """Other programs are running, which must live on: they are stopped while what they wrote is copied."""
        await place.link.ask("pause")
        try:
            await place.keeper.ask("copy", sandbox=place.name, snapshot=snapshot.id)
        finally:
            await place.link.ask("go_on")

    async def restore(self, snapshot: Snapshot) -> None:
        async with self._moving:
            state = self._lineage.state(snapshot)
            await self._move(snapshot.id, state)

    async def fork(self, snapshot: Snapshot | None = None, *, spec: SandboxSpec | None = None) -> KeptSandbox:
        spec = spec or self.spec
        if (spec.layers, spec.workdir) != (self.spec.layers, self.spec.workdir):
            raise UsageError("a fork has the layers and the working folder of the sandbox that it comes from")
        check(spec, self._capabilities)
        point = snapshot or await self.snapshot()
        state = self._lineage.state(point)
        other = KeptSandbox(spec, house=self._house, capabilities=self._capabilities)
        other._lineage = self._lineage.join()
        try:
            async with other._moving:
                await other._move(point.id, state)
        except BaseException:
            await other.close()
            raise
        return other

    async def kill_all(self) -> None:
        await self._link().ask("kill_all")

    async def stats(self) -> SandboxStats:
        header = (await self._link().ask("stats")).header
        whole = {name: int(header[name]) for name in ("processes", "memory_bytes", "disk_bytes")}
        return SandboxStats(**whole, cpu_s=header["cpu_s"], cpu_complete=bool(header.get("cpu_complete")))


class _Talk:
    def __init__(self, link: Link, number: int) -> None:
        self._link, self._number = link, number

    async def write(self, data: bytes) -> None:
        await self._link.ask("talk_write", data, process=self._number)

    async def close_input(self) -> None:
        await self._link.ask("talk_close_input", process=self._number)

    async def read(self, limit: int = 65536) -> bytes:
        return (await self._link.ask("talk_read", process=self._number, limit=limit)).body

    async def wait(self) -> int:
        return int((await self._link.ask("talk_wait", process=self._number)).header["code"])

    async def kill(self) -> None:
        await self._link.ask("talk_kill", process=self._number)


def check(spec: SandboxSpec, capabilities: SandboxCapabilities) -> None:
    """Raise UsageError for what cannot be had here."""
    name = capabilities.backend
    if capabilities.networks and spec.network not in capabilities.networks:
        raise UsageError(f"{name}: network {spec.network!r} is not to be had; there are {', '.join(capabilities.networks)}")
    if spec.network == "allow-list" and not spec.allow:
        raise UsageError("an allow-list without entries; name hosts in `allow`, or ask for network 'none'")
    if spec.uid == 0 and not capabilities.root:
        raise UsageError(f"{name}: no root inside; ask for another uid")
    if spec.gpu and not capabilities.gpu:
        raise UsageError(f"{name}: no GPU: {capabilities.notes.get('gpu', 'this machine has none')}")


def _result(frame: Frame) -> ExecResult:
    fields = {name: value for name, value in frame.header.items() if name not in ("id", "out")}
    at = frame.header.get("out", len(frame.body))
    return ExecResult(stdout=frame.body[:at], stderr=frame.body[at:], **fields)
