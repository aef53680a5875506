"""What a report says of a stored run, and what it does not hide."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from quintain.certificate.verdict import Certificate
from quintain.config import RunConfig
from quintain.core import Episode, Failure, Outcome, Score, StepRecord, Usage
from quintain.reporting.page import render_page, write_page
from quintain.reporting.tables import by_task, failures, notes, read, render_json, render_markdown, screens, summarize, table
from quintain.spaces import Observation
from quintain.stats import new_tasks, same_tasks, wilson
from quintain.stats.aggregates import iqm, optimality_gap
from quintain.stats.aggregates import summarize as aggregate
from quintain.stats.bootstrap import Resampling
from quintain.store import Store, Trial
from quintain.studies import summary
from quintain.studies.summary import comparisons

CONFIG = RunConfig.read(agents=["good", "bad"], tasks="demo/*", episodes=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "run", CONFIG) as made:
        yield made


def add(
    store: Store, agent: str, task: str, seed: int, value: float | None, *, outcome: Outcome = "ok", message: str = ""
) -> Episode:
    store.add_trials([Trial(task, agent, seed, seed)])
    episode = Episode(
        task=task,
        agent=agent,
        seed=seed,
        outcome=outcome,
        steps=(StepRecord(action={"kind": "click", "target": 3}, reward=value or 0.0),) * 4,
        usage=Usage(agent_s=0.1, environment_s=0.3, waiting_s=0.01),
        failure=None if outcome == "ok" else Failure(owner="environment", message=message),
        started_at="2026-01-02T03:04:05.678+00:00",
    )
    store.append(episode, Score(value=value, passed=None if value is None else value == 1.0, evaluator="page_reward"))
    return episode


def two_agents(store: Store, tasks: int = 6) -> list[float]:
    values = [float(v) for v in np.random.default_rng(0).random(2 * tasks).round(3)]
    for i in range(tasks):
        for seed in range(2):
            add(store, "good", f"demo/t{i}", seed, 1.0)
            add(store, "bad", f"demo/t{i}", seed, values[2 * i + seed])
    return values


def test_each_agent_and_suite_has_a_row_that_answers_both_questions(store: Store) -> None:
    values = two_agents(store)
    bad, good = summarize(store)
    tasks = [i // 2 for i in range(12)]
    assert (bad["agent"], bad["suite"], bad["tasks"], bad["episodes"], bad["unscored"]) == ("bad", "demo", 6, 12, 0)
    assert bad["score"] == pytest.approx(np.mean(values))
    assert (bad["low"], bad["high"], bad["question"]) == (*new_tasks(values, tasks)[1:3], "new tasks like these")
    assert bad["intervals"]["score"]["same_tasks"] == same_tasks(values, tasks)._asdict()
    assert (bad["success"], good["success"]) == (0.0, 1.0)
    assert (good["success_low"], good["success_high"]) == wilson(6, 6)
    assert good["steps"] == 4.0
    assert good["seconds"] == pytest.approx({"total": 0.41, "agent": 0.1, "environment": 0.3, "waiting": 0.01})
    assert good["tokens"] == {"sum": None, "unknown": 12}


def test_a_run_of_one_episode_a_task_speaks_of_new_tasks_only(store: Store) -> None:
    for i in range(4):
        add(store, "good", f"demo/t{i}", 0, float(i > 0))
    (row,) = summarize(store)
    assert set(row["intervals"]["score"]) == {"new_tasks"}
    assert row["intervals"]["success"]["new_tasks"]["formula"] == "Wilson over tasks"


def test_a_run_of_one_task_speaks_of_that_task_only(store: Store) -> None:
    for seed, value in enumerate([0.0, 1.0, 1.0]):
        add(store, "good", "demo/only", seed, value)
    (row,) = summarize(store)
    assert row["question"] == "same tasks again"
    assert row["low"] < 2 / 3 < row["high"]


def test_unscored_episodes_stand_apart_with_bounds(store: Store) -> None:
    two_agents(store, tasks=4)
    for seed in range(2, 4):
        add(store, "good", "demo/t0", seed, None, outcome="env_error", message="the browser died")
    good = summarize(store)[1]
    assert (good["score"], good["episodes"], good["scored"], good["unscored"]) == (1.0, 10, 8, 2)
    assert good["outcomes"] == {"env_error": 2, "ok": 8}
    assert good["bounds"] == {"all_fail": pytest.approx((0.5 + 3) / 4), "all_pass": 1.0}
    said = " ".join(notes(summarize(store)))
    assert "2 of 10 episodes unscored (2 env_error)" in said
    assert "all failed 0.875, all passed 1.000" in said


def test_a_retried_episode_counts_once_and_what_was_not_played_is_missing(store: Store) -> None:
    add(store, "good", "demo/a", 0, None, outcome="env_error", message="gone")
    add(store, "good", "demo/a", 0, 1.0)
    store.add_trials([Trial("demo/a", "good", 1, 1), Trial("other/b", "idle", 0, 0)])
    good, idle = summarize(store)
    assert (good["episodes"], good["unscored"], good["missing"], good["score"]) == (1, 0, 1, 1.0)
    assert (idle["agent"], idle["suite"], idle["episodes"], idle["missing"], idle["score"]) == ("idle", "other", 0, 1, None)
    assert "--resume" in " ".join(notes([good]))


def test_the_most_frequent_failures_are_named_with_what_they_said(store: Store) -> None:
    for seed in range(3):
        add(store, "bad", "demo/a", seed, 0.0, outcome="agent_error", message="agent: act, step 2: KeyError: 'x'")
    add(store, "bad", "demo/b", 0, None, outcome="env_error", message="the browser died")
    assert failures(store) == [
        "3 x bad, agent_error: agent: act, step 2: KeyError: 'x' (such as demo/a)",
        "1 x bad, env_error: the browser died (demo/b)",
    ]
    assert failures(store)[0] in render_markdown(store)
    assert len(failures(store, limit=1)) == 1


def test_a_run_with_nothing_in_it_reports_nothing(store: Store) -> None:
    assert summarize(store) == []
    assert json.loads(render_json(store))["results"] == []
    assert "Run run" in render_markdown(store)
    assert "No episode is scored yet" in render_page(store)


def test_markdown_json_and_table_hold_the_same_numbers(store: Store) -> None:
    two_agents(store)
    rows = summarize(store)
    loaded = json.loads(render_json(store))
    assert (loaded["run"], loaded["results"]) == (str(store.path), rows)
    assert {"agent", "suite", "episodes", "unscored", "score", "low", "high", "success"} <= set(loaded["results"][0])
    shown = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with shown.file:
        shown.print(table(rows))
        text = shown.export_text()
    for number in (f"{rows[0]['score']:.3f}", f"{rows[0]['low']:.3f}-{rows[0]['high']:.3f}", "1.000"):
        assert number in text
        assert number in render_markdown(store)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_table_keeps_whole_columns_on_a_narrow_terminal(store: Store, width: int) -> None:
    two_agents(store)
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=max(width, 75), file=nowhere)
        made = table(summarize(store), width=width)
        assert console.measure(made).maximum <= max(width, 75)
    assert {"agent", "score", "unscored"} <= {str(column.header) for column in made.columns}


@pytest.mark.parametrize("width", [80, 120, 200])
def test_all_tables_of_a_run_fit_on_the_terminal(store: Store, width: int) -> None:
    two_agents(store)
    results, compared = summarize(store), comparisons(read(store))
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=width, file=nowhere)
        tables = list(screens(results, compared, width=width))
        assert [console.measure(made).maximum <= width for made in tables] == [True] * 3
    assert {"IQM", "pass@2", "pass^2"} <= {str(column.header) for column in tables[1].columns}


def test_aggregates_stand_beside_the_mean_with_the_seed_of_their_bootstrap(store: Store) -> None:
    values = np.array(two_agents(store)).reshape(6, 2).T
    bad, good = summarize(store)
    assert (bad["iqm"], bad["optimality_gap"]) == (pytest.approx(iqm(values)), pytest.approx(optimality_gap(values)))
    expected = aggregate(values, ("iqm",), how=Resampling(replicates=2000, seed=0))["iqm"]
    assert bad["intervals"]["iqm"]["same_tasks"] == expected._asdict()
    assert [(point["k"], point["estimate"]) for point in good["attempts"]["pass_hat_k"]] == [(1, 1.0), (2, 1.0)]
    assert bad["attempts"]["pass_at_k"][1]["question"] == "new tasks like these"
    assert "2000 replicates, seed 0" in " ".join(notes([bad]))


def test_with_too_many_episodes_an_aggregate_stands_without_interval(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    two_agents(store)
    monkeypatch.setattr(summary, "WORK", 1000)
    bad, _ = summarize(store)
    assert bad["iqm"] is not None and "iqm" not in bad["intervals"]
    assert bad["attempts"] == {}
    assert "more episodes than a report resamples" in " ".join(notes([bad]))


def test_an_accelerator_resamples_what_is_too_much_for_numpy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here JAX computes on the CPU: the numbers are the same."""
    pytest.importorskip("jax", reason="jax is not installed")
    two_agents(store)
    by_numpy = summarize(store)
    monkeypatch.setattr(summary, "WORK", 1000)
    monkeypatch.setattr(summary, "accelerated", lambda: True)
    by_jax = summarize(store)
    for ours, theirs in zip(by_jax, by_numpy, strict=True):
        mine, numpys = ours["intervals"]["iqm"]["same_tasks"], theirs["intervals"]["iqm"]["same_tasks"]
        assert (mine["estimate"], mine["formula"]) == (numpys["estimate"], numpys["formula"])
        assert (mine["low"], mine["high"]) == pytest.approx((numpys["low"], numpys["high"]), abs=1e-6)


