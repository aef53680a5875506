"""Tabs: frames, windows, dialogs, downloads, input, pictures, time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from quintain.envs.browser.cdp import CallTimeout
from quintain.envs.browser.context import Context
from quintain.envs.browser.frame import ScriptError
from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.pool import Pool, PoolOptions
from quintain.envs.browser.tab import DialogAnswer, NavigationFailed, PageOptions
from quintain.errors import UsageError

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]
OPTIONS = PageOptions(width=332, height=214, timezone="Asia/Tokyo", locale="de-DE")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(pool: Pool, site: Any, tmp_path: Path) -> AsyncIterator[Context]:
    policy = NetworkPolicy(origins=(site.origin, site.origin.replace("127.0.0.1", "localhost")), file_roots=(tmp_path,))
    async with await pool.acquire(policy, OPTIONS) as context:
        yield context


async def test_a_page_sees_the_chosen_time_zone_locale_and_clock(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", ""))
    seen = await tab.evaluate(
        "[new Date().getFullYear(), new Date().getTimezoneOffset(), (1.5).toLocaleString(), navigator.userAgent]"
    )
    assert seen[:3] == [2026, -540, "1,5"]
    assert "Headless" not in seen[3]


async def test_the_isolated_world_shares_the_document_and_no_globals(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", "<p id=p>text</p><script>window.mine = 1</script>"))
    assert await tab.evaluate("[p.textContent, window.mine]") == ["text", 1]
    assert await tab.call("name => [document.getElementById(name).textContent, window.mine ?? null]", "p", isolated=True) == [
        "text",
        None,
    ]
    with pytest.raises(ScriptError, match="boom"):
        await tab.evaluate("throw new Error('boom')")


async def test_iframes_are_reached_also_across_sites(context: Context, site: Any) -> None:
    other = site.page("/inner", "<p id=p>inner</p>").replace("127.0.0.1", "localhost")
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", f"<iframe src=/inner></iframe><iframe src='{other}'></iframe>"))
    await tab.settle()
    frames = tab.frames.all()
    assert [await frame.evaluate("document.getElementById('p')?.textContent", isolated=True) for frame in frames[1:]] == [
        "inner"
    ] * 2
    await tab.evaluate("document.querySelector('iframe').remove()")
    await tab.settle()
    assert len(tab.frames.all()) == 2


async def test_a_window_that_a_click_opens_is_a_loaded_tab(context: Context, site: Any) -> None:
    site.page("/popup", "<title>new</title><p id=p>0</p><script>setTimeout(() => p.textContent = 'later', 400)</script>")
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", "<a href=/popup target=_blank style='display:block;height:100px'>open</a>"))
    await tab.click(20, 20)
    await context.settle(tab)
    popup = context.tabs[1]
    assert [await popup.title(), await popup.evaluate("p.textContent")] == ["new", "later"]
    assert (await popup.screenshot()).ndim == 3
    await popup.close()
    assert context.tabs == [tab]
    assert (await tab.settle()).reason == "quiet"


async def test_dialogs_are_answered_and_recorded(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", ""))
    assert await tab.evaluate("[alert('a'), confirm('b'), prompt('c', 'default')]") == [None, True, "default"]
    tab.answer_dialog = lambda kind, message, default: DialogAnswer(kind == "prompt", "typed")
    assert await tab.evaluate("[confirm('d'), prompt('e')]") == [False, "typed"]
    assert [(dialog.kind, dialog.message) for dialog in tab.dialogs] == [
        ("alert", "a"), ("confirm", "b"), ("prompt", "c"), ("confirm", "d"), ("prompt", "e"),
    ]  # fmt: skip


async def test_a_download_lands_in_the_scratch_folder(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", "<a href=/file style='display:block;height:100px'>get</a>"))
    await tab.click(20, 20)
    await tab.settle()
    for _ in range(100):
        if context.downloads and context.downloads[0].state == "completed":
            break
        await asyncio.sleep(0.02)
    (download,) = context.downloads
    assert (download.name, download.path.read_text()) == ("report.txt", "downloaded")


async def test_typing_pressing_and_combinations_reach_the_focused_field(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    await tab.navigate(
        site.page("/page", "<form onsubmit='window.sent = 1; return false'><input id=i style='height:40px'></form>")
    )
    await tab.click(20, 20)
    await tab.input.type("Hello, Wörld! 1@")
    assert await tab.evaluate("i.value") == "Hello, Wörld! 1@"
    await tab.input.press("Control+a")
    await tab.input.press("Backspace")
    await tab.input.insert("inserted")
    await tab.input.press("Enter")
    assert await tab.evaluate("[i.value, window.sent]") == ["inserted", 1]
    with pytest.raises(UsageError, match="no key is named 'Bogus'"):
        await tab.input.press("Control+Bogus")


async def test_buttons_wheel_and_modifiers_are_what_the_page_sees(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    script = (
        "window.seen = []; for (const kind of ['click', 'dblclick', 'contextmenu'])"
        "addEventListener(kind, e => seen.push([kind, e.ctrlKey]))"
    )
    await tab.navigate(site.page("/page", f"<div style='height:2000px'></div><script>{script}</script>"))
    await tab.click(20, 20, modifiers=["Control"])
    await tab.click(60, 60, count=2)
    await tab.click(20, 20, button="right")
    assert await tab.evaluate("seen") == [
        ["click", True],
        ["click", False],
        ["click", False],
        ["dblclick", False],
        ["contextmenu", False],
    ]
    await tab.input.wheel(50, 50, dy=300)
    await tab.settle()
    assert await tab.evaluate("scrollY") == 300


async def test_dragging_works_by_mouse_events_and_natively(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    style = "position:absolute;width:60px;height:60px;top:0;"
    native = (
        f"<div draggable=true style='{style}left:0' ondragstart='event.dataTransfer.setData(\"text\", \"dragged\")'></div>"
        f"<div style='{style}left:100px' ondragover='event.preventDefault()'"
        " ondrop='window.dropped = event.dataTransfer.getData(\"text\")'></div>"
    )
    await tab.navigate(site.page("/page", native))
    await tab.input.drag((30, 30), (130, 30))
    assert await tab.evaluate("window.dropped") == "dragged"
    await tab.navigate(
        site.page(
            "/plain",
            "<script>window.moves = 0; onmousemove = e => { if (e.buttons) moves++ };"
            "onmouseup = e => window.end = e.clientX</script>",
        )
    )
    await tab.input.drag((30, 30), (130, 30))
    assert await tab.evaluate("[moves > 3, window.end]") == [True, 130]


async def test_files_are_put_into_a_file_field(context: Context, site: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    tab = context.tabs[0]
    await tab.navigate(site.page("/page", "<input id=i type=file>"))
    await tab.frames.main.set_files("i", [tmp_path / "a.txt"])
    assert await tab.evaluate("i.files[0].name") == "a.txt"


async def test_history_goes_back_forward_and_reloads(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    first, second = site.page("/one", "one"), site.page("/two", "two")
    await tab.navigate(first)
    await tab.navigate(second)
    assert await tab.go(-1)
    assert tab.url == first
    assert await tab.go(1)
    assert not await tab.go(1)
    await tab.reload()
    assert await tab.evaluate("document.body.textContent") == "two"


async def test_an_address_that_does_not_answer_fails_and_the_tab_lives_on(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    with pytest.raises(NavigationFailed) as caught:
        await tab.navigate(site.origin + "/hang", limit_s=0.5)
    assert not caught.value.blocked
    await tab.navigate(site.page("/page", "fine"))
    assert await tab.evaluate("document.body.textContent") == "fine"


async def test_an_endless_loop_times_out(pool: Pool) -> None:
    async with await pool.acquire(NetworkPolicy(), OPTIONS) as context:
        with pytest.raises(CallTimeout):
            await context.tabs[0].evaluate("while (true) {}", timeout_s=0.5)


@pytest.mark.parametrize("browser_scale", [1.0, 1.5])
async def test_the_screenshot_shows_the_page_at_its_scale(browser_scale: float, tmp_path: Path) -> None:
    pool = Pool(PoolOptions(scale=browser_scale, spares=0))
    page = tmp_path / "red.html"
    page.write_text("<body style='margin:0;background:#f00'><div style='width:50px;height:50px;background:#00f'>")
    async with await pool.acquire(
        NetworkPolicy(file_roots=(tmp_path,)), PageOptions(width=200, height=100, scale=1.5)
    ) as context:
        await context.tabs[0].navigate(page.as_uri())
        pixels = await context.tabs[0].screenshot()
        assert pixels.shape == (150, 300, 3)
        assert pixels.dtype == np.uint8
        assert pixels[10, 10].tolist() == [0, 0, 255]
        assert pixels[140, 290].tolist() == [255, 0, 0]
    await pool.close()


async def test_two_browsers_draw_the_same_pixels_at_the_same_page_time(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<canvas id=c width=300 height=180></canvas><script>const g = c.getContext('2d'); (function draw() {"
        "g.fillStyle = `hsl(${Math.random() * 360}, 80%, 50%)`; g.fillRect(Math.random() * 300, Math.random() * 180, 20, 20);"
        "g.fillText(`${window.frames_ = (window.frames_ ?? 0) + 1}`, 5, 15); requestAnimationFrame(draw) })()</script>"
    )
    pictures = []
    for _ in range(3):
        pool = Pool(PoolOptions(spares=0))
        async with await pool.acquire(NetworkPolicy(file_roots=(tmp_path,)), OPTIONS) as context:
            tab = context.tabs[0]
            await tab.navigate(page.as_uri())
            await tab.settle()
            await tab.click(50, 50)
            await tab.settle()
            pictures.append(await tab.screenshot())
        await pool.close()
    # About one start of a browser in thirty draws this canvas otherwise, for a reason that is not known: two of three must agree.
    assert any(np.array_equal(a, b) for a, b in itertools.combinations(pictures, 2))


async def test_many_contexts_act_at_once(pool: Pool, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<button id=b style='width:100px;height:50px' onclick='setTimeout(() => b.textContent = ++window.n, 500)'>0</button>"
        "<script>n=0</script>"
    )

    async def episode() -> str:
        async with await pool.acquire(NetworkPolicy(file_roots=(tmp_path,)), OPTIONS) as context:
            tab = context.tabs[0]
            await tab.navigate(page.as_uri())
            for _ in range(5):
                await tab.click(30, 30)
                await tab.settle()
                assert (await tab.screenshot()).shape == (214, 332, 3)
            return str(await tab.evaluate("b.textContent"))

    assert await asyncio.gather(*[episode() for _ in range(8)]) == ["5"] * 8


async def test_the_clock_goes_on_across_sites(context: Context, site: Any) -> None:
    tab = context.tabs[0]
    page = site.page("/page", "")
    for url in (page, page.replace("127.0.0.1", "localhost"), page):
        await tab.navigate(url)
        await tab.settle()
    assert await tab.evaluate("Date.now()") == pytest.approx(OPTIONS.start_s * 1000 + 3000, abs=200)
