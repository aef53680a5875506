"""What a web task sets up, as data; and what its addresses stand for."""

from __future__ import annotations

import asyncio
import functools
import http.server
import importlib.util
import threading
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt

from quintain.core import Value
from quintain.errors import TaskError, Unavailable


class Setup(Value):
    """The `setup` of a web task.

    Urls may be ``http(s)://…``, ``file://…``, ``data:…``, ``about:blank``, ``package:NAME/path`` (a file of an installed Python
    package, opened over ``file://``; the package is not imported), ``root:/path`` (below `root`) and ``served:/path`` (below
    `serve`, over HTTP on the loopback).
    """

    start: tuple[str, ...] = ("about:blank",)
    """Urls of the tabs that are open at the start; the last one is active."""
    root: str | None = None
    """Folder, or ``package:NAME/path``, that pages may read; nothing outside it."""
    serve: str | None = None
    """Folder, or ``package:NAME/path``, that is served on the loopback for this task."""
    allow: tuple[str, ...] = ()
    """Origins that pages may reach, like ``https://example.org``; nothing else is."""
    uploads: str | None = None
    """Folder from which `upload` may take files."""
    begin: str | None = None
    """JavaScript function ``(seed) => ({goal, fields})``, called once in the loaded page; the seed is a decimal string."""
    script: str | None = None
    """``module:function`` or ``file.py:function``: ``async (page, seed) -> goal | None``; the page is the last tab's."""
    viewport: tuple[PositiveInt, PositiveInt] = (1280, 720)
    scale: PositiveFloat = 1.0
    """Device pixels a CSS pixel: the screenshot is `viewport` times this."""
    locale: str = "en-US"
    timezone: str = "UTC"
    clock: float = 1_704_110_400.0
    """Where page time starts, in seconds since the epoch; not in realtime mode."""
    settle_ms: Annotated[float, Field(ge=0, le=60_000)] = 1000.0
    """Page time that passes after an action, at most, until the page is quiet."""
    settle_wall_s: PositiveFloat = 5.0


class Addresses:
    """The folders of a task, its loopback server if it has one, and what its urls stand for. Whoever opens it closes it."""

    def __init__(self, setup: Setup, *, root: Path | None, uploads: Path | None, served: str | None) -> None:
        self._setup, self._root, self.uploads, self._served = setup, root, uploads, served
        self._server: http.server.ThreadingHTTPServer | None = None
        self.roots = (root,) if root is not None else ()
        self.origins = (*setup.allow, *((served,) if served else ()))

    @classmethod
    async def open(cls, setup: Setup, *, task: str) -> Addresses:
        """Find the folders and start the server. Raises TaskError or Unavailable when something is not there."""
        root = locate(setup.root, task=task) if setup.root else None
        uploads = locate(setup.uploads, task=task) if setup.uploads else None
        if setup.serve is None:
            return cls(setup, root=root, uploads=uploads, served=None)
        server = _serve(locate(setup.serve, task=task))
        made = cls(setup, root=root, uploads=uploads, served=f"http://127.0.0.1:{server.server_address[1]}")
        made._server = server
        return made

    def serves(self, setup: Setup) -> bool:
        """Whether it fits another task as well, so that a server lives on over episodes."""
        wanted = (setup.root, setup.serve, setup.uploads, setup.allow)
        return wanted == (self._setup.root, self._setup.serve, self._setup.uploads, self._setup.allow)

    @property
    def allowed(self) -> tuple[str, ...]:
        """What an agent may visit, in words."""
        return (*self.origins, *(("root:/",) if self._root else ()))

    def resolve(self, url: str, *, task: str) -> str:
        """The address of a start url. Raises TaskError when it says something that the setup does not have."""
        scheme, _, path = url.partition(":")
        if scheme == "package":
            return locate(url, task=task).as_uri()
        if scheme == "root" and self._root is not None:
            return (self._root / path.lstrip("/")).as_uri()
        if scheme == "served" and self._served is not None:
            return self._served + "/" + path.lstrip("/")
        if scheme in ("root", "served"):
            raise TaskError(f"{task}: setup.start: {url!r} needs setup.{'root' if scheme == 'root' else 'serve'}")
        return url

    def resolve_for_agent(self, url: str) -> str:
        """The address that an agent means: the task's own forms, and ``example.org/x`` without a scheme."""
        scheme, _, path = url.partition(":")
        if scheme == "root" and self._root is not None:
            return (self._root / path.lstrip("/")).as_uri()
        if scheme == "served" and self._served is not None:
            return self._served + "/" + path.lstrip("/")
        return url if urlsplit(url).scheme or url.startswith("/") else f"https://{url}"

    async def close(self) -> None:
        """Stop the server; idempotent."""
        if self._server is not None:
            server, self._server = self._server, None
            await asyncio.to_thread(server.shutdown)
            server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


def _serve(folder: Path) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="quintain-serve").start()
    return server


def locate(where: str, *, task: str) -> Path:
    """The folder or file that a path or ``package:NAME/path`` names.

    Raises:
        Unavailable: the package is not installed.
        TaskError: nothing is there.
    """
    if where.startswith("package:"):
        name, _, rest = where.removeprefix("package:").partition("/")
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise Unavailable(f"{task} needs the Python package {name!r}, which is not installed; run `pip install {name}`")
        path = Path(spec.submodule_search_locations[0]) / rest
    else:
        path = Path(where).expanduser()
    if not path.exists():
        raise TaskError(f"{task}: {where!r} does not exist (looked at {path})")
    return path.resolve()
