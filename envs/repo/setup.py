"""What a task of this family says about the sandbox that it is done in."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from quintain.core import Value
from quintain.sandbox import Network, ResourceLimits
from quintain.sandbox.spec import InsidePath


def _on_host(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"{str(path)!r} is no absolute path of the host")
    return path


def _relative(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path!r} is no path inside the working folder")
    return path


HostPath = Annotated[Path, AfterValidator(_on_host)]


class Tree(Value):
    """A folder of the host, shown as the sandbox's own files: changes are kept apart, and thrown away by a reset.

    A copy of it is made once, with one time stamp on all files, and without version control and Python's caches.
    """

    source: HostPath
    target: InsidePath = "/workspace"
    only: tuple[str, ...] = ()
    """Glob patterns relative to `source`; one that names a folder means all in it, ``**`` any folders between, and ``x/**`` all
    inside x, but not x."""
    without: tuple[str, ...] = ()


class Shown(Value):
    """A file or folder of the host that is shown read-only, as it is."""

    source: HostPath
    target: InsidePath


class Setup(Value):
    """The sandbox of a task: its files, programs and limits. Whatever is named here can be found by an agent."""

    trees: tuple[Tree, ...] = ()
    """Over each other in this order where they meet."""
    files: dict[Annotated[str, AfterValidator(_relative)], str] = Field(default_factory=dict)
    """Texts by path in the working folder, over the trees; one that begins with ``#!`` may be run."""
    mounts: tuple[Shown, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    root: HostPath | None = None
    """A whole root file system; without one the programs of the host are there."""
    python: Literal["science", "none"] = "science"
    """`science`: the pinned packages at ``/opt/python``, first on the path, and writable."""
    requires: tuple[Annotated[str, Field(pattern=r"^(python|program|r):\S+$|^folder:/.+$|^docker$")], ...] = ()
    """What must be on this machine: ``python:statsmodels``, ``program:gcc``, ``r:survival``, ``docker``, ``folder:/data; how to
    get it``."""
    limits: ResourceLimits = ResourceLimits()
    """`seconds` is also the most that a command may ask for."""
    network: Network = "none"
    allow: tuple[str, ...] = ()
    """Hosts that the network ``allow-list`` lets through."""
    workdir: InsidePath = "/workspace"
    uid: Annotated[int, Field(ge=0, lt=65536)] = 1000
    gpu: bool | Literal["wanted"] = False
    """`wanted`: where there is one."""
    prepare: tuple[str, ...] = ()
    """Shell commands run after each reset, before the agent sees anything; one that fails is the task's fault."""
    view: str | None = None
    """The text of the first observation; by default the goal and what is in the working folder."""
    services: tuple[str, ...] = ()
    """Names of what programs inside may call, for readers only: the task's referee says what there is."""
