"""The command line as a user meets it: what it prints where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quintain.cli import main
from quintain.cli.progress import Display
from quintain.runner import Progress
from quintain.store import Store, Trial
from quintain.trial import Summary

TOY = Path(__file__).with_name("toy_world.py").resolve()
HEAVY = {"playwright", "PIL", "sqlite3", "jax", "docker"}


def quintain(*arguments: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quintain", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, **options)


def fails(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failed command leaves; in this process and the current folder."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert (end.value.code, said.out) == (2, "")
    assert said.err.count("\n") == 1, said.err
    return said.err.removesuffix("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tasks = [
        {
            "id": f"toy/{name}",
            "env": f"{TOY}:CounterWorld",
            "setup": {"target": target},
            "evaluator": {"id": f"{TOY}:Counted", "when": "step"},
            "limits": {"steps": 6},
        }
        for name, target in (("two", 2), ("three", 3))
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    return tmp_path


def play(folder: Path, *more: str, agent: str = "UpAgent") -> subprocess.CompletedProcess[str]:
    return quintain(
        "run", "--agent", f"{TOY}:{agent}", "--tasks", "tasks.json", "--workers", "1", "--out", "out", *more, folder=folder
    )


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["check", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from quintain.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert end.code == 0
    print(sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frob"], "No such command 'frob'"),
        (["run", "--agnt", "x"], "--agent"),
        (["run"], "name one with --agent"),
        (["run", "--agent", "null"], "name some with --tasks"),
        (["run", "--agent", "nul", "--tasks", "tasks.json"], "unknown agent 'nul'; did you mean null?"),
        (["run", "--agent", "null", "--tasks", "miniwob/clik-test"], "miniwob/click-test"),
        (["run", "--agent", "null", "--tasks", "none.toml"], "none.toml"),
        (["run", "--agent", "broken.py:A", "--tasks", "tasks.json"], "broken.py, line 2: syntax error"),
        (["run", "--agent", f"{TOY}:NoActAgent", "--tasks", "tasks.json"], "act"),
        (["run", "--agent", f"{TOY}:UpAgent", "--tasks", "tasks.json", "--set", "speed"], "key=value"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--set", "speed=3"], "no agent takes an argument 'speed'"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--model", "m"], "none of the agents null takes a model; try llm"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--record", "t"], "no agent takes an argument 'record'"),
        (
            ["run", "--agent", f"{TOY}:MovesAgent(move=[1])", "--tasks", "tasks.json"],
            "takes no argument 'move'; did you mean moves",
        ),
        (["run", "--agent", "null(", "--tasks", "tasks.json"], "write an agent with its arguments as in llm("),
        (["run", "--agent", "none.toml", "--tasks", "tasks.json"], "no file 'none.toml'"),
        (["run", "--agent", TOY.name, "--tasks", "tasks.json"], "no file 'toy_world.py'"),
        (["run", "--agent", str(TOY), "--tasks", "tasks.json"], "say which, as in '"),
        (["run", "--agent", "null", "--agent", "null", "--tasks", "tasks.json"], "on the command line: name=null"),
        (["run", "--agent", "llm", "--model", "opnai:x", "--tasks", "tasks.json"], "did you mean 'openai:…'?"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--tokens", "0"], "limits.tokens"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--episodes", "0"], "episodes"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--observe", "smell"], "observe"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--executor", "cloud"], "local, ray"),
        (["run", "--agent", "null", "--tasks", "tasks.json", "--out", "/proc/none"], "/proc/none"),
        (["run", "none.toml"], "no file 'none.toml'"),
        (["run", "wrong.toml"], "wrong.toml: unknown field 'agnets'; did you mean agents"),
        (["run", "--resume", "nowhere"], "nowhere holds no run"),
        (["run", "--resume", "nowhere", "--agent", "null", "--steps", "3"], "leave out agent, steps"),
        (["run", "--resume", "nowhere", "--model", "m", "--usd", "1"], "leave out model, usd"),
        (["new", "agent", "no-name"], "is no name for a Python module"),
        (["score", "nowhere"], "nowhere holds no run"),
        (["report", "nowhere", "--format", "pdf"], "table, md, json, html"),
        (["list", "task"], "did you mean tasks"),
        (["list", "agents", "x*"], "no agents match 'x*'"),
        (["doctor", "browsr"], "did you mean browser"),
        (["setup", "desktop"], "not part of this version"),
        (["check", "miniwobb"], "did you mean miniwob"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "broken.py").write_text("class A:\n  def act(self, observation) return 1\n")
    (folder / "wrong.toml").write_text("agnets = ['null']\n")
    line = fails(*arguments, capsys=capsys)
    assert line.startswith("error: ")
    assert said in line


def test_debug_shows_the_traceback(folder: Path) -> None:
    done = quintain("report", "nowhere", "--debug", folder=folder)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("error: nowhere holds no run")


def test_a_run_ends_with_one_object_on_stdout(folder: Path) -> None:
    done = play(folder, "--episodes", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["run"] == "out"
    (row,) = found["results"]
    assert (row["agent"], row["suite"], row["episodes"], row["unscored"]) == (f"{TOY}:UpAgent", "toy", 4, 0)
    assert (row["score"], row["success"]) == (1.0, 1.0)
    assert row["low"] < row["high"] == 1.0
    assert "4/4 episodes" in done.stderr
    assert (folder / "out" / "report.html").is_file()


def test_a_run_prints_a_table_and_says_where_it_is_kept(folder: Path) -> None:
    done = play(folder)
    assert done.returncode == 0, done.stderr
    assert "1.000" in done.stdout
    assert "95 % for new tasks like these" in done.stdout
    assert "kept in out" in done.stderr


def test_a_file_gives_the_run_and_flags_override_it(folder: Path) -> None:
    (folder / "run.toml").write_text(
        f'tasks = "tasks.json"\nepisodes = 3\nworkers = 1\nout = "here"\nlimits = {{ steps = 5 }}\n'
        f'[[agents]]\nagent = "{TOY}:MovesAgent"\nname = "mover"\nconfig = {{ moves = [0, 0] }}\n'
    )
    done = quintain("run", "run.toml", "--episodes", "1", "--steps", "4", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert (row["agent"], row["episodes"]) == ("mover", 2)
    with Store.open(folder / "here") as store:
        assert {task.limits.steps for task in store.tasks()} == {4}


def test_agents_get_their_settings(folder: Path) -> None:
    done = play(folder, "--set", "moves=[0, 0, 0]", "--json", agent="MovesAgent")
    assert done.returncode == 0, done.stderr
    with Store.open(folder / "out") as store:
        assert store.config.agents[0].config == {"moves": [0, 0, 0]}


def test_agents_are_written_with_their_arguments_or_as_files(folder: Path) -> None:
    (folder / "mover.toml").write_text(f'agent = "{TOY}:MovesAgent"\nname = "file"\nconfig = {{ moves = [0, 0] }}\n')
    done = quintain(
        "run", "--agent", f"line={TOY}:MovesAgent(moves=[0])", "--agent", "mover.toml", "--agent", "null",
        "--tasks", "tasks.json", "--tokens", "50", "--usd", "0.5", "--steps", "3", "--workers", "1", "--out", "out", "--json",
        folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {row["agent"]: row["score"] for row in json.loads(done.stdout)["results"]} == pytest.approx(
        {"line": (1 / 2 + 1 / 3) / 2, "file": (1 + 2 / 3) / 2, "null": 0.0}
    )
    with Store.open(folder / "out") as store:
        assert {(task.limits.steps, task.limits.tokens, task.limits.usd) for task in store.tasks()} == {(3, 50, 0.5)}


ASKING = """
from quintain import Choose
class Asking:
    def __init__(self, model, replay=None):
        self.up = model == "good" and replay == "tape"
    def reset(self, task, seed): ...
    def act(self, observation): return Choose(index=0 if self.up else 1)
