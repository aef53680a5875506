"""Settling: what a page does after an action is seen, and what never ends holds nothing up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from quintain.envs.browser.context import Context
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.pool import Pool, PoolOptions
from quintain.envs.browser.tab import PageOptions, Tab

# The other modes keep the same contract; what is slow in real time is tried in these tests only.
EVERYWHERE = ("900_ms", "slow_request", "css_transition", "navigates", "stands_still", "advancing")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]
OPTIONS = PageOptions(width=332, height=214)
BUTTON = "<button id=b style='position:absolute;left:0;top:0;width:100px;height:50px'>go</button><div id=out>none</div>"


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["deterministic", "virtual", "realtime"])
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    path = "/usr/bin/chromium" if request.param == "virtual" and Path("/usr/bin/chromium").exists() else None
    pool = Pool(PoolOptions(path=path, mode=request.param))
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(pool: Pool, site: Any) -> AsyncIterator[Context]:
    async with await pool.acquire(NetworkPolicy(origins=(site.origin,)), OPTIONS) as context:
        yield context


@pytest.fixture
def opened(request: pytest.FixtureRequest, context: Context, site: Any) -> Callable[[str], Any]:
    if context.host.mode != "deterministic" and not any(word in request.node.name for word in EVERYWHERE):
        pytest.skip("tried in deterministic mode")

    async def open_page(script: str) -> Tab:
        tab = context.tabs[0]
        page = f"<style>#b{{transition:margin-left 400ms}}#b.moved{{margin-left:150px}}</style>{BUTTON}<script>{script}</script>"
        await tab.navigate(site.page("/page", page))
        await tab.settle()
        return tab

    return open_page


async def clicked(tab: Tab, **settling: Any) -> tuple[str, Any]:
    await tab.click(50, 25)
    settled = await tab.settle(**settling)
    return await tab.evaluate("out.textContent"), settled


async def test_a_timer_900_ms_after_the_click_is_included(opened: Any) -> None:
    tab = await opened("b.onclick = () => setTimeout(() => out.textContent = 'late', 900)")
    assert (await clicked(tab))[0] == "late"


async def test_a_slow_request_followed_by_a_timer_is_included(opened: Any) -> None:
    tab = await opened(
        "b.onclick = async () => { await fetch('/slow?ms=300'); setTimeout(() => out.textContent = 'fetched', 300) }"
    )
    assert (await clicked(tab))[0] == "fetched"


async def test_the_end_of_a_css_transition_is_included(opened: Any) -> None:
    tab = await opened("b.onclick = () => { b.className = 'moved'; b.ontransitionend = () => out.textContent = 'ended' }")
    text, settled = await clicked(tab)
    assert text == "ended"
    assert await tab.evaluate("b.getBoundingClientRect().left") == 150
    assert settled.reason == "quiet"


async def test_an_animation_by_animation_frames_runs_to_its_end(opened: Any) -> None:
    tab = await opened(
        """b.onclick = () => { const start = performance.now(); let frames = 0; (function step() { frames++;
        if (performance.now() - start < 400) requestAnimationFrame(step); else out.textContent = frames; })() }"""
    )
    text, settled = await clicked(tab)
    assert int(text) > 10
    assert settled.reason == "quiet"


async def test_an_animation_that_a_timer_starts_runs_to_its_end(opened: Any) -> None:
    tab = await opened(
        "b.onclick = () => setTimeout(() => { b.className = 'moved'; b.ontransitionend = () => out.textContent = 'ended' }, 300)"
    )
    assert (await clicked(tab))[0] == "ended"


async def test_a_click_that_navigates_ends_in_the_next_document(opened: Any, site: Any) -> None:
    site.page("/next", "<div id=out>second</div><script>setTimeout(() => out.textContent = 'third', 500)</script>")
    tab = await opened("b.onclick = () => location.href = '/next?ms=200'")
    assert (await clicked(tab))[0] == "third"


async def test_endless_polling_does_not_block(opened: Any) -> None:
    tab = await opened("(function poll() { fetch('/slow?ms=1').then(() => setTimeout(poll, 100)) })()")
    _, settled = await clicked(tab, limit_s=4)
    assert settled.wall_ms < 6000


@pytest.mark.parametrize("opening", ["new EventSource('/events')", "fetch('/hang')", "new WebSocket('/hang')"])
async def test_a_request_without_end_is_ignored_after_the_grace_period(opened: Any, opening: str) -> None:
    tab = await opened(f"b.onclick = () => {{ window.held ??= {opening}; setTimeout(() => out.textContent = 'done', 500) }}")
    text, first = await clicked(tab, grace_s=0.4, limit_s=8)
    assert text == "done"
    assert first.reason in ("network", "quiet")
    await tab.evaluate("out.textContent = 'again'")
    text, second = await clicked(tab, grace_s=0.4, limit_s=8)
    assert text == "done"
    assert second.reason == first.reason


async def test_an_endless_animation_ends_with_the_budget(opened: Any) -> None:
    tab = await opened("(function spin() { requestAnimationFrame(spin) })()")
    _, settled = await clicked(tab, limit_s=10)
    assert settled.reason == "moving"


async def test_the_page_clock_stands_still_between_actions(opened: Any, pool: Pool) -> None:
    if pool.mode == "realtime":
        pytest.skip("real time passes")
    tab = await opened("")
    before = await tab.evaluate("performance.now()")
    for _ in range(20):
        await tab.evaluate("1")
    assert await tab.evaluate("performance.now()") == before


async def test_advancing_lets_that_much_page_time_pass(opened: Any, pool: Pool) -> None:
    tab = await opened("")
    before = await tab.evaluate("performance.now()")
    passed = await tab.advance(300)
    elapsed = await tab.evaluate("performance.now()") - before
    assert elapsed == pytest.approx(300, abs=1 if pool.mode != "realtime" else 200)
    assert passed.reason == "quiet"
