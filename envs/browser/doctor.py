"""Whether this machine can run web tasks: a page is really drawn."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import NamedTuple

from quintain.envs.browser.discovery import find_browser
from quintain.envs.browser.pool import Pool, PoolOptions
from quintain.errors import QuintainError


class Finding(NamedTuple):
    """One thing that a family needs."""

    name: str
    ok: bool
    detail: str
    remedy: str


def examine() -> list[Finding]:
    """Browser, Playwright and MiniWoB++, each with what is there or how to get it."""
    return [
        _browser(),
        _package("playwright", "set-up scripts and the python action"),
        _package("miniwob", "the MiniWoB++ tasks"),
    ]


def _browser() -> Finding:
    remedy = "quintain setup browser"
    try:
        found = find_browser()
        mode = asyncio.run(_draw())
    except QuintainError as error:
        return Finding("browser", False, str(error), remedy)
    return Finding("browser", True, f"{found.path} draws pages in {mode} mode", "")


async def _draw() -> str:
    pool = Pool(PoolOptions(spares=0))
    try:
        async with await pool.acquire() as context:
            tab = context.tabs[0]
            await tab.navigate("data:text/html,<p>quintain</p>")
            await tab.settle()
            await tab.screenshot()
        return pool.mode
    finally:
        await pool.close()


def _package(name: str, purpose: str) -> Finding:
    present = importlib.util.find_spec(name) is not None
    return Finding(
        name, present, f"{'installed' if present else 'missing'}: {purpose}", "" if present else "quintain setup browser"
    )
