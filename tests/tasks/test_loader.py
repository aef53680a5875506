from pathlib import Path

import pytest

from quintain.errors import UsageError
from quintain.tasks.loader import read_tasks


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_reads_one_task_from_toml(tmp_path):
    path = write(tmp_path, "one.toml", 'id = "my/one"\nenv = "browser"\ngoal = "Go"\n[setup]\nstart = ["about:blank"]\n')
    (task,) = read_tasks(path)
    assert (task.id, task.env, task.goal, task.setup) == ("my/one", "browser", "Go", {"start": ["about:blank"]})


def test_reads_many_tasks_from_toml_in_order(tmp_path):
    path = write(tmp_path, "many.toml", '[[task]]\nid = "my/b"\nenv = "e"\n[[task]]\nid = "my/a"\nenv = "e"\nlimits.steps = 3\n')
    assert [task.id for task in read_tasks(path)] == ["my/b", "my/a"]
    assert read_tasks(str(path))[1].limits.steps == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", '{"id": "my/a", "env": "e"}'),
        ("list.json", '[{"id": "my/a", "env": "e"}]'),
        ("table.json", '{"task": [{"id": "my/a", "env": "e"}]}'),
        ("lines.jsonl", '{"id": "my/a", "env": "e"}\n\n'),
    ],
)
def test_reads_each_json_form(tmp_path, name, text):
    assert [task.id for task in read_tasks(write(tmp_path, name, text))] == ["my/a"]


def test_relative_paths_count_from_the_file(tmp_path):
    path = write(
        tmp_path,
        "paths.toml",
        'id = "my/a"\nenv = "world.py:World"\nevaluator = {id = "score.py:Score"}\n'
        '[setup]\nroot = "./site"\nstart = ["root:/a.html", "../b.html"]\nfile = "site"\nscript = "set_up.py:run"\n',
    )
    (task,) = read_tasks(path)
    assert task.env == f"{tmp_path}/world.py:World"
    assert task.evaluator is not None
    assert task.evaluator.id == f"{tmp_path}/score.py:Score"
    assert task.setup == {
        "root": f"{tmp_path}/site",
        "start": ["root:/a.html", f"{tmp_path.parent}/b.html"],
        "file": "site",
        "script": f"{tmp_path}/set_up.py:run",
    }


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("a.jsonl", '{"id": "my/a", "env": "e"}\n{"id": "my/b", "env": 3}', ["a.jsonl, line 2 (my/b)", "env"]),
        ("a.jsonl", '{"id": "my/a", "env": "e"}\n{"id": ', ["a.jsonl, line 2", "not JSON"]),
        ("a.json", '[{"id": "my/a", "env": "e", "limits": {"steps": 0}}]', ["task[0] (my/a)", "limits.steps", "greater than 0"]),
        ("a.json", "{\n\n oops}", ["a.json, line 3", "not JSON"]),
        ("a.json", "[1]", ["task[0]", "table of fields"]),
        ("a.json", "[]", ["no task"]),
        ("a.json", '[{"id": "a/a", "env": "e"}, {"id": "a/a", "env": "e"}]', ["task[1]", "'a/a' is there twice"]),
        ("a.toml", "id = 3 4\n", ["a.toml", "not TOML", "line 1"]),
        ("a.toml", 'id = "my/a"\nenv = "e"\ngaol = "x"', ["a.toml (my/a)", "gaol"]),
        ("a.toml", 'id = "no-suite"\nenv = "e"', ["a.toml (no-suite)", "id"]),
        ("a.yaml", "", ["a.yaml", ".toml, .json, .jsonl"]),
    ],
)
def test_errors_name_file_place_and_field_on_one_line(tmp_path, name, text, parts):
    with pytest.raises(UsageError) as caught:
        read_tasks(write(tmp_path, name, text))
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "\n" not in message


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.toml"):
        read_tasks(tmp_path / "gone.toml")
