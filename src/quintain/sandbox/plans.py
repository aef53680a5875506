"""What the keeper is told about a sandbox, from its specification."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import quintain
from quintain.errors import UsageError

from .spec import Mount, SandboxSpec

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOMS = ("envs", "agents", "tasks", "evaluators")
PROXY = "http://127.0.0.1:3128"


def environment(spec: SandboxSpec, home: str) -> dict[str, str]:
    """The whole environment of programs inside: nothing of the host's."""
    user = "root" if spec.uid == 0 else "agent"
    fixed = {"PATH": PATH, "HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "dumb"}
    if spec.network == "allow-list":
        fixed |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), PROXY)
        fixed |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    return fixed | spec.env


def package_folders() -> list[Path]:
    """Where quintain and its rooms lie on this machine."""
    own = Path(quintain.__file__).resolve().parent
    return sorted({own, *((own / room).resolve() for room in ROOMS if (own / room).exists())})


def bubble_plan(spec: SandboxSpec, *, cgroup: Collection[str]) -> dict[str, Any]:
    """Raises UsageError where a source is missing."""
    home = "/root" if spec.uid == 0 else "/home/agent"
    env = environment(spec, home)
    shown = [(each.source.resolve(), each.target) for each in spec.layers]
    shown += [(each.source.resolve(), each.target) for each in spec.mounts]
    for source, target in shown:
        if not source.exists():
            raise UsageError(f"{source}, to be shown at {target}, is missing")
    if not any(layer.target == "/" for layer in spec.layers):
        shown += [(Path("/usr").resolve(), "/usr")]
    limits = spec.limits
    return {
        "uid": spec.uid,
        "gid": spec.uid,
        "workdir": spec.workdir,
        "env": env,
        "layers": [{"source": str(each.source.resolve()), "target": each.target} for each in spec.layers],
        "mounts": [_mount(each) for each in (*spec.mounts, *(gpu_mounts(spec) if spec.gpu else ()))],
        "hidden": [*spec.hidden, *_inside(shown)],
        "limits": limits.model_dump(include={"memory_mb", "pids", "disk_mb", "cpus"}) | {"metered": spec.metered},
        "network": spec.network,
        "pids_here": limits.pids if "pids" not in cgroup else None,
        "memory_here_mb": limits.memory_mb if "memory" not in cgroup else None,
        "affinity": _affinity(limits.cpus) if limits.cpus and "cpu" not in cgroup else None,
    }


def _mount(each: Mount) -> dict[str, Any]:
    source = each.source.resolve()
    return {
        "source": str(source),
        "target": each.target,
        "writable": each.writable,
        "devices": source.is_char_device() or str(source).startswith("/dev/"),
    }


def _inside(shown: list[tuple[Path, str]]) -> list[str]:
    """Paths under which the package would be seen."""
    return [
        str(Path(target) / folder.relative_to(source))
        for source, target in shown
        for folder in package_folders()
        if folder.is_relative_to(source)
    ]


def _affinity(cpus: float) -> list[int]:
    mine = sorted(os.sched_getaffinity(0))
    return mine[: max(1, min(len(mine), int(cpus + 0.999)))]


def gpu_mounts(spec: SandboxSpec, devices: Path = Path("/dev")) -> list[Mount]:
    """The device nodes of the GPUs and what is told of them; the driver's libraries too, where ``/usr`` is not the host's."""
    nodes = [path for pattern in ("nvidia*", "dri", "kfd") for path in sorted(devices.glob(pattern))]
    found = [*nodes, *(path for path in (Path("/sys"), Path("/run/nvidia-persistenced")) if path.exists())]
    if any(layer.target == "/" for layer in spec.layers):
        folders = [Path("/usr/lib64"), *Path("/usr/lib").glob("*-linux-gnu")]
        found += [path for folder in folders for name in ("libcuda.so*", "libnvidia-*.so*") for path in sorted(folder.glob(name))]
        found += sorted(Path("/usr/bin").glob("nvidia-smi"))
    return [
        Mount(source=path, target=f"/dev/{path.name}" if path in nodes else str(path), writable=path in nodes) for path in found
    ]
