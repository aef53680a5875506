"""One tab: a page of a context, with its frames, clock, input and pictures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from quintain.envs.browser.activity import PAGE_SCRIPT, TIMER_SCRIPT, Activity
from quintain.envs.browser.cdp import CALL_TIMEOUT_S, CallTimeout, CdpError, ConnectionLost, Params, Session
from quintain.envs.browser.clock import BUDGET_MS, GRACE_S, LIMIT_S, LOAD_LIMIT_S, Clock, Settled, VirtualClock, WallClock
from quintain.envs.browser.frame import ISOLATED_WORLD, Frame, FrameTree
from quintain.envs.browser.input import Input
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.painter import BeginFramePainter, LivePainter, Painter, Pixels
from quintain.envs.browser.process import Mode
from quintain.errors import EnvironmentFault

START_S: Final = 1_767_225_600.0  # 2026-01-01T00:00:00Z
SETUP_TIMEOUT_S: Final = 20.0


class NavigationFailed(EnvironmentFault):
    """A navigation did not arrive; ``blocked`` says that the context's policy forbids the address."""

    def __init__(self, url: str, reason: str, *, blocked: bool = False) -> None:
        super().__init__(f"cannot open {url}: {reason}")
        self.url, self.reason, self.blocked = url, reason, blocked


class Dialog(NamedTuple):
    """A dialog that a page opened, and how it was answered."""

    kind: str
    message: str
    accepted: bool
    text: str


class DialogAnswer(NamedTuple):
    """What to do with a dialog: ``text`` is what a prompt returns."""

    accept: bool
    text: str


DialogPolicy = Callable[[str, str, str], DialogAnswer]


