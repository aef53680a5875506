"""A context reaches what its policy allows, and nothing else by any road."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from quintain.envs.browser.isolation import NetworkPolicy
from quintain.envs.browser.pool import Pool, PoolOptions
from quintain.envs.browser.tab import NavigationFailed, PageOptions
from quintain.errors import UsageError

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]
OPTIONS = PageOptions(width=332, height=214)
SHELL, FULL = None, "/usr/bin/chromium"

ROADS = """
const at = path => BASE + '/' + path, add = (tag, set) => document.body.append(Object.assign(document.createElement(tag), set));
add('img', {src: at('img')}); add('script', {src: at('script')});
add('iframe', {src: at('iframe')}); add('object', {data: at('object')});
add('link', {rel: 'stylesheet', href: at('css')}); add('link', {rel: 'prefetch', href: at('prefetch')});
add('link', {rel: 'preconnect', href: at('')}); add('link', {rel: 'dns-prefetch', href: at('')});
add('link', {rel: 'preload', as: 'fetch', href: at('preload')}); add('video', {src: at('video')});
fetch(at('fetch'), {mode: 'no-cors'}).catch(() => 0); fetch(at('keep'), {mode: 'no-cors', keepalive: true}).catch(() => 0);
navigator.sendBeacon(at('beacon'), 'x'); new EventSource(at('events')); new WebSocket(at('socket').replace('http', 'ws'));
window.open(at('popup'));
add('iframe', {srcdoc: `<img src="${at('srcdoc')}"><script>fetch('${at('inner')}', {mode: 'no-cors'})</` + `script>`});
new Worker(URL.createObjectURL(new Blob([`fetch('${at('worker')}', {mode: 'no-cors'}); importScripts('${at('import')}')`])));
add('form', {action: at('form'), target: '_blank', method: 'post'}); document.querySelector('form').submit();
const rtc = new RTCPeerConnection({iceServers: [{urls: 'stun:127.0.0.1:UDP'}]}); rtc.createDataChannel('x');
rtc.createOffer().then(offer => rtc.setLocalDescription(offer));
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[SHELL, FULL])
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    if request.param and not Path(request.param).exists():
        pytest.skip("needs full Chromium")
    pool = Pool(PoolOptions(path=request.param, spares=0))
    yield pool
    await pool.close()


def roads(forbidden: Any, datagrams: Any) -> str:
    script = ROADS.replace("BASE", repr(forbidden.origin)).replace("UDP", str(datagrams.server_address[1]))
    return f"<body><div id=ready>ready</div><script>{script}</script>"


