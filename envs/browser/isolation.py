"""What a browser context may reach: nothing, except the origins and folders that it is given.

Every network request of a context, whatever starts it (page, iframe, popup, worker, redirect, beacon, socket), goes to the
context's proxy: one that never answers, or, where origins are allowed, a small one of ours that relays to these and closes on
all others. Names are never looked up in the browser. Files are outside the proxy's sight, so requests for ``file:`` are
intercepted and compared.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from quintain.errors import UsageError

NOWHERE: Final = "http://127.0.0.1:9"
DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
HARMLESS: Final = frozenset({"data", "blob"})
BLANK: Final = frozenset({"about:blank", "about:srcdoc"})
HEAD_LIMIT: Final = 1 << 16
CONNECT_TIMEOUT_S: Final = 20.0
ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:]+\]|[a-z0-9*._-]+)(?::(?P<port>\d+|\*))?/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What a context may load; the default is nothing.

    ``origins`` are ``scheme://host[:port]``, where the host may hold ``*`` (``https://*.example.org``) and the port may be
    ``*``; an origin admits its web sockets. ``("*",)`` admits the whole network and leaves name lookup to the proxy.
    ``file_roots`` are folders.
    """

    origins: tuple[str, ...] = ()
    file_roots: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for origin in self.origins:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise UsageError(f"{origin!r} is no origin: write scheme://host[:port] with http or https")
        object.__setattr__(self, "file_roots", tuple(Path(root).resolve() for root in self.file_roots))

    def allows(self, url: str) -> bool:
        """Whether a document or resource of this URL may load."""
        parts = urlsplit(url)
        if parts.scheme in HARMLESS or url.split("#", maxsplit=1)[0] in BLANK:
            return True
        if parts.scheme == "file":
            return self.allows_file(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return False
        try:
            port = parts.port or DEFAULT_PORTS[parts.scheme]
        except ValueError:
            return False
        return self.allows_address(parts.hostname, port, secure=parts.scheme in ("https", "wss"))

    def allows_address(self, host: str, port: int, *, secure: bool | None) -> bool:
        """Whether a connection may be made; ``secure`` None means that the scheme cannot be seen (a tunnel)."""
        return any(_matches(origin, host.lower().rstrip("."), port, secure) for origin in self.origins)

    def allows_file(self, url: str) -> bool:
        """Whether a ``file:`` URL lies under a root, symbolic links resolved."""
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            return False
        path = Path(unquote(parts.path)).resolve()
        return any(path.is_relative_to(root) for root in self.file_roots)


def _matches(origin: str, host: str, port: int, secure: bool | None) -> bool:
    if origin == "*":
        return True
    found = ORIGIN.fullmatch(origin)
    if found is None:
        return False
    scheme, wanted_port = found["scheme"].lower(), found["port"]
    if secure is not None and secure != (scheme == "https"):
        return False
    if wanted_port != "*" and int(wanted_port or DEFAULT_PORTS[scheme]) != port:
        return False
    return fnmatchcase(host, found["host"].lower().strip("[]"))


class Gate:
    """A forward proxy on 127.0.0.1 that relays to the origins of one policy; ``refused`` counts the others, by host:port."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.refused: Counter[str] = Counter()
        self.url = NOWHERE

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        """Stop listening and end every relay."""
        if self._server is not None:
            self._server.close()
        for task in self._relays:
            task.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError):
            pass  # a peer that went away, or spoke no HTTP: the browser sees a closed connection
        finally:
            self._relays.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ", 2)
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            far = await self._dial(host.strip("[]"), int(port), secure=None)
            if far is not None:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await _relay(reader, writer, *far)
            return
        parts = urlsplit(target)
        far = await self._dial(parts.hostname or "", parts.port or 80, secure=False)
        if far is None:
            return
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # One request per connection: a kept one would carry the next request, for any host, past the check.
        far[1].write(f"{method} {path} {version}\r\nConnection: close\r\n".encode("latin-1") + _end_to_end(rest))
        await _relay(reader, writer, *far)

    async def _dial(
        self, host: str, port: int, *, secure: bool | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if not self._policy.allows_address(host, port, secure=secure):
            self.refused[f"{host}:{port}"] += 1
            return None
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.open_connection(host, port)


def _end_to_end(headers: bytes) -> bytes:
    kept = [line for line in headers.split(b"\r\n") if not line.lower().startswith((b"proxy-", b"connection:", b"keep-alive:"))]
    return b"\r\n".join(kept)


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far_reader: asyncio.StreamReader, far_writer: asyncio.StreamWriter
) -> None:
    ways = [asyncio.ensure_future(_copy(reader, far_writer)), asyncio.ensure_future(_copy(far_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        far_writer.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        sink.write(data)
        await sink.drain()