def accept_dialogs(kind: str, message: str, default: str) -> DialogAnswer:
    """Accept every dialog; a prompt keeps its default text."""
    return DialogAnswer(True, default)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How pages of a context look and what they run.

    ``scale`` is pixels per CSS pixel; ``start_s`` the Unix time at which the page clock starts. ``page_script`` runs in every
    document before its own scripts, ``isolated_script`` beside them (see Frame.evaluate).
    """

    width: int = 1280
    height: int = 720
    scale: float = 1.0
    locale: str = "en-US"
    timezone: str = "UTC"
    start_s: float = START_S
    user_agent: str | None = None
    page_script: str = ""
    isolated_script: str = ""


class Surroundings(NamedTuple):
    """What a tab needs from its context and browser."""

    mode: Mode
    options: PageOptions
    user_agent: str
    frame_lock: asyncio.Lock
    scale: float
    peers: Callable[[Tab], Iterable[Clock]]
    track_network: bool


class Tab:
    """A page, made by its context and used from one coroutine at a time.

    ``prepared`` is done when it may be used; ``fresh``: it has not settled yet; ``dead`` says why it cannot be used any more.
    """

    def __init__(
        self, session: Session, description: Params, surroundings: Surroundings, policy: Callable[[], NetworkPolicy]
    ) -> None:
        self.session, self.id = session, str(description["targetId"])
        self.opener_id: str | None = description.get("openerId")
        self.opening: list[str] = []
        session.on("Page.windowOpen", lambda event: self.opening.append(event["url"]))
        self._around, self._policy = surroundings, policy
        self._options = surroundings.options
        self.dead: str | None = None
        self.fresh = True
        self.dialogs: list[Dialog] = []
        self.page_errors: list[str] = []
        self.answer_dialog: DialogPolicy = accept_dialogs
        self.frames = FrameTree(session, self.id)
        self.frames.main.url = description.get("url", "")
        self._activity = Activity(session, self.frames)
        self._painter: Painter = LivePainter(session)
        self.input = Input(session, self._painter)
        self.clock: Clock = WallClock(session, self._activity, self._painter)
        self.prepared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        session.on("Page.javascriptDialogOpening", self._dialog)
        session.on("Inspector.targetCrashed", lambda event: self.die("the page crashed"))
        session.on("quintain.detached", lambda event: self.die("the page was closed"))
        session.on("Fetch.requestPaused", lambda event: self._file_requested(session, event))
        session.on("Target.attachedToTarget", self._child_attached)
        session.on("Runtime.exceptionThrown", self._page_error)

    @property
    def url(self) -> str:
        """The main document's address."""
        return self.frames.main.url

    async def title(self) -> str:
        """The main document's title."""
        return str(await self.evaluate("document.title"))

    async def prepare(self) -> None:
        """Configure the page and let it run; called once by the context. The commands travel together."""
        try:
            async with asyncio.timeout(SETUP_TIMEOUT_S):
                await self._set_up()
        except TimeoutError:
            self.die("the page did not answer while it was set up")
        except ConnectionLost:
            self.die("the page was closed while it was set up")
        finally:
            if not self.prepared.done():
                self.prepared.set_result(None)

    async def navigate(self, url: str, *, limit_s: float = LOAD_LIMIT_S) -> None:
        """Open an address and wait until its document has loaded; ``settle`` afterwards runs its timers.

        Raises NavigationFailed when the policy forbids it, it does not arrive or does not load within ``limit_s``.
        """
        self._check_alive()
        if not self._policy().allows(url):
            raise NavigationFailed(url, "the address is outside what this context may reach", blocked=True)
        self._activity.depart()
        try:
            reply = await self.session.send("Page.navigate", timeout_s=limit_s, url=url)
        except CallTimeout:
            self.session.post("Page.stopLoading")
            self._activity.arrive()
            raise NavigationFailed(url, f"there was no answer within {limit_s:g} s") from None
        # A download and a move within the document bring no document.
        if reply.get("errorText") or "loaderId" not in reply:
            self._activity.arrive()
        if reply.get("errorText") and not reply.get("isDownload"):
            raise NavigationFailed(url, reply["errorText"])
        await self._loaded(url, limit_s)

    async def reload(self, *, limit_s: float = LOAD_LIMIT_S) -> None:
        """Load the document again."""
        self._check_alive()
        self._activity.depart()
        await self.session.send("Page.reload", timeout_s=limit_s)
        await self._loaded(self.url, limit_s)

    async def go(self, delta: int, *, limit_s: float = LOAD_LIMIT_S) -> bool:
        """Go back (-1) or forward (1) in the history; False when there is nothing there."""
        self._check_alive()
        history = await self.session.send("Page.getNavigationHistory")
        index = history["currentIndex"] + delta
        if not 0 <= index < len(history["entries"]):
            return False
        change = self._activity.wait_change(0.5)
        _, _ = await asyncio.gather(
            self.session.send("Page.navigateToHistoryEntry", entryId=history["entries"][index]["id"]), change
        )
        await self._loaded(history["entries"][index]["url"], limit_s)
        return True

    async def evaluate(self, expression: str, *, isolated: bool = False, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """``Frame.evaluate`` in the main frame."""
        return await self.frames.main.evaluate(expression, isolated=isolated, timeout_s=timeout_s)

    async def call(self, function: str, *arguments: Any, isolated: bool = False, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """``Frame.call`` in the main frame."""
        return await self.frames.main.call(function, *arguments, isolated=isolated, timeout_s=timeout_s)

    async def settle(self, budget_ms: float = BUDGET_MS, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> Settled:
        """Run the page to quiet after an input or a navigation; see Clock.settle for the contract."""
        self._check_alive()
        self.fresh = False
        return await self.clock.settle(budget_ms, limit_s=limit_s, grace_s=grace_s)

    async def advance(self, milliseconds: float) -> Settled:
        """Let so much page time pass."""
        self._check_alive()
        return await self.clock.advance(milliseconds)

    async def click(self, x: float, y: float, **how: Any) -> None:
        """``Input.click``."""
        self._check_alive()
        await self.input.click(x, y, **how)

    async def screenshot(self) -> Pixels:
        """The viewport, H x W x 3 uint8, as drawn after the last settling."""
        self._check_alive()
        return await self._painter.screenshot()

    async def activate(self) -> None:
        """Bring the tab to the front."""
        await self.session.send("Page.bringToFront")

    async def close(self) -> None:
        """Close the page; idempotent."""
        if self.dead is None:
            await self.session.connection.browser.send("Target.closeTarget", targetId=self.id)
            self.session.emit("quintain.detached", {})

    def expect_document(self) -> None:
        """The window was opened with an address: settling waits for its document."""
        self._activity.depart()

    def die(self, why: str) -> None:
        """The page is gone: fail what waits for it."""
        if self.dead is None:
            self.dead = why
            self.session.connection.drop_session(self.session.id, why)

    def _check_alive(self) -> None:
        if self.dead is not None:
            raise ConnectionLost(f"this tab ({self.url}) cannot be used: {self.dead}; reset the environment")

    async def _loaded(self, url: str, limit_s: float) -> None:
        if not await self.clock.load(limit_s):
            self.session.post("Page.stopLoading")
            raise NavigationFailed(url, f"it did not load within {limit_s:g} s")

    async def _set_up(self) -> None:
        options, post = self._options, self.session.post
        waiting = [
            post("Page.enable"),
            post("Runtime.enable"),
            post("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True, filter=[{"type": "iframe"}]),
            post(
                "Emulation.setDeviceMetricsOverride",
                width=options.width, height=options.height, deviceScaleFactor=options.scale, mobile=False,
            ),
            post("Emulation.setFocusEmulationEnabled", enabled=True),
            post("Emulation.setTimezoneOverride", timezoneId=options.timezone),
            post("Emulation.setLocaleOverride", locale=options.locale.replace("-", "_")),
            post("Emulation.setUserAgentOverride", userAgent=self._around.user_agent, acceptLanguage=options.locale),
            self._script(PAGE_SCRIPT, isolated=False),
            self._script(options.isolated_script or "0", isolated=True),
        ]  # fmt: skip
        if self._around.mode == "realtime":
            waiting.append(self._script(TIMER_SCRIPT, isolated=False))
        if options.page_script:
            waiting.append(self._script(options.page_script, isolated=False))
        if self._around.track_network:
            waiting.append(post("Network.enable"))
        if self._policy().file_roots:
            waiting.append(self.watch_files(self.session))
        self._take_clock()
        waiting.append(post("Runtime.runIfWaitingForDebugger"))
        for future in waiting:
            with contextlib.suppress(CdpError):  # a page's own window shares its opener's locale, which is set once per process
                await future
        if isinstance(self.clock, VirtualClock) and self._around.mode == "deterministic":
            await self._take_frames(self.clock)

    def _take_clock(self) -> None:
        if self._around.mode == "realtime":
            return
        clock = VirtualClock(
            self.session, self._activity, self._painter, start_s=self._options.start_s, peers=lambda: self._around.peers(self)
        )
        peer = next((other for other in self._around.peers(self) if isinstance(other, VirtualClock)), None)
        if peer is not None:
            clock.join(peer)
        else:
            clock.start()
        self.clock = clock

    async def _take_frames(self, clock: VirtualClock) -> None:
        painter = BeginFramePainter(
            self.session, self._around.frame_lock, clock.ticks, native=self._options.scale == self._around.scale
        )
        try:
            await painter.draw()
        except CdpError:
            return  # a window that the page opened itself has no begin-frame control
        self._painter = painter
        self.input.use(painter)
        clock.use(painter)

    def _script(self, source: str, *, isolated: bool) -> asyncio.Future[Params]:
        where = {"worldName": ISOLATED_WORLD} if isolated else {}
        return self.session.post("Page.addScriptToEvaluateOnNewDocument", source=source, runImmediately=True, **where)

    def watch_files(self, session: Session) -> asyncio.Future[Params]:
        """Compare each file that the page requests with the policy's roots."""
        return session.post("Fetch.enable", patterns=[{"urlPattern": "file:*"}])

    def _file_requested(self, session: Session, event: Params) -> None:
        if self._policy().allows(event["request"]["url"]):
            session.post("Fetch.continueRequest", requestId=event["requestId"])
        else:
            session.post("Fetch.failRequest", requestId=event["requestId"], errorReason="AccessDenied")

    def _child_attached(self, event: Params) -> None:
        info, child = event["targetInfo"], self.session.connection.session(event["sessionId"])
        if info["type"] == "iframe":
            self.frames.adopt(child, info["targetId"], info["url"])
            child.on("Fetch.requestPaused", lambda paused: self._file_requested(child, paused))
            child.on("Target.attachedToTarget", self._child_attached)
            child.post("Page.enable")
            child.post("Runtime.enable")
            child.post(
                "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True, filter=[{"type": "iframe"}]
            )
            if self._policy().file_roots:
                self.watch_files(child)
            if isinstance(self.clock, VirtualClock):
                self.clock.follow(child)
        child.post("Runtime.runIfWaitingForDebugger")

    def _dialog(self, event: Params) -> None:
        answer = self.answer_dialog(event["type"], event["message"], event.get("defaultPrompt") or "")
        self.dialogs.append(Dialog(event["type"], event["message"], *answer))
        self.session.post("Page.handleJavaScriptDialog", accept=answer.accept, promptText=answer.text)

    def _page_error(self, event: Params) -> None:
        details = event["exceptionDetails"]
        text = details.get("exception", {}).get("description") or details.get("text", "")
        if len(self.page_errors) < 100:
            self.page_errors.append(" ".join(text.split())[:300])

    def frame(self, frame_id: str) -> Frame | None:
        """The frame of that id."""
        return self.frames.get(frame_id)
