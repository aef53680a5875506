"""Stored runs as arrays, and what is said of them: comparisons, standings, and what a study can find."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from toy_runs import play

from quintain.errors import UsageError
from quintain.runner import trial_seed
from quintain.stats import same_tasks
from quintain.stats.compare import Scores, compare, holm
from quintain.stats.power import Noise, difference_noise, power
from quintain.store import Store
from quintain.studies.analysis import Study, contrast, contrast_all, contrast_with, gather, plain
from quintain.studies.planning import Design, outlook, pilot
from quintain.studies.planning import to_object as planned
from quintain.studies.standings import stand
from quintain.studies.summary import attempts


def study(*folders: Path, pattern: str | None = None) -> Study:
    stores = [Store.open(folder) for folder in folders]
    try:
        return gather(stores, pattern=pattern)
    finally:
        for store in stores:
            store.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("runs") / "first", 1, 3, 5, tasks=8, episodes=4)


@pytest.fixture(scope="module")
def found(run: Path) -> Study:
    return study(run)


def rows(folder: Path, agent: str) -> list[tuple[str, int, float]]:
    """Task, seed and score of an agent, read by another way."""
    with Store.open(folder) as store:
        sql = "SELECT task, seed, value FROM latest l JOIN scores s ON s.episode = l.id WHERE agent = ? ORDER BY 1, 2"
        return [(task, int(seed), value) for task, seed, value in store.query(sql, (agent,))]


def test_a_comparison_is_that_of_the_stored_rows(run: Path, found: Study) -> None:
    of = {agent: Scores(*zip(*rows(run, agent), strict=True)) for agent in ("to-3", "to-1")}
    expected = compare(of["to-3"], of["to-1"], names=("to-3", "to-1"))
    assert contrast(found, "to-3", "to-1").found == expected
    assert expected.new is not None and expected.new.estimate > 0


def test_success_is_what_passed_and_not_the_score(found: Study) -> None:
    by_score, by_success = (contrast(found, "to-5", "to-3", metric=metric) for metric in ("score", "success"))
    assert by_success.found.new is not None and by_score.found.new is not None
    assert by_success.found.new.estimate > by_score.found.new.estimate > 0


def test_flips_name_the_task_and_the_seed(run: Path, found: Study) -> None:
    passed = {agent: {(task, seed) for task, seed, value in rows(run, agent) if value == 1.0} for agent in ("to-1", "to-3")}
    flips = contrast(found, "to-1", "to-3").episodes
    assert {(flip.task, int(flip.seed)) for flip in flips} == passed["to-1"] ^ passed["to-3"]
    assert {flip.passed_by for flip in flips} == {"to-3"}
    assert flips[0].seed in {str(trial_seed(0, flips[0].task, k)) for k in range(4)}


def test_many_pairs_are_corrected_for_their_number(found: Study) -> None:
    every, against = contrast_all(found), contrast_with(found, "to-5")
    assert [each.found.names for each in every] == [("to-1", "to-3"), ("to-1", "to-5"), ("to-3", "to-5")]
    assert [each.found.names for each in against] == [("to-5", "to-1"), ("to-5", "to-3")]
    for family in (every, against):
        assert [each.found.p_adjusted for each in family] == pytest.approx(holm([each.found.p for each in family]))
    assert against[0].found.verdict == "to-5 is better than to-1 on new tasks like these"


def test_agents_of_several_runs_stand_beside_each_other(run: Path, tmp_path: Path) -> None:
    other = play(tmp_path / "second", 3, 4, tasks=8, episodes=2, seed=1)
    both = study(run, other)
    assert list(both.agents) == ["to-1", "to-3@first", "to-3@second", "to-4", "to-5"]
    assert contrast(both, "to-3@first", "to-3@second").episodes == ()
    with pytest.raises(UsageError, match="two runs called 'first' have the agent 'to-1'"):
        study(run, run)


def test_only_the_tasks_asked_for_are_taken(run: Path) -> None:
    assert study(run, pattern="toy/t0[12]").tasks == ("toy/t01", "toy/t02")
    assert len(study(run, pattern="toy").tasks) == 8
    with pytest.raises(UsageError, match="no episode is of a task that matches 'tay'"):
        study(run, pattern="tay")


def test_what_cannot_be_compared_is_refused(found: Study, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean to-"):
        contrast(found, "to-1", "too-3")
    with pytest.raises(UsageError, match="with itself"):
        contrast(found, "to-1", "to-1")
    apart = study(play(tmp_path / "a", 1, tasks=2), play(tmp_path / "b", 2, tasks=2, first=5))
    with pytest.raises(UsageError, match="to-1 and to-2 have no task in common"):
        contrast(apart, "to-1", "to-2")
    once = study(play(tmp_path / "c", 1, 2, tasks=1, episodes=1))
    with pytest.raises(UsageError, match="one common task, played once"):
        contrast(once, "to-1", "to-2")


def test_one_common_task_played_often_speaks_of_that_task(tmp_path: Path) -> None:
    again = contrast(study(play(tmp_path / "run", 1, 5, tasks=1, episodes=12)), "to-1", "to-5").found
    assert again.new is None and again.same is not None
    assert again.tasks == 1


def test_five_methods_rank_and_agree_where_the_order_is_plain(found: Study) -> None:
    standings = stand(found)
    assert [each.agent for each in standings.agents] == ["to-5", "to-3", "to-1"]
    for each, place in zip(standings.agents, (1, 2, 3), strict=True):
        methods = (each.mean, each.borda, each.kemeny, each.bradley_terry, each.plackett_luce)
        assert [method.rank for method in methods if method] == [place] * 5
        assert each.mean.low is not None and each.mean.high is not None
        assert each.mean.low <= place <= each.mean.high
    assert (standings.tasks, standings.dropped, standings.disagreements) == (8, 0, ())
    elo = next(note for note in standings.notes if note.startswith("Elo"))
    assert elo.index("to-5") < elo.index("to-3") < elo.index("to-1") and " ± " in elo
    assert stand(found) == standings
    assert json.loads(json.dumps(standings.to_object(), allow_nan=False))["agents"][0]["agent"] == "to-5"


def test_methods_that_disagree_are_named(tmp_path: Path) -> None:
    """One agent is a little better on most tasks, the other far better on one."""
    a, b = play(tmp_path / "a", 4, targets=[5, 5, 5, 40], episodes=1), play(tmp_path / "b", 3, targets=[5, 5, 5, 4], episodes=1)
    standings = stand(study(a, b))
    assert standings.disagreements == ("to-3 before to-4 by mean; after it by Borda, Kemeny, Bradley-Terry, Plackett-Luce",)


def test_missing_cells_are_said_and_never_zero(found: Study, run: Path, tmp_path: Path) -> None:
    more = play(tmp_path / "more", 4, tasks=10, episodes=4)
    common = stand(study(run, more))
    assert (common.tasks, common.dropped) == (8, 2)
    assert "to-1 has no score on 2 of 10 tasks" in common.notes
    available = stand(study(run, more), missing="available")
    assert {each.agent: each.tasks for each in available.agents} == {"to-1": 8, "to-3": 8, "to-4": 10, "to-5": 8}


def test_an_agent_that_never_loses_has_a_penalised_strength(tmp_path: Path) -> None:
    standings = stand(study(play(tmp_path / "run", 1, 5, targets=[4, 5, 6], episodes=1)))
    assert any("no finite fit" in note and "penalty" in note for note in standings.notes)
    assert standings.agents[0].bradley_terry is not None and math.isfinite(standings.agents[0].bradley_terry.value)


@pytest.mark.parametrize(("numbers", "tasks", "said"), [((1,), 3, "two agents"), ((1, 2), 1, "two tasks, and 1 has")])
def test_what_cannot_be_ranked_is_refused(numbers: tuple[int, ...], tasks: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        stand(study(play(tmp_path / "run", *numbers, tasks=tasks)))


def test_a_pilot_gives_the_noise_of_its_two_best_agents(found: Study) -> None:
    design = pilot(found, None, None)
    expected = difference_noise(found.scores("to-5", "score"), found.scores("to-3", "score"))
    assert (design.tasks, design.runs, design.noise) == (8, 4, expected)
    assert design.source.startswith("to-5 against to-3")
    assert pilot(found, "to-1", None).source.startswith("to-1 against to-5")
    (new, same) = outlook(design, 0.1)
    assert new.power == power(0.1, tasks=8, runs=4, noise=expected)
    assert same.question == "same tasks again"
    assert new.width == 0.2
    assert all(each.width <= 0.2 for each in new.plans)
    assert json.loads(json.dumps(planned(design, (new, same)), allow_nan=False))["design"]["runs"] == 4


def test_what_a_design_cannot_answer_is_left_out_or_refused(tmp_path: Path) -> None:
    noise = Noise(0.04, 0.04)
    assert [each.question for each in outlook(Design(20, 1, noise, ""), 0.1)] == ["new tasks like these"]
    assert [each.question for each in outlook(Design(1, 9, noise, ""), 0.1)] == ["same tasks again"]
    assert outlook(Design(20, 2, noise, ""), 0.1, width=1e-6)[0].plans == ()
    for design, delta, said in (
        (Design(1, 1, noise, ""), 0.1, "one task, run once"),
        (Design(9, 9, Noise(0, 0), ""), 0.1, "all differences are alike"),
        (Design(9, 9, noise, ""), 0.0, "must not be 0"),
        (Design(9, 9, noise, ""), math.nan, "must not be 0"),
    ):
        with pytest.raises(UsageError, match=said):
            outlook(design, delta)
    with pytest.raises(UsageError, match="run some of them twice"):
        pilot(study(play(tmp_path / "once", 1, 2, episodes=1)), None, None)


def test_curves_show_every_attempt_of_few_and_round_numbers_of_many() -> None:
    assert attempts(4) == [1, 2, 3, 4]
    assert attempts(64) == [1, 2, 3, 4, 5, 10, 20, 50, 64]


def test_plain_values_are_json() -> None:
    value = {"a": same_tasks([0.0, 1.0], ["t", "t"]), "b": (math.inf, np.float64(1.5)), "c": np.array([1, 2])}
    found = json.loads(json.dumps(plain(value), allow_nan=False))
    assert (found["a"]["estimate"], found["b"], found["c"]) == (0.5, [None, 1.5], [1, 2])
