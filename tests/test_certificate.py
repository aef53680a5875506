"""A certificate finds the suites that measure something else than they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from quintain.certificate import certify, read_certificates
from quintain.report_page import render_page
from quintain.store import Store

TOY = Path(__file__).with_name("toy_world.py").resolve()
UP = f"{TOY}:UpAgent"


def write_suite(folder: Path, *targets: int) -> str:
    """Tasks to count to these numbers; the null agent stays at 0, the oracle counts up."""
    tasks = [
        {
            "id": f"toy/t{target}",
            "env": f"{TOY}:CounterWorld",
            "setup": {"target": target},
            "evaluator": {"id": f"{TOY}:Counted", "when": "step"},
            "limits": {"steps": 5},
        }
        for target in targets
    ]
    path = folder / "suite.json"
    path.write_text(json.dumps(tasks))
    return str(path)


def test_a_fit_suite_passes_and_the_certificate_is_stored(tmp_path: Path) -> None:
    found = certify(write_suite(tmp_path, 2, 3), out=tmp_path / "run", episodes=2, workers=1, oracle=UP)
    assert (found.verdict, found.problems) == ("passed", ())
    assert [(task.null, task.oracle, task.reset_same) for task in found.tasks] == [(0.0, 1.0, True)] * 2
    assert found.random["agent"] == "random"
    assert found.random["low"] <= found.random["score"] <= found.random["high"]
    with Store.open(tmp_path / "run") as store:
        assert list(read_certificates(store)) == [found]
        assert "passed</b> · 2 tasks, 2 with an oracle" in render_page(store)


def test_a_suite_that_rewards_doing_nothing_or_cannot_be_solved_fails(tmp_path: Path) -> None:
    said: list[str] = []
    path = write_suite(tmp_path, 0, 9)
    tasks = json.loads(Path(path).read_text())
    tasks[0]["setup"] = {"target": -1}
    tasks[0]["evaluator"]["id"] = f"{tmp_path / 'generous.py'}:Generous"
    (tmp_path / "generous.py").write_text(
        "from quintain import Score\n\n\nclass Generous:\n    version = '1'\n\n"
        "    def score(self, task, episode):\n        return Score(value=0.5)\n"
    )
    Path(path).write_text(json.dumps(tasks))
    found = certify(path, out=tmp_path / "run", episodes=1, workers=1, oracle=UP, say=said.append)
    assert found.verdict == "failed"
    assert "toy/t0: the null agent scores 0.500" in found.problems
    assert "toy/t9: the oracle scores 0.556" in found.problems
    assert said[0] == "2 tasks, 2 with an oracle, 1 episodes each"


def test_a_world_that_does_not_repeat_is_found(tmp_path: Path) -> None:
    (tmp_path / "drifting.py").write_text(
        f"import sys\nsys.path.insert(0, {str(TOY.parent)!r})\nfrom toy_world import CounterWorld\n\n\n"
        "class Drifting(CounterWorld):\n    count = 0\n\n"
        "    async def reset(self, task, *, seed, observe):\n        Drifting.count += 1\n"
        "        seen = await super().reset(task, seed=seed, observe=observe)\n"
        "        return seen.model_copy(update={'text': str(Drifting.count)})\n"
    )
    path = write_suite(tmp_path, 2)
    task = json.loads(Path(path).read_text())[0] | {"env": f"{tmp_path / 'drifting.py'}:Drifting"}
    Path(path).write_text(json.dumps([task]))
    found = certify(path, out=tmp_path / "run", episodes=1, workers=1, oracle=UP)
    assert found.tasks[0].reset_same is False
    assert found.problems == ("toy/t2: two resets with one seed differ in text",)


@pytest.mark.parametrize(("targets", "code"), [((2, 3), 0), ((2, 9), 1)])
def test_check_prints_the_verdict_and_its_exit_code_says_it_too(tmp_path: Path, targets: tuple[int, ...], code: int) -> None:
    path = write_suite(tmp_path, *targets)
    command = [sys.executable, "-m", "quintain", "check", path, "--oracle", UP, "--episodes", "1", "--workers", "1"]
    done = subprocess.run(
        [*command, "--out", "run", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    assert (found["run"], found["verdict"]) == ("run", "failed" if code else "passed")


@pytest.mark.usefixtures("real_browser")
def test_a_miniwob_task_is_certified_in_the_real_browser(tmp_path: Path) -> None:
    found = certify("miniwob/click-test", out=tmp_path / "run", episodes=2, workers=1)
    assert (found.verdict, found.problems) == ("passed", ())
    (task,) = found.tasks
    assert (task.null, task.oracle, task.reset_same) == (0.0, 1.0, True)
