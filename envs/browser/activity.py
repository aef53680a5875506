"""What a page is still busy with: loading, requests in flight, animations."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from quintain.envs.browser.cdp import CdpError, ConnectionLost, Params, Session
from quintain.envs.browser.frame import Frame, FrameTree, ScriptError, script_value

# Counts requestAnimationFrame callbacks that wait. A Proxy keeps the functions looking native to the page.
PAGE_SCRIPT: Final = """(() => {
  const waiting = new Set(), key = Symbol.for('quintain.waiting');
  if (globalThis[key]) return;
  Object.defineProperty(globalThis, key, {value: waiting});
  globalThis.requestAnimationFrame = new Proxy(globalThis.requestAnimationFrame, {apply(target, self, [callback]) {
    if (typeof callback !== 'function') return Reflect.apply(target, self, [callback]);
    const id = Reflect.apply(target, self, [time => { waiting.delete(id); callback(time); }]);
    waiting.add(id);
    return id;
  }});
  globalThis.cancelAnimationFrame = new Proxy(globalThis.cancelAnimationFrame, {apply(target, self, [id]) {
    waiting.delete(id);
    return Reflect.apply(target, self, [id]);
  }});
})()"""
PROBE: Final = """(() => {
  let finite = 0;
  for (const animation of document.getAnimations()) {
    if (animation.playState !== 'running' || !animation.effect) continue;
    const end = animation.effect.getComputedTiming().endTime;
    if (end !== Infinity) finite = 1;
  }
  return finite * 2 + ((globalThis[Symbol.for('quintain.waiting')]?.size ?? 0) > 0);
})()"""
# On real time only: remembers when each one-shot timer is due, so that a page without any need not be waited for.
TIMER_SCRIPT: Final = """(() => {
  const due = new Map(), key = Symbol.for('quintain.timers');
  if (globalThis[key]) return;
  Object.defineProperty(globalThis, key, {value: due});
  globalThis.setTimeout = new Proxy(globalThis.setTimeout, {apply(target, self, [callback, delay, ...rest]) {
    if (typeof callback !== 'function') return Reflect.apply(target, self, [callback, delay, ...rest]);
    const id = Reflect.apply(target, self, [(...values) => { due.delete(id); callback(...values); }, delay, ...rest]);
    due.set(id, performance.now() + (Number(delay) || 0));
    return id;
  }});
  globalThis.clearTimeout = new Proxy(globalThis.clearTimeout, {apply(target, self, [id]) {
    due.delete(id);
    return Reflect.apply(target, self, [id]);
  }});
})()"""
TIMER_PROBE: Final = """(within => {
  const timers = globalThis[Symbol.for('quintain.timers')], limit = performance.now() + within;
  return timers ? [...timers.values()].some(due => due <= limit) : true;
})"""
PROBED_FRAMES: Final = 32


class Motion(NamedTuple):
    """What moves: ``callbacks`` (an animation frame was requested), ``finite`` (a CSS or web animation that will end)."""

    callbacks: bool
    finite: bool


class Activity:
    """Follows one tab. ``changed`` is set whenever loading or the requests in flight change.

    ``loading``: the main frame is on its way to a loaded document; ``departing``: that document is not there yet; ``documents``
    counts those that came.
    """

    def __init__(self, session: Session, frames: FrameTree) -> None:
        self._session, self._frames = session, frames
        self.loading = False
        self.departing = False
        self.documents = 0
        self._parsed: float | None = None
        self.requests: dict[str, float] = {}
        self.ignored: set[str] = set()
        self.changed = asyncio.Event()
        session.on("Page.frameRequestedNavigation", self._requested)
        session.on("Page.frameStartedNavigating", self._requested)
        session.on("Page.frameStartedLoading", self._started)
        session.on("Page.frameStoppedLoading", self._stopped)
        session.on("Page.frameClearedScheduledNavigation", self._stopped)
        session.on("Page.frameNavigated", self._navigated)
        session.on("Page.domContentEventFired", self._was_parsed)
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.webSocketCreated", lambda event: self.ignored.add(event["requestId"]))
        session.on("Network.loadingFinished", self._request_over)
        session.on("Network.loadingFailed", self._request_over)

    def depart(self) -> None:
        """A navigation begins: until the next document is there, the old one stands still."""
        self.loading = self.departing = True
        self.changed.set()

    def arrive(self) -> None:
        """The document has loaded, or the navigation came to nothing."""
        self.loading = self.departing = False
        self.changed.set()

    def leave_late_parts(self, seconds: float) -> None:
        """Take a document that was parsed so long ago for loaded, though a frame or a picture of it still is not."""
        if self.loading and not self.departing and self._parsed is not None and time.monotonic() - self._parsed > seconds:
            self.arrive()

    def in_flight(self) -> bool:
        """Whether a request is under way that is not yet taken for a long-lived one."""
        return any(request not in self.ignored for request in self.requests)

    def ignore_older_than(self, seconds: float) -> bool:
        """Take requests that began longer ago for long-lived ones; returns whether there were any."""
        limit = time.monotonic() - seconds
        old = {request for request, began in self.requests.items() if began <= limit} - self.ignored
        self.ignored |= old
        return bool(old)

    async def wait_change(self, timeout_s: float) -> bool:
        """Wait until something changes; False after ``timeout_s``."""
        self.changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self.changed.wait()
        except TimeoutError:
            return False
        return True

    async def motion(self, timeout_s: float) -> Motion:
        """What moves in any frame, in one round trip."""
        frames = [self._frames.main, *[f for f in self._frames.all()[1:PROBED_FRAMES] if False in f.worlds]]
        bits = 0
        futures = [(frame, await frame.post(PROBE, isolated=False)) for frame in frames]
        for frame, future in futures:
            bits |= await self._bits(frame, future, timeout_s)
        return Motion(bool(bits & 1), bool(bits & 2))

    async def _bits(self, frame: Frame, future: asyncio.Future[Params], timeout_s: float) -> int:
        try:
            return int(script_value(await frame.session.within(timeout_s, future, "the animation probe")) or 0)
        except (CdpError, ScriptError):
            return 0  # the document went away, or broke its own globals
        except ConnectionLost:
            if frame is self._frames.main:
                raise
            return 0

    def _requested(self, event: Params) -> None:
        # "sameDocument" and "historySameDocument" load nothing.
        if event["frameId"] == self._frames.main.id and "ameDocument" not in event.get("navigationType", ""):
            self.depart()

    def _started(self, event: Params) -> None:
        if event["frameId"] == self._frames.main.id:
            self.loading = True
            self.changed.set()

    def _stopped(self, event: Params) -> None:
        if event["frameId"] == self._frames.main.id:
            self.arrive()

    def _navigated(self, event: Params) -> None:
        if "parentId" not in event["frame"]:
            self.documents += 1
            self.departing = False
            self._parsed = None
            self.requests.clear()
            self.ignored.clear()
            self.changed.set()

    def _was_parsed(self, event: Params) -> None:
        self._parsed = time.monotonic()

    def _request(self, event: Params) -> None:
        if event["requestId"] not in self.requests and not event["request"]["url"].startswith("data:"):
            self.requests[event["requestId"]] = time.monotonic()
            if event.get("type") == "EventSource":
                self.ignored.add(event["requestId"])
            self.changed.set()

    def _request_over(self, event: Params) -> None:
        self.ignored.discard(event["requestId"])
        if self.requests.pop(event["requestId"], None) is not None:
            self.changed.set()
