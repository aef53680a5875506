"""From a task folder to a `Task`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pydantic import JsonValue

from quintain.core import EvaluatorSpec, Limits, Meta, Suite, Task
from quintain.errors import UsageError
from quintain.tasks.repo.harbor import dockerfile, image, settings
from quintain.tasks.repo.harbor.dockerfile import Copied, Recipe
from quintain.tasks.repo.harbor.settings import Settings

NAME = "harbor"
VARIABLE = "QUINTAIN_HARBOR"
WORKDIR = "/app"
COMMAND_S = 3600.0
STEPS = 300
"""The format knows no such limit, but an agent that does nothing must come to an end."""
DISK_MB = 4096
TESTS, SCRIPT, INSTRUCTION, SOLUTION = "tests", "test.sh", "instruction.md", "solution"
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "proc", "sys", "dev")
OLD = "task.yaml"
NOT_COPIED = ("Dockerfile", ".dockerignore", "docker-compose.yaml")


class Place(NamedTuple):
    """Where a task runs: the root file system, or None for the host's programs, and what its image or Dockerfile says."""

    root: Path | None
    workdir: str
    env: Mapping[str, str]
    trees: list[dict[str, JsonValue]]
    requires: tuple[str, ...] = ()


def is_task(folder: Path) -> bool:
    return (folder / settings.FILE).is_file() and ((folder / INSTRUCTION).is_file() or (folder / "steps").is_dir())


def harbor_tasks(folder: str | Path, *, root: str | Path | None = None, allow: Sequence[str] = ()) -> list[Task]:
    """The tasks of a folder of Harbor task folders, or of one task folder; ids ``harbor/FOLDER``.

    Args:
        root: a root file system to run them over, instead of their own images.
        allow: hosts that agents may reach.

    Raises:
        UsageError: there is no task, or one whose task.toml is malformed.
    """
    return [harbor_task(each, root=root, allow=allow) for each in task_folders(Path(folder))]


def harbor_task(folder: Path, *, root: str | Path | None = None, allow: Sequence[str] = ()) -> Task:
    """One task; raises UsageError where its task.toml is malformed."""
    folder = folder.resolve()
    said = settings.read(folder)
    place = _place(folder, said, None if root is None else Path(root).absolute())
    environment, verifier = said.environment, said.verifier
    limits: dict[str, JsonValue] = {
        "seconds": said.agent.timeout_sec or COMMAND_S,
        "disk_mb": environment.storage_mb or DISK_MB,
        **({"cpus": environment.cpus} if environment.cpus else {}),
        **({"memory_mb": environment.memory_mb} if environment.memory_mb else {}),
    }
    return Task(
        id=_id(folder),
        env="repo",
        goal=_instruction(folder),
        setup={
            "root": str(place.root) if place.root else None,
            "workdir": place.workdir,
            "trees": list[JsonValue](place.trees),
            "python": "none",
            "env": {**place.env, **_plain(environment.env)},
            "requires": list(place.requires),
            "limits": limits,
            "network": "allow-list" if allow else "none",
            "allow": list(allow),
            "uid": 0 if said.agent.user in (None, "root", 0, "0") else 1000,
            "gpu": bool(environment.gpus),
        },
        evaluator=EvaluatorSpec(
            id=NAME,
            options={
                "timeout_s": verifier.timeout_sec,
                "env": dict[str, JsonValue](verifier.env),
                "artifacts": list(said.taken),
                "mode": verifier.environment_mode or "shared",
                "unavailable": said.missing(folder),
            },
        ),
        limits=Limits(steps=STEPS, seconds=said.agent.timeout_sec),
        reference={"tests": str(folder / TESTS), "script": SCRIPT},
        meta=_meta(said.metadata, said.task),
    )


def suite() -> Suite:
    """The tasks below ``$QUINTAIN_HARBOR``; none, and a description that says how to get some, where that is not set."""
    home = os.environ.get(VARIABLE)
    if home is None:
        return Suite(NAME, f"task folders of Harbor; name the folder that has them in {VARIABLE}", {})
    folders = {_id(folder): folder for folder in task_folders(Path(home))}
    return Suite(NAME, f"Harbor's task folders in {home}", _Tasks(folders))


