"""Playwright on a tab of ours: what authors of set-up scripts and the `python` action meet."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from quintain.envs.browser.pool import Pool
from quintain.envs.browser.tab import Tab
from quintain.errors import EnvironmentFault, QuintainError, TaskError, Unavailable, one_line

LIMIT_S: Final = 60.0
PULSE_MS: Final = 50.0


class PageScript:
    """A task's set-up function, ``module:function`` or ``file.py:function``; it takes the Playwright page and the seed."""

    def __init__(self, where: str, *, task: str) -> None:
        self._task = task
        place, _, name = where.rpartition(":")
        try:
            module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
            self._function = getattr(module, name)
        except Exception as error:
            raise TaskError(f"{task}: setup.script {where!r}: {one_line(error)}") from error

    async def __call__(self, page: Any, seed: int) -> str | None:
        try:
            result = self._function(page, seed)
            if inspect.isawaitable(result):
                result = await result
        except QuintainError:
            raise
        except Exception as error:
            raise TaskError(f"{self._task}: setup.script: {one_line(error)}") from error
        return None if result is None else str(result)


async def drive(pool: Pool, tab: Tab, work: Callable[[Any], Awaitable[Any]], *, limit_s: float | None = None) -> Any:
    """Do `work` with the Playwright page of a tab, while page time runs; afterwards it stands still again.

    Raises:
        Unavailable: Playwright is not installed.
        EnvironmentFault: it could not attach, or `work` ran past `limit_s` seconds.
    """
    async with _page(pool, tab) as page:
        doing = asyncio.ensure_future(work(page))
        try:
            async with asyncio.timeout(limit_s or LIMIT_S):
                while not doing.done():
                    await tab.advance(PULSE_MS)
                    await asyncio.wait([doing], timeout=0.005)
            return await doing
        except TimeoutError:
            raise EnvironmentFault(f"the Playwright script ran for more than {limit_s or LIMIT_S:g} s") from None
        finally:
            doing.cancel()


@asynccontextmanager
async def _page(pool: Pool, tab: Tab) -> AsyncIterator[Any]:
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        raise Unavailable("this needs the Python package 'playwright'; run `quintain setup browser`") from None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(await pool.debug_url())
        try:
            for context in browser.contexts:
                for page in context.pages:
                    session = await context.new_cdp_session(page)
                    info = await session.send("Target.getTargetInfo")
                    with contextlib.suppress(Exception):
                        await session.detach()
                    if info["targetInfo"]["targetId"] == tab.id:
                        yield page
                        return
            raise EnvironmentFault("Playwright does not see the tab; use full Chromium for tasks with Playwright scripts")
        finally:
            await browser.close()


def _from_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"quintain_script_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
