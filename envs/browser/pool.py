"""Warm browsers, and fresh contexts in them."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from quintain.envs.browser.cdp import Params
from quintain.envs.browser.context import Context
from quintain.envs.browser.discovery import find_browser
from quintain.envs.browser.isolation import NOWHERE, Gate, NetworkPolicy
from quintain.envs.browser.process import BrowserProcess, Launch, Mode
from quintain.envs.browser.tab import PageOptions
from quintain.errors import EnvironmentFault, UsageError

RECYCLE_AFTER: Final = 300
REFILL_DELAY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Which browser, in which mode. ``mode`` None takes the best that the browser can: deterministic, else virtual.

    ``debug_port`` opens a DevTools port on 127.0.0.1 for other clients; after ``recycle_after`` contexts a browser is replaced.
    ``scale`` is the browser's own device scale; pages of another scale are photographed more slowly in deterministic mode.
    """

    path: str | None = None
    mode: Mode | None = None
    debug_port: bool = False
    scale: float = 1.0
    flags: tuple[str, ...] = ()
    recycle_after: int = RECYCLE_AFTER
    spares: int = 1


class Host:
    """One browser process with its contexts."""

    def __init__(self, process: BrowserProcess, mode: Mode, user_agent: str) -> None:
        self.process, self.mode, self.user_agent = process, mode, user_agent
        self.browser = process.connection.browser
        self.frame_lock = asyncio.Lock()
        self.contexts: dict[str, Context] = {}
        self.served = 0
        self.dead: str | None = None
        self._gates: dict[tuple[str, ...], Gate] = {}
        self._opening = asyncio.Lock()
        process.connection.on_lost(self._lost)

    @classmethod
    async def start(cls, launch: Launch) -> Host:
        """Start a browser and attach to its pages as they appear."""
        process = await BrowserProcess.start(launch)
        version = await process.connection.browser.send("Browser.getVersion")
        host = cls(process, launch.mode, version["userAgent"].replace("HeadlessChrome", "Chrome"))
        host.browser.on("Target.attachedToTarget", host._attached)
        host.browser.on("Browser.downloadWillBegin", host._download_began)
        host.browser.on("Browser.downloadProgress", host._download_moved)
        await host.browser.send(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True, filter=[{"type": "page"}]
        )
        return host

    async def open(self, policy: NetworkPolicy, options: PageOptions) -> Context:
        """A new context with one blank tab."""
        self.served += 1
        proxy = NOWHERE
        if policy.origins:
            async with self._opening:
                gate = self._gates.get(policy.origins)
                if gate is None:
                    gate = self._gates[policy.origins] = Gate(policy)
                    await gate.open()
            proxy = gate.url
        # Without "<-loopback>" addresses of this machine would bypass the proxy.
        reply = await self.browser.send(
            "Target.createBrowserContext", disposeOnDetach=True, proxyServer=proxy, proxyBypassList="<-loopback>"
        )
        context = Context(self, reply["browserContextId"], policy, options)
        self.contexts[context.id] = context
        self.browser.post(
            "Browser.setDownloadBehavior",
            behavior="allowAndName",
            browserContextId=context.id,
            downloadPath=str(context.folder),
            eventsEnabled=True,
        )
        try:
            await context.new_tab()
        except BaseException:
            await context.close()
            raise
        return context

    def refused(self, policy: NetworkPolicy) -> Counter[str]:
        """What the proxy of these origins turned away."""
        gate = self._gates.get(policy.origins)
        return gate.refused if gate else Counter()

    async def dispose(self, context: Context) -> None:
        """Let the browser forget a context."""
        self.contexts.pop(context.id, None)
        self.browser.post("Target.disposeBrowserContext", browserContextId=context.id)

    async def stop(self) -> None:
        """End the browser and its proxies."""
        self.process.stop()
        for gate in self._gates.values():
            await gate.close()

    def _lost(self) -> None:
        self.dead = "the browser is gone"
        for context in self.contexts.values():
            for tab in context.tabs:
                tab.die(self.dead)

    def _attached(self, event: Params) -> None:
        info, session = event["targetInfo"], self.process.connection.session(event["sessionId"])
        context = self.contexts.get(info.get("browserContextId", ""))
        if context is not None:
            context.attached(session, info)
        else:  # another client's page
            session.post("Runtime.runIfWaitingForDebugger")
            self.browser.post("Target.detachFromTarget", sessionId=session.id)

    def _download_began(self, event: Params) -> None:
        for context in self.contexts.values():
            if context.download_began(event):
                return

    def _download_moved(self, event: Params) -> None:
        for context in self.contexts.values():
            context.download_moved(event)