"""


def test_each_model_is_an_agent(folder: Path) -> None:
    (folder / "mine.py").write_text(ASKING)
    done = quintain(
        "run", "--agent", "mine.py:Asking", "--agent", "null", "--model", "good", "--model", "bad", "--replay", "tape",
        "--tasks", "tasks.json", "--workers", "1", "--out", "out", "--json", folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {row["agent"]: row["score"] for row in json.loads(done.stdout)["results"]} == {
        "mine.py:Asking:good": 1.0, "mine.py:Asking:bad": 0.0, "null": 0.0,
    }  # fmt: skip


def test_a_run_in_which_nothing_could_be_scored_fails_with_the_reason(folder: Path) -> None:
    done = play(folder, "--set", "moves=[2]", "--retries", "0", "--json", agent="MovesAgent")
    assert done.returncode == 2
    assert json.loads(done.stdout)["results"][0]["unscored"] == 2
    assert "error: no episode could be scored: " in done.stderr
    assert "the counter broke" in done.stderr


def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(folder: Path) -> None:
    command = [
        sys.executable, "-m", "quintain", "run", "--agent", f"{TOY}:UpAgent", "--tasks", "tasks.json", "--episodes", "40",
        "--workers", "1", "--option", "delay=0.03", "--out", "out",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_episodes(folder / "out", 3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "--resume out" in err.splitlines()[-1]
    assert "Traceback" not in err
    with Store.open(folder / "out") as store:
        kept = {id for (id,) in store.query("SELECT id FROM episodes")}
    assert 3 <= len(kept) < 80
    done = quintain("run", "--resume", "out", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["episodes"] == 80
    with Store.open(folder / "out") as store:
        assert kept <= {id for (id,) in store.query("SELECT id FROM episodes")}
        assert store.query("SELECT count(*) FROM episodes") == [(80,)]


def wait_for_episodes(path: Path, count: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if Store.holds_run(path):
            with Store.open(path) as store:
                if store.query("SELECT count(*) FROM episodes")[0][0] >= count:
                    return
        time.sleep(0.05)
    raise AssertionError(f"{path}: no {count} episodes within a minute")


def test_a_run_is_scored_again_and_reported_in_every_form(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert play(folder, "--episodes", "2").returncode == 0
    monkeypatch.chdir(folder)

    def prints(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
        return capsys.readouterr().out

    again = json.loads(prints("score", "out", "--json"))
    assert again["rescored"] == {"episodes": 4, "changed": 0, "unscored": 0}
    assert again["results"][0]["score"] == 1.0
    assert json.loads(prints("report", "out", "--json"))["run"] == "out"
    assert prints("report", "out").count("1.000") >= 2
    assert prints("report", "out", "--format", "md").startswith("# Run out")
    assert prints("report", "out", "--format", "html", "--out", "pages/a.html") == ""
    assert (folder / "pages" / "a.html").read_text().startswith("<!doctype html>")
    assert "cannot be written" in fails("report", "out", "--format", "md", "--out", "/proc/a.md", capsys=capsys)


def test_lists_are_json_and_name_every_room(folder: Path) -> None:
    found = json.loads(quintain("list", "--json", folder=folder).stdout)
    assert {"suites", "envs", "agents", "evaluators"} == set(found)
    assert {"null", "random"} <= {agent["id"] for agent in found["agents"]}
    assert "browser" in {env["id"] for env in found["envs"]}
    tasks = json.loads(quintain("list", "tasks", "miniwob/click-test*", "--json", folder=folder).stdout)["tasks"]
    assert "miniwob/click-test" in {task["id"] for task in tasks}


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m quintain list tasks | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("tasks")
    assert done.stderr == ""


def test_doctor_and_setup_speak_json(folder: Path) -> None:
    done = quintain("doctor", "--json", folder=folder)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ready"] else 1)
    assert {"basics", "browser", "repo", "agents", "local"} <= {check["family"] for check in found["checks"]}


def state(done: int, value: float | None = 1.0) -> Progress:
    trial = Trial("toy/a", "up", done, done)
    return Progress(done, 10, 2, 1, Summary("id", trial, "ok", None, "", value, None, 3, 0.1))


def test_progress_without_a_terminal_is_a_line_now_and_then() -> None:
    stream = io.StringIO()
    with Display(stream=stream) as display:
        for done in range(1, 11):
            display(state(done, value=None if done == 3 else 0.5))
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("10/10 episodes")
    assert "1 failed" in line
    assert line.endswith("mean score: up 0.500")


def test_progress_on_a_terminal_is_drawn_live(folder: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "quintain", "run", "--agent", f"{TOY}:UpAgent", "--tasks", "tasks.json", "--out", "out"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=follower, env=environment) as process:
        os.close(follower)
        seen = b""
        try:
            while data := os.read(leader, 4096):
                seen += data
        except OSError:
            pass  # Linux answers so when the other end is gone.
        finally:
            os.close(leader)
        assert process.wait(60) == 0
    assert b"2/2 episodes" in seen
    assert b"mean of 2 scored" in seen
