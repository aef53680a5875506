"""Open connections to endpoints, kept from one request to the next; each event loop has its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from quintain.agents.llm.endpoint.retrying import Reply
from quintain.errors import Unavailable

if TYPE_CHECKING:
    import httpx

CONNECT_S = 10.0
ERROR_BYTES = 64 * 1024
"""Of an error no more is read."""


class TooLarge(Exception):
    """An answer with more bytes than the limit; the rest was left unread."""


class Connections:
    """Of one model, which may be asked from several event loops at once."""

    def __init__(self) -> None:
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self._lock = threading.Lock()

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str], limit: int) -> Reply:
        """
        Raises:
            TooLarge: the answer is larger than `limit` bytes.
            httpx.HTTPError: the connection failed, or broke.
        """
        async with self._client().stream("POST", url, content=body, headers=dict(headers)) as response:
            answered, parts, size = response.is_success, [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if answered and size > limit:
                    raise TooLarge(f"its answer is larger than {limit} bytes")
                if not answered and size > ERROR_BYTES:
                    break
            return Reply(response.status_code, response.headers, b"".join(parts))

    async def close(self) -> None:
        """Close those of the calling event loop."""
        with self._lock:
            client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._clients:
                self._clients[loop] = _new_client()
            return self._clients[loop]


def _new_client() -> httpx.AsyncClient:
    import httpx

    # Times and numbers are limited by the caller, over all of a request.
    return httpx.AsyncClient(
        verify=_certificates(),
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30),
    )


@cache
def _certificates() -> Any:
    """Read once a process, which takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def require_httpx(model: str) -> None:
    """
    Raises:
        Unavailable: the package is not installed.
    """
    try:
        import httpx  # noqa: F401
    except ModuleNotFoundError:
        raise Unavailable(f"model {model!r} needs the Python package 'httpx'; pip install 'quintain[agents]'") from None
