"""The tabs of an episode: which one is active, and what an agent can do with them."""

from __future__ import annotations

from quintain.envs.browser.context import Context
from quintain.envs.browser.setup import Addresses
from quintain.envs.browser.tab import Tab
from quintain.envs.browser.targets import Refused
from quintain.errors import EnvironmentFault
from quintain.spaces import Action, Back, CloseTab, FocusTab, Forward, Goto, NewTab, Reload

CANNOT = {-1: "there is no page to go back to", 1: "there is no page to go forward to"}


class Pages:
    """The tabs of one context in the order in which they were opened. A tab that a page opens becomes the active one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._active = context.tabs[0]
        self._known: set[Tab] = set(context.tabs)
        self._told: dict[Tab, int] = {}
        self._downloads_told = 0
        self._titles: dict[Tab, str] = {}

    @property
    def tabs(self) -> list[Tab]:
        return [tab for tab in self._context.tabs if tab.dead is None]

    @property
    def active(self) -> Tab:
        """The tab that is seen and acted on; raises EnvironmentFault when its page has crashed."""
        if self._active.dead is not None:
            self.refresh()
        if self._active.dead is not None:
            raise EnvironmentFault(f"{self._active.url}: {self._active.dead}; reset the environment")
        return self._active

    def focus(self, tab: Tab) -> None:
        self._active = tab
        self._known.add(tab)

    def refresh(self) -> None:
        """Follow tabs that pages opened and closed; a crashed page stays where it is, for the fault to be seen."""
        opened = [tab for tab in self.tabs if tab not in self._known]
        self._known.update(opened)
        if opened:
            self._active = opened[-1]
        elif self._active not in self._context.tabs and self.tabs:
            self._active = self.tabs[-1]

    def news(self) -> list[str]:
        """Dialogs and downloads since the last call, in words."""
        found = []
        for tab in self._known:
            for dialog in tab.dialogs[self._told.get(tab, 0) :]:
                answer = "accepted" if dialog.accepted else "dismissed"
                found.append(f"the page showed a dialog ({dialog.kind}), which was {answer}: {dialog.message!r}")
            self._told[tab] = len(tab.dialogs)
        for download in self._context.downloads[self._downloads_told :]:
            found.append(f"the page started a download of {download.name!r}")
        self._downloads_told = len(self._context.downloads)
        return found

    def entitle(self, tab: Tab, title: str) -> None:
        """Note a title that was read together with the page."""
        self._titles[tab] = title

    async def title(self, tab: Tab, *, ask: bool) -> str:
        """A tab's title, asked for or as it was last known; one that cannot answer keeps its last."""
        if ask:
            try:
                self._titles[tab] = await tab.title()
            except EnvironmentFault:
                if tab is self._active:
                    raise
        return self._titles.get(tab, "")

    async def do(self, action: Action, addresses: Addresses) -> None:
        """Navigate, open, focus or close; raises Refused and NavigationFailed."""
        match action:
            case Goto(url=url):
                await self._goto(self.active, url, addresses)
            case Back():
                await self._history(-1)
            case Forward():
                await self._history(1)
            case Reload():
                await self.active.reload()
            case NewTab(url=url):
                tab = await self._context.new_tab()
                self.focus(tab)
                if url is not None:
                    await self._goto(tab, url, addresses)
            case FocusTab(index=index):
                self.focus(self._at(index))
                await self._active.activate()
            case CloseTab(index=None):
                await self._close(self.active)
            case CloseTab(index=int(index)):
                await self._close(self._at(index))

    async def _goto(self, tab: Tab, url: str, addresses: Addresses) -> None:
        resolved = addresses.resolve_for_agent(url)
        if not self._context.policy.allows(resolved):
            allowed = ", ".join(addresses.allowed) or "none"
            raise Refused(f"{url} is outside what this task allows; allowed: {allowed}")
        await tab.navigate(resolved)

    async def _history(self, delta: int) -> None:
        if not await self.active.go(delta):
            raise Refused(CANNOT[delta])

    async def _close(self, tab: Tab) -> None:
        if len(self.tabs) == 1:
            self.focus(await self._context.new_tab())
        await tab.close()
        if tab is self._active:
            self._active = self.tabs[-1]

    def _at(self, index: int) -> Tab:
        tabs = self.tabs
        if index >= len(tabs):
            raise Refused(f"there is no tab {index}; tabs are 0 to {len(tabs) - 1}")
        return tabs[index]
