"""Find a Chromium-family browser on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from quintain.errors import Unavailable

ENV_VAR: Final = "QUINTAIN_BROWSER"
SHELL_NAMES: Final = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
FULL_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW: Final = (
    "install one (`apt install chromium-headless-shell` or `playwright install chromium-headless-shell`) or set " + ENV_VAR
)


class Browser(NamedTuple):
    """A browser binary; ``is_shell`` says that it is the headless shell, the only one with begin-frame control."""

    path: str
    is_shell: bool


def find_browser(path: str | None = None, *, shell: bool | None = None) -> Browser:
    """The browser to use: ``path``, else ``$QUINTAIN_BROWSER``, else an installed headless shell, else Chromium or Chrome, else
    Playwright's download cache. ``shell`` narrows the search to the headless shell (True) or a full browser (False).

    Raises Unavailable when there is none; an explicit path that does not exist is never replaced by another browser.
    """
    named = path or os.environ.get(ENV_VAR)
    if named:
        resolved = shutil.which(named)
        if resolved is None:
            origin = "the given path" if path else f"${ENV_VAR}"
            raise Unavailable(f"no browser at {named} ({origin}): correct it, or {HOW}")
        return _described(resolved)
    for candidate in _candidates():
        if shell is None or candidate.is_shell == shell:
            return candidate
    kind = {None: "browser", True: "headless shell", False: "full Chromium"}[shell]
    raise Unavailable(f"no {kind} found on PATH or in Playwright's cache: {HOW}")


def _candidates() -> Iterator[Browser]:
    for name in (*SHELL_NAMES, *FULL_NAMES):
        found = shutil.which(name)
        if found:
            yield _described(found)
    cache = _playwright_cache()
    if cache.is_dir():
        # Folder names end in a build number; the newest build comes first.
        folders = sorted(cache.glob("chromium*"), key=lambda folder: _build(folder.name), reverse=True)
        binaries = [Browser(str(file), file.name in SHELL_NAMES) for folder in folders for file in _binaries(folder)]
        yield from sorted(binaries, key=lambda browser: not browser.is_shell)


def _binaries(folder: Path) -> list[Path]:
    names = {"chrome", *SHELL_NAMES}
    return [file for file in folder.glob("*/*") if file.name in names and os.access(file, os.X_OK)]


def _build(name: str) -> int:
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _playwright_cache() -> Path:
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    return Path(chosen) if chosen and chosen != "0" else Path.home() / ".cache" / "ms-playwright"


def _described(path: str) -> Browser:
    name = Path(path).resolve().name
    return Browser(path, "headless" in name and "shell" in name)
