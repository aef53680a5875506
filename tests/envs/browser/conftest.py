"""Local servers for browser tests: a site with slow and endless answers, and a forbidden one that counts what reaches it."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pages import FORM, Open, Page

import quintain
from quintain.core import Task
from quintain.faces import GymEnv


class Site(ThreadingHTTPServer):
    """``pages`` maps paths to HTML; /slow?ms= answers late, /hang and /events never end, /redirect?to= redirects."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, str] = {}
        self.hits: list[str] = []
        self.ending = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def page(self, path: str, html: str) -> str:
        self.pages[path] = html
        return self.origin + path

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that is killed drops its connections: no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.hits.append(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/redirect":
            self._answer(302, "", {"Location": query["to"]})
        elif parts.path == "/hang":
            self.server.ending.wait(30)
        elif parts.path == "/events":
            self._events()
        elif parts.path == "/file":
            self._answer(200, "downloaded", {"Content-Disposition": 'attachment; filename="report.txt"'})
        else:
            time.sleep(float(query.get("ms", "0")) / 1000)
            html = self.server.pages.get(parts.path)
            self._answer(200 if html is not None or parts.path == "/slow" else 404, html or "slow")

    do_POST = do_GET

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.server.ending.wait(0.05):
            self.wfile.write(b"data: tick\n\n")

    def _answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class Datagrams(socketserver.ThreadingUDPServer):
    """Counts the datagrams that reach it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.count = 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def process_request(self, request: object, client_address: object) -> None:
        self.count += 1


def _close(server: ThreadingHTTPServer | Datagrams) -> None:
    server.shutdown()
    server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.ending.set()
    _close(server)


@pytest.fixture
def forbidden() -> Iterator[Site]:
    server = Site()
    yield server
    server.ending.set()
    _close(server)


@pytest.fixture
def datagrams() -> Iterator[Datagrams]:
    server = Datagrams()
    yield server
    _close(server)


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Open]:
    opened: list[GymEnv] = []

    def open_(html: str = FORM, *, options: dict[str, Any] | None = None, observe: Any = None, **setup: Any) -> Page:
        (tmp_path / "index.html").write_text(html)
        task = Task(id="test/page", env="browser", setup={"start": ["root:/index.html"], "root": str(tmp_path), **setup})
        opened.append(quintain.make(task, observe=observe, **(options or {})))
        return Page(opened[-1])

    yield open_
    for env in opened:
        env.close()
