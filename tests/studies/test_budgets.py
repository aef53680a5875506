"""Scores against a budget, from the records of runs."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import toy_runs

from quintain.core import Episode, Score, StepRecord
from quintain.errors import UsageError
from quintain.store import Store
from quintain.studies.budgets import Mark, Progress, best_of, of_agents, progress


def run(task: str, *marks: tuple[float, float]) -> Progress:
    return Progress(task, tuple(Mark(*mark) for mark in marks), 100.0)


def step(reward: float = 0.0, *, agent_s: float = 1.0, environment_s: float = 2.0) -> StepRecord:
    return StepRecord(action={"kind": "score"}, reward=reward, agent_s=agent_s, environment_s=environment_s)


def test_rewards_are_read_as_the_rise_of_the_best_score() -> None:
    episode = Episode(task="t/a", agent="x", steps=(step(), step(0.25), step(), step(0.5)))
    assert progress(episode, None).marks == (Mark(6.0, 0.25), Mark(12.0, 0.75))
    assert progress(episode, None, clock="steps").marks == (Mark(2.0, 0.25), Mark(4.0, 0.75))


def test_a_score_that_came_after_the_steps_counts_from_the_end() -> None:
    episode = Episode(task="t/a", agent="x", steps=(step(0.2), step()))
    found = progress(episode, Score(value=0.9), clock="steps")
    assert found.marks == (Mark(1.0, 0.2), Mark(2.0, 0.9)) and found.length == 2.0


def test_a_lower_score_at_the_end_is_a_bound_on_what_was_reached_before() -> None:
    episode = Episode(task="t/a", agent="x", steps=(step(0.8), step()))
    assert progress(episode, Score(value=0.0), clock="steps").by(1.0) == 0.0


def test_a_score_that_fell_again_does_not_take_the_best_away() -> None:
    episode = Episode(task="t/a", agent="x", steps=(step(0.8), step(-0.5), step(0.1)))
    assert progress(episode, None, clock="steps").marks == (Mark(1.0, 0.8),)


def test_what_a_run_had_by_a_time() -> None:
    one = run("t/a", (10.0, 0.3), (20.0, 0.6))
    assert [one.by(at) for at in (0.0, 9.9, 10.0, 15.0, 20.0, 1e9)] == [0.0, 0.0, 0.3, 0.3, 0.6, 0.6]


def test_the_best_of_k_is_the_mean_over_all_choices_of_k_runs() -> None:
    runs = [run("t/a", (at, value)) for at, value in ((10, 0.1), (25, 0.9), (40, 0.5), (50, 1.0))]
    found = best_of([*runs, *(each._replace(task="t/b") for each in runs)], total=60, ks=(1, 2, 3))
    for point, k in zip(found.points, (1, 2, 3), strict=True):
        values = [each.by(60 / k) for each in runs]
        chosen = [max(some) for some in itertools.combinations(values, k)]
        assert point.k == k and point.spent == 60
        assert point.score.estimate == pytest.approx(sum(chosen) / len(chosen))


def test_tasks_weigh_the_same_however_many_runs_they_have() -> None:
    runs = [run("t/a", (1, 1.0))] * 6 + [run("t/b", (1, 0.0))] * 2
    assert best_of(runs, total=10, ks=[2]).points[0].score.estimate == pytest.approx(0.5)


@pytest.mark.parametrize(("total", "ks"), [(0.0, [1]), (10.0, []), (10.0, [0]), (10.0, [3])])
def test_what_cannot_be_estimated_is_refused(total: float, ks: list[int]) -> None:
    with pytest.raises(UsageError):
        best_of([run("t/a", (1, 1.0))] * 2, total=total, ks=ks)


def test_stored_runs_can_be_read(tmp_path: Path) -> None:
    folder = toy_runs.play(tmp_path / "run", 5, tasks=2, episodes=2)
    with Store.open(folder) as store:
        agents = of_agents(store, clock="steps")
    assert [each.task for each in agents["to-5"]] == ["toy/t00", "toy/t00", "toy/t01", "toy/t01"]
    assert best_of(agents["to-5"], total=10, ks=[1, 2], clock="steps").points[0].score.estimate == pytest.approx(1.0)