async def test_no_road_leads_from_a_file_to_the_network(pool: Pool, forbidden: Any, datagrams: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(roads(forbidden, datagrams))
    async with await pool.acquire(NetworkPolicy(file_roots=(tmp_path,)), OPTIONS) as context:
        tab = context.tabs[0]
        await tab.navigate(page.as_uri())
        await context.settle(tab, limit_s=3)
        await asyncio.sleep(0.3)
        assert await tab.evaluate("ready.textContent") == "ready"
    assert forbidden.hits == []
    assert datagrams.count == 0


async def test_no_road_leads_from_an_allowed_site_to_another(pool: Pool, site: Any, forbidden: Any, datagrams: Any) -> None:
    if pool.mode != "deterministic":
        pytest.skip("tried in the headless shell")
    away = f"{site.origin}/redirect?to={forbidden.origin}/redirected"
    site.page("/page", roads(forbidden, datagrams) + f"<img src='{away}'><iframe src='{away}'></iframe><img src=/seen>")
    async with await pool.acquire(NetworkPolicy(origins=(site.origin,)), OPTIONS) as context:
        tab = context.tabs[0]
        await tab.navigate(site.origin + "/page")
        await context.settle(tab, limit_s=3, grace_s=0.5)
        await asyncio.sleep(0.3)
        refused = context.refused
    assert forbidden.hits == []
    assert datagrams.count == 0
    assert "/seen" in site.hits
    assert refused[forbidden.origin.removeprefix("http://")] > 0


async def test_an_allowed_origin_is_reached_with_its_popups_workers_and_frames(pool: Pool, site: Any) -> None:
    if pool.mode != "deterministic":
        pytest.skip("tried in the headless shell")
    site.page("/page", "<iframe src=/frame></iframe><script>window.open('/popup'); new Worker('/worker.js')</script>")
    async with await pool.acquire(NetworkPolicy(origins=(site.origin,)), OPTIONS) as context:
        tab = context.tabs[0]
        await tab.navigate(site.origin + "/page")
        await context.settle(tab)
        assert {"/page", "/frame", "/popup", "/worker.js"} <= set(site.hits)
        assert [opened.url for opened in context.tabs[1:]] == [site.origin + "/popup"]


async def test_files_outside_the_roots_stay_closed(pool: Pool, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.html").write_text("<div id=secret>secret</div>")
    (outside / "secret.js").write_text("window.stolen = 'secret'")
    (root / "fine.js").write_text("window.fine = 'fine'")
    (root / "link.js").symlink_to(outside / "secret.js")
    page = root / "page.html"
    page.write_text(
        f"<script src=fine.js></script><script src='{(outside / 'secret.js').as_uri()}'></script><script src=link.js></script>"
        f"<script src='../outside/secret.js'></script><iframe src='{(outside / 'secret.html').as_uri()}'></iframe>"
        f"<script>window.open('{(outside / 'secret.html').as_uri()}'); window.open('fine.js')</script>"
    )
    async with await pool.acquire(NetworkPolicy(file_roots=(root,)), OPTIONS) as context:
        tab = context.tabs[0]
        await tab.navigate(page.as_uri())
        await context.settle(tab)
        assert await tab.evaluate("[window.fine, window.stolen]") == ["fine", None]
        for frame in [frame for opened in context.tabs for frame in opened.frames.all()]:
            assert await frame.evaluate("document.getElementById('secret')?.textContent ?? ''", isolated=True) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "file:///etc/passwd",
        "chrome://version",
        "about:version",
        "javascript:1",
        "view-source:file:///etc/passwd",
    ],
)
async def test_navigating_outside_the_policy_is_refused(pool: Pool, url: str, tmp_path: Path) -> None:
    if pool.mode != "deterministic":
        pytest.skip("tried in the headless shell")
    async with await pool.acquire(NetworkPolicy(file_roots=(tmp_path,)), OPTIONS) as context:
        with pytest.raises(NavigationFailed) as caught:
            await context.tabs[0].navigate(url)
        assert caught.value.blocked


async def test_contexts_share_no_cookies(pool: Pool, site: Any) -> None:
    if pool.mode != "deterministic":
        pytest.skip("tried in the headless shell")
    site.page("/page", "<script>document.cookie = 'who=first'</script>")
    policy = NetworkPolicy(origins=(site.origin,))
    async with await pool.acquire(policy, OPTIONS) as first, await pool.acquire(policy, OPTIONS) as second:
        await first.tabs[0].navigate(site.origin + "/page")
        assert [cookie["name"] for cookie in await first.cookies()] == ["who"]
        assert await second.cookies() == []


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize(
    ("origin", "url", "allowed"),
    [
        ("https://a.org", "https://a.org/x", True),
        ("https://a.org", "wss://a.org/x", True),
        ("https://a.org", "http://a.org/x", False),
        ("https://a.org", "https://a.org:8443/", False),
        ("https://a.org", "https://a.org.evil.com/", False),
        ("https://a.org", "https://a.org@evil.com/", False),
        ("https://*.a.org", "https://b.a.org/", True),
        ("https://*.a.org", "https://ba.org/", False),
        ("http://127.0.0.1:*", "http://127.0.0.1:8000/", True),
        ("http://127.0.0.1:8000", "http://localhost:8000/", False),
        ("*", "https://anything.example/", True),
        ("*", "ftp://anything.example/", False),
    ],
)
async def test_an_origin_admits_exactly_itself(origin: str, url: str, allowed: bool) -> None:
    assert NetworkPolicy(origins=(origin,)).allows(url) is allowed


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("origin", ["a.org", "ftp://a.org", "https://a.org/path", "https://"])
async def test_a_malformed_origin_is_rejected(origin: str) -> None:
    with pytest.raises(UsageError, match="origin"):
        NetworkPolicy(origins=(origin,))
