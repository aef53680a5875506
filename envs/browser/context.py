"""A browser context: an episode's own cookies, storage, network policy, tabs and downloads."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from quintain.envs.browser.cdp import ConnectionLost, Params, Session
from quintain.envs.browser.clock import BUDGET_MS, GRACE_S, LIMIT_S, Settled
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.tab import PageOptions, Surroundings, Tab
from quintain.errors import EnvironmentFault

if TYPE_CHECKING:
    from quintain.envs.browser.pool import Host


@dataclass
class Download:
    """A file that a page downloaded into the context's scratch folder; ``path`` exists once ``state`` is completed."""

    url: str
    name: str
    path: Path
    state: str = "inProgress"


class Context:
    """Owned by whoever acquired it, who closes it. ``dead`` says why it can no longer be used, or is None."""

    def __init__(self, host: Host, context_id: str, policy: NetworkPolicy, options: PageOptions) -> None:
        self.host, self.id, self.policy, self.options = host, context_id, policy, options
        self.tabs: list[Tab] = []
        self.downloads: list[Download] = []
        self.folder = host.process.folder / "downloads" / context_id
        self._dead: str | None = None
        self._guids: dict[str, Download] = {}
        self._preparing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def dead(self) -> str | None:
        """Why the context cannot be used any more."""
        return self._dead or self.host.dead

    @property
    def refused(self) -> dict[str, int]:
        """Addresses (host:port) that contexts of this policy were refused, with counts; only where some origins are allowed."""
        return dict(self.host.refused(self.policy))

    async def new_tab(self) -> Tab:
        """Open a blank tab. Raises ConnectionLost when the browser is gone."""
        self._check_alive()
        reply = await self.host.browser.send(
            "Target.createTarget",
            url="about:blank",
            browserContextId=self.id,
            width=self.options.width,
            height=self.options.height,
            enableBeginFrameControl=self.host.mode == "deterministic",
        )
        tab = next((tab for tab in self.tabs if tab.id == reply["targetId"]), None)
        if tab is None:
            raise EnvironmentFault("the browser opened a tab but did not attach it; reset the environment")
        await tab.prepared
        tab.fresh = False
        return tab

    async def settle(
        self, tab: Tab, budget_ms: float = BUDGET_MS, *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S
    ) -> Settled:
        """``Tab.settle``, and of the tabs that it opens."""
        settled = await tab.settle(budget_ms, limit_s=limit_s, grace_s=grace_s)
        for opened in [candidate for candidate in self.tabs if candidate.fresh]:
            await opened.prepared
            if opened.dead is None:
                await opened.settle(budget_ms, limit_s=limit_s, grace_s=grace_s)
        return settled

    async def cookies(self) -> list[dict[str, Any]]:
        """All cookies of the context, as the protocol's Network.Cookie."""
        reply = await self.host.browser.send("Storage.getCookies", browserContextId=self.id)
        return list(reply["cookies"])

    async def close(self) -> None:
        """Dispose of the context with its tabs and downloads; idempotent, and silent when the browser is gone."""
        if self._dead is not None:
            return
        self._dead = "the context was closed"
        for task in self._preparing:
            task.cancel()
        await asyncio.gather(*self._preparing, return_exceptions=True)
        await self.host.dispose(self)
        shutil.rmtree(self.folder, ignore_errors=True)

    def attached(self, session: Session, description: Params) -> None:
        """A page of this context has appeared: its own, or one that a page opened."""
        around = Surroundings(
            mode=self.host.mode,
            options=self.options,
            user_agent=self.options.user_agent or self.host.user_agent,
            frame_lock=self.host.frame_lock,
            scale=self.host.process.launch.scale,
            peers=lambda tab: [other.clock for other in self.tabs if other is not tab],
            track_network=bool(self.policy.origins),
        )
        tab = Tab(session, description, around, lambda: self.policy)
        opener = next((other for other in self.tabs if other.id == tab.opener_id), None)
        if opener is not None and opener.opening and opener.opening.pop(0) not in ("", "about:blank"):
            tab.expect_document()
        self.tabs.append(tab)
        task = asyncio.ensure_future(tab.prepare())
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)
        session.on("quintain.detached", lambda event: self._gone(tab))

    def download_began(self, event: Params) -> bool:
        """Record a download if it belongs to a frame of this context."""
        if not any(tab.frames.get(event["frameId"]) for tab in self.tabs):
            return False
        download = Download(event["url"], Path(event["suggestedFilename"]).name, self.folder / event["guid"])
        self._guids[event["guid"]] = download
        self.downloads.append(download)
        return True

    def download_moved(self, event: Params) -> None:
        """Record progress of a download."""
        download = self._guids.get(event["guid"])
        if download is not None:
            download.state = event["state"]

    async def restrict(self, policy: NetworkPolicy) -> None:
        """Give a context made ahead of time its policy; the origins, which its proxy fixes, must be the same."""
        watch = bool(policy.file_roots) and not self.policy.file_roots
        self.policy = policy
        if watch:
            for tab in self.tabs:
                tab.watch_files(tab.session)

    def _gone(self, tab: Tab) -> None:
        if tab in self.tabs:
            self.tabs.remove(tab)

    def _check_alive(self) -> None:
        if self.dead is not None:
            raise ConnectionLost(f"this browser context cannot be used: {self.dead}; acquire another")
