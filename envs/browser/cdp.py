"""The Chrome DevTools Protocol over the browser's pipe: NUL-terminated JSON on two file descriptors, flat sessions.

Nothing here runs as a task: the event loop calls back when the pipe is readable, so a connection that is dropped leaks nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from quintain.errors import EnvironmentFault

Params = dict[str, Any]
Listener = Callable[[Params], None]

CALL_TIMEOUT_S: Final = 30.0
READ_SIZE: Final = 1 << 20


class CdpError(EnvironmentFault):
    """The browser refused a command; ``code`` and ``reason`` are its own."""

    def __init__(self, method: str, code: int, reason: str) -> None:
        super().__init__(f"the browser refused {method}: {reason} (code {code})")
        self.method, self.code, self.reason = method, code, reason


class ConnectionLost(EnvironmentFault):
    """The browser, or the page that a command was for, is gone."""


class CallTimeout(EnvironmentFault):
    """A command got no answer within its time limit."""


class Connection:
    """One browser's pipe. Use from the event loop that opened it; ``close`` is idempotent and fails every pending call."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._loop = asyncio.get_running_loop()
        self._next_id = 0
        self._pending: dict[int, tuple[asyncio.Future[Params], str, str]] = {}
        self._chunks: list[bytes] = []
        self._unsent = bytearray()
        self._sessions: dict[str, Session] = {}
        self._on_lost: list[Callable[[], None]] = []
        self.lost = False
        self.fds = (read_fd, write_fd)
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self.browser = self.session("")
        self.browser.on("Target.detachedFromTarget", self._detached)
        self._loop.add_reader(read_fd, self._readable)

    def session(self, session_id: str) -> Session:
        """The session of that id; the same object each time."""
        found = self._sessions.get(session_id)
        if found is None:
            found = self._sessions[session_id] = Session(self, session_id)
        return found

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when the pipe breaks or is closed."""
        self._on_lost.append(callback)

    def post(self, session_id: str, method: str, params: Mapping[str, Any]) -> asyncio.Future[Params]:
        """Write a command now and return the future of its result; commands posted in a row travel together."""
        future: asyncio.Future[Params] = self._loop.create_future()
        if self.lost:
            return _failed(future, ConnectionLost(f"{method}: the browser is gone; acquire a new context"))
        self._next_id += 1
        self._pending[self._next_id] = (future, session_id, method)
        message: dict[str, Any] = {"id": self._next_id, "method": method, "params": params}
        if session_id:
            message["sessionId"] = session_id
        self._write(json.dumps(message, separators=(",", ":")).encode() + b"\0")
        return future

    def expect(self, session_id: str, event: str) -> asyncio.Future[Params]:
        """A future that fails like a pending command of that session; its holder resolves it."""
        future: asyncio.Future[Params] = self._loop.create_future()
        if self.lost:
            return _failed(future, ConnectionLost(f"{event}: the browser is gone; acquire a new context"))
        self._next_id += 1
        key = -self._next_id
        self._pending[key] = (future, session_id, event)
        future.add_done_callback(lambda _: self._pending.pop(key, None))
        return future

    def close(self) -> None:
        """Close both ends; the browser sees end of file and exits."""
        if self.lost:
            return
        self.lost = True
        self._loop.remove_reader(self._read_fd)
        self._loop.remove_writer(self._write_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)
        self._fail(lambda session_id: True, "the browser is gone; acquire a new context")
        for callback in self._on_lost:
            callback()

    def drop_session(self, session_id: str, reason: str) -> None:
        """Fail what is pending on one session: its page crashed or was closed."""
        self._fail(lambda candidate: candidate == session_id, reason)

    def _detached(self, event: Params) -> None:
        session_id = event["sessionId"]
        self.drop_session(session_id, "the page was closed")
        session = self._sessions.pop(session_id, None)
        if session is not None:
            session.detached = True
            session.emit("quintain.detached", event)

    def _fail(self, chosen: Callable[[str], bool], reason: str) -> None:
        gone = [call_id for call_id, (_, session_id, _) in self._pending.items() if chosen(session_id)]
        for call_id in gone:
            future, _, method = self._pending.pop(call_id)
            _failed(future, ConnectionLost(f"{method}: {reason}"))

    def _write(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        sent = self._write_some(data)
        if not self.lost and sent < len(data):
            self._unsent += data[sent:]
            self._loop.add_writer(self._write_fd, self._writable)

    def _write_some(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._write_fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            # Failing the pending calls inside post() would surprise its caller: let the loop do it.
            self._loop.call_soon(self.close)
            return len(data)

    def _writable(self) -> None:
        del self._unsent[: self._write_some(self._unsent)]
        if not self._unsent and not self.lost:
            self._loop.remove_writer(self._write_fd)

    def _readable(self) -> None:
        try:
            data = os.read(self._read_fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.EINTR:
                return
            data = b""
        if not data:
            self.close()
            return
        *complete, rest = data.split(b"\0")
        for part in complete:
            message = b"".join([*self._chunks, part]) if self._chunks else part
            self._chunks.clear()
            self._received(json.loads(message))
        if rest:
            self._chunks.append(rest)

    def _received(self, message: Params) -> None:
        call_id = message.get("id")
        if call_id is None:
            session = self._sessions.get(message.get("sessionId", ""))
            if session is not None:
                session.emit(message["method"], message.get("params", {}))
            return
        entry = self._pending.pop(call_id, None)
        if entry is None or entry[0].done():
            return
        future, _, method = entry
        if "error" in message:
            error = message["error"]
            _failed(future, CdpError(method, error.get("code", 0), error.get("message", "")))
        else:
            future.set_result(message.get("result", {}))


class Session:
    """Commands to and events from one target (``""`` is the browser itself)."""

    def __init__(self, connection: Connection, session_id: str) -> None:
        self.connection, self.id = connection, session_id
        self.detached = False
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    def post(self, method: str, **params: Any) -> asyncio.Future[Params]:
        """Write a command and return its future at once; an error that nobody awaits stays silent."""
        return self.connection.post(self.id, method, params)

    async def send(self, method: str, *, timeout_s: float = CALL_TIMEOUT_S, **params: Any) -> Params:
        """The result of a command. Raises CdpError, ConnectionLost, or CallTimeout after ``timeout_s``."""
        return await self.within(timeout_s, self.post(method, **params), method)

    async def within(self, timeout_s: float, future: asyncio.Future[Params], what: str) -> Params:
        """Await ``future`` for at most ``timeout_s`` seconds; raises CallTimeout naming ``what``."""
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise CallTimeout(f"{what} got no answer from the browser within {timeout_s:g} s") from None

    def on(self, event: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with the parameters of each such event; returns the function that unsubscribes."""
        self._listeners[event].append(listener)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._listeners[event].remove(listener)

        return remove

    def next(self, event: str) -> asyncio.Future[Params]:
        """A future of the next such event; it fails when the connection is lost or the session detached."""
        future = self.connection.expect(self.id, event)

        def arrived(params: Params) -> None:
            if not future.done():
                future.set_result(params)

        remove = self.on(event, arrived)
        future.add_done_callback(lambda _: remove())
        return future

    def emit(self, event: str, params: Params) -> None:
        """Hand an event to its listeners."""
        listeners = self._listeners.get(event)
        if listeners:
            for listener in tuple(listeners):
                listener(params)


def _failed(future: asyncio.Future[Params], error: Exception) -> asyncio.Future[Params]:
    if not future.done():
        future.set_exception(error)
        future.exception()  # marks it as seen: a posted command need not be awaited
    return future
