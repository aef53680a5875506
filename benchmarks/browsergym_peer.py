"""browsergym-core with browsergym-miniwob, driven by `peer.Peer`; runs under the peer's own Python."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer import serve

html = Path(importlib.util.find_spec("miniwob").submodule_search_locations[0]) / "html"
os.environ["MINIWOB_URL"] = (html / "miniwob").as_uri() + "/"

import browsergym.miniwob  # noqa: E402, F401 (registers its tasks)
import gymnasium  # noqa: E402
from browsergym.utils.obs import flatten_axtree_to_str  # noqa: E402
from playwright.sync_api import BrowserType  # noqa: E402

# The chat window's browser takes no options: the only way to give it the system's Chromium is at launch.
_launch = BrowserType.launch
_flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
          "--disable-sync"]  # fmt: skip


def _launch_system(self: Any, **options: Any) -> Any:
    options["args"] = [*(options.get("args") or []), *_flags]
    return _launch(self, **{**options, "executable_path": shutil.which("chromium")})


BrowserType.launch = _launch_system
state: dict[str, Any] = {}


def reset(task: str, seed: int) -> float:
    """Milliseconds of a reset, the environment being made anew when the task changes."""
    if state.get("task") != task:
        close()
        state.update(env=gymnasium.make(f"browsergym/miniwob.{task}"), task=task)
    began = time.perf_counter()
    state["obs"], _ = state["env"].reset(seed=seed)
    return (time.perf_counter() - began) * 1000


def on_first(action: str, role: str) -> dict[str, float]:
    """Do an action to the first element of a role; milliseconds and reward."""
    text = flatten_axtree_to_str(state["obs"]["axtree_object"])
    found = re.search(rf"\[(\w+)\] {role}", text)
    return step(f'{action}("{found.group(1)}")')


def click(role: str) -> dict[str, float]:
    return on_first("click", role)


def hover(role: str) -> dict[str, float]:
    return on_first("hover", role)


def step(action: str) -> dict[str, float]:
    began = time.perf_counter()
    state["obs"], reward, *_ = state["env"].step(action)
    return {"ms": (time.perf_counter() - began) * 1000, "reward": float(reward)}


def observe(html: str) -> float:
    """Milliseconds of a step that does nothing on the given page."""
    state["env"].unwrapped.page.set_content(html)
    return step("noop(0)")["ms"]


def close() -> None:
    if "env" in state:
        state.pop("env").close()
        state.clear()


serve({"reset": reset, "click": click, "hover": hover, "step": step, "observe": observe, "close": close})
