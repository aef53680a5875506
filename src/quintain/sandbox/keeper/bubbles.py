"""The keeper of sandboxes in namespaces: lays their views, forks their porters, holds their frozen layers and control groups."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from typing import Any, NamedTuple, Protocol

from . import kernel
from .cgroups import Cgroups, Group
from .control import PACKET, Control, Operation, Reply, answer
from .frames import encode
from .ground import Ground
from .layers import Frozen, Laid
from .loop import Timer
from .mounts import Mounter
from .porter import serve
from .shells import python_driver
from .world import World

IDLE_S, BURST_S = 0.02, 0.001
"""So long after a sandbox was opened the next namespaces are made ahead; the second where they follow each other quickly."""
QUICKLY_S = 0.5
USUAL_UID = 1000
MADE_S = 2.0
"""So long a porter that is let go may take until its namespaces are made."""


class Porter(NamedTuple):
    """Makes its namespaces, or has, and waits to be told what for; then it serves a sandbox."""

    pid: int
    channel: socket.socket


class Opened(NamedTuple):
    porter: Porter
    laid: Laid
    group: Group | None


class Entrance(Protocol):
    """How a porter gets into a sandbox, in two steps; another one than bubblewrap's is used inside containers."""

    def make_namespaces(self, uid: int, owner: int) -> int:
        """In a porter's process, ahead: the number of the first process inside, whose end ends the rest."""
        ...

    def join(
        self, plan: dict[str, Any], guard: int, view: int, *, group: Group | None, owner: int, door: socket.socket | None
    ) -> Ground:
        """In the same process: put the view (`kernel.attach`) in place, go there, and drop every privilege."""
        ...


