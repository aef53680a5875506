"""Which families of environments and which kinds of language models work on this machine, what is missing, how to get it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from .config import available_cores
from .errors import InfrastructureError, QuintainError, Unavailable, UsageError, one_line
from .registry import catalog, load, lookup, suggest

APT: Mapping[str, tuple[str, ...]] = {
    "browser": ("chromium-headless-shell", "fonts-liberation", "fonts-dejavu-core"),
    "repo": (
        "bubblewrap",
        "r-base-core",
        "r-cran-survival",
        "r-cran-mass",
        "r-cran-boot",
        "gcc",
        "libc6-dev",
        "make",
    ),
}
"""Debian packages of each family."""

WITHOUT_APT: Mapping[str, tuple[str, ...]] = {
    "browser": ("playwright install --with-deps chromium-headless-shell",),
}
"""What brings the same where there is no apt."""

MODELS: Mapping[str, str] = {
    "agents": "quintain.agents.llm.checks:endpoints",
    "local": "quintain.agents.llm.checks:local",
}
"""What agents that are language models need, by extra: no environment, and optional unless it is asked for."""

EXTRAS: Mapping[str, str] = {**MODELS, "marl": "quintain.multiagent.checks:worlds"}
"""These, and worlds that are no environment of the catalog; optional likewise."""

COMMAND_SECONDS = 1800


class Check(NamedTuple):
    """One part of a family or of an extra, whether it works, what was found, and how to get it if it does not."""

    family: str
    part: str
    ok: bool
    detail: str
    remedy: str = ""


class Step(NamedTuple):
    """One command of a set-up, and what became of it: `done`, or `to do` by somebody with the rights."""

    command: str
    state: str


def families() -> list[str]:
    """The families whose environment is in the catalog."""
    return list(catalog("environments"))


def examine(wanted: Iterable[str] = ()) -> list[Check]:
    """Check the basics and what is wanted, families and extras (all by default), by really starting what they need.

    Raises:
        UsageError: a family or an extra that this version does not have.
    """
    names = list(wanted)
    for name in names:
        known_part(name)
    found = [check for name in names or families() for check in (_extra(name) if name in EXTRAS else _family(name))]
    return [*basics(), *found, *(check for name in EXTRAS if not names for check in _extra(name, optional=True))]


def known_part(name: str) -> str:
    """`name` if this version has that family or extra, else a `UsageError`."""
    if name not in (known := [*families(), *EXTRAS]):
        raise UsageError(f"{name!r} is not part of this version{suggest(name, known)}")
    return name


def basics() -> list[Check]:
    """What every family stands on."""
    python = platform.python_version()
    ray = importlib.util.find_spec("ray") is not None
    return [
        Check("basics", "python", sys.version_info >= (3, 11), f"{python} at {sys.executable}", "use Python 3.11 or newer"),
        Check("basics", "gymnasium", True, metadata.version("gymnasium")),
        _sqlite(),
        _writable(Path.cwd()),
        Check("basics", "executor local", True, f"{available_cores()} cores"),
        Check("basics", "executor ray (optional)", True, "installed" if ray else "not installed; pip install 'quintain[ray]'"),
    ]


def _sqlite() -> Check:
    # Upserts came with 3.24, and a write-ahead log needs shared memory, which some network file systems do not have.
    ok = sqlite3.sqlite_version_info >= (3, 24)
    return Check("basics", "sqlite", ok, sqlite3.sqlite_version, "use a Python that is built with SQLite 3.24 or newer")


def _writable(folder: Path) -> Check:
    ok = os.access(folder, os.W_OK)
    detail = f"{shutil.disk_usage(folder).free / 2**30:.1f} GiB free" if ok else f"{folder} is read-only"
    return Check("basics", "current folder", ok, detail, "run from a folder that you may write to, or give --out")


def _family(name: str) -> list[Check]:
    try:
        doctor = getattr(lookup("environments", name), "doctor", None)
        if doctor is None:
            return [Check(name, "environment", True, "imports; it has no check of its own")]
        return [Check(name, *found) for found in doctor()]
    except QuintainError as error:
        return [Check(name, "environment", False, str(error), f"quintain setup {name}")]
    except Exception as error:
        return [Check(name, "environment", False, one_line(error), f"quintain setup {name}")]


def _extra(name: str, *, optional: bool = False) -> list[Check]:
    if missing := _missing_requirements(name):
        detail = f"not installed: {', '.join(missing)}"
        if optional:
            return [Check(name, "packages (optional)", True, f"{detail}; quintain setup {name}")]
        return [Check(name, "packages", False, detail, f"quintain setup {name}")]
    try:
        return [Check(name, *found) for found in load(EXTRAS[name], what=name)()]
    except Exception as error:
        return [Check(name, "models", False, one_line(error), f"quintain setup {name}")]


def set_up(family: str, *, say: Callable[[str], None]) -> list[Step]:
    """Install what a family or an extra needs and this user may install; `say` is told each command before it runs.

    Installs nothing that is there. What needs root is returned as `to do` for everybody else. What no package manager brings is
    made by the family's own ``setup(say)``, beside its ``doctor()``, which gives the commands that it ran and their states.

    Raises:
        UsageError: an unknown name.
        InfrastructureError: a command failed.
    """
    known_part(family)
    steps: list[Step] = []
    for command, allowed in (*_system_commands(family), *_python_commands(family)):
        text = " ".join(_quoted(part) for part in command)
        if allowed:
            say(text)
            _run(command)
        steps.append(Step(text, "done" if allowed else "to do"))
    return steps if family in EXTRAS else [*steps, *(Step(*made) for made in _own_setup(family)(say))]


def _own_setup(family: str) -> Callable[[Callable[[str], None]], Iterable[tuple[str, str]]]:
    """What the family makes itself; nothing where its packages could not be installed."""
    importlib.invalidate_caches()
    try:
        return getattr(lookup("environments", family), "setup", lambda say: ())
    except Unavailable:
        return lambda say: ()


def _system_commands(family: str) -> list[tuple[list[str], bool]]:
    if shutil.which("apt-get") is None:
        others = WITHOUT_APT.get(family, ())
        working = not others or all(check.ok for check in _family(family))
        return [] if working else [(command.split(), False) for command in others]
    missing = [package for package in APT.get(family, ()) if not _has_apt_package(package)]
    if not missing:
        return []
    root = os.geteuid() == 0
    prefix = [] if root else ["sudo"]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    return [([*prefix, "apt-get", "update"], root), ([*prefix, *install], root)]


def _python_commands(family: str) -> list[tuple[list[str], bool]]:
    missing = _missing_requirements(family)
    if not missing:
        return []
    return [([sys.executable, "-m", "pip", "install", *missing], importlib.util.find_spec("pip") is not None)]


def extra_requirements(extra: str) -> list[str]:
    """The requirements that the extra of that name adds, as the installed package declares them."""
    mark = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    return [line.split(";")[0].strip() for line in metadata.requires("quintain") or [] if mark.search(line)]


def _missing_requirements(extra: str) -> list[str]:
    return [requirement for requirement in extra_requirements(extra) if not _has_distribution(requirement)]


def _has_distribution(requirement: str) -> bool:
    name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _has_apt_package(name: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True, timeout=60, check=False).stdout == "installed"


def _run(command: Sequence[str]) -> None:
    """Run a command whose output belongs to the progress, not to the results: it goes to stderr."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        code = subprocess.run(command, env=environment, stdout=sys.stderr, timeout=COMMAND_SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfrastructureError(f"`{' '.join(command)}`: {one_line(error)}") from error
    if code:
        raise InfrastructureError(f"`{' '.join(command)}` failed with exit code {code}; its output says why")


def _quoted(part: str) -> str:
    return f"'{part}'" if re.search(r"[\s<>=\[\]]", part) and not part.startswith("--") else part
