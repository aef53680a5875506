"""MiniWoB++: the pages of PyPI's ``miniwob`` package, used as data (the package is never imported).

`pages.json` has the facts of each page, `begin.js` starts an episode in a loaded page, `probe.js` asks it for the reward. Page
time is the browser's virtual time, which stands still between actions, and by default a page's own time limit is lifted: a slow
agent loses nothing. The human's reward display is taken out of the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import JsonValue

from quintain.core import EvaluatorSpec, Limits, Meta, Probe, Suite, Task

PACKAGE = "package:miniwob/html"
VIEWPORT = (160, 210)
FLIGHT_VIEWPORT = (375, 667)
"""Sizes of the task area; the rest is for humans (miniwob, html/core/core.css and html/flight/flight-common/wrapper.css)."""

_COMMENTS = re.compile(r"^//.*\n", re.MULTILINE)
Mode = Literal["default", "train", "test"]
Reward = Literal["binary", "raw", "discounted"]


def suite() -> Suite:
    """All 130 pages and the three flight tasks, ids ``miniwob/NAME``."""
    return _named("miniwob", "MiniWoB++: all 130 pages and 3 flight-booking tasks", map(task, pages()))


def suite_125() -> Suite:
    """The 125 pages that BrowserGym's benchmark has; their ids are those of the suite ``miniwob``."""
    rows = [page for page in pages() if page["category"] not in ("flight", "unregistered")]
    return _named("miniwob-125", "MiniWoB++: the 125 pages of BrowserGym's benchmark", map(task, rows))


def suite_timed() -> Suite:
    """All tasks with each page's own time limit, in page time, and the reward discounted by it; ids ``miniwob-timed/NAME``."""
    tasks = [task(page, suite="miniwob-timed", keep_limit=True, reward="discounted") for page in pages()]
    return _named("miniwob-timed", "MiniWoB++ with the pages' own time limits and discounted rewards", tasks)


def suite_held_out() -> Suite:
    """The seven pages that have held-out data for testing, with those; ids ``miniwob-held-out/NAME``."""
    tasks = [task(page, suite="miniwob-held-out", mode="test") for page in pages() if page.get("modes")]
    return _named("miniwob-held-out", "MiniWoB++ pages that have test data, with those", tasks)


@cache
def pages() -> tuple[dict[str, Any], ...]:
    """The rows of `pages.json`."""
    return tuple(json.loads(_read("pages.json"))["pages"])


def task(
    page: dict[str, Any],
    *,
    suite: str = "miniwob",
    mode: Mode = "default",
    keep_limit: bool = False,
    reward: Reward = "binary",
) -> Task:
    """The task of one page. A variant needs a suite name of its own, so that ids stay unique."""
    flight, name = page["category"] == "flight", page["name"]
    options = {"mode": mode, "keep_limit": keep_limit, "fields": page.get("fields", [])}
    place: dict[str, JsonValue] = {"root": PACKAGE, "start": [f"{PACKAGE}/{page['page']}"]}
    if flight:
        place = {"serve": PACKAGE, "start": [f"served:/{page['page']}"]}
    return Task(
        id=f"{suite}/{name}",
        env="browser",
        setup={
            **place,
            "viewport": list(FLIGHT_VIEWPORT if flight else VIEWPORT),
            "begin": f"(seed) => ({_read('begin.js')})(seed, {json.dumps(options)})",
        },
        evaluator=EvaluatorSpec(
            id="page_reward",
            options={"reward": reward, "full": page.get("full", 1.0)},
            probe=Probe(query={"script": _read("probe.js")}),
            when="step",
        ),
        limits=Limits(steps=page["steps"]),
        meta=Meta(
            family="browser",
            capabilities=tuple(page["needs"]),
            domain=page["category"],
            tags=tuple(page.get("tags", ())),
            split=page.get("split"),
            version_of=None if suite == "miniwob" else f"miniwob/{name}",
            licence="MIT",
            source="miniwob 1.1.0, https://github.com/Farama-Foundation/miniwob-plusplus",
            requires=("miniwob",),
        ),
    )


def _named(name: str, description: str, tasks: Iterable[Task]) -> Suite:
    return Suite(name, description, {each.id: each for each in tasks})


@cache
def _read(name: str) -> str:
    """A data file of this folder, without the comment lines at its head."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return text if name.endswith(".json") else _COMMENTS.sub("", text).strip()
