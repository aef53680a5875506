"""What is written for users does what it says: a document's files are written, its scripts and commands are run, in its order, in
one folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from quintain.agents.llm.switches import Switches
from quintain.store import Store

ROOT = Path(__file__).parents[1]
README, AGENTS, MULTIAGENT = ROOT / "README.md", ROOT / "docs" / "agents.md", ROOT / "docs" / "marl.md"
RUN = ("python", "console", "toml")
pytestmark = pytest.mark.slow


class Block(NamedTuple):
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """A first line that is a comment with a file's name says where the block belongs."""
        found = re.match(r"# ([\w.-]+\.(?:py|toml))\n", self.text)
        return found[1] if found else None


def blocks(document: Path) -> Iterator[Block]:
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        if language in RUN:
            yield Block(language, text)


def execute(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def run_all(document: Path, folder: Path) -> str:
    """What all blocks print."""
    said: list[str] = []
    for block in blocks(document):
        if block.file is not None:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        if block.language == "python" and block.file is None:
            said.append(execute([sys.executable, "-c", block.text], folder))
        for line in block.text.splitlines() if block.language == "console" else ():
            assert line.startswith("$ "), "a console block holds commands only"
            said.append(execute(["bash", "-c", line[2:]], folder))
    return "".join(said)


@pytest.mark.usefixtures("real_browser")
def test_every_block_of_the_readme_runs(tmp_path: Path) -> None:
    everything = run_all(README, tmp_path)
    assert "Click the button" in everything
    assert "1.0 True" in everything
    assert re.search(r"my_agent\.py:MyAgent \d\.\d+ \(\d", everything)
    assert (tmp_path / "runs" / "first" / "report.html").is_file()


def test_the_readme_holds_all_that_is_run() -> None:
    found = list(blocks(README))
    assert {block.file for block in found if block.file} == {
        "my_agent.py", "counting.py", "exact.py", "counting.toml", "chooser.py",
    }  # fmt: skip
    assert sum(block.language == "console" for block in found) == 3


@pytest.mark.usefixtures("real_browser")
def test_every_block_about_agents_runs(tmp_path: Path) -> None:
    everything = run_all(AGENTS, tmp_path)
    assert "full True" in everything
    for run in ("functions", "asked", "again", "careful"):
        with Store.open(tmp_path / "runs" / run) as store:
            scores = [store.score(episode.id) for episode in store.episodes()]
        assert scores, run
        assert {score and score.value for score in scores} == {1.0}, run


def test_every_block_about_multi_agent_worlds_runs(tmp_path: Path) -> None:
    pytest.importorskip("pettingzoo", reason="pettingzoo is not installed: pip install 'quintain[marl]'")
    everything = run_all(MULTIAGENT, tmp_path)
    assert "['agent_0', 'agent_1', 'agent_2'] True" in everything
    assert "(192, 18)" in everything and "(4, 1000) 25 True" in everything


def test_the_table_of_switches_is_whole() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", AGENTS.read_text("utf-8"), re.MULTILINE))
    words = {"None": "-", "True": "on", "False": "off"}
    kept = [Switches(), Switches.small()]
    for name in Switches.model_fields:
        full, small = (words.get(str(value), str(value)) for value in (getattr(each, name) for each in kept))
        assert rows[name] == (full if full == small else f"{full}, {small}")
