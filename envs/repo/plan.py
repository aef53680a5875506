"""From what a task says to the sandbox that it gets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from quintain.core import WorldTask
from quintain.envs.repo import trees
from quintain.envs.repo.requirements import check_requirements, has_program, unavailable
from quintain.envs.repo.science import TARGET, Science, find_science
from quintain.envs.repo.setup import Setup
from quintain.envs.repo.trees import Source, composed
from quintain.sandbox import Layer, Mount, SandboxCapabilities, SandboxSpec

HOME: Final = "/home/agent"
OURS: Final = "/opt/quintain"
"""Where programs inside find what they need to call a service."""
FOLDERS: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
OWN_FOLDERS: Final = frozenset({"/workspace", f"{HOME}/R"})
"""What a sandbox without layers has, as `quintain.sandbox.keeper.world.FOLDERS` says."""
ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "PAGER": "cat",
    "SOURCE_DATE_EPOCH": str(trees.EPOCH),
    "PYTHONHASHSEED": "0",
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    # R installs into this folder only where it is there already.
    "R_LIBS_USER": "~/R",
    "MPLBACKEND": "Agg",
}
"""The same on every machine; a task adds its own."""


@dataclass(frozen=True)
class Plan:
    """What is the same in all episodes of one task."""

    setup: Setup
    spec: SandboxSpec
    shown: tuple[str, ...]
    """What is in the working folder, as far as the host knows it."""
    science: Science | None


def plan(task: WorldTask, capabilities: SandboxCapabilities) -> Plan:
    """The sandbox of a task; its trees are put together where that was not done yet.

    Raises:
        TaskUnavailable: something that the task requires is missing on this machine.
        TaskError: a tree that does not exist.
    """
    setup = Setup.model_validate(task.setup)
    science = find_science() if setup.python == "science" else None
    if setup.python == "science" and science is None:
        raise unavailable(task.id, "the science environment is not built")
    check_requirements(setup.requires, task=task.id, science=science, root=setup.root, capabilities=capabilities)
    workspace = composed(tuple(_inside(setup)), setup.files)
    home = HOME if setup.uid else "/root"
    # Each layer costs a reset half a millisecond.
    folders = OWN_FOLDERS if capabilities.backend == "bubblewrap" and setup.root is None else frozenset()
    layers = [
        *([Layer(source=setup.root)] if setup.root else []),
        *_library(setup, home, folders),
        *_own(setup),
        *([Layer(source=workspace, target=setup.workdir)] if any(workspace.iterdir()) or setup.workdir not in folders else []),
        *_outside(setup),
        *(science.layers() if science else ()),
    ]
    spec = SandboxSpec(
        layers=tuple(layers),
        mounts=tuple(_mounts(setup, science)),
        hidden=science.hidden() if science else (),
        workdir=setup.workdir,
        env=ENVIRONMENT | {"HOME": home, "PATH": ":".join((*([f"{TARGET}/bin"] if science else []), *FOLDERS))} | setup.env,
        uid=setup.uid,
        limits=setup.limits,
        network=setup.network,
        allow=setup.allow,
        gpu=capabilities.gpu if setup.gpu == "wanted" else setup.gpu,
    )
    return Plan(setup, spec, tuple(trees.listing(workspace)), science)


def _library(setup: Setup, home: str, folders: Collection[str]) -> Iterator[Layer]:
    """The folder into which R installs packages."""
    covered = (setup.workdir, *(tree.target for tree in setup.trees))
    there = f"{home}/R" in folders and not any(PurePosixPath(home).is_relative_to(each) for each in covered)
    if not there and has_program("Rscript", setup.root or Path("/")):
        yield Layer(source=composed((), {"R/": ""}), target=home)


def serving(spec: SandboxSpec, folder: Path) -> SandboxSpec:
    """The same sandbox, in which programs find the services whose socket is in `folder`."""
    client = composed((), _client())
    ours = (
        Mount(source=client / "bin", target=f"{OURS}/bin"),
        Mount(source=client / "lib", target=f"{OURS}/lib"),
        Mount(source=folder, target=f"{OURS}/run"),
    )
    env = spec.env | {"PATH": f"{spec.env['PATH']}:{OURS}/bin"}
    env["PYTHONPATH"] = ":".join(filter(None, (spec.env.get("PYTHONPATH"), f"{OURS}/lib")))
    return spec.model_copy(update={"mounts": (*spec.mounts, *ours), "env": env})


def _client() -> dict[str, str]:
    module = Path(__file__).parent / "client" / "quintain_service.py"
    script = f'#!/usr/bin/env python3\nimport sys\n\nsys.path.insert(0, "{OURS}/lib")\n'
    script += "import quintain_service\n\nsys.exit(quintain_service.main(sys.argv[1:]))\n"
    return {"lib/quintain_service.py": module.read_text("utf-8"), "bin/quintain-call": script}


def _inside(setup: Setup) -> Iterator[Source]:
    """Trees in the working folder: they become one."""
    for tree in setup.trees:
        target = PurePosixPath(tree.target)
        if target.is_relative_to(setup.workdir):
            yield Source(tree.source, str(target.relative_to(setup.workdir)), tree.only, tree.without)


def _own(setup: Setup) -> Iterator[Layer]:
    """What the root file system has in the working folder, which the layer there would hide."""
    if setup.root is not None:
        inner = (setup.root / setup.workdir.lstrip("/")).resolve()
        if inner.is_relative_to(setup.root.resolve()) and inner.is_dir() and inner != setup.root.resolve():
            yield Layer(source=inner, target=setup.workdir)


def _outside(setup: Setup) -> Iterator[Layer]:
    for tree in setup.trees:
        if not PurePosixPath(tree.target).is_relative_to(setup.workdir):
            source = Source(tree.source, ".", tree.only, tree.without)
            yield Layer(source=composed((source,), {}), target=tree.target)


def _mounts(setup: Setup, science: Science | None) -> Iterator[Mount]:
    for each in setup.mounts:
        yield Mount(source=each.source, target=each.target)
    if science is not None:
        yield from science.mounts()
