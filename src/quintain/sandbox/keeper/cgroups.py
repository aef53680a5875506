"""Control groups of sandboxes, version 1 or 2, wherever this process may make some; what can be limited is found by trying."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .owners import identity, is_dead

PREFIX = "quintain-"
MIB = 2**20
LIMIT_FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
    "cpu": ("cpu.cfs_quota_us", "cpu.max"),
    "cpuacct": ("cpuacct.usage", "cpu.stat"),
}
"""By controller, the name in versions 1 and 2; the last one limits nothing, and is a part of `cpu` in version 2."""
CONTROLLERS = tuple(LIMIT_FILES)
CPU = LIMIT_FILES["cpuacct"]


class Cgroups:
    """The groups of one keeper; `controllers` has those that can be used here."""

    def __init__(self) -> None:
        self._name = PREFIX + identity()
        self._hierarchies = _hierarchies()
        self.version = 0
        self.controllers: dict[str, Path] = {}
        for controller in CONTROLLERS:
            for base, version in self._hierarchies.get(controller, ()):
                _sweep(base)
                if folder := _try(base / self._name, controller, version):
                    self.controllers[controller], self.version = folder, version
                    break

    def open(self, name: str, limits: dict[str, Any]) -> Group:
        """A group with the controllers that these limits need."""
        wanted = {"memory": "memory_mb", "pids": "pids", "cpu": "cpus", "cpuacct": "metered"}
        folders = {each: parent / name for each, parent in self.controllers.items() if limits[wanted[each]]}
        group = Group(folders, self.version)
        for folder in set(folders.values()):
            folder.mkdir(exist_ok=True)
        group.limit(limits)
        return group

    def close(self) -> None:
        for folder in set(self.controllers.values()):
            for child in folder.iterdir():
                if child.is_dir():
                    _remove(child)
            _remove(folder)


class Group:
    """The group of one sandbox."""

    def __init__(self, folders: dict[str, Path], version: int) -> None:
        self._folders, self._version = folders, version

    def dump(self) -> dict[str, Any]:
        return {"version": self._version, "folders": {name: str(folder) for name, folder in self._folders.items()}}

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> Group:
        return cls({name: Path(folder) for name, folder in dumped["folders"].items()}, dumped["version"])

    def limit(self, limits: dict[str, Any]) -> None:
        """What is written into the sandbox's file system is memory as well, so that its size comes on top."""
        two = self._version == 2
        if "memory" in self._folders and limits["memory_mb"]:
            size = str((limits["memory_mb"] + (limits["disk_mb"] or 0)) * MIB)
            self._write("memory", "memory.max" if two else "memory.limit_in_bytes", size)
            with contextlib.suppress(OSError):
                self._write("memory", "memory.swap.max" if two else "memory.memsw.limit_in_bytes", "0" if two else size)
        if "pids" in self._folders and limits["pids"]:
            # The porter is one of them.
            self._write("pids", "pids.max", str(limits["pids"] + 2))
        if "cpu" in self._folders and limits["cpus"]:
            quota = str(max(1000, int(limits["cpus"] * 100_000)))
            if two:
                self._write("cpu", "cpu.max", f"{quota} 100000")
            else:
                self._write("cpu", "cpu.cfs_period_us", "100000")
                self._write("cpu", "cpu.cfs_quota_us", quota)

    def _write(self, controller: str, name: str, text: str) -> None:
        (self._folders[controller] / name).write_text(text)

    def enter(self) -> None:
        """Put the calling process in, with all that it starts from now on."""
        for folder in set(self._folders.values()):
            # One thread moves itself without waiting for all processors to notice, which takes many milliseconds.
            (folder / ("cgroup.procs" if self._version == 2 else "tasks")).write_text("0")

    def oom_counter(self) -> Callable[[], int]:
        """Counts those that were killed for memory; works from any mount namespace."""
        if "memory" not in self._folders:
            return lambda: 0
        name = "memory.events" if self._version == 2 else "memory.oom_control"
        file = os.open(self._folders["memory"] / name, os.O_RDONLY | os.O_CLOEXEC)

        def count() -> int:
            # Among others, ``oom_kill_disable`` is one of the names.
            found = (b"\n" + os.pread(file, 4096, 0)).partition(b"\noom_kill ")[2]
            return int(found.split(None, 1)[0]) if found else 0

        return count

    def usage(self) -> Callable[[], dict[str, float]]:
        """Fields of the statistics that a group knows better than a list of processes."""
        two = self._version == 2
        files = {}
        for controller, name in (("memory", "memory.current" if two else "memory.usage_in_bytes"), ("cpuacct", CPU[two])):
            if controller in self._folders:
                files[controller] = os.open(self._folders[controller] / name, os.O_RDONLY | os.O_CLOEXEC)

        def read() -> dict[str, float]:
            found = {}
            if "memory" in files:
                found["memory_bytes"] = float(os.pread(files["memory"], 64, 0))
            if "cpuacct" in files:
                text = os.pread(files["cpuacct"], 4096, 0)
                # Of those, too, that have ended: "usage_usec N" on the first line, or nanoseconds alone.
                found["cpu_s"] = int(text.split()[1]) / 1e6 if two else int(text) / 1e9
                found["cpu_complete"] = 1.0
            return found

        return read

    def close(self) -> bool:
        """False while something is still in it."""
        left = [folder for folder in set(self._folders.values()) if not _remove(folder)]
        return not left


def _hierarchies() -> dict[str, list[tuple[Path, int]]]:
    """For each controller the folders below which a group may be made: this process's own, then the one above."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(",") if names else [""], path))
    found: dict[str, list[tuple[Path, int]]] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        for controller in CONTROLLERS:
            name = "" if kind == "cgroup2" else controller
            if name not in own or not (kind == "cgroup2" or (kind == "cgroup" and controller in options.split(","))):
                continue
            inner = own[name][len(root) :] if root != "/" and own[name].startswith(root) else own[name]
            folder = Path(point) / inner.lstrip("/")
            found.setdefault(controller, []).append((folder, 2 if kind == "cgroup2" else 1))
            if kind == "cgroup2" and folder != Path(point):
                found[controller].append((folder.parent, 2))
    return found


def _try(folder: Path, controller: str, version: int) -> Path | None:
    """A group is made and looked at: that a file system looks writable means nothing."""
    try:
        name = "cpu" if version == 2 and controller == "cpuacct" else controller
        if version == 2:
            if name not in (folder.parent / "cgroup.controllers").read_text().split():
                return None
            with contextlib.suppress(OSError):
                (folder.parent / "cgroup.subtree_control").write_text(f"+{name}")
        folder.mkdir(exist_ok=True)
        if version == 2:
            (folder / "cgroup.subtree_control").write_text(f"+{name}")
        probe = folder / "probe"
        probe.mkdir()
        try:
            file = probe / LIMIT_FILES[controller][version - 1]
            text = file.read_text().strip()
            if controller != "cpuacct":
                file.write_text(text)
        finally:
            probe.rmdir()
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        return None
    return folder


def _remove(folder: Path) -> bool:
    for _ in range(20):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            time.sleep(0.001)
        else:
            return True
    return False


def _sweep(base: Path) -> None:
    """Groups of keepers that are no more."""
    with contextlib.suppress(OSError):
        for folder in [folder for folder in base.glob(f"{PREFIX}*") if is_dead(folder.name, PREFIX)]:
            for inner in folder.glob("*/cgroup.procs"):
                for line in inner.read_text().split():
                    with contextlib.suppress(OSError):
                        os.kill(int(line), signal.SIGKILL)
                _remove(inner.parent)
            _remove(folder)
