"""`quintain suite`, `breakdown` and `judge` as a user meets them, on stored runs whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy_runs import counts_to, play, toy

from quintain.cli import main
from quintain.core import Meta
from quintain.runner import evaluate

TARGETS = (1, 1, 2, 2, 3, 4, 5, 5)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examined")
    play(folder / "five", 1, 2, 3, 4, 5, episodes=1, targets=TARGETS)
    known = [
        toy.counter_task("toy/easy", target=1).model_copy(
            update={"meta": Meta(tags=("small",), created_at="2026-01-05", domain="counting")}
        ),
        toy.counter_task("toy/easy-too", target=1).model_copy(update={"meta": Meta(tags=("small",), created_at="2026-01-07")}),
        toy.counter_task("toy/variant", target=5).model_copy(
            update={"meta": Meta(tags=("large",), version_of="toy/easy", created_at="2026-06-05")}
        ),
        toy.counter_task("toy/variant-too", target=5).model_copy(
            update={"meta": Meta(tags=("large",), version_of="toy/easy-too", created_at="2026-06-07")}
        ),
    ]
    evaluate([counts_to(1), counts_to(5)], known, episodes=1, workers=0, out=folder / "tagged", trace="none")
    return folder


@pytest.fixture(autouse=True)
def inside(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)


def said(*arguments: str, code: int = 0, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    found = capsys.readouterr()
    assert end.value.code == code, found.err
    return found.err if code else found.out


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json", capsys=capsys))
    return found


def test_tasks_are_ordered_by_difficulty_and_twins_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = told("suite", "five", "--metric", "success", capsys=capsys)
    assert [each["task"] for each in found["items"][:2]] == ["toy/t06", "toy/t07"]
    assert {each["task"]: each["difficulty"] for each in found["items"]}["toy/t06"] == pytest.approx(0.8)
    twins = {(each["first"], each["second"]) for each in found["redundant"]}
    assert {("toy/t02", "toy/t03"), ("toy/t06", "toy/t07")} <= twins
    text = said("suite", "five", capsys=capsys)
    assert "separability" in text and "of 10 pairs of agents have disjoint intervals" in text


def test_a_subset_is_chosen_with_its_predicted_error(capsys: pytest.CaptureFixture[str]) -> None:
    found = told("suite", "five", "--choose", "4", capsys=capsys)
    assert len(found["subset"]["tasks"]) == 4
    assert found["subset"]["predicted_error"] < found["subset"]["random_error"]
    assert "--choose" in said("suite", "--help", capsys=capsys)
    assert "1 <= size <= 8" in said("suite", "five", "--choose", "9", code=2, capsys=capsys)


def test_what_agents_did_not_play_is_predicted(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(runs / "part", 2, 4, episodes=1, targets=TARGETS[:4])
    found = told("suite", "five", "part", capsys=capsys)
    assert set(found["predicted"]["means"]) == {"to-1", "to-2@five", "to-2@part", "to-3", "to-4@five", "to-4@part", "to-5"}
    assert any("did not play all tasks" in note for note in found["notes"])


def test_scores_are_split_by_tag_date_variant_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    found = told("breakdown", "tagged", "--by", "tag", "--least", "2", "--cutoff", "2026-03-01", capsys=capsys)
    cells = {(each["system"], each["tag"]): each["score"]["estimate"] for each in found["cells"]}
    assert cells["to-5", "small"] == cells["to-5", "large"] == cells["to-1", "small"] == 1.0
    assert cells["to-1", "large"] < 1
    assert found["drops"]["to-1"]["difference"]["estimate"] < 0 == found["drops"]["to-5"]["difference"]["estimate"]
    assert found["decays"]["to-1"]["change"]["estimate"] < 0
    assert found["speed"]["reached"] == {"to-1": 0.5, "to-5": 1.0}
    text = said("breakdown", "tagged", "--by", "tag", capsys=capsys)
    assert "too few tasks" in text and "by time to 1 (50% reached" in text


def test_what_tasks_do_not_say_cannot_be_split_by(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no task of this run has a split" in said("breakdown", "tagged", "--by", "split", code=2, capsys=capsys)
    assert "--by 'colour' is unknown" in said("breakdown", "tagged", "--by", "colour", code=2, capsys=capsys)
    assert "no ISO date" in said("breakdown", "tagged", "--by", "tag", "--cutoff", "spring", code=2, capsys=capsys)


def test_improvement_over_the_random_agent_is_told(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [toy.counter_task(f"toy/r{k}", target=k).model_copy(update={"meta": Meta(tags=("t",))}) for k in (1, 2)]
    evaluate([counts_to(5), counts_to(1, "random")], tasks, workers=0, out=runs / "luck", trace="none")
    luck = told("breakdown", "luck", "--by", "tag", capsys=capsys)["improvement"]
    assert luck == {"to-5": pytest.approx(100 * (1 - 0.75) / 0.75)}


@pytest.fixture(scope="module")
def long(runs: Path) -> Path:
    """Tasks that take a person 1 to 32 minutes, each in two versions; an agent passes those up to its number, twice over."""
    tasks = []
    for k in range(1, 7):
        for version in ("", "-again"):
            meta = Meta(tags=("t",), human_minutes=2.0 ** (k - 1), version_of=f"toy/m{k}" if version else None)
            tasks.append(toy.counter_task(f"toy/m{k}{version}", target=k).model_copy(update={"meta": meta}))
    evaluate([counts_to(2), counts_to(4), counts_to(9)], tasks, episodes=2, workers=0, out=runs / "long", trace="none")
    return runs / "long"


def test_a_horizon_is_told_where_tasks_say_how_long_people_take(long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told("breakdown", "long", "--metric", "success", capsys=capsys)
    short, far = (found["horizons"][name]["p50"]["estimate"] for name in ("to-2", "to-4"))
    assert 2 < short < 4 and 8 < far < 16
    assert "to-9: no time horizon: all runs passed" in " ".join(found["notes"])
    text = said("breakdown", "long", capsys=capsys)
    assert "half the tasks of" in text and "L2 penalty 0.1" in text


def test_steadiness_over_runs_and_versions_is_told(long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told("breakdown", "long", capsys=capsys)
    assert found["consistency"]["to-4"]["estimate"] == 1.0
    assert found["versions"]["to-4"]["average"]["estimate"] == found["versions"]["to-4"]["effective"]["estimate"] == 4 / 6
    assert found["versions"]["to-4"]["gap"]["estimate"] == 0
    assert "consistency 1.000" in said("breakdown", "long", capsys=capsys)


def test_agents_stand_beside_people(long: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["person,task,score", *(f"ann,toy/m{k},1" for k in range(1, 7)), *(f"bob,toy/m{k},{int(k < 4)}" for k in range(1, 7))]
    (runs / "people.csv").write_text("\n".join(lines))
    ours, tasks = told("breakdown", "long", "--metric", "success", "--people", "people.csv", capsys=capsys)["people"]["to-2"]
    assert (ours["score"], ours["average"], ours["top"], tasks) == (pytest.approx(2 / 6), 0.75, 1.0, 6)
    assert ours["share_of_average"] == pytest.approx(100 * (2 / 6) / 0.75)
    assert "people 0.750 on average" in said("breakdown", "long", "--people", "people.csv", capsys=capsys)
    for text, message in (
        ("person,task\nann,toy/m1\n", "line 2: lacks score"),
        ("person,task,score\nann,toy/m1,good\n", "'good', not a finite number"),
        ("person,task,score\n", "holds no score"),
        ("person,task,score\nann,toy/other,1\n", "no task was done by every person"),
    ):
        (runs / "wrong.csv").write_text(text)
        assert message in said("breakdown", "long", "--people", "wrong.csv", code=2, capsys=capsys)


def test_gains_and_losses_between_two_agents_are_told_apart(long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told("compare", "long", "--a", "to-4", "--b", "to-2", capsys=capsys)["changes"]
    assert found["progressions"]["estimate"] == pytest.approx(2 / 6) and found["regressions"]["estimate"] == 0
    assert found["progressed"] == ["toy/m3", "toy/m3-again", "toy/m4", "toy/m4-again"] and found["regressed"] == []
    text = said("compare", "long", "--a", "to-2", "--b", "to-4", capsys=capsys)
    assert "to-2 against to-4: progressions 0.000" in text and "regressions 0.333" in text


def test_a_judge_is_measured_by_the_columns_that_are_there(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["judge,human,swapped,length,null"] + [f"{k % 2},{k % 2},{int(k % 4 == 0)},{k * 7 % 11},0" for k in range(20)]
    (runs / "judge.csv").write_text("\n".join(lines))
    found = told("judge", "judge.csv", capsys=capsys)
    assert found["people"]["accuracy"]["estimate"] == found["people"]["kappa"] == 1.0
    assert found["score"]["above_null"]["estimate"] == 0.5
    assert found["flips"]["flips"]["estimate"] == 0.75
    (runs / "words.csv").write_text("judge,human\nyes,yes\nno,yes\nno,no\n")
    assert "accuracy 0.667" in said("judge", "words.csv", capsys=capsys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("judge\n1\n", "at least one of human"),
        ("judge,swapped\n1,x\n", "line 2: swapped is 'x', not a number"),
        ("", "needs a column"),
    ],
)
def test_a_table_that_cannot_be_judged_says_where(
    runs: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "bad.csv").write_text(text)
    assert message in said("judge", "bad.csv", code=2, capsys=capsys)


def test_two_suites_are_held_against_each_other(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = [toy.counter_task(f"tally/t{at}", target=goal) for at, goal in enumerate(TARGETS)]
    same = [toy.counter_task(f"toy/t{at:02}", target=goal) for at, goal in enumerate(TARGETS)]
    agents = [counts_to(number) for number in (1, 3, 5)]
    evaluate(agents, [*other, *same], episodes=1, workers=0, out=runs / "two", trace="none")
    found = told("suite", "two", capsys=capsys)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["agents"]) == ("tally", "toy", 3)
    assert pair["correlation"] == 1.0 and pair["brier"]["value"] < 0.05 and pair["confident"]["value"] >= 0
