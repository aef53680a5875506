from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from quintain import registry
from quintain.errors import Unavailable, UsageError
from quintain.registry import ROOMS, catalog, load, lookup, suggest


@pytest.mark.parametrize("kind", ROOMS)
def test_the_catalog_names_what_is_there(kind: registry.Kind) -> None:
    assert catalog(kind)
    for name, where in catalog(kind).items():
        assert lookup(kind, name) is load(where, what=name)


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown suite 'minwob'; did you mean miniwob"):
        lookup("suites", "minwob")
    with pytest.raises(UsageError, match="unknown environment 'zzz'; known: .*browser"):
        lookup("environments", "zzz")


FILES = {
    "good.py": "class Thing:\n    pass\n",
    "syntax.py": "x = (\n",
    "raises.py": "raise KeyError('x')\n",
    "needs.py": "import no_such_module_anywhere\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_file_is_loaded_once(folder: Path) -> None:
    thing = lookup("agents", f"{folder}/good.py:Thing")
    assert thing is lookup("agents", f"{folder}/good.py:Thing")
    assert thing.__name__ == "Thing"


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("good.py:Thin", r"agent: .*good.py has no 'Thin'; did you mean Thing"),
        ("none.py:Thing", r"no file '.*none.py'"),
        ("syntax.py:Thing", "syntax.py, line 1: syntax error"),
        ("raises.py:Thing", "importing raises.py failed: KeyError: 'x'"),
        ("needs.py:Thing", "needs.py needs the Python module 'no_such_module_anywhere', which is not installed"),
        ("good.py", "say which, as in '.*good.py:"),
        ("good.py:", "neither 'module:attribute' nor"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_usage_error(folder: Path, where: str, problem: str) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match=problem):
            lookup("agents", f"{folder}/{where}")


def test_a_module_is_named_by_its_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lookup("agents", "json:JSONDecoder").__name__ == "JSONDecoder"
    with pytest.raises(UsageError, match="no module 'no_such_package.inner'"):
        lookup("agents", "no_such_package.inner:Agent")
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(UsageError, match="importing 'raises' failed: KeyError"):
        lookup("agents", "raises:Thing")
    with pytest.raises(Unavailable, match="needs the Python package 'no_such_module_anywhere', which is not installed"):
        lookup("agents", "needs:Thing")


@pytest.fixture
def fresh_catalog() -> Iterator[None]:
    catalog.cache_clear()
    yield
    catalog.cache_clear()


@pytest.mark.usefixtures("fresh_catalog")
def test_other_packages_add_to_the_catalog_but_take_nothing_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plugin.py").write_text("CATALOG = {'agents': {'mine': 'good:Thing', 'null': 'good:Thing'}}\n")
    monkeypatch.syspath_prepend(folder)
    points = [EntryPoint("mine", "plugin:CATALOG", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.GROUP else [])
    assert lookup("agents", "mine").__name__ == "Thing"
    assert catalog("agents")["null"].startswith("quintain.")
    assert "mine" not in catalog("suites")


@pytest.mark.usefixtures("fresh_catalog")
def test_a_broken_plugin_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("theirs", "raises:CATALOG", group)])
    with pytest.raises(UsageError, match=r"entry point 'theirs' \(raises:CATALOG\).*'x'; uninstall or mend"):
        catalog("agents")


def test_suggestions_are_few() -> None:
    assert suggest("clik", ["click", "hover"]) == "; did you mean click?"
    assert suggest("zzz", ["b", "a"]) == "; known: a, b"
    assert suggest("zzz", map(str, range(100))).endswith("…")
    assert suggest("x", []) == ""
