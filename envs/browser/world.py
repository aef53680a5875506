"""The web as a world: a task's pages in a fresh context of a warm browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from quintain.core import Capabilities, Evidence, Probe, WorldTask
from quintain.envs.browser import setup as web
from quintain.envs.browser.actions import Hands
from quintain.envs.browser.calls import parse_calls
from quintain.envs.browser.collect import page_script, script
from quintain.envs.browser.context import Context
from quintain.envs.browser.doctor import Finding, examine
from quintain.envs.browser.frame import ScriptError
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.page_script import PageScript, drive
from quintain.envs.browser.pages import Pages
from quintain.envs.browser.painter import Pixels
from quintain.envs.browser.pool import Pool, PoolOptions, shared_pool
from quintain.envs.browser.process import Mode
from quintain.envs.browser.reader import Reader, Seen
from quintain.envs.browser.tab import NavigationFailed, PageOptions, Tab
from quintain.envs.browser.targets import Refused
from quintain.errors import EnvironmentFault, TaskError, UsageError
from quintain.spaces import (
    FORMS,
    KEYBOARD,
    POINTER,
    WEB,
    Action,
    Check,
    Click,
    Drag,
    Hover,
    Message,
    Modality,
    Observation,
    Press,
    Python,
    Scroll,
    Select,
    Type,
    Upload,
    Wait,
    Window,
)  # fmt: skip

BEGIN_LIMIT_S: Final = 20.0
BEGIN_STEP_MS: Final = 50.0
LOADED_MS: Final = 100.0
"""An episode begins at a multiple of this in page time, however many steps its document took to load."""
# A promise is kept beside the page's globals until it is settled; one that is settled already costs no page time.
STARTED: Final = """(begin, given) => {
  const state = {}, told = value => { state.said = {value: value ?? null}; };
  Object.defineProperty(globalThis, Symbol.for('quintain.begin'), {value: state, configurable: true});
  Promise.resolve(begin(...given)).then(told, error => { state.failed = error; });
}"""
POLLED: Final = """(() => {
  const key = Symbol.for('quintain.begin'), state = globalThis[key];
  if (state.failed) throw state.failed;
  if (state.said) delete globalThis[key];
  return state.said ?? null;
})()"""
MODES: Final = ("auto", "deterministic", "virtual", "realtime")


class BrowserWorld:
    """Chromium, driven over its own protocol; see `Setup` for what a task may say.

    Args:
        browser: path of the binary; default: ``$QUINTAIN_BROWSER``, else an installed headless shell, Chromium or Chrome.
        mode: ``deterministic`` (headless shell: frames and page time on command), ``virtual`` (any Chromium: page time on
            command), ``realtime`` (live sites), or ``auto``, the first of these that the browser can.
        python: take the `python` action, which gives its code the Playwright page. The code runs in this process.
    """

    Setup: ClassVar[type[web.Setup]] = web.Setup
    default_observe: tuple[Modality, ...] = ("elements", "windows")

    def __init__(self, *, browser: str | None = None, mode: str = "auto", python: bool = False) -> None:
        if mode not in MODES:
            raise UsageError(f"mode {mode!r} is unknown; use one of {', '.join(MODES)}")
        wanted: Mode | None = None if mode == "auto" else mode  # type: ignore[assignment]
        self._options = PoolOptions(path=browser, mode=wanted)
        self._mode = Pool(self._options).mode  # raises here, not at the first reset, when there is no browser
        self.action_kinds = POINTER | KEYBOARD | FORMS | WEB | {"wait", "noop"} | ({"python"} if python else set())
        self._python = python
        self._context: Context | None = None
        self._addresses: web.Addresses | None = None
        self._versions: dict[str, str] = {}

    @staticmethod
    def doctor() -> list[Finding]:
        """What this family needs on this machine, whether it is there, and how to get it."""
        return examine()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            modalities=("elements", "screenshot", "windows"),
            replay=self._mode == "deterministic",
            copies=True,
            isolation=("network", "files", "storage"),
            notes={"mode": self._mode},
        )

    @property
    def versions(self) -> dict[str, str]:
        return self._versions

    def parse(self, text: str) -> list[Action]:
        return parse_calls(text)

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        setup = web.Setup.model_validate(task.setup)
        await self._leave()
        if self._addresses is None or not self._addresses.serves(setup):
            await self._close_addresses()
            self._addresses = await web.Addresses.open(setup, task=task.id)
        self._setup, self._observe, self._task = setup, tuple(observe), task.id
        context = self._context = await self._enter(setup, self._addresses)
        self._pages = Pages(context)
        self._reader = Reader()
        self._hands = Hands(self._reader, uploads=self._addresses.uploads)
        goal, fields = await self._begin(setup, seed)
        await self._settle(self._pages.active)
        return (await self._look()).model_copy(update={"goal": goal, "goal_fields": fields})

    async def act(self, action: Action) -> Observation:
        context = self._living()
        try:
            await self._do(action, context)
        except (Refused, NavigationFailed) as refusal:
            if context.dead:
                raise
            self._pages.refresh()
            return await self._look(error=str(refusal))
        return await self._look()

    async def collect(self, probe: Probe) -> Evidence:
        """Evidence of the active tab: `script` is a JavaScript function whose result is `values` (its `done` ends the episode);
        `page` true adds `url` and `title`.
        """
        self._living()
        tab, values = self._pages.active, dict[str, Any]()
        source = probe.query.get("script")
        if isinstance(source, str):
            try:
                result = await tab.call(source)
                values = result if isinstance(result, dict) else {"result": result}
            except ScriptError as error:
                values = {"probe_error": str(error)}
        if probe.query.get("page"):
            values |= {"url": tab.url, "title": await tab.title()}
        return Evidence(values=values, done=bool(values.get("done")))

    async def close(self) -> None:
        await self._leave()
        await self._close_addresses()

    async def _enter(self, setup: web.Setup, addresses: web.Addresses) -> Context:
        width, height = setup.viewport
        policy = NetworkPolicy(origins=addresses.origins, file_roots=addresses.roots)
        options = PageOptions(
            width=width,
            height=height,
            scale=setup.scale,
            locale=setup.locale,
            timezone=setup.timezone,
            start_s=setup.clock,
            isolated_script=script(),
            page_script=page_script(),
        )
        pool = shared_pool(
            PoolOptions(
                path=self._options.path,
                mode=self._mode,
                debug_port=self._python or setup.script is not None,
                scale=setup.scale,
            )
        )
        context = await pool.acquire(policy, options)
        self._pool = pool
        self._versions = {"browser": context.host.user_agent, "mode": self._mode}
        return context

    async def _begin(self, setup: web.Setup, seed: int) -> tuple[str, dict[str, str]]:
        assert self._addresses is not None
        context = self._living()
        for i, url in enumerate(setup.start):
            tab = context.tabs[0] if i == 0 else await context.new_tab()
            await tab.navigate(self._addresses.resolve(url, task=self._task))
            await tab.clock.align(LOADED_MS)
            self._pages.focus(tab)
        goal, fields = "", dict[str, str]()
        if setup.begin is not None:
            said = await self._call_running(self._pages.active, setup.begin, str(seed))
            if isinstance(said, str):
                said = {"goal": said}
            if isinstance(said, dict):
                goal = str(said.get("goal", ""))
                fields = {str(key): str(value) for key, value in (said.get("fields") or {}).items()}
        if setup.script is not None:
            prepare = PageScript(setup.script, task=self._task)
            goal = await drive(self._pool, self._pages.active, lambda page: prepare(page, seed)) or goal
        return goal, fields

    async def _call_running(self, tab: Tab, function: str, *arguments: Any) -> Any:
        """Call a function while page time runs, which its promises may wait for.

        How much page time passes is up to the page alone: it is asked between equal steps, and no wall clock decides.
        """
        try:
            async with asyncio.timeout(BEGIN_LIMIT_S):
                await tab.evaluate(f"({STARTED})({function}, {json.dumps(arguments)})")
                while (said := await tab.evaluate(POLLED)) is None:
                    await tab.advance(BEGIN_STEP_MS)
        except ScriptError as error:
            raise TaskError(f"{self._task}: setup.begin: {error}") from None
        except TimeoutError:
            raise TaskError(f"{self._task}: setup.begin did not finish within {BEGIN_LIMIT_S:g} s") from None
        return said["value"]

    async def _do(self, action: Action, context: Context) -> None:
        tab, hands = self._pages.active, self._hands
        match action:
            case Click():
                await hands.click(tab, action)
            case Hover():
                await hands.hover(tab, action)
            case Drag():
                await hands.drag(tab, action)
            case Scroll():
                await hands.scroll(tab, action)
            case Type():
                await hands.type(tab, action)
            case Press():
                await hands.press(tab, action)
            case Select():
                await hands.select(tab, action)
            case Check():
                await hands.check(tab, action)
            case Upload():
                await hands.upload(tab, action)
            case Wait(seconds=seconds):
                await tab.advance(seconds * 1000)
                return
            case Python(code=code):
                await drive(self._pool, tab, lambda page: _run_python(code, page), limit_s=action.timeout_s)
            case _ if action.kind in WEB:
                assert self._addresses is not None
                await self._pages.do(action, self._addresses)
            case _:
                return
        await self._settle(tab)

    async def _settle(self, tab: Tab) -> None:
        if self._pages.active is not tab:
            tab = self._pages.active
        if tab.dead is None:
            await self._living().settle(tab, self._setup.settle_ms, limit_s=self._setup.settle_wall_s)
        self._pages.refresh()

    async def _look(self, *, error: str | None = None) -> Observation:
        tab = self._pages.active
        seen, pixels = await asyncio.gather(self._read(tab), self._pixels(tab))
        return Observation.model_construct(
            elements=seen.elements if seen else None,
            screenshot=pixels,
            windows=await self._windows(seen) if "windows" in self._observe else (),
            messages=tuple(Message(role="system", text=text) for text in self._pages.news()),
            error=error,
        )

    async def _read(self, tab: Tab) -> Seen | None:
        return await self._reader.read(tab.frames) if "elements" in self._observe else None

    async def _pixels(self, tab: Tab) -> Pixels | None:
        return await tab.screenshot() if "screenshot" in self._observe else None

    async def _windows(self, seen: Seen | None) -> tuple[Window, ...]:
        active = self._pages.active
        if seen is not None:
            self._pages.entitle(active, seen.page.title)
        titles = [await self._pages.title(tab, ask=seen is None or tab is not active) for tab in self._pages.tabs]
        return tuple(
            Window(title=title, url=tab.url or "about:blank", active=tab is active)
            for tab, title in zip(self._pages.tabs, titles, strict=True)
        )

    def _living(self) -> Context:
        if self._context is None:
            raise UsageError("the browser world is not reset yet; call reset() first")
        if self._context.dead:
            raise EnvironmentFault(f"{self._task}: {self._context.dead}; reset the environment")
        return self._context

    async def _leave(self) -> None:
        if self._context is not None:
            context, self._context = self._context, None
            with contextlib.suppress(EnvironmentFault):
                await context.close()

    async def _close_addresses(self) -> None:
        if self._addresses is not None:
            addresses, self._addresses = self._addresses, None
            await addresses.close()


async def _run_python(code: str, page: Any) -> None:
    """Run an agent's code with the Playwright page; top-level await works."""
    import ast

    try:
        compiled = compile(code, "<python action>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(compiled, {"page": page, "__name__": "__quintain__"})
        if result is not None:
            await result
    except Exception as error:
        raise Refused(f"python: {type(error).__name__}: {error}") from None
