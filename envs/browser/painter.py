"""Make a page draw, and photograph it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from quintain.envs.browser.cdp import CallTimeout, CdpError, Params, Session
from quintain.errors import EnvironmentFault

Pixels = npt.NDArray[np.uint8]

# A whole number of the steps in which pages are told the time, so that rounding is the same in every run.
FRAME_MS: Final = 16.7
FRAME_GAP_MS: Final = 0.1
HALF_MICROSECOND_MS: Final = 0.0005
CAPTURE_FRAMES: Final = 20
DRAW_TIMEOUT_S: Final = 5.0
SHOT_FORMAT: Final = {"format": "png", "optimizeForSpeed": True}


class Painter(Protocol):
    """How one tab draws. ``commanded`` says that it draws only when told to."""

    commanded: bool

    async def draw(self) -> None:
        """Draw one frame: animation callbacks, style, layout, observers."""
        ...

    async def screenshot(self) -> Pixels:
        """The viewport as H x W x 3 uint8."""
        ...


class BeginFramePainter:
    """Frames on command (headless shell, deterministic mode), stamped with the page's own clock.

    ``native`` says that the page has the browser's own scale; only then does a begin-frame picture have the right size.
    ``lock`` is shared by all tabs of a browser: concurrent begin-frames return no picture, and later hang.
    """

    commanded = True

    def __init__(self, session: Session, lock: asyncio.Lock, ticks: Callable[[], float], *, native: bool) -> None:
        self._session, self._lock, self._ticks, self._native = session, lock, ticks, native
        self._last = 0.0

    async def draw(self) -> None:
        """Draw one frame. Raises CallTimeout when the page does not answer."""
        await self._frame()

    async def screenshot(self) -> Pixels:
        """Draw one frame and return it."""
        if not self._native:
            return await self._capture()
        for _ in range(3):
            reply = await self._frame(screenshot=SHOT_FORMAT)
            if "screenshotData" in reply:
                return decode(reply["screenshotData"])
        raise EnvironmentFault("the browser returned an empty screenshot three times; reset the environment")

    async def _capture(self) -> Pixels:
        taken = self._session.post("Page.captureScreenshot", **SHOT_FORMAT)
        for _ in range(CAPTURE_FRAMES):
            await self._frame()
            done, _ = await asyncio.wait([taken], timeout=0.005)
            if done:
                break
        return decode((await self._session.within(DRAW_TIMEOUT_S, taken, "Page.captureScreenshot"))["data"])

    async def _frame(self, **params: Any) -> Params:
        async with self._lock:
            # A frame with the time stamp of the last one is never answered; the browser counts in whole microseconds.
            self._last = max(self._ticks() + HALF_MICROSECOND_MS, self._last + FRAME_GAP_MS)
            return await self._session.send(
                "HeadlessExperimental.beginFrame",
                timeout_s=DRAW_TIMEOUT_S,
                frameTimeTicks=self._last,
                interval=FRAME_MS,
                **params,
            )


class LivePainter:
    """Frames as the browser makes them, on the wall clock."""

    commanded = False

    def __init__(self, session: Session) -> None:
        self._session = session

    async def draw(self) -> None:
        """Wait for the next frame, or for a tenth of a second where the page draws none (a background tab)."""
        with contextlib.suppress(CallTimeout, CdpError):
            await self._session.send(
                "Runtime.evaluate",
                timeout_s=0.1,
                expression="new Promise(done => requestAnimationFrame(done))",
                awaitPromise=True,
            )

    async def screenshot(self) -> Pixels:
        """The viewport as it is drawn now."""
        reply = await self._session.send("Page.captureScreenshot", timeout_s=DRAW_TIMEOUT_S, **SHOT_FORMAT)
        return decode(reply["data"])


def decode(data: str) -> Pixels:
    """A base64 picture as H x W x 3 uint8."""
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image.convert("RGB"))
