"""The values of a sandbox: what is wanted, what is really enforced, what a command gave."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from quintain.core import Value

Backend = Literal["bubblewrap", "docker", "local"]
Network = Literal["none", "loopback", "allow-list"]
Interpreter = Literal["bash", "python"]
MIB = 2**20


def _absolute(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"{path!r} is no absolute path inside the sandbox")
    return str(pure)


InsidePath = Annotated[str, AfterValidator(_absolute)]
"""An absolute path as programs inside the sandbox see it."""


class Layer(Value):
    """A folder of the host whose content is the sandbox's own at `target`: changes are kept apart and thrown away by a reset.

    Several layers with one target lie over each other, the last one on top. A layer at ``/`` is a whole root file system; without
    one the sandbox sees the programs of the host (``/usr`` read-only) and a small system of its own around them.
    """

    source: Path
    target: InsidePath = "/"


class Mount(Value):
    """A file or folder of the host that is shown inside, read-only unless `writable`."""

    source: Path
    target: InsidePath
    writable: bool = False


class ResourceLimits(Value):
    """Caps on all processes of a sandbox together; `SandboxCapabilities` says which are enforced here, and how."""

    cpus: PositiveFloat | None = None
    memory_mb: PositiveInt | None = 2048
    pids: PositiveInt | None = 256
    disk_mb: PositiveInt | None = 1024
    """Of all that is written over the layers."""
    seconds: PositiveFloat = 120.0
    """Of one command that gives no limit of its own."""
    output_bytes: PositiveInt = 256 * 1024
    """Kept of one command's output, half of them from its beginning and half from its end; the rest is counted and dropped."""


class SandboxSpec(Value):
    """What a sandbox is to be; the same values on every backend."""

    layers: tuple[Layer, ...] = ()
    mounts: tuple[Mount, ...] = ()
    hidden: tuple[InsidePath, ...] = ()
    """Shown as empty. The folder of quintain itself always is, wherever it would be visible."""
    workdir: InsidePath = "/workspace"
    """Exists and belongs to the user."""
    env: dict[str, str] = Field(default_factory=dict)
    """Added to a small fixed environment; nothing of the host's environment gets in."""
    uid: Annotated[int, Field(ge=0, lt=65536)] = 1000
    """0 is root inside, which has no power outside."""
    limits: ResourceLimits = ResourceLimits()
    network: Network = "none"
    allow: tuple[str, ...] = ()
    """``host`` or ``host:port`` that the allow-list lets through, by a proxy that the usual variables name."""
    gpu: bool = False
    metered: bool = False
    """Count the processor time of all processes, also of those that have ended, where control groups can; see `SandboxStats`."""


class SandboxCapabilities(Value):
    """What a backend really enforces on this machine: probed when it is opened, never assumed."""

    backend: Backend
    isolation: Literal["none", "namespace", "container"]
    networks: tuple[Network, ...]
    """Those that can be asked for; an isolation of none can refuse nothing and lists none."""
    memory: Literal["cgroup", "watchdog", "none"]
    pids: Literal["cgroup", "rlimit", "watchdog", "none"]
    cpus: Literal["cgroup", "affinity", "none"]
    disk: Literal["filesystem", "watchdog", "none"]
    root: bool
    """Whether `uid` 0 may be asked for."""
    snapshot: bool
    fork: bool
    gpu: bool
    notes: dict[str, str] = Field(default_factory=dict)
    """What a user should know about each of these here."""


class ExecResult(Value):
    """What one command gave. In a persistent shell `stdout` has both streams in their order, and `stderr` is empty."""

    exit_code: int | None
    """None where the command was ended at its time limit, or with its sandbox; negative: minus the signal that ended it."""
    stdout: bytes = b""
    stderr: bytes = b""
    duration_s: float = 0.0
    timed_out: bool = False
    oom: bool = False
    """A process of the sandbox was killed for its memory while the command ran."""
    dropped_bytes: int = 0
    """Of the output, between the head and the tail that are kept."""
    restarted: bool = False
    """The persistent interpreter ended, or had to be, and a new one is there: its variables are gone."""

    @property
    def text(self) -> str:
        """Both streams as text; bytes that are no UTF-8 are replaced."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")


class Snapshot(Value):
    """The files of a sandbox and the state of its shell at one moment. It lives as long as the sandbox that took it or one that
    was made from it, but goes with a reset, and costs only what was written since the one before."""

    id: str
    sandbox: str


class SandboxStats(NamedTuple):
    """What a sandbox uses now."""

    processes: int
    memory_bytes: int
    disk_bytes: int
    cpu_s: float
    """Of the processes that are there."""
    cpu_complete: bool = False
    """`cpu_s` has all processes that ever were, by a control group: where there are some, and the sandbox is `metered`."""


class TreeLimits(Value):
    """Bounds on what is taken out of a sandbox."""

    files: PositiveInt = 2000
    file_bytes: PositiveInt = 64 * MIB
    total_bytes: PositiveInt = 256 * MIB
    depth: PositiveInt = 16


class TakenTree(NamedTuple):
    """What `get_tree` brought out: regular files only, by path relative to the source; what was left behind, and why."""

    files: tuple[str, ...]
    left: dict[str, str]
