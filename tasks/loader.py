"""Task files: TOML, JSON and JSON lines, one task or many."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from quintain.core import Task
from quintain.errors import UsageError

FORMATS = (".toml", ".json", ".jsonl")
_COLLECTION = "task"


class _Entry(NamedTuple):
    """One task's data and where it stands in the file."""

    where: str
    data: Any


def read_tasks(path: str | Path) -> list[Task]:
    """All tasks of a file, in its order.

    A ``.toml`` file is one task or has ``[[task]]`` tables; a ``.json`` file is one task, a list, or an object with a list under
    ``task``; a ``.jsonl`` file has a task on each line. Relative paths count from the file's folder: strings below `setup` that
    begin with ``./`` or ``../``, and files named as ``file.py:attribute``. A folder is a task folder of Harbor, or a family
    of the METR task standard.

    Raises:
        UsageError: no such file, or malformed; says in which line or entry, and which field.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    tasks: dict[str, Task] = {}
    for where, data in _entries(path):
        task = _task(data, where, path.resolve().parent)
        if task.id in tasks:
            raise UsageError(f"{where}: id {task.id!r} is there twice; give each task its own")
        tasks[task.id] = task
    if not tasks:
        raise UsageError(f"{path}: no task in it; a task has at least `id` and `env`")
    return list(tasks.values())


def _read_folder(path: Path) -> list[Task]:
    """A task folder of Harbor, or a task family of the METR task standard."""
    if (path / "task.toml").is_file() or (path / "task.yaml").is_file():
        from quintain.tasks.repo.harbor import harbor_tasks

        return harbor_tasks(path)
    from quintain.tasks.repo.metr import metr_tasks

    return metr_tasks(path)


def _entries(path: Path) -> Iterator[_Entry]:
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: task files end in {', '.join(FORMATS)}")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a task file ({error})") from None
    if path.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _Entry(f"{path}, line {number}", _parsed(line, path, first_line=number))
        return
    data = _parsed(text, path)
    many = data.get(_COLLECTION) if isinstance(data, dict) else data
    if isinstance(many, list) and (not isinstance(data, dict) or len(data) == 1):
        for index, each in enumerate(many):
            yield _Entry(f"{path}, {_COLLECTION}[{index}]", each)
    else:
        yield _Entry(str(path), data)


def _parsed(text: str, path: Path, *, first_line: int = 1) -> Any:
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}, line {error.lineno + first_line - 1}: not JSON: {error.msg} (column {error.colno})") from None


def _task(data: Any, where: str, folder: Path) -> Task:
    if not isinstance(data, Mapping):
        raise UsageError(f"{where}: a task is a table of fields, not {type(data).__name__}")
    try:
        return Task.model_validate(_resolved(data, folder))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        name = f" ({data['id']})" if isinstance(data.get("id"), str) else ""
        raise UsageError(f"{where}{name}: {field}: {problem['msg']}{more}") from None


def _resolved(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The data with its relative paths made absolute."""
    task = dict(data)
    task["env"] = _place(task.get("env"), folder)
    if isinstance(task.get("evaluator"), Mapping):
        task["evaluator"] = {**task["evaluator"], "id": _place(task["evaluator"].get("id"), folder)}
    if isinstance(task.get("setup"), Mapping):
        task["setup"] = _absolute(task["setup"], folder)
    return {key: value for key, value in task.items() if value is not None}


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _absolute(each, folder) for key, each in value.items()}
    if isinstance(value, list):
        return [_absolute(each, folder) for each in value]
    if isinstance(value, str) and value.startswith(("./", "../")):
        return str((folder / value).resolve())
    return _place(value, folder)


def _place(value: Any, folder: Path) -> Any:
    """``file.py:attribute`` with the file's full path; anything else as it is."""
    if not isinstance(value, str):
        return value
    file, colon, attribute = value.rpartition(":")
    if not colon or not file.endswith(".py") or not attribute.isidentifier():
        return value
    return f"{(folder / file).resolve()}:{attribute}"
