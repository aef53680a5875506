"""The page's clock: settling after an action instead of sleeping, and advancing on request.

``VirtualClock`` owns the time that the page sees: between actions it stands still; while it runs, timers fire as fast as the
page can execute them and time waits for requests in flight. ``WallClock`` offers the same contract on real time, for live
sites.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple, Protocol

from quintain.envs.browser.activity import TIMER_PROBE, Activity, Motion
from quintain.envs.browser.cdp import CallTimeout, ConnectionLost, Params, Session
from quintain.envs.browser.painter import FRAME_MS, Painter

Reason = Literal["quiet", "moving", "network", "limit"]

BUDGET_MS: Final = 1000.0
LIMIT_S: Final = 5.0
GRACE_S: Final = 1.5
LOAD_LIMIT_S: Final = 30.0
# A page with nothing to draw is looked at after each of these shares of the budget; timers often start an animation.
SHARES: Final = (0.1, 0.4, 1.0)
LOAD_GRACE_S: Final = 2.0
LOADING_STEP_MS: Final = 10.0
HURRIED_SLICES: Final = 20
PAUSE_S: Final = 0.02
LATE_PARTS_S: Final = 5.0
# A page that draws by itself holds its first frame back for some of its own time; until then nothing can be photographed.
FIRST_PAINT_MS: Final = 60.0
FIRST_FRAMES: Final = 10
NUDGE_S: Final = 0.05
MIN_SLICE_MS: Final = 0.01


class Settled(NamedTuple):
    """What settling took, in page time and wall time, and how it ended.

    ``quiet``: all was done; ``moving``: an endless animation goes on; ``network``: a long-lived request was ignored; ``limit``:
    the wall-clock limit came first.
    """

    virtual_ms: float
    wall_ms: float
    reason: Reason


class Clock(Protocol):
    """The clock of one tab."""

    def renew(self) -> None:
        """Go on after another page of the context stopped the time."""
        ...

    def start(self) -> None:
        """Take the clock over, with a command that is only written; called once, before the first document."""
        ...

    async def settle(self, budget_ms: float = BUDGET_MS, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> Settled:
        """Let the page act for ``budget_ms`` of its own time, not counting loads and requests, and until running animations end.

        Never longer than ``limit_s`` on the wall clock; a request older than ``grace_s`` holds nothing up.
        """
        ...

    async def advance(self, milliseconds: float, *, limit_s: float | None = None) -> Settled:
        """Let exactly so much page time pass (a wait action); frames are drawn while something moves."""
        ...

    async def align(self, step_ms: float) -> None:
        """Let page time pass up to the next multiple of ``step_ms``, where page time is ours."""
        ...

    async def load(self, limit_s: float = LOAD_LIMIT_S) -> bool:
        """Wait until the navigation that has begun has loaded; False when ``limit_s`` came first."""
        ...


class VirtualClock:
    """Page time under our control. ``start_s`` is the Unix time at which each page begins.

    Pages that one process renders, such as a page and the windows that it opens, have one time between them: ``peers`` yields the
    clocks of the context's other tabs.
    """

    def __init__(
        self, session: Session, activity: Activity, painter: Painter, *, start_s: float, peers: Callable[[], Iterable[Clock]]
    ) -> None:
        self._peers = peers
        self._running: Params | None = None
        self._doubtful = False
        self._session, self._activity, self._painter, self._start_s = session, activity, painter, start_s
        self._base = 0.0
        self._ignoring = -1
        self._followers: list[Session] = []
        self.elapsed_ms = 0.0

    def ticks(self) -> float:
        """The page's time as the browser's frames count it."""
        return self._base + self.elapsed_ms

    def use(self, painter: Painter) -> None:
        """Draw with another painter from now on."""
        self._painter = painter

    def follow(self, session: Session) -> None:
        """Carry an iframe in another process along."""
        self._followers.append(session)
        session.post("Emulation.setVirtualTimePolicy", policy="pause", initialVirtualTime=self._start_s + self.elapsed_ms / 1000)

    def start(self) -> None:
        """Stop the page's time and set it to the start time."""
        posted = self._session.post("Emulation.setVirtualTimePolicy", policy="pause", initialVirtualTime=self._start_s)
        posted.add_done_callback(self._started)

    async def settle(self, budget_ms: float = BUDGET_MS, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> Settled:
        """See Clock."""
        await self._catch_up()
        run = _Run(limit_s, grace_s, self.elapsed_ms)
        await self._painter.draw()
        marks = [budget_ms * share for share in SHARES]
        spent, documents = 0.0, self._activity.documents
        while not run.over():
            if self._activity.loading and not await self.load(run.left()):
                break
            if self._activity.documents != documents:
                spent, documents = 0.0, self._activity.documents
            motion = await self._activity.motion(run.left())
            if spent >= budget_ms - MIN_SLICE_MS and not (motion.finite and spent < 2 * budget_ms):
                await self._painter.draw()
                if not self._activity.loading:
                    return run.ended(self, "moving" if any(motion) else self._quiet())
            spent += await self._step(motion, spent, marks, run)
        return run.ended(self, "limit")

    async def advance(self, milliseconds: float, *, limit_s: float | None = None) -> Settled:
        """See Clock."""
        await self._catch_up()
        run = _Run(limit_s if limit_s is not None else LIMIT_S + milliseconds / 1000, GRACE_S, self.elapsed_ms)
        marks = [milliseconds * share for share in SHARES]
        spent, motion = 0.0, Motion(False, False)
        while spent < milliseconds - MIN_SLICE_MS:
            if run.over():
                return run.ended(self, "limit")
            motion = await self._activity.motion(run.left())
            spent += await self._step(motion, spent, marks, run)
        await self._painter.draw()
        return run.ended(self, "moving" if any(motion) else self._quiet())

    async def align(self, step_ms: float) -> None:
        """See Clock."""
        missing = -self.elapsed_ms % step_ms
        if missing > MIN_SLICE_MS:
            await self.advance(missing)

    async def load(self, limit_s: float = LOAD_LIMIT_S) -> bool:
        """See Clock."""
        run, slices = _Run(limit_s, LOAD_GRACE_S, self.elapsed_ms), 0
        while self._activity.loading:
            if run.over():
                return False
            # The old document's time stands still until the new one is there.
            if self._activity.departing:
                await self._activity.wait_change(min(run.left(), 0.1))
                continue
            await self._slice(LOADING_STEP_MS, run)
            slices += 1
            if slices > HURRIED_SLICES and self._activity.loading:
                # What is missing comes from other processes, which slices without a pause would starve.
                await self._activity.wait_change(min(run.left(), PAUSE_S))
                self._activity.leave_late_parts(LATE_PARTS_S)
        if self._painter.commanded:
            await self._first_frame()
        else:
            await self._slice(FIRST_PAINT_MS, run)
        return True

    async def _first_frame(self) -> None:
        """Draw until the document draws: how soon it does so after its arrival is up to other processes, and must not be seen."""
        drawn = self._session.post("Runtime.evaluate", expression="new Promise(requestAnimationFrame)", awaitPromise=True)
        for _ in range(FIRST_FRAMES):
            await self._painter.draw()
            # The page answers in order: had it drawn, its answer would be here before this one.
            await self._session.send("Runtime.evaluate", expression="0")
            if drawn.done():
                return

    async def _step(self, motion: Motion, spent: float, marks: list[float], run: _Run) -> float:
        if any(motion):
            step = FRAME_MS
        else:
            step = next((mark for mark in marks if mark > spent + MIN_SLICE_MS), spent + FRAME_MS) - spent
        await self._slice(step, run)
        if any(motion):
            await self._painter.draw()
        return step

    async def _slice(self, milliseconds: float, run: _Run) -> None:
        """Let page time pass; where a request holds it up beyond the grace period, stop waiting for requests in this document."""
        ignoring = self._ignoring == self._activity.documents
        if ignoring:
            await self._quiet_network(run)
        expired = self._session.next("Emulation.virtualTimeBudgetExpired")
        self._followers = [session for session in self._followers if not session.detached]
        self._run("advance" if ignoring else "pauseIfNetworkFetchesPending", milliseconds)
        if await self._expires(expired, min(run.grace_s, run.left())):
            self._running = None
            self.elapsed_ms += milliseconds
            if self._doubtful:
                await self._resync()
            return
        if not ignoring:
            self._ignoring = self._activity.documents
            self._activity.ignore_older_than(0)
            self._run("advance", milliseconds)
        if not await _arrives(expired, max(run.left(), 0.2)):
            self._run("pause", None)
            expired.cancel()
        self._running = None
        await self._resync()

    async def _expires(self, expired: asyncio.Future[Params], timeout_s: float) -> bool:
        """Wait for the end of a slice; a peer's page that shares our time stops it anew with each document that it loads."""
        deadline = time.monotonic() + timeout_s
        while any(True for _ in self._peers()) and time.monotonic() + NUDGE_S < deadline:
            if await _arrives(expired, NUDGE_S):
                return True
            self.renew()
        return await _arrives(expired, max(deadline - time.monotonic(), 0.001))

    def _run(self, policy: str, budget: float | None) -> None:
        self._running = {"policy": policy} if budget is None else {"policy": policy, "budget": budget}
        for session in (self._session, *self._followers):
            session.post("Emulation.setVirtualTimePolicy", **self._running)

    def join(self, peer: VirtualClock) -> None:
        """Take part in the time of another page of the context, which the same process renders: it must not be stopped anew."""
        self._base, self.elapsed_ms = peer._base, peer.elapsed_ms

    def renew(self) -> None:
        """A peer's page has stopped the time that it may share with this one: if it ought to run, let it run again."""
        if self._running is not None:
            self._doubtful = True
            self._run(self._running["policy"], self._running.get("budget"))

    async def _catch_up(self) -> None:
        if self._doubtful or any(True for _ in self._peers()):
            await self._resync()

    async def _quiet_network(self, run: _Run) -> None:
        while self._activity.in_flight() and not run.over():
            self._activity.ignore_older_than(run.grace_s)
            await self._activity.wait_change(min(run.left(), 0.05))

    async def _resync(self) -> None:
        """Ask the page how late it is, after a slice whose end was not seen."""
        try:
            reply = await self._session.send(
                "Runtime.evaluate", timeout_s=2.0, expression="performance.timeOrigin + performance.now()", returnByValue=True
            )
        except CallTimeout:
            return
        self._doubtful = False
        self.elapsed_ms = max(self.elapsed_ms, reply["result"].get("value", 0.0) - self._start_s * 1000)

    def _started(self, reply: asyncio.Future[Params]) -> None:
        if not reply.cancelled() and reply.exception() is None:
            self._base = reply.result()["virtualTimeTicksBase"]
            for peer in self._peers():
                peer.renew()

    def _quiet(self) -> Reason:
        return "network" if self._ignoring == self._activity.documents or self._activity.ignored else "quiet"


class WallClock:
    """Real time: a page is settled when for a quiet window nothing loads, is in flight, moves, or is due within the budget."""

    QUIET_S: Final = 0.05
    LOOK_S: Final = 0.015

    def __init__(self, session: Session, activity: Activity, painter: Painter) -> None:
        self._session, self._activity, self._painter = session, activity, painter

    def renew(self) -> None:
        """Nothing stops real time."""

    def start(self) -> None:
        """Real time needs no taking over."""

    async def settle(self, budget_ms: float = BUDGET_MS, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> Settled:
        """See Clock; ``virtual_ms`` is wall time here."""
        run = _Run(limit_s, grace_s, 0.0)
        await self._painter.draw()
        left_s, quiet_s, documents = budget_ms / 1000, 0.0, self._activity.documents
        while not run.over():
            if await self._held_up(run):
                quiet_s = 0.0
            if self._activity.documents != documents:
                left_s, documents = budget_ms / 1000, self._activity.documents
            began = time.monotonic()
            motion = await self._activity.motion(run.left())
            busy = motion.finite or (left_s > 0 and (motion.callbacks or await self._due(left_s)))
            quiet_s = 0.0 if busy else quiet_s
            if quiet_s >= self.QUIET_S or (left_s <= 0 and not motion.finite):
                return run.ended(None, "moving" if motion.callbacks else "network" if self._activity.ignored else "quiet")
            await asyncio.sleep(self.LOOK_S)
            passed = time.monotonic() - began
            left_s, quiet_s = left_s - passed, quiet_s + passed
        return run.ended(None, "limit")

    async def _held_up(self, run: _Run) -> bool:
        """Wait for loads and requests, which do not use the budget up; whether there were any."""
        held = self._activity.loading or self._activity.in_flight()
        if self._activity.loading:
            await self.load(run.left())
        while self._activity.in_flight() and not run.over():
            self._activity.ignore_older_than(run.grace_s)
            await self._activity.wait_change(min(run.left(), 0.05))
        return held

    async def _due(self, within_s: float) -> bool:
        reply = await self._session.send("Runtime.evaluate", expression=f"{TIMER_PROBE}({within_s * 1000})", returnByValue=True)
        return bool(reply["result"].get("value"))

    async def advance(self, milliseconds: float, *, limit_s: float | None = None) -> Settled:
        """Sleep."""
        began = time.monotonic()
        seconds = milliseconds / 1000
        await asyncio.sleep(seconds if limit_s is None else min(seconds, limit_s))
        passed = (time.monotonic() - began) * 1000
        return Settled(passed, passed, "quiet" if passed >= milliseconds - 1 else "limit")

    async def align(self, step_ms: float) -> None:
        """Nothing: real time is not ours."""

    async def load(self, limit_s: float = LOAD_LIMIT_S) -> bool:
        """See Clock."""
        deadline = time.monotonic() + limit_s
        while self._activity.loading:
            if time.monotonic() >= deadline:
                return False
            await self._activity.wait_change(min(max(deadline - time.monotonic(), 0.001), LATE_PARTS_S / 10))
            self._activity.leave_late_parts(LATE_PARTS_S)
        return True


class _Run:
    """The wall-clock limits of one settling."""

    def __init__(self, limit_s: float, grace_s: float, elapsed_ms: float) -> None:
        self.began, self.limit_s, self.grace_s, self.elapsed_ms = time.monotonic(), limit_s, grace_s, elapsed_ms

    def left(self) -> float:
        return max(self.began + self.limit_s - time.monotonic(), 0.001)

    def over(self) -> bool:
        return time.monotonic() >= self.began + self.limit_s

    def ended(self, clock: VirtualClock | None, reason: Reason) -> Settled:
        wall_ms = (time.monotonic() - self.began) * 1000
        return Settled(clock.elapsed_ms - self.elapsed_ms if clock else wall_ms, wall_ms, reason)


async def _arrives(future: asyncio.Future[Params], timeout_s: float) -> bool:
    done, _ = await asyncio.wait([future], timeout=timeout_s)
    if done and isinstance(future.exception(), ConnectionLost):
        future.result()
    return bool(done)