class Pool:
    """Fresh contexts from a warm browser. One event loop and one process: use ``shared_pool`` rather than making many."""

    def __init__(self, options: PoolOptions = PoolOptions()) -> None:
        self.options, self._pid = options, os.getpid()
        browser = find_browser(options.path)
        mode = options.mode or ("deterministic" if browser.is_shell else "virtual")
        if mode == "deterministic" and not browser.is_shell:
            raise UsageError(f"{browser.path} cannot run in deterministic mode: only the headless shell has begin-frame control")
        self.mode: Mode = mode
        self._launch = Launch(browser, mode, options.debug_port, options.scale, options.flags)
        self._host: Host | None = None
        self._retired: list[Host] = []
        self._starting = asyncio.Lock()
        self._spares: dict[tuple[tuple[str, ...], PageOptions], list[asyncio.Task[Context]]] = {}
        self._closed = False

    async def acquire(self, policy: NetworkPolicy = NetworkPolicy(), options: PageOptions = PageOptions()) -> Context:  # noqa: B008
        """A fresh context with one blank tab, which the caller closes. A dead browser is replaced first.

        Raises Unavailable when no browser starts.
        """
        self._check_usable()
        host = await self._living_host()
        key = (policy.origins, options)
        context = await self._spare(host, key) or await host.open(policy, options)
        await context.restrict(policy)
        asyncio.get_running_loop().call_later(REFILL_DELAY_S, self._refill, key)
        return context

    async def debug_url(self) -> str:
        """The DevTools address of the current browser; only with ``debug_port``."""
        self._check_usable()
        return await (await self._living_host()).process.debug_url()

    async def close(self) -> None:
        """End all browsers of the pool; contexts still open become dead. Idempotent."""
        if self._pid != os.getpid():
            return
        self._closed = True
        spares = [task for tasks in self._spares.values() for task in tasks]
        self._spares.clear()
        for task in spares:
            task.cancel()
        await asyncio.gather(*spares, return_exceptions=True)
        for host in [*self._retired, *([self._host] if self._host else [])]:
            await host.stop()
        self._host = None
        self._retired.clear()

    async def _living_host(self) -> Host:
        async with self._starting:
            await self._end_retired()
            host = self._host
            if host is not None and host.dead is None and host.served < self.options.recycle_after:
                return host
            if host is not None:
                self._retired.append(host)
                self._spares.clear()
                await self._end_retired()
            self._host = await Host.start(self._launch)
            return self._host

    async def _end_retired(self) -> None:
        for host in [host for host in self._retired if host.dead is not None or not host.contexts]:
            self._retired.remove(host)
            await host.stop()

    async def _spare(self, host: Host, key: tuple[tuple[str, ...], PageOptions]) -> Context | None:
        tasks = self._spares.get(key, [])
        while tasks:
            try:
                context = await tasks.pop(0)
            except EnvironmentFault:
                continue
            if context.dead is None and context.host is host:
                return context
        return None

    def _refill(self, key: tuple[tuple[str, ...], PageOptions]) -> None:
        host = self._host
        if self._closed or host is None or host.dead is not None or host.served >= self.options.recycle_after:
            return
        for other in [other for other in self._spares if other != key]:
            for task in self._spares.pop(other):
                task.add_done_callback(_close_unwanted)
        tasks = self._spares.setdefault(key, [])
        while len(tasks) < self.options.spares:
            task = asyncio.get_running_loop().create_task(host.open(NetworkPolicy(origins=key[0]), key[1]))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            tasks.append(task)

    def _check_usable(self) -> None:
        if self._closed:
            raise UsageError("this browser pool is closed: make another")
        if self._pid != os.getpid():
            raise UsageError("this browser pool belongs to the parent process: make a pool in the forked child")


def _close_unwanted(task: asyncio.Task[Context]) -> None:
    if not task.cancelled() and task.exception() is None:
        context = task.result()
        context.host.contexts.pop(context.id, None)
        context.host.browser.post("Target.disposeBrowserContext", browserContextId=context.id)


# One pool per event loop and options; the loop's end drops the entry, and the browser's supervisor ends the browser.
_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[int, PoolOptions], Pool]] = WeakKeyDictionary()


def shared_pool(options: PoolOptions = PoolOptions()) -> Pool:
    """The pool of this process, event loop and options, made on first use; a forked child gets its own."""
    pools = _SHARED.setdefault(asyncio.get_running_loop(), {})
    key = (os.getpid(), options)
    pool = pools.get(key)
    if pool is None or pool._closed:
        pool = pools[key] = Pool(options)
    return pool
