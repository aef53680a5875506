"""Runs with real worker processes: what is asked for is played, failures have owners, nothing finished is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

import quintain
from quintain.config import AgentConfig
from quintain.core import Limits
from quintain.errors import InfrastructureError, TaskError, Unavailable, UsageError
from quintain.registry import load
from quintain.runner import Progress, Run, evaluate, resume, trial_seed
from quintain.store import Store
from quintain.trace import read_trace

toy: Any = sys.modules[load(f"{Path(__file__).with_name('toy_world.py')}:CounterWorld", what="toy world").__module__]
UP = f"{toy.TOY}:UpAgent"


def misbehaving(how: str) -> AgentConfig:
    return AgentConfig(agent=f"{toy.TOY}:MisbehavingAgent", config={"how": how}, name=how)


def moving(*moves: int) -> AgentConfig:
    return AgentConfig(agent=f"{toy.TOY}:MovesAgent", config={"moves": list(moves)}, name="moves")


def descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Any:
    before = {process.pid for process in descendants()}
    yield
    deadline = time.monotonic() + 5
    while (left := [p for p in descendants() if p.pid not in before]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []


def test_every_agent_plays_every_task_with_the_same_seeds(tmp_path: Path) -> None:
    tasks = [toy.counter_task("toy/a"), toy.counter_task("toy/b", target=0)]
    seen: list[Progress] = []
    run = evaluate({"up": UP, "asked": toy.GiveUpAgent, "made": toy.AsyncUpAgent()}, tasks, episodes=3, seed=5, workers=2,
                   out=tmp_path, progress=seen.append)  # fmt: skip
    rows = run.rows()
    assert Counter(zip(rows["agent"], rows["task"], strict=True)) == {
        (agent, task): 3 for agent in ("up", "asked", "made") for task in ("toy/a", "toy/b")
    }
    seeds = {(row, int(seed)) for row, seed in zip(rows["task"], rows["seed"], strict=True)}
    assert seeds == {(task.id, trial_seed(5, task.id, k)) for task in tasks for k in range(3)}
    assert set(rows["outcome"]) == {"ok"}
    by_agent = {agent: rows["value"][[each == agent for each in rows["agent"]]] for agent in ("up", "asked", "made")}
    assert by_agent["up"].tolist() == by_agent["made"].tolist() == [1.0] * 6 and by_agent["asked"].tolist() == [0.0] * 6
    assert [each.done for each in seen] == list(range(1, 19)) and {each.total for each in seen} == {18}
    assert {type(each.last.value) for each in seen if each.last} == {float}
    episode = next(run.episodes())
    with Store.open(tmp_path) as store:
        assert [line.step for line in read_trace(store.trace_path(episode.id)) if line.step] == list(episode.steps)
    assert {each["agent"]: each["score"] for each in run.results()} == {"up": 1.0, "asked": 0.0, "made": 1.0}


def test_worlds_and_agents_stay_warm(tmp_path: Path) -> None:
    marker, closed = tmp_path / "marker", tmp_path / "closed"
    agent = AgentConfig(agent=f"{toy.TOY}:ClosingAgent", config={"file": str(closed)})
    evaluate(agent, toy.counter_task(marker=str(marker)), episodes=6, workers=1, out=tmp_path / "run")
    assert len({line.split()[0] for line in marker.read_text().splitlines()}) == 1
    assert closed.read_text() == "closed\n"


def test_it_plays_in_this_process_without_workers(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    agent = toy.UpAgent()
    agent.lock = threading.Lock()  # Cannot be pickled, and does not have to be: but it must say so.
    with pytest.raises(UsageError, match="cannot be sent to the workers"):
        evaluate(agent, toy.counter_task(), out=tmp_path / "no")
    run = evaluate(UP, toy.counter_task(marker=str(marker)), episodes=2, workers=0, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0, 1.0]
    assert {int(line.split()[0]) for line in marker.read_text().splitlines()} == {os.getpid()}


@pytest.mark.parametrize("workers", [0, 1])
async def test_it_runs_inside_a_running_loop(tmp_path: Path, workers: int) -> None:
    await asyncio.sleep(0)
    run = evaluate(UP, toy.counter_task(), workers=workers, out=tmp_path)
    assert run.rows()["value"].tolist() == [1.0]


def test_it_runs_in_a_thread(tmp_path: Path) -> None:
    runs: list[Run] = []
    thread = threading.Thread(target=lambda: runs.append(evaluate(UP, toy.counter_task(), workers=1, out=tmp_path)))
    thread.start()
    thread.join(60)
    assert runs[0].rows()["value"].tolist() == [1.0]


def test_a_script_needs_no_main_guard_and_its_own_classes_travel(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from quintain import evaluate\nfrom quintain.core import Task\nfrom quintain.spaces import Choose\n"
        "STEP = 0\n"
        "class Mine:\n"
        "    def reset(self, task, seed): print('said by an agent')\n"
        "    def act(self, observation): return Choose(index=STEP)\n"
        f"task = Task(id='toy/x', env='{toy.TOY}:CounterWorld',"
        f" evaluator={{'id': '{toy.TOY}:Counted', 'when': 'step'}}, limits={{'steps': 9}})\n"
        "print(evaluate(Mine, task, workers=1, out='run').rows()['value'].tolist())\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[1.0]\n", done.stderr
    assert "said by an agent" in done.stderr


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("nobody", "unknown agent 'nobody'"),
        ("no.such.module:Agent", "no module"),
        (f"{toy.TOY}:Nobody", "has no 'Nobody'"),
        (f"{toy.TOY}:NoActAgent", "has no method act"),
        (toy.NoActAgent(), "has no method act"),
        (42, "has no method reset"),
        (f"{toy.TOY}:RaisingConstructorAgent", "cannot be built: RuntimeError: no model here"),
        (AgentConfig(agent=UP, config={"size": 3}), "takes no arguments"),
        ([], "no agent to evaluate"),
        ([UP, UP], "two agents are called"),
    ],
)
def test_a_bad_agent_is_refused_before_any_environment_starts(tmp_path: Path, agent: Any, said: str) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(UsageError) as caught:
        evaluate(agent, toy.counter_task(marker=str(marker)), workers=1, out=tmp_path / "run")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not marker.exists() and not (tmp_path / "run").exists()


def test_an_agent_file_with_a_syntax_error_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("class Agent\n")
    with pytest.raises(UsageError, match="line 1: syntax error"):
        evaluate(f"{tmp_path / 'bad.py'}:Agent", toy.counter_task(), out=tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tasks": "no-such/task"}, "no task matches"),
        ({"tasks": toy.counter_task(colour="red")}, "setup.unknown field 'colour'"),
        ({"tasks": toy.counter_task(evaluator={"size": 1})}, "does not take these options"),
        ({"episodes": 0}, "episodes"),
        ({"workers": -1}, "workers must be 0 or more"),
        ({"executor": "moon"}, "unknown executor 'moon'"),
        ({"limits": {"step": 3}}, "unknown field 'step'"),
        ({"observe": ["smell"]}, "smell"),
        ({"observe": ["windows"]}, "not offered by this world"),
        ({"options": {"size": 1}}, "does not take these options"),
        ({"out": "/proc/run"}, "cannot be stored there"),
        ({"trace": "some"}, "trace"),
    ],
)
def test_a_bad_argument_is_one_clear_line(tmp_path: Path, arguments: dict[str, Any], said: str) -> None:
    given = {"tasks": toy.counter_task(), "out": tmp_path / "run", "workers": 0} | arguments
    with pytest.raises((UsageError, TaskError)) as caught:
        evaluate(UP, given.pop("tasks"), **given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_hanging_agent_is_killed_and_its_worker_replaced(tmp_path: Path) -> None:
    began = time.monotonic()
    agents = [misbehaving("hang"), misbehaving("spin"), AgentConfig(agent=UP, name="up")]
    run = evaluate(agents, toy.counter_task(), limits={"seconds": 0.5}, workers=2, out=tmp_path)
    episodes = {episode.agent: episode for episode in run.episodes()}
    for name in ("hang", "spin"):
        assert episodes[name].outcome == "timeout"
        assert episodes[name].failure is not None and episodes[name].failure.owner == "agent"
        assert len(episodes[name].steps) == 1, "the steps before the kill are kept"
        assert episodes[name].usage.agent_s > 0.5
    assert episodes["up"].outcome == "ok"
    rows = run.rows()
    assert dict(zip(rows["agent"], rows["value"].tolist(), strict=True)) == {"hang": 0.0, "spin": 0.0, "up": 1.0}
    assert time.monotonic() - began < 30


def test_a_process_that_ends_costs_only_its_episode(tmp_path: Path) -> None:
    agents = [misbehaving("die"), moving(0, toy.DIE), AgentConfig(agent=UP, name="up")]
    run = evaluate(agents, toy.counter_task(), workers=1, retries=0, out=tmp_path)
    episodes = {episode.agent: episode for episode in run.episodes()}
    assert episodes["die"].outcome == "agent_error" and "exit code 11" in episodes["die"].failure.message  # type: ignore[union-attr]
    assert episodes["moves"].outcome == "env_error" and "exit code 9" in episodes["moves"].failure.message  # type: ignore[union-attr]
    assert episodes["moves"].failure.owner == "environment"  # type: ignore[union-attr]
    assert episodes["up"].outcome == "ok"


def test_a_world_that_hangs_is_killed_and_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quintain.trial.ENVIRONMENT_GRACE_S", 0.3)
    run = evaluate(moving(0, toy.HANG), toy.counter_task(seconds=0.3), workers=1, retries=0, out=tmp_path)
    (episode,) = run.episodes()
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner, len(episode.steps)) == ("env_error", "environment", 1)


def test_an_environments_failure_is_retried_in_a_fresh_world_and_an_agents_never(tmp_path: Path) -> None:
    task = toy.counter_task("toy/jams", breaks=2, broken=str(tmp_path / "broken"))
    agents = [AgentConfig(agent=UP, name="up"), misbehaving("raise")]
    run = evaluate(agents, [task, toy.counter_task("toy/fine")], workers=1, retries=2, out=tmp_path / "run")
    assert {(e.agent, e.task): e.outcome for e in run.episodes()} == {
        ("up", "toy/jams"): "ok", ("up", "toy/fine"): "ok",
        ("raise", "toy/jams"): "agent_error", ("raise", "toy/fine"): "agent_error",
    }  # fmt: skip
    with Store.open(tmp_path / "run") as store:
        attempts = store.query("SELECT agent, task, count(*) FROM episodes GROUP BY 1, 2")
    assert sum(count for *_, count in attempts) == 4 + 2


def test_retries_end_and_resume_tries_again(tmp_path: Path) -> None:
    task = toy.counter_task(breaks=3, broken=str(tmp_path / "broken"))
    seen: list[Progress] = []
    run = evaluate(UP, task, workers=1, retries=1, out=tmp_path / "run", progress=seen.append)
    assert [(e.done, e.failures) for e in seen] == [(0, 0), (1, 1)]
    assert [episode.outcome for episode in run.episodes()] == ["env_error"]
    assert run.rows()["value"].tolist() != [0.0], "an environment's fault is unscored"
    run = resume(tmp_path / "run", workers=1)
    assert [episode.outcome for episode in run.episodes()] == ["ok"]
    with Store.open(tmp_path / "run") as store:
        assert [row[0] for row in store.query("SELECT attempt FROM episodes ORDER BY attempt")] == [0, 1, 2, 3]


def test_an_agent_that_breaks_the_loop_breaks_only_its_episode(tmp_path: Path) -> None:
    agents = [misbehaving("cancel"), misbehaving("exit"), AgentConfig(agent=UP, name="up")]
    run = evaluate(agents, toy.counter_task(), episodes=2, workers=1, out=tmp_path)
    outcomes = {(episode.agent, episode.outcome) for episode in run.episodes()}
    assert outcomes == {("cancel", "agent_error"), ("exit", "agent_error"), ("up", "ok")}


def test_an_evaluator_that_raises_leaves_the_episode_unscored(tmp_path: Path) -> None:
    run = evaluate(moving(0), toy.counter_task(evaluator={"raises": True}, when="end"), workers=1, out=tmp_path)
    (episode,) = run.episodes()
    with Store.open(tmp_path) as store:
        score = store.score(episode.id)
    assert episode.outcome == "ok" and score is not None and score.value is None
    assert "RuntimeError: the evaluator is wrong" in score.reason


def test_limits_given_here_go_before_those_of_the_task(tmp_path: Path) -> None:
    run = evaluate(UP, toy.counter_task(steps=10, seconds=50), limits=Limits(steps=2), workers=1, out=tmp_path)
    (episode,) = run.episodes()
    assert len(episode.steps) == 2
    with Store.open(tmp_path) as store:
        assert next(store.tasks()).limits == Limits(steps=2, seconds=50)


def test_without_a_trace_no_file_is_written(tmp_path: Path) -> None:
    evaluate(UP, toy.counter_task(), workers=0, out=tmp_path, trace="none")
    assert list((tmp_path / "traces").iterdir()) == []


def test_resuming_a_finished_run_plays_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    task = toy.counter_task(marker=str(marker))
    for _ in range(2):
        evaluate(UP, task, workers=0, out=tmp_path / "run", resume=True)
    evaluate(UP, task, episodes=3, workers=0, out=tmp_path / "run", resume=True)
    assert len(marker.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"agents": toy.GiveUpAgent}, "its agents are"),
        ({"seed": 1}, "its seed is 0, not 1"),
        ({"tasks": toy.counter_task("toy/other")}, "it has no task toy/other"),
        ({"tasks": toy.counter_task(target=4)}, "toy/count is another one"),
        ({"resume": False}, "holds a run already"),
    ],
)
def test_resuming_another_run_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    given = {"agents": UP, "tasks": toy.counter_task(), "workers": 0, "out": tmp_path, "resume": True}
    evaluate(**given)
    with pytest.raises(UsageError) as caught:
        evaluate(**(given | change))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_part_that_is_missing_stops_the_run_at_once(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(Unavailable, match="quintain setup beads"):
        evaluate(UP, toy.counter_task(unavailable=True, marker=str(marker)), episodes=50, workers=1, out=tmp_path / "run")
    assert len(marker.read_text().splitlines()) == 1


def test_two_processes_do_not_play_the_same_run(tmp_path: Path) -> None:
    refused = []

    def again(progress: Progress) -> None:
        if progress.done > 1:
            return
        refused.append(progress)
        with pytest.raises(UsageError, match="is being played by another process"):
            evaluate(UP, toy.counter_task(), episodes=2, workers=0, out=tmp_path, resume=True)

    evaluate(UP, toy.counter_task(), episodes=2, workers=0, out=tmp_path, progress=again)
    assert len(refused) == 1 and len(list(Run(tmp_path).episodes())) == 2


def test_a_store_that_fails_stops_the_run_and_keeps_the_rest(tmp_path: Path) -> None:
    def fill(progress: Progress) -> None:
        if progress.done == 2:
            (tmp_path / "traces").rename(tmp_path / "gone")

    with pytest.raises(InfrastructureError, match="trace cannot be written") as caught:
        evaluate(UP, toy.counter_task(), episodes=50, workers=1, out=tmp_path, progress=fill)
    assert "\n" not in str(caught.value)
    assert len(list(Run(tmp_path).episodes())) >= 2


def test_eight_threads_make_and_step_at_once() -> None:
    def play(results: list[float]) -> None:
        with quintain.make(toy.counter_task()) as env:
            env.reset(seed=1)
            results.append(sum(env.step({"kind": "choose", "index": 0}).reward for _ in range(3)))

    results: list[float] = []
    threads = [threading.Thread(target=play, args=(results,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [pytest.approx(1.0)] * 8
