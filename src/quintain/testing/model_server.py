"""An endpoint of language models on this machine that does what it is told, faults included: real HTTP, no model.

Needs starlette and uvicorn (in the extra `dev`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class ModelReply:
    """What the server does with one request."""

    text: str = "ok"
    calls: tuple[tuple[str, str], ...] = ()
    """Tool calls: a name, and arguments as text."""
    message: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the message."""
    ended: str = ""
    """`finish_reason`; empty: what fits."""
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 10, "completion_tokens": 5})
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """In place of an answer."""
    wait_s: float = 0.0
    """Before the first byte."""
    then: Literal["end", "cut", "hang", "drip"] = "end"
    """After half of the body: the rest; the connection is closed; nothing more; a space each hundredth of a second."""

    @classmethod
    def error(cls, status: int, message: str = "it went wrong", *, headers: Mapping[str, str] | None = None, **more: Any) -> Self:
        return cls(status=status, headers=headers or {}, body=json.dumps({"error": {"message": message, **more}}).encode())

    @classmethod
    def throttled(cls, retry_after: str | None = None) -> Self:
        """429; `retry_after` is seconds or an HTTP date."""
        return cls.error(429, "too many requests", headers={} if retry_after is None else {"Retry-After": retry_after})

    @classmethod
    def huge(cls, size: int) -> Self:
        """An answer of that many characters."""
        return cls(text="x" * size)

    def rendered(self, model: str) -> bytes:
        if self.body is not None:
            return self.body
        message: dict[str, Any] = {"role": "assistant", "content": None if self.calls else self.text, **self.message}
        if self.calls:
            message["tool_calls"] = [
                {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for at, (name, arguments) in enumerate(self.calls)
            ]
        choice = {"index": 0, "message": message, "finish_reason": self.ended or ("tool_calls" if self.calls else "stop")}
        return json.dumps(
            {"id": "x", "object": "chat.completion", "model": model, "choices": [choice], "usage": self.usage}
        ).encode()


Plan = Sequence[ModelReply] | Callable[[dict[str, Any]], ModelReply]


class ModelServer:
    """Serves ``/v1/chat/completions`` on a free port of the loopback, in a thread, as long as its ``with`` block lasts.

    `plan` is the replies one after the other, then `otherwise` for good; or a function of the request's body. With `key`,
    requests with another are refused by 401.
    """

    def __init__(self, plan: Plan = (), *, otherwise: ModelReply | None = None, key: str | None = None) -> None:
        self._plan, self._otherwise, self._key = plan, otherwise or ModelReply(), key
        self.url = ""
        """The base URL, once it serves."""
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests."""
        self.times: list[float] = []
        """When each came, by the monotonic clock."""
        self.connections: set[Any] = set()
        """The addresses from which requests came: one for each connection."""
        self.open = 0
        """Requests that are being answered."""
        self.most_open = 0

    def does(self, plan: Plan = (), *, otherwise: ModelReply | None = None) -> None:
        """Begin anew with another plan, and forget all requests."""
        self._plan, self._otherwise = plan, otherwise or ModelReply()
        self.requests, self.times, self.connections, self.most_open = [], [], set(), self.open

    def __enter__(self) -> Self:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route

        # Named TCP, for asyncio to send small packets at once; else each reply waits 40 ms for an acknowledgement.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = _url(self._socket)
        app = Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])
        config = uvicorn.Config(
            app, lifespan="off", ws="none", http="h11", log_config=None, log_level="critical", date_header=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="model server", daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the model server did not start")
            time.sleep(0.002)
        return self

    def __exit__(self, *_: object) -> None:
        # Forced: replies that never end are not waited for.
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()

    async def _answer(self, request: Any) -> Any:
        body = await request.json()
        self.requests.append(body)
        self.times.append(time.monotonic())
        self.connections.add(tuple(request.client))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        reply = self._chosen(body, request.headers.get("authorization"))

        async def play(scope: Any, receive: Any, send: Send) -> None:
            data = reply.rendered(str(body.get("model")))
            begun, left = asyncio.create_task(_begin(reply, data, send)), asyncio.create_task(_left(receive))
            await asyncio.wait({begun, left}, return_when=asyncio.FIRST_COMPLETED)
            # Before the last byte, after which the client may ask the next.
            self.open -= 1
            if reply.then == "end" and begun.done():
                await send({"type": "http.response.body", "body": data})
            begun.cancel()
            left.cancel()
            await asyncio.gather(begun, left, return_exceptions=True)

        return play

    def _chosen(self, body: dict[str, Any], authorization: str | None) -> ModelReply:
        if self._key is not None and authorization != f"Bearer {self._key}":
            return ModelReply.error(401, f"wrong key: {authorization}")
        if callable(self._plan):
            return self._plan(body)
        at = len(self.requests) - 1
        return self._plan[at] if at < len(self._plan) else self._otherwise


async def _begin(reply: ModelReply, body: bytes, send: Send) -> None:
    """All that comes before the body, and instead of its second half."""
    await asyncio.sleep(reply.wait_s)
    # A body that drips has no length, so that it can go on for ever.
    length = {} if reply.then == "drip" else {"content-length": str(len(body))}
    headers = {"content-type": "application/json", **length, **reply.headers}
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    )
    if reply.then == "end":
        return
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    while reply.then != "cut":
        await asyncio.sleep(0.01)
        if reply.then == "drip":
            await send({"type": "http.response.body", "body": b" ", "more_body": True})


async def _left(receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Returns when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def closed_url() -> str:
    """A base URL on this machine where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return _url(unused)


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()
    return f"http://{host}:{port}/v1"