def folder_of(task_id: str) -> Path | None:
    """Of a task below ``$QUINTAIN_HARBOR``."""
    home = os.environ.get(VARIABLE)
    if home is None or not task_id.startswith(f"{NAME}/"):
        return None
    return next((each for each in task_folders(Path(home)) if _id(each) == task_id), None)


def _id(folder: Path) -> str:
    return f"{NAME}/{re.sub(r'[^A-Za-z0-9_.+-]', '-', folder.name)}"


def task_folders(home: Path) -> list[Path]:
    """Task folders in a folder, or the folder itself; raises UsageError where there is none."""
    if is_task(home):
        return [home]
    found = sorted(each for each in home.iterdir() if is_task(each)) if home.is_dir() else []
    if not found and (any(home.glob(OLD)) or any(home.glob(f"*/{OLD}"))):
        raise UsageError(
            f"{home}: the layout of Terminal-Bench 1 ({OLD}) is not read; bring the tasks into Harbor's ({settings.FILE})"
        )
    if not found:
        raise UsageError(f"{home}: no Harbor task in it; each is a folder with {settings.FILE} and {INSTRUCTION}")
    return found


def _place(folder: Path, said: Settings, root: Path | None) -> Place:
    build = folder / "environment"
    recipe = dockerfile.read(build)
    workdir = said.environment.workdir or recipe.workdir or WORKDIR
    if root is not None:
        return Place(root, workdir, recipe.env, [], (f"folder:{root}",))
    trees = _trees(build, recipe, workdir) if not said.environment.docker_image and not recipe.beyond else None
    if trees is not None:
        return Place(None, workdir, {name: value for name, value in recipe.env.items() if name != "PATH"}, trees)
    built = image.place_of(build, said.environment.docker_image)
    config = image.config(built)
    return Place(
        built / image.ROOT,
        said.environment.workdir or config.workdir or workdir,
        config.env or recipe.env,
        [],
        (f"folder:{built / image.ROOT}; build it with `python -m quintain.tasks.repo.harbor {folder}`",),
    )


def _trees(build: Path, recipe: Recipe, workdir: str) -> list[dict[str, JsonValue]] | None:
    """What is shown over the host's programs; None where a file is to go where those are, or under another name."""
    trees: list[dict[str, JsonValue]] = []
    if not (build / dockerfile.NO_FILE).exists() and build.is_dir():
        return [{"source": str(build), "target": workdir, "without": list(NOT_COPIED)}]
    for copied in recipe.copies:
        tree = _tree(build, copied)
        if tree is None:
            return None
        trees.append(tree)
    return trees


def _tree(build: Path, copied: Copied) -> dict[str, JsonValue] | None:
    source, target = build / copied.source, PurePosixPath(copied.target)
    renamed = source.is_file() and source.name != target.name
    where = target.parent if source.is_file() else target
    if renamed or len(where.parts) < 2 or where.parts[1] in SYSTEM:
        return None
    if source.is_file():
        return {"source": str(source.parent), "target": str(where), "only": [source.name]}
    return {"source": str(source), "target": str(where), "without": list(NOT_COPIED)}


def _instruction(folder: Path) -> str:
    path = folder / INSTRUCTION
    if not path.is_file():
        return ""
    lines = path.read_text("utf-8").splitlines()
    while lines and (not lines[0].strip() or (lines[0].lstrip().startswith(("<!--", "#")) and "canary" in lines[0].lower())):
        lines.pop(0)
    return "\n".join(lines).strip()


def _meta(metadata: Mapping[str, Any], package: Mapping[str, Any]) -> Meta:
    minutes = metadata.get("expert_time_estimate_min")
    given = [metadata.get("difficulty"), *_texts(metadata.get("tags")), *_texts(package.get("keywords"))]
    return Meta(
        family="repo",
        domain=str(metadata["category"]) if "category" in metadata else None,
        tags=tuple(dict.fromkeys(str(each) for each in given if each)),
        human_minutes=float(minutes) if isinstance(minutes, int | float) and minutes > 0 else None,
        source=f"Harbor: {package['name']}" if "name" in package else "Harbor",
    )


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _plain(env: Mapping[str, str]) -> dict[str, str]:
    """Without variables that are the host's: none of those enters a sandbox."""
    return {name: value for name, value in env.items() if "${" not in value}


class _Tasks(Mapping[str, Task]):
    """Tasks by id, read when asked for."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def __getitem__(self, task_id: str) -> Task:
        return harbor_task(self._folders[task_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)
