"""What a task may set up, reach and ask for, and what becomes of an episode whose browser breaks."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from pages import Open

import quintain
from quintain.core import EvaluatorSpec, Probe, Task
from quintain.errors import EnvironmentFault, TaskError, UsageError
from quintain.spaces import (
    Click,
    Goto,
    Hover,
    Noop,
    Point,
    Python,
    Reload,
    Wait,
)  # fmt: skip


def test_page_time_stands_still_between_actions_and_wait_moves_it(open_page: Open) -> None:
    page = open_page(
        "<p id=t></p><script>setInterval(() => t.textContent = Math.round(performance.now() / 1000) + 's', 1000)</script>"
    )
    before = page.text()
    threading.Event().wait(1.2)
    page.do(Click(target=Point(x=1, y=1)))
    page.do(Wait(seconds=60))
    seconds = [int(word[:-1]) for word in page.text().replace('"', " ").split() if word[:-1].isdigit() and word.endswith("s")]
    assert before != page.text() and 60 <= seconds[0] <= 64


def test_what_a_task_does_not_allow_cannot_be_reached(open_page: Open, forbidden: Any, tmp_path: Path) -> None:
    outside = tmp_path.parent / "secret.html"
    outside.write_text("<p>secret</p>")
    page = open_page(f"<iframe src='{outside.as_uri()}'></iframe><img src='{forbidden.origin}/x.png'>")
    assert "secret" not in page.text()
    for url in (outside.as_uri(), "file:///etc/passwd", forbidden.origin, "http://169.254.0.1/"):
        assert "outside what this task allows; allowed: root:/" in (page.do(Goto(url=url)).error or ""), url
    assert forbidden.hits == []


def test_nothing_is_left_for_the_next_episode(open_page: Open, site: Any) -> None:
    site.page("/", "<p id=p></p><script>p.textContent = (document.cookie || 'none') + '|' + (localStorage.x || 'none');"
              "document.cookie = 'a=1'; localStorage.x = 'kept'</script>")  # fmt: skip
    page = open_page(start=[f"{site.origin}/"], allow=[site.origin])
    page.do(Reload())
    assert "a=1|kept" in page.text()
    page.seen, _ = page.env.reset(seed=2)
    assert "none|none" in page.text()


def test_served_folders_are_reachable_and_their_server_goes_away(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "served.html").write_text("<p>over http</p>")
    page = open_page(start=["served:/served.html"], root=None, serve=str(tmp_path))
    assert "over http" in page.text()
    assert (page.seen.windows[0].url or "").startswith("http://127.0.0.1:")


def test_begin_gets_the_seed_and_states_the_goal(open_page: Open) -> None:
    begin = "async seed => { await new Promise(r => setTimeout(r, 500)); return {goal: 'seed ' + seed, fields: {n: 3}} }"
    page = open_page("<p>x</p>", begin=begin)
    assert (page.seen.goal, page.seen.goal_fields) == ("seed 1", {"n": "3"})
    page.seen, _ = page.env.reset(seed=2**64 - 1)
    assert page.seen.goal == "seed 18446744073709551615"


def test_wrong_set_ups_name_the_field(open_page: Open, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"setup\.begin: JavaScript failed"):
        open_page("<p>x", begin="() => nothing.here")
    with pytest.raises(TaskError, match=r"setup\.colour"):
        open_page("<p>x", colour="red")
    with pytest.raises(TaskError, match="does not exist"):
        open_page("<p>x", root=str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="smell"):
        open_page("<p>x", observe=("smell",))


def test_a_probe_gives_evidence_and_ends_the_episode(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<button onclick='window.n = (window.n || 0) + 1'>Count</button>")
    spec = EvaluatorSpec(
        id="page_state",
        probe=Probe(query={"script": "() => ({n: window.n || 0, done: window.n >= 2})", "page": True}),
        when="step",
    )
    setup = {"start": ["root:/index.html"], "root": str(tmp_path)}
    task = Task(id="test/count", env="browser", setup=setup, evaluator=spec, reference={"n": 2})
    with quintain.make(task) as env:
        seen, _ = env.reset(seed=0)
        assert seen.elements is not None
        ref = seen.elements.one(role="button").ref
        first, second = env.step(Click(target=ref)), env.step(Click(target=ref))
        assert (first.reward, first.terminated) == (0.0, False)
        assert (second.reward, second.terminated) == (1.0, True)


def test_a_playwright_script_prepares_the_page_and_python_is_opt_in(open_page: Open, tmp_path: Path) -> None:
    script = tmp_path / "prepare.py"
    script.write_text(
        "async def prepare(page, seed):\n"
        "    await page.get_by_label('Name').fill('Ada')\n"
        "    return f'goal {seed} ' + await page.title()\n"
    )
    page = open_page(script=f"{script}:prepare", options={"python": True})
    assert page.seen.goal == "goal 1 Form"
    assert page.seen.elements is not None and page.seen.elements.one(role="textbox", name="Name").value == "Ada"
    page.do(Python(code="await page.get_by_label('Name').fill('Bob')"))
    assert page.seen.elements.one(role="textbox", name="Name").value == "Bob"
    assert "ZeroDivisionError" in (page.do(Python(code="1 / 0")).error or "")
    assert "no action of this environment" in (open_page().do(Python(code="1")).error or "")


def test_the_same_actions_replay_to_the_same_observations(open_page: Open) -> None:
    html = "<p id=p></p><button onclick='p.textContent = Math.random() + \" \" + Date.now()'>Roll</button>"
    shown = []
    for _ in range(2):
        page = open_page(html, observe=("elements", "screenshot", "windows"), begin="s => Math.seedrandom && s")
        if not page.env.capabilities.replay:
            pytest.skip("needs the headless shell: only its deterministic mode replays exactly")
        shown.append([page.seen, page.do(Hover(target=page.ref("button", "Roll"))), page.do(Wait(seconds=1))])
    assert shown[0] == shown[1]


def test_a_killed_browser_ends_its_episodes_and_the_next_reset_gets_a_new_one(open_page: Open) -> None:
    page, other = open_page(), open_page()
    supervisor = psutil.Process(page.env.environment.world._context.host.process.pid)  # type: ignore[attr-defined]
    browser = supervisor.children(recursive=True)
    for process in browser:
        process.kill()
    psutil.wait_procs(browser, timeout=10)
    for each in (page, other):
        with pytest.raises(EnvironmentFault):
            each.do(Noop())
        each.seen, _ = each.env.reset(seed=1)
        assert each.do(Noop()).error is None


def test_a_crashed_page_ends_only_its_own_episode(open_page: Open) -> None:
    page, other = open_page(), open_page()
    with pytest.raises(EnvironmentFault):
        page.do(Goto(url="chrome://crash"))
        world = page.env.environment.world
        asyncio.run_coroutine_threadsafe(
            world._pages.active.session.send("Page.crash", timeout_s=1.0),  # type: ignore[attr-defined]
            quintain.background.loop(),
        ).exception(5)
        page.do(Noop())
    assert other.do(Noop()).error is None
    page.seen, _ = page.env.reset(seed=1)
    assert page.do(Noop()).error is None
