"""`quintain new agent`: each kind of file plays a real page as it is written."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import quintain
from quintain.agency.starters import KINDS, starter
from quintain.cli import main
from quintain.errors import UsageError

NUMBER_OF_THE_BUTTON = """
import re
def answer(request):
    page = request.messages[-1].content
    return "It is " + re.search(r"\\[(\\d+)\\] button", page)[1]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The command that `quintain new agent` prints."""
    with pytest.raises(SystemExit) as end:
        main(["new", "agent", *arguments])
    assert end.value.code == 0
    return capsys.readouterr().out.removesuffix("\n")


@pytest.mark.usefixtures("real_browser")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_wins_on_a_real_page(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = written("first", "--kind", kind, capsys=capsys)
    agent = command.split()[3]
    assert command.startswith("quintain run --agent first.py:FirstAgent --tasks miniwob/click-test")
    assert command in Path("first.py").read_text()
    given: Any = agent
    if kind == "llm":
        Path("script.py").write_text(NUMBER_OF_THE_BUTTON)
        given = {"agent": agent, "config": {"model": "scripted:script.py:answer"}}
    run = quintain.evaluate({"first": given}, "miniwob/click-test", workers=0, out="run")
    assert run.rows()["value"].tolist() == [1.0]


@pytest.mark.usefixtures("real_browser")
def test_the_command_that_is_printed_runs(capsys: pytest.CaptureFixture[str]) -> None:
    command = written("my_own_agent", capsys=capsys)
    with pytest.raises(SystemExit) as end:
        main([*command.split()[1:], "--workers", "0", "--out", "run", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert end.value.code == 0
    assert [(each["agent"], each["score"]) for each in report["results"]] == [("my_own_agent.py:MyOwnAgent", 1.0)]


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_short_and_say_how_to_run_them(kind: str) -> None:
    made = starter("x", kind)
    assert made.text.count("\n") < 60
    assert made.command in (ast.get_docstring(ast.parse(made.text)) or "")
    assert "CLASS" not in made.text and "COMMAND" not in made.text


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("precious = 1\n")
    with pytest.raises(SystemExit) as end:
        main(["new", "agent", "mine"])
    said = capsys.readouterr()
    assert (end.value.code, said.out) == (2, "")
    assert said.err == "error: mine.py is there already and is left as it is; choose another name\n"
    assert Path("mine.py").read_text() == "precious = 1\n"


@pytest.mark.parametrize("name", ["my-agent", "class", "1st", "", "a/b", "../a", "a.py"])
def test_a_name_that_python_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a Python module"):
        starter(name)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown kind of agent 'loops'; did you mean loop?"):
        starter("x", "loops")
