"""The porter of one sandbox: answers the harness's requests from where it stands.

A request is a frame ``{"id": n, "op": name, ...}``; its answer has the same id, and ``"error"`` where it failed. The end of the
connection is the end of the porter, and of all that it started.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
from collections.abc import Callable
from typing import Any

from . import files, kernel
from .frames import Decoder, Frame, encode
from .ground import Ground
from .jobs import NOT_STARTED, Command, Talk, refusal
from .loop import Loop
from .shells import BASH_STATE, STATE_LIMIT, WHOLE, Shell
from .watchdog import Watchdog

Answer = Callable[..., None]
STATE_S = 5.0


class Porter:
    def __init__(self, loop: Loop, connection: socket.socket, ground: Ground) -> None:
        self._loop, self._connection, self._ground = loop, connection, ground
        self._decoder, self._unsent, self._broken = Decoder(), bytearray(), False
        self._shells = {kind: Shell(loop, ground, kind) for kind in ("bash", "python")}
        self._talks: dict[int, Talk] = {}
        self._paused: set[int] = set()
        self._running: dict[int, Command | Shell] = {}
        self._watchdog = Watchdog(loop, ground)
        ground.oom_kills = self._watchdog.counting(ground.oom_kills)
        connection.setblocking(False)
        loop.reading(connection.fileno(), self._receive)
        self.tell({"event": "ready"})

    def tell(self, header: dict[str, Any], body: bytes = b"") -> None:
        self._unsent += encode(header, body)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._connection.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._broken = True
            self._loop.stop()
            return
        self._loop.writing(self._connection.fileno(), self._flush if self._unsent else None)

    def _receive(self) -> None:
        try:
            data = self._connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.stop()
            return
        self._ground.collect_orphans()
        for frame in self._decoder.feed(data):
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        header, number = frame.header, frame.header["id"]

        def answer(fields: dict[str, Any] | None = None, body: bytes = b"") -> None:
            self._running.pop(number, None)
            self.tell({"id": number, **(fields or {})}, body)

        try:
            getattr(self, f"_do_{header['op']}")(header, frame.body, answer)
        except OSError as error:
            name = error.filename if isinstance(error.filename, str) else None
            answer({"error": error.strerror or str(error), "errno": error.errno or errno.EIO, "path": name})
        except (ValueError, LookupError, MemoryError) as error:
            answer({"error": f"{type(error).__name__}: {error}", "errno": errno.EINVAL, "path": None})

    # -- commands

    def _do_exec(self, header: dict[str, Any], body: bytes, answer: Answer) -> None:
        self._watchdog.wake()
        cwd = self._path(header["cwd"])
        if not os.path.isdir(cwd):  # noqa: PTH112
            raise NotADirectoryError(errno.ENOTDIR, "no folder to run in", cwd)
        try:
            self._running[header["id"]] = Command(
                self._loop,
                self._ground,
                header["argv"],
                env=self._ground.env | header["env"],
                cwd=cwd,
                data=body,
                timeout_s=header["timeout_s"],
                limit=header["limit"],
                done=answer,
            )
        except OSError as error:
            code, message = refusal(error)
            answer({"exit_code": code, "out": 0}, message)

    def _do_shell(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._watchdog.wake()
        shell = self._running[header["id"]] = self._shells[header["interpreter"]]
        try:
            shell.run(header["code"], timeout_s=header["timeout_s"], limit=header["limit"], done=answer)
        except OSError as error:
            message = refusal(error)[1]
            answer({"exit_code": NOT_STARTED, "restarted": True}, message)

    def _do_cancel(self, header: dict[str, Any], _: bytes, __: Answer) -> None:
        if running := self._running.get(header["of"]):
            running.stop()

    def _do_spawn(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._watchdog.wake()
        env = self._ground.env | header["env"]
        talk = Talk(self._loop, self._ground, header["argv"], env=env, cwd=self._path(header["cwd"]))
        self._talks[header["id"]] = talk
        answer({"process": header["id"]})

    def _do_talk_write(self, header: dict[str, Any], body: bytes, answer: Answer) -> None:
        self._talks[header["process"]].write(body, answer)

    def _do_talk_close_input(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._talks[header["process"]].close_input()
        answer()

    def _do_talk_read(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._talks[header["process"]].read(header["limit"], lambda data: answer({}, data))

    def _do_talk_wait(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._talks[header["process"]].wait(lambda code: answer({"code": code}))

    def _do_talk_kill(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        self._talks[header["process"]].kill()
        answer()

    # -- files

    def _path(self, path: str | None) -> str:
        return self._ground.locate(path or "")

    def _do_read(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        answer({}, files.read(self._path(header["path"]), header["limit"]))

    def _do_write(self, header: dict[str, Any], body: bytes, answer: Answer) -> None:
        files.write(self._path(header["path"]), body, header["mode"])
        answer()

    def _do_put(self, header: dict[str, Any], body: bytes, answer: Answer) -> None:
        files.put(self._path(header["target"]), header["entries"], body)
        answer()

    def _do_tree(self, header: dict[str, Any], _: bytes, answer: Answer) -> None:
        walk = files.Walk(self._path(header["source"]), header["limits"], header["only"])

        def send(entries: list[dict[str, Any]], body: bytes) -> None:
            answer({"more": True, "entries": entries}, body)
            # Not to be held here all at once: memory here is the sandbox's.
            poll = select.poll()
            poll.register(self._connection, select.POLLOUT)
            while self._unsent and not self._broken:
                poll.poll()
                self._flush()

        names = files.batches(walk, send)
        answer({"files": names, "left": walk.left})

    # -- the whole

    def _do_alone(self, _: dict[str, Any], __: bytes, answer: Answer) -> None:
        """The state of the shell of bash, and whether nothing else runs."""
        bash = self._shells["bash"]
        bash.settle()
        # Where nothing can be laid over anything, what was written is always copied.
        layered = bool(self._ground.guard)
        if not bash.pid:
            answer({"alone": layered and not self._ground.inside()}, self._ground.portable(bash.inherited))
            return

        def dumped(fields: dict[str, Any], state: bytes) -> None:
            whole = state.endswith(WHOLE) and not fields["dropped_bytes"]
            alone = layered and whole and len(self._ground.inside()) == 1
            answer({"alone": alone}, self._ground.portable(state) if whole else b"")

        bash.run(BASH_STATE, timeout_s=STATE_S, limit=STATE_LIMIT, done=dumped)

    def _do_adopt(self, _: dict[str, Any], body: bytes, answer: Answer) -> None:
        self._shells["bash"].inherited = self._ground.at_home(body)
        answer()

    def _do_pause(self, _: dict[str, Any], __: bytes, answer: Answer) -> None:
        """Stop everything, and remember what was not stopped already."""
        while fresh := [pid for pid, each in self._ground.inside().items() if each.state != "T" and pid not in self._paused]:
            for pid in fresh:
                self._paused.add(pid)
                self._ground.inner.send(pid, signal.SIGSTOP)
        answer()

    def _do_go_on(self, _: dict[str, Any], __: bytes, answer: Answer) -> None:
        for pid in self._paused:
            self._ground.inner.send(pid, signal.SIGCONT)
        self._paused.clear()
        answer()

    def _do_kill_all(self, _: dict[str, Any], __: bytes, answer: Answer) -> None:
        ended = self._ground.end_all()
        for shell in self._shells.values():
            shell.settle()
        answer({"ended": ended})

    def _do_stats(self, _: dict[str, Any], __: bytes, answer: Answer) -> None:
        inside = self._ground.inside().values()
        disk = os.statvfs(self._ground.workdir)
        fields: dict[str, float] = {
            "processes": len(inside),
            "memory_bytes": sum(each.resident for each in inside),
            "cpu_s": sum(each.cpu_s for each in inside),
            "disk_bytes": (disk.f_blocks - disk.f_bfree) * disk.f_frsize,
        }
        answer({**fields, **self._ground.usage()})


def serve(connection: socket.socket, ground: Ground) -> None:
    """Until the connection ends; then nothing that this porter started is left."""
    # Descriptors that came through a socket are inherited by programs, which could then speak in our name.
    kernel.close_on_exec(3)
    loop = Loop()
    try:
        Porter(loop, connection, ground)
        loop.run()
    finally:
        # The first process inside ends with this one, and takes the others with it.
        if not ground.guard:
            ground.end_all()
