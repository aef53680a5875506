"""Ids to things: lazy, from each room's `CATALOG` and from installed packages' entry points.

A room's catalog maps a kind to ids to ``"module:attribute"``. Another package adds to it with an entry point in the group
``quintain.catalog`` that loads to such a mapping; nothing here needs editing. Listing imports no heavy module.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from .errors import QuintainError, Unavailable, UsageError, one_line

Kind = Literal["environments", "games", "agents", "suites", "evaluators"]
ROOMS: dict[Kind, tuple[str, str]] = {
    "environments": ("envs", "CATALOG"),
    "games": ("envs", "GAMES"),
    "agents": ("agents", "CATALOG"),
    "suites": ("tasks", "CATALOG"),
    "evaluators": ("evaluators", "CATALOG"),
}
"""Each kind's room and the mapping in it."""
GROUP = "quintain.catalog"


@cache
def catalog(kind: Kind) -> Mapping[str, str]:
    """All ids of one kind and where each is found, ours first."""
    room, mapping = ROOMS[kind]
    found: dict[str, str] = dict(getattr(importlib.import_module(f"quintain.{room}"), mapping))
    for point in entry_points(group=GROUP):
        try:
            theirs: Mapping[str, str] = point.load().get(kind, {})
        except Exception as error:
            where = f"entry point {point.name!r} ({point.value}) in group {GROUP!r}"
            raise UsageError(f"{where}: {one_line(error)}; uninstall or mend the package that has it") from error
        for name, where in theirs.items():
            found.setdefault(name, where)
    return found


def lookup(kind: Kind, name: str) -> Any:
    """What `name` stands for: an id of the catalog, ``module:attribute`` or ``file.py:attribute``.

    Raises:
        UsageError: an unknown name; offers the nearest known ones.
    """
    if ":" in name:
        return load(name, what=kind.removesuffix("s"))
    if name.endswith(".py"):
        own = _own(_load_file(Path(name), kind.removesuffix("s")))
        raise UsageError(f"{kind.removesuffix('s')} {name!r}: say which, as in '{name}:{own[0] if own else 'Class'}'")
    known = catalog(kind)
    if name not in known:
        raise UsageError(f"unknown {kind.removesuffix('s')} {name!r}{suggest(name, known)}")
    return load(known[name], what=f"{kind.removesuffix('s')} {name!r}")


def load(where: str, *, what: str) -> Any:
    """The attribute at ``package.module:attribute`` or ``path/to/file.py:attribute``."""
    place, _, attribute = where.rpartition(":")
    if not place or not attribute:
        raise UsageError(f"{what}: {where!r} is neither 'module:attribute' nor 'file.py:attribute'")
    module = _load_file(Path(place), what) if place.endswith(".py") else _load_module(place, what)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise UsageError(f"{what}: {place} has no {attribute!r}{suggest(attribute, _own(module))}") from None


def _own(module: ModuleType) -> list[str]:
    """Names of the classes and functions that a module defines itself."""
    made = {name: thing for name, thing in vars(module).items() if inspect.isfunction(thing) or inspect.isclass(thing)}
    return [name for name, thing in made.items() if thing.__module__ == module.__name__]


def _load_module(name: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise UsageError(f"{what}: no module {name!r}") from None
        extra = next((extra for start, extra in EXTRAS.items() if name.startswith(start)), None)
        hint = f"; run `quintain setup {extra}`" if extra else ""
        raise Unavailable(f"{what} needs the Python package {error.name!r}, which is not installed{hint}") from error
    except QuintainError:
        raise
    except Exception as error:
        raise UsageError(f"{what}: importing {name!r} failed: {one_line(error)}") from error


_loading = threading.RLock()
EXTRAS = {
    **{f"quintain.{room}.{name}": name for room, _ in ROOMS.values() for name in ("browser", "desktop", "repo", "marl")},
    "quintain.agents.llm.local": "local",
    "quintain.agents": "agents",
}
"""What installs the packages that modules of these names need; the first that fits counts."""


def _load_file(path: Path, what: str) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"{what}: no file {str(path)!r}")
    path = path.resolve()
    name = "quintain_file_" + re.sub(r"\W", "_", str(path))
    with _loading:
        return sys.modules[name] if name in sys.modules else _execute(path, name, what)


def _execute(path: Path, name: str, what: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise UsageError(f"{what}: {path.name}, line {error.lineno}: syntax error: {error.msg}") from None
    except ModuleNotFoundError as error:
        del sys.modules[name]
        raise UsageError(f"{what}: {path.name} needs the Python module {error.name!r}, which is not installed") from error
    except Exception as error:
        del sys.modules[name]
        raise UsageError(f"{what}: importing {path.name} failed: {one_line(error)}") from error
    return module


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or the known ones if few, for an error message."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {', '.join(near)}?"
    return f"; known: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}" if names else ""