def test_the_best_agent_is_compared_with_each_other_one_of_its_suite(store: Store) -> None:
    two_agents(store)
    for i in range(3):
        add(store, "third", f"demo/t{i}", 0, 0.5)
        add(store, "alone", f"other/t{i}", 0, 1.0)
    compared = json.loads(render_json(store))["comparisons"]
    assert [each["names"] for each in compared] == [["good", "bad"], ["good", "third"]]
    assert all(each["correction"] == "holm" for each in compared)
    assert "good is better than bad on new tasks like these" in render_markdown(store)
    assert "good is better than bad on new tasks like these" in render_page(store)


def test_the_page_is_one_file_that_needs_nothing_else(store: Store) -> None:
    two_agents(store)
    failed = add(store, "bad", "demo/<t>", 0, 0.0, outcome="timeout", message="no answer in 5 s & more")
    with store.recorder(failed.id) as recorder:  # type: ignore[union-attr]
        recorder.observed(Observation(screenshot=np.full((40, 60, 3), 200, np.uint8)))
        recorder.acted(failed.steps[0])
    path = write_page(store)
    assert path == store.path / "report.html"
    page = path.read_text(encoding="utf-8")
    assert "http" not in page
    assert "<script" not in page
    assert 'src="data:image/png;base64,' in page
    assert "no answer in 5 s &amp; more" in page
    assert "demo/&lt;t&gt;" in page
    assert "click(target=3)" in page


