"""The house stands as it was designed: links, packages, import directions, sizes, and what an import costs."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "quintain"
ROOMS = ("envs", "agents", "tasks", "evaluators")
FOUNDATION = {
    "core", "values", "usage", "ledger", "handle", "spaces", "model_space", "pixels", "errors", "elements", "roles", "marks",
    "functional", "draws", "threads",
}  # fmt: skip
OPEN_TO_ROOMS = FOUNDATION | {"sandbox", "lifting"}
DATA = re.compile(r"tasks/repo/capsules/\w+/|tasks/repo/research/\w+/(workspace|reference)/|evaluators/repo/research/drivers/")
"""What is shown to agents or run inside sandboxes: programs of others' kind, old and broken ones among them."""
FILE_LINES, FUNCTION_LINES = 400, 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "base", "common", "manager", "misc"}
HEAVY = {"playwright", "jax", "docker", "ray", "matplotlib", "PIL", "torch", "scipy", "pandas", "gymnasium", "numpy", "pydantic"}


def files(suffix: str = "") -> list[Path]:
    """What git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = sorted(ROOT / name for name in set(listed) if name.endswith(suffix) and name)
    return [path for path in found if path.is_file() and not path.is_symlink()]


def module_of(path: Path) -> str:
    """The name by which a file of the package is imported."""
    inner = path.relative_to(SOURCE) if SOURCE in path.parents else path.relative_to(ROOT)
    parts = ("quintain", *inner.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def code(suffix: str = ".py") -> list[Path]:
    """Files that are ours to read and check."""
    return [path for path in files(suffix) if not DATA.match(path.relative_to(ROOT).as_posix())]


def package_files(suffix: str = ".py") -> list[Path]:
    found = code(suffix) if suffix else files()
    return [path for path in found if path.is_relative_to(SOURCE) or path.relative_to(ROOT).parts[0] in ROOMS]


def imports(path: Path, *, at_load: bool = False) -> Iterator[str]:
    """Absolute names of what a file imports; `at_load`, only what is imported when the file is."""
    tree = ast.parse(path.read_text("utf-8"))
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in _statements(tree) if at_load else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The statements that run at load, without what stands under TYPE_CHECKING."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += node.orelse
        elif isinstance(node, ast.If | ast.Try | ast.With):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def part(name: str) -> str:
    """``store`` of ``quintain.store.blobs``."""
    return name.split(".")[1] if name.startswith("quintain.") else ""


def test_the_rooms_are_linked_into_the_package() -> None:
    for room in ROOMS:
        assert (SOURCE / room).is_symlink()
        assert (SOURCE / room).readlink() == Path("../..") / room
        assert (ROOT / room / "__init__.py").is_file()
    assert (SOURCE / "py.typed").is_file()


def test_tests_are_no_package() -> None:
    assert not [path for path in files("__init__.py") if path.is_relative_to(ROOT / "tests")]


def test_every_folder_of_the_package_is_one() -> None:
    folders = {path.parent for path in package_files()}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_rooms_import_the_foundation_and_themselves_only() -> None:
    wrong = []
    for path in package_files():
        room = path.relative_to(ROOT).parts[0]
        if room in ROOMS:
            mine = {part(name) for name in imports(path) if name.split(".")[0] == "quintain"}
            strange = {name for name in mine - OPEN_TO_ROOMS - {room} if not name.startswith("elements")}
            wrong += [f"{path.relative_to(ROOT)} imports quintain.{name}" for name in sorted(strange)]
    assert not wrong


def test_the_corridor_imports_no_room() -> None:
    corridor = [path for path in package_files() if path.is_relative_to(SOURCE)]
    wrong = [f"{path.relative_to(ROOT)} imports {name}" for path in corridor for name in imports(path) if part(name) in ROOMS]
    assert not wrong


def test_the_foundation_stands_on_nothing() -> None:
    wrong = []
    for path in package_files():
        name = part(module_of(path))
        if name in FOUNDATION or name.startswith("elements"):
            used = {part(each) for each in imports(path) if each.startswith("quintain.")} - FOUNDATION - {""}
            wrong += [f"{name} imports {each}" for each in sorted(used) if not each.startswith("elements")]
    assert not wrong


def test_nothing_imports_the_command_line() -> None:
    inside = ("quintain.cli", "quintain.__main__")
    importers = [path for path in package_files() if not module_of(path).startswith(inside)]
    assert not [path for path in importers if any(part(name) == "cli" for name in imports(path))]


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    known = {module_of(path): path for path in package_files()}

    def home(name: str) -> str:
        return name if name in known else name.rpartition(".")[0]

    edges = {name: {home(each) for each in imports(path, at_load=True)} & set(known) - {name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for following in sorted(edges[name]):
                # A package that gathers its own modules is loaded first, and is there when they ask for it.
                if not name.startswith(following + "."):
                    visit(following, (*trail, name))
            done.add(name)

    for name in sorted(known):
        visit(name, ())


def test_files_and_functions_keep_their_size() -> None:
    wrong = []
    for path in code():
        text = path.read_text("utf-8")
        if (lines := text.count("\n")) > FILE_LINES:
            wrong.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert not wrong


def test_modules_have_names_that_say_something() -> None:
    assert not [path for path in code() if path.stem.strip("_") in NAMES_THAT_SAY_NOTHING]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    places = re.compile("|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/(?!agent)", "/tmp/d" + "ev")).encode())
    wrong = []
    for path in files():
        data = path.read_bytes()
        # An attack may try any place.
        if b"\0" not in data[:1000] and path.parent.name != "attacks":
            wrong += [f"{path.relative_to(ROOT)}: {found[0].decode()}" for found in places.finditer(data)]
    assert not wrong


def loaded(*arguments: str) -> set[str]:
    """Names of the packages that a fresh interpreter loads."""
    command = [sys.executable, "-X", "importtime", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env={**os.environ, "COLUMNS": "80"})
    return {line.rpartition("|")[2].strip().split(".")[0] for line in result.stderr.splitlines()}


def test_importing_the_package_costs_nothing() -> None:
    assert not loaded("-c", "import quintain") & (HEAVY | {"typer", "rich"}) - {"gymnasium", "numpy"}


def test_help_loads_no_heavy_module() -> None:
    assert not loaded("-m", "quintain", "--help") & HEAVY - {"gymnasium", "numpy"}


def test_making_an_environment_loads_no_browser_driver() -> None:
    code = "import quintain; quintain.list_tasks(); quintain.make('miniwob/click-test')"
    assert not loaded("-c", code) & HEAVY - {"gymnasium", "numpy", "pydantic", "PIL"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that was built from it alone."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip(f"building needs {wanted}")
    folder = tmp_path_factory.mktemp("built")
    for path in [*files(), *(SOURCE / room for room in ROOMS)]:
        inner = path.relative_to(ROOT)
        if inner.parts[0] not in ("tests", "benchmarks", "docs"):
            (folder / "tree" / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / "tree" / inner, follow_symlinks=False)
    _backend(folder / "tree", "build_sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    _backend(next((folder / "unpacked").iterdir()), "build_wheel", folder)
    return folder


def _backend(tree: Path, what: str, target: Path) -> None:
    code = f"import sys; from setuptools import build_meta; build_meta.{what}(sys.argv[1])"
    result = subprocess.run(
        [sys.executable, "-c", code, str(target)], cwd=tree, capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_wheel_has_every_file_of_the_package_and_no_other(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = set()
    for path in package_files(""):
        inner = path.relative_to(SOURCE) if path.is_relative_to(SOURCE) else path.relative_to(ROOT)
        expected.add(f"quintain/{inner.as_posix()}")
    assert sorted(inside) == sorted(expected)