class Bubbles:
    def __init__(self, control: Control, entrance: Entrance, world: World) -> None:
        self._control, self._entrance = control, entrance
        self._sandboxes: dict[str, Opened] = {}
        self._snapshots: dict[str, Frozen] = {}
        self._spares: dict[int, Porter] = {}
        self._idle: Timer | None = None
        self._opened = 0
        self._last = 0.0
        python_driver()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        self._world = world
        # Namespaces for the usual user are made while the rest is.
        self._prepare(USUAL_UID)
        self._cgroups = Cgroups()
        self._mounter = Mounter(self._world)
        self._old_groups: list[Group] = []
        control.ended = self._ended

    def run(self) -> None:
        operations: dict[str, Operation] = {
            "open": self._open,
            "renew": self._renew,
            "copy": self._copy,
            "drop": self._drop,
            "forget": self._forget,
            "prepare": self._make_ready,
        }
        facts = {
            "privileged": self._world.root,
            "cgroup": self._cgroups.version,
            "controllers": list(self._cgroups.controllers),
        }
        gc.freeze()
        self._control.serve(operations, facts)
        for name in list(self._sandboxes):
            self._end(name)
        for spare in self._spares.values():
            self._dismiss(spare)
        self._control.end_all()
        self._cgroups.close()

    # -- operations

    def _open(self, request: dict[str, Any], given: list[int], reply: Reply) -> dict[str, Any]:
        """Open a sandbox; what runs in the one that it takes the place of, if any, has ended when this is answered.

        What that one wrote goes afterwards.
        """
        name = request["before"] or ""
        before = self._sandboxes.get(name)
        ended = [self._control.send(pid) for pid in self._let_go(before.porter)] if before else []
        try:
            return self._open_now(request, given)
        finally:
            for each in ended:
                self._control.wait(each)
            self._control.loop.later(0.0, lambda: self._end(name))

    def _open_now(self, request: dict[str, Any], given: list[int]) -> dict[str, Any]:
        plan = request["plan"]
        # The porter first: it makes its namespaces while the view is laid.
        porter = self._spares.pop(plan["uid"], None) or self._fork(plan["uid"])
        below = self._snapshots[request["below"]] if request["below"] else None
        laid = None
        try:
            laid = self._mounter.lay(plan, below, same_disk=request["same_disk"])
            group = self._cgroups.open(request["sandbox"], plan["limits"]) if self._cgroups.controllers else None
            message = json.dumps({"plan": plan, "group": group.dump() if group else None}).encode()
            socket.send_fds(porter.channel, [message], [laid.view, *given])
        except BaseException:
            self._dismiss(porter)
            if laid is not None:
                self._mounter.clear(laid)
            raise
        finally:
            if laid is not None:
                os.close(laid.view)
        self._sandboxes[request["sandbox"]] = Opened(porter, laid, group)
        self._opened += 1
        self._prepare_later(plan["uid"])
        return {}

    def _renew(self, request: dict[str, Any], given: list[int], reply: Reply) -> dict[str, Any]:
        """End a sandbox, keep what it wrote as a snapshot, and go on from there with another."""
        opened = self._sandboxes[request["before"]]
        # The next namespaces are made while this sandbox ends.
        self._prepare(request["plan"]["uid"])
        # Nothing but an idle shell runs there, so that what was written is final before that is gone.
        self._snapshots[request["below"]] = self._mounter.freeze(opened.laid)
        try:
            return self._open(request, given, reply)
        finally:
            self._end(request["before"])

    def _copy(self, request: dict[str, Any], _: list[int], reply: Reply) -> None:
        """Keep a copy of what a sandbox that goes on has written so far; the answer follows when it is there."""
        frozen, command = self._mounter.copy(self._sandboxes[request["sandbox"]].laid)

        def done(code: int) -> None:
            if code:
                frozen.release()
                answer(reply, {"error": "what was written could not be copied; is there memory left?"})
            else:
                self._snapshots[request["snapshot"]] = frozen
                answer(reply, {})

        self._control.start(command, done)

    def _make_ready(self, request: dict[str, Any], _: list[int], __: Reply) -> dict[str, Any]:
        self._prepare(request["uid"])
        return {}

    def _drop(self, request: dict[str, Any], _: list[int], __: Reply) -> dict[str, Any]:
        self._end(request["sandbox"])
        return {}

    def _forget(self, request: dict[str, Any], _: list[int], __: Reply) -> dict[str, Any]:
        for name in request["snapshots"]:
            if frozen := self._snapshots.pop(name, None):
                frozen.release()
        return {}

    # -- porters

    def _fork(self, uid: int) -> Porter:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            pid = os.fork()
            if pid == 0:
                _be_porter(self._entrance, uid, self._world.owner, theirs)
        return Porter(pid, ours)

    def _prepare_later(self, uid: int) -> None:
        """Once sandboxes are seen to be opened again and again, the next namespaces are made while nothing is asked."""
        if self._idle is not None:
            self._idle.cancel()
        now = time.monotonic()
        quickly, self._last = now - self._last < QUICKLY_S, now
        if self._opened > 1:
            self._idle = self._control.loop.later(BURST_S if quickly else IDLE_S, lambda: self._prepare(uid))

    def _prepare(self, uid: int) -> None:
        for other in set(self._spares) - {uid}:
            self._dismiss(self._spares.pop(other))
        if uid not in self._spares:
            self._spares[uid] = self._fork(uid)

    # -- ends

    def _ended(self, pids: set[int]) -> None:
        """A porter that ended by itself was let go of by its harness, or something broke."""
        for name in [name for name, opened in self._sandboxes.items() if opened.porter.pid in pids]:
            self._end(name)
        for uid in [uid for uid, spare in self._spares.items() if spare.pid in pids]:
            self._dismiss(self._spares.pop(uid))

    def _end(self, name: str) -> None:
        opened = self._sandboxes.pop(name, None)
        if opened is None:
            return
        self._dismiss(opened.porter)
        self._mounter.clear(opened.laid)
        if opened.group is not None:
            self._old_groups.append(opened.group)
        self._old_groups = [group for group in self._old_groups if not group.close()]

    def _dismiss(self, porter: Porter) -> None:
        """The first process inside takes all others with it: when it is gone, so are they."""
        for pid in self._let_go(porter):
            self._control.kill(pid)

    @staticmethod
    def _let_go(porter: Porter) -> list[int]:
        """The numbers of a porter and of the first process inside, if they have not been asked for before.

        The porter first: what it started inside is then the keeper's to collect, and until that is done the first process inside
        cannot end.
        """
        if porter.channel.fileno() < 0:
            return []
        guard = 0
        # It may be making them now, and without it what is half made would wait for ever.
        porter.channel.settimeout(MADE_S)
        with contextlib.suppress(OSError, ValueError):
            guard = int(porter.channel.recv(32) or 0)
        porter.channel.close()
        return [pid for pid in (porter.pid, guard) if pid]


def _be_porter(entrance: Entrance, uid: int, owner: int, channel: socket.socket) -> None:
    """Never returns."""
    code = 1
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        # Its memory is the keeper's until something is written to it, as a collection does to all.
        gc.freeze()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kernel.close_all_but({0, 1, 2, channel.fileno()})
        guard, failure = 0, None
        try:
            guard = entrance.make_namespaces(uid, owner)
        except Exception as error:
            failure = error
        channel.send(b"%d" % guard)
        _take_place(entrance, channel, guard, owner, failure)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _take_place(entrance: Entrance, channel: socket.socket, guard: int, owner: int, failure: Exception | None) -> None:
    """Wait to be told what for, go there, and serve."""
    data, descriptors, _, _ = socket.recv_fds(channel, PACKET, 4)
    if not data:
        return
    view, *given = descriptors
    message = json.loads(data)
    group = Group.load(message["group"]) if message["group"] else None
    connection = socket.socket(fileno=given[0])
    door = socket.socket(fileno=given[1]) if len(given) > 1 else None
    try:
        if failure is not None:
            raise failure
        ground = entrance.join(message["plan"], guard, view, group=group, owner=owner, door=door)
    except Exception as error:
        connection.sendall(encode({"event": "failed", "error": f"{type(error).__name__}: {error}"}))
        raise
    serve(connection, ground)
