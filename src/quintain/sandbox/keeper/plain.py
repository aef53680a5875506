"""The keeper of sandboxes that are none: folders on the host, in which programs run as the one who runs the harness.

Their processes are found again, however they hide: each porter is the *subreaper* of its tree, and ends with the keeper.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

from . import kernel
from .control import Control, Operation, Reply, answer
from .ground import Ground
from .owners import dead_folders, make_folder
from .porter import serve
from .processes import Proc
from .shells import python_driver

PREFIX = "quintain-local-"
MIB = 2**20


class Folder(NamedTuple):
    """One sandbox: where it lies, and its porter's number."""

    path: Path
    porter: int


class Plain:
    def __init__(self, control: Control) -> None:
        self._control = control
        self._sandboxes: dict[str, Folder] = {}
        self._snapshots: dict[str, Path] = {}
        python_driver()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        for dead in dead_folders(PREFIX):
            control.start(["/bin/sh", "-c", f"chmod -R u+rwX {_quoted(dead)}; rm -rf {_quoted(dead)}"], lambda _: None)
        self._top = make_folder(PREFIX)
        control.ended = self._ended

    def run(self) -> None:
        operations: dict[str, Operation] = {
            "open": self._open,
            "copy": self._copy,
            "drop": self._drop,
            "forget": self._forget,
            "prepare": lambda *_: {},
        }
        self._control.serve(operations, {"privileged": False, "cgroup": 0, "controllers": []})
        for name in list(self._sandboxes):
            self._end(name)
        self._control.end_all()
        _delete(self._top)

    def _open(self, request: dict[str, Any], given: list[int], reply: Reply) -> None:
        """The answer follows when all is copied."""
        plan, name = request["plan"], request["sandbox"]
        stem = name.rpartition("-")[0]
        for other in [other for other in self._sandboxes if other.rpartition("-")[0] == stem]:
            self._end(other)
        # The same path in each life, because programs remember theirs.
        path = self._top / stem
        connection = socket.socket(fileno=os.dup(given[0]))
        below = self._snapshots.get(request["below"] or "")
        if request["below"] and below is None:
            raise KeyError(f"no snapshot {request['below']}")

        def copied(code: int) -> None:
            with connection:
                if code:
                    shutil.rmtree(path, ignore_errors=True)
                    answer(reply, {"error": "the layers could not be copied; is there room left?"})
                    return
                try:
                    _finish(plan, path)
                    self._sandboxes[name] = Folder(path, self._fork(plan, path, connection))
                except OSError as error:
                    answer(reply, {"error": f"{type(error).__name__}: {error}"})
                else:
                    answer(reply, {})

        self._control.start(["/bin/sh", "-c", _copying(plan, path, below)], copied)

    def _copy(self, request: dict[str, Any], _: list[int], reply: Reply) -> None:
        name, target = request["snapshot"], self._top / f"snapshot-{request['snapshot']}"

        def done(code: int) -> None:
            if code:
                answer(reply, {"error": "what was written could not be copied; is there room left?"})
            else:
                self._snapshots[name] = target
                answer(reply, {})

        source = self._sandboxes[request["sandbox"]].path
        self._control.start(["/bin/sh", "-c", f"cp -a -- {_quoted(source)} {_quoted(target)}"], done)

    def _drop(self, request: dict[str, Any], _: list[int], __: Reply) -> dict[str, Any]:
        self._end(request["sandbox"])
        return {}

    def _forget(self, request: dict[str, Any], _: list[int], __: Reply) -> dict[str, Any]:
        for name in request["snapshots"]:
            if path := self._snapshots.pop(name, None):
                _delete(path)
        return {}

    def _fork(self, plan: dict[str, Any], path: Path, connection: socket.socket) -> int:
        pid = os.fork()
        if pid == 0:
            _be_porter(plan, path, connection)
        return pid

    def _ended(self, pids: set[int]) -> None:
        for name in [name for name, folder in self._sandboxes.items() if folder.porter in pids]:
            self._end(name)

    def _end(self, name: str) -> None:
        if (folder := self._sandboxes.pop(name, None)) is None:
            return
        # It ends its tree first.
        self._control.wait(self._control.send(folder.porter, signal.SIGHUP))
        self._control.kill(folder.porter)
        _delete(folder.path)


def _copying(plan: dict[str, Any], path: Path, below: Path | None) -> str:
    """A shell's commands that bring the files there; what can be shared with the source is (`reflink`)."""
    if below is not None:
        return f"cp -a --reflink=auto -- {_quoted(below)} {_quoted(path)}"
    steps = [f"mkdir -p -- {_quoted(path)}"]
    for layer in plan["layers"]:
        target = _quoted(path / layer["target"].lstrip("/"))
        steps.append(f"mkdir -p -- {target} && cp -a --reflink=auto -- {_quoted(Path(layer['source']))}/. {target}")
    return " && ".join(steps)


def _finish(plan: dict[str, Any], path: Path) -> None:
    for folder in (plan["workdir"], plan["env"]["HOME"], "/tmp"):
        (path / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for each in plan["mounts"]:
        target = path / each["target"].lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(each["source"])


def _be_porter(plan: dict[str, Any], path: Path, connection: socket.socket) -> None:
    """Never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGHUP, _leave)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGHUP)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        os.setsid()
        kernel.close_all_but({0, 1, 2, connection.fileno()})
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.umask(0o022)
        if plan["affinity"]:
            os.sched_setaffinity(0, set(plan["affinity"]))
        serve(connection, _ground(plan, path))
        code = 0
    except SystemExit:
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _ground(plan: dict[str, Any], path: Path) -> Ground:
    targets = [plan["workdir"], plan["env"]["HOME"], *(each["target"] for each in (*plan["layers"], *plan["mounts"]))]
    mapped = {target: str(path / target.lstrip("/")) for target in targets}
    proc = Proc()
    ground = Ground(plan["workdir"], {}, proc, proc, mapped=mapped, top=str(path))
    ground.workdir = ground.locate(plan["workdir"])
    # Names of folders that are elsewhere here, as in PATH.
    ground.env = {name: ":".join(map(ground.rename, text.split(":"))) for name, text in plan["env"].items()}
    ground.env["TMPDIR"] = str(path / "tmp")
    ground.pids_limit = plan["pids_here"]
    ground.memory_limit = plan["memory_here_mb"] * MIB if plan["memory_here_mb"] else None
    return ground


def _leave(*_: object) -> None:
    # Once: the ending that follows is not to be cut short.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise SystemExit


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _delete(path: Path) -> None:
    """Also what its owner closed to himself."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        for folder, names, _ in os.walk(path):
            for each in (Path(folder) / name for name in names):
                if not each.is_symlink():
                    each.chmod(0o700)
        shutil.rmtree(path, ignore_errors=True)
