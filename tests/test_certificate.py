"""A certificate finds the suites that measure something else than they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.certificate.kept import keep
from quintain.certificate.lint import lint
from quintain.certificate.playing import certify
from quintain.certificate.verdict import read_certificates
from quintain.core import Episode, EvaluatorSpec, Limits, Meta, Score, Suite, Task
from quintain.errors import UsageError
from quintain.reporting.page import render_page
from quintain.runner import evaluate
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
def test_check_prints_the_verdict_and_its_exit_code_says_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: tuple[int, ...], code: int
) -> None:
    path = write_suite(tmp_path, *targets)
    monkeypatch.setenv("QUINTAIN_CACHE", str(tmp_path / "cache"))
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


class Eager:
    """Rewards whatever is submitted, also nothing."""

    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        return Score(value=float(episode.answer is not None))


def counting(name: str, **changes: object) -> Task:
    spec = EvaluatorSpec(id=f"{TOY}:Counted", when="step")
    fields: dict[str, Any] = {"env": f"{TOY}:CounterWorld", "setup": {"target": 2}, "evaluator": spec, "limits": Limits(steps=5)}
    return Task(id=f"toy/{name}", **(fields | changes))


def test_an_agent_that_submits_at_once_is_found_out(tmp_path: Path) -> None:
    task = json.loads(counting("a").model_dump_json()) | {"evaluator": {"id": f"{Path(__file__).resolve()}:Eager"}}
    (tmp_path / "suite.json").write_text(json.dumps([task]))
    found = certify(str(tmp_path / "suite.json"), out=tmp_path / "run", episodes=1, workers=1, oracle=UP)
    assert found.tasks[0].submit == 1.0
    assert "toy/a: the submit agent scores 1.000" in found.problems


def test_one_action_that_always_solves_a_task_is_said(tmp_path: Path) -> None:
    found = certify(write_suite(tmp_path, 2), out=tmp_path / "run", episodes=3, workers=1, oracle=UP)
    assert found.tasks[0].constant == 1.0
    assert found.problems == ("toy/t2: one and the same action solves it in all of 3 episodes",)


def test_an_oracle_that_is_not_the_same_twice_is_flaky(tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(
        "from pathlib import Path\n\nfrom quintain import Choose, Infeasible\n\n\n"
        "class Moody:\n    def reset(self, task, seed):\n"
        f"        mark = Path({str(tmp_path)!r}) / f'seen-{{seed}}'\n        self.again = mark.exists()\n        mark.touch()\n\n"
        "    def act(self, observation):\n        return Infeasible() if self.again else Choose(index=0)\n"
    )
    moody = f"{tmp_path / 'moody.py'}:Moody"
    found = certify(write_suite(tmp_path, 2), out=tmp_path / "run", episodes=2, workers=1, oracle=moody)
    assert found.flaky == found.tasks[0].flaky == 1.0
    assert "toy/t2: 100% of the oracle's scores change when it plays the same seeds again" in found.problems


def test_adversaries_that_score_fail_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = counting("a")
    foe = {"agent": "constant", "config": {"action": {"kind": "choose", "index": 0}}}
    findings = {"findings": lambda task, evaluator: ["the answer is on it"]}
    mine = Suite("toy", "", {task.id: task}, oracle=UP, adversaries={"counter": foe}, **findings)
    monkeypatch.setattr("quintain.certificate.playing.load_suite", lambda name: mine)
    monkeypatch.setattr("quintain.certificate.playing.catalog", lambda kind: {"toy": ""} if kind == "suites" else {})
    monkeypatch.setattr("quintain.certificate.playing.find_tasks", lambda wanted: [task])
    found = certify("toy", out=tmp_path / "run", episodes=1, workers=1)
    assert found.tasks[0].adversaries == {"counter": 1.0}
    assert found.problems == ("toy/a: the counter agent scores 1.000", "toy/a: the answer is on it")


def test_a_task_that_cannot_run_here_neither_passes_nor_fails(tmp_path: Path) -> None:
    path = Path(write_suite(tmp_path, 2, 3))
    tasks = json.loads(path.read_text())
    tasks[1]["setup"]["unavailable"] = True
    path.write_text(json.dumps(tasks))
    found = certify(str(path), out=tmp_path / "run", episodes=1, workers=1, oracle=UP)
    assert found.verdict == "passed"
    assert found.unavailable == {"toy/t3": "the counter needs beads; run `quintain setup beads`"}
    assert [task.task for task in found.tasks] == ["toy/t2"]


def test_a_certificate_outlives_its_run_and_a_suite_that_pays_for_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTAIN_CACHE", str(tmp_path / "cache"))
    path = write_suite(tmp_path, 2, 3)
    found = certify(path, out=tmp_path / "run", episodes=1, workers=1, oracle=UP)
    assert keep(found) is not None
    evaluate("null", path, workers=1, out=tmp_path / "later")
    with Store.open(tmp_path / "later") as store:
        assert list(read_certificates(store)) == [found]
        assert "passed</b>" in render_page(store)
    paid = tuple(each.model_copy(update={"null": 0.5}) for each in found.tasks)
    keep(found.model_copy(update={"tasks": paid, "checked_at": "2999-01-01T00:00:00+00:00"}))
    with pytest.raises(UsageError, match=r"toy/t2: the agent that does nothing scores 0.500 .* --allow-uncertified"):
        evaluate("null", path, workers=1, out=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    evaluate("null", path, workers=1, out=tmp_path / "knowing", allow_uncertified=True)
    changed = json.loads(Path(path).read_text())
    for task in changed:
        task["goal"] = "Count"
    Path(path).write_text(json.dumps(changed))
    evaluate("null", path, workers=1, out=tmp_path / "mended")


def test_prompts_are_read_for_what_is_wrong_with_them() -> None:
    tasks = [
        counting("fine", goal="Count to two."),
        counting("empty", setup={"target": 4}),
        counting("open", goal="Count to {{number}}.", setup={"target": 5}),
        counting("telling", goal="Say Zanzibar.", reference="Zanzibar", setup={"target": 1}),
        counting("twin", goal="Count to two."),
        counting("other", goal="Count to two.", reference="another"),
        counting("hasty", goal="Count.", limits=Limits(seconds=5), meta=Meta(human_minutes=3)),
        counting("version", goal="Count again.", meta=Meta(version_of="toy/gone")),
        counting("unscored", goal="Count for fun.", evaluator=None),
    ]
    found = lint(tasks, {})
    assert found == {
        "toy/empty": ["the goal is empty"],
        "toy/open": ["the goal has a placeholder that nobody filled: '{{number}}'"],
        "toy/telling": ["the goal tells its own answer: 'Zanzibar'"],
        "toy/twin": ["is the same as toy/fine: goal and set-up are alike"],
        "toy/other": ["contradicts toy/fine: goal and set-up are alike, its scoring is not"],
        "toy/hasty": ["its 5 s are less than the 3 min that a person takes"],
        "toy/version": ["it is a version of 'toy/gone', which is not in the suite"],
        "toy/unscored": ["no evaluator scores it"],
    }
    assert "toy/empty" not in lint(tasks[:2], {"toy/empty": "Count to four."})