def test_the_page_shows_the_certificate_of_the_run(store: Store) -> None:
    found = Certificate(
        suite="demo", verdict="failed", checked_at="2026-01-02T03:04:05", episodes=3, seed=0, versions={}, random={}, tasks=(),
        problems=("demo/a: the null agent scores 0.500",),
    )  # fmt: skip
    store.add_certificate("demo", checked_at=found.checked_at, data=found.model_dump_json())
    assert "the null agent scores 0.500" in render_page(store)


def test_means_by_task_leave_out_what_is_unscored(store: Store) -> None:
    add(store, "good", "demo/a", 0, 1.0)
    add(store, "good", "demo/a", 1, 0.5)
    add(store, "good", "demo/b", 0, None, outcome="env_error")
    assert by_task(read(store)) == {"demo/a": {"good": 0.75}}


def synthetic(store: Store, agents: Sequence[str], tasks: int, seeds: int) -> None:
    """Many episodes of realistic size, faster than they could be appended."""
    steps = [{"action": {"kind": "click", "target": i}, "reward": 0.1, "environment_s": i / 7} for i in range(30)]
    data = zlib.compress(json.dumps(steps).encode())
    trials = [(f"demo/t{t}", agent, seed) for t in range(tasks) for agent in agents for seed in range(seeds)]
    store.add_trials(Trial(task, agent, seed, seed) for task, agent, seed in trials)
    episodes, scores = [], []
    for i, (task, agent, seed) in enumerate(trials):
        facts = (0, "ok", None, None, 30, 1.0, 0.1, 0.2, 0.0, None, None, f"2026-01-02T03:04:{i % 60:02}", data)
        episodes.append((str(i), task, "demo", agent, str(seed), *facts))
        scores.append((str(i), "page_reward", "1", float(i % 3 == 0), int(i % 3 == 0), "{}", ""))
    with store._transaction() as connection:
        connection.executemany(f"INSERT INTO episodes VALUES ({', '.join('?' * 18)})", episodes)
        connection.executemany("INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)", scores)


def test_a_report_reads_columns_and_decodes_no_episode(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 episodes took 0.5 s on two shared cores; decoding each takes minutes, which no machine makes up for."""
    synthetic(store, ["a", "b"], tasks=100, seeds=50)
    monkeypatch.setattr(Store, "episodes", None)
    monkeypatch.setattr(Store, "episode", None)
    began = time.process_time()
    rows = summarize(store)
    assert time.process_time() - began < 10
    assert [row["episodes"] for row in rows] == [5000, 5000]
    assert "5000" in render_page(store)
