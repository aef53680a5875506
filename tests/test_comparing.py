"""`quintain compare`, `rank`, `power` and `report --figures` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy_runs import play

from quintain.cli import main


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    play(folder / "many", 1, 3, 5, tasks=8, episodes=4)
    play(folder / "once", 2, 4, tasks=8, episodes=1)
    play(folder / "single", 2, 4, tasks=1, episodes=1)
    play(folder / "apart", 4, tasks=2, first=20)
    return folder


@pytest.fixture(autouse=True)
def inside(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)


def said(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    found = capsys.readouterr()
    assert (end.value.code, found.err) == (0, "")
    return found.out


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*arguments, "--json", capsys=capsys))
    return found


def test_a_comparison_prints_both_questions_the_verdict_and_the_flips(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("compare", "many", "--a", "to-5", "--b", "to-1", capsys=capsys)
    assert "95 % new tasks" in text and "95 % same tasks" in text
    assert "to-5 is better than to-1 on new tasks like these" in text
    assert "on the same tasks again to-5 is better" in text
    assert "new tasks like these, a - b: mean difference ± t(T-1) sd(differences)/√T (T=8, n=64)" in text
    assert "passed by" in text and "toy/t00" in text


def test_the_object_of_a_comparison_holds_all(capsys: pytest.CaptureFixture[str]) -> None:
    found = told("compare", "many", "--a", "to-5", "--b", "to-1", "--metric", "success", capsys=capsys)
    assert (found["runs"], found["metric"]) == (["many"], "success")
    (each,) = found["comparisons"]
    assert each["names"] == ["to-5", "to-1"]
    assert each["new"]["question"] == "new tasks like these" and each["same"]["question"] == "same tasks again"
    assert 0 < each["new"]["low"] < each["new"]["estimate"] < each["new"]["high"]
    assert {"improvement", "effect", "mcnemar", "p", "verdict", "flips"} <= set(each)
    assert set(each["episode_flips"][0]) == {"task", "seed", "passed_by"}


def test_single_runs_are_tested_by_mcnemar_and_need_no_names_where_there_are_two(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("compare", "once", "--metric", "success", capsys=capsys)
    assert "McNemar, single runs: 0 tasks only to-2 passed" in text
    assert "no interval for the same tasks again" in text
    (each,) = told("compare", "once", "--a", "to-4", "--metric", "success", capsys=capsys)["comparisons"]
    assert each["names"] == ["to-4", "to-2"] and each["same"] is None
    assert each["test"] == "McNemar mid-p"


def test_all_pairs_come_with_holm(capsys: pytest.CaptureFixture[str]) -> None:
    found = told("compare", "many", "--all", capsys=capsys)["comparisons"]
    assert [each["names"] for each in found] == [["to-1", "to-3"], ["to-1", "to-5"], ["to-3", "to-5"]]
    assert all(each["correction"] == "holm" and each["p_adjusted"] >= each["p"] for each in found)
    assert "p (Holm)" in said("compare", "many", "--all", capsys=capsys)


def test_a_ranking_shows_the_methods_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("rank", "many", "once", capsys=capsys)
    for column in ("by mean", "Borda", "Kemeny", "Bradley-Terry"):
        assert column in text
    assert "seed 0" in text and "new tasks like these" in text
    found = told("rank", "many", "once", "--seed", "3", capsys=capsys)
    assert {each["agent"] for each in found["agents"]} == {"to-1", "to-2", "to-3", "to-4", "to-5"}
    assert found["agents"][-1]["agent"] == "to-1"
    assert (found["runs"], found["seed"], found["tasks"]) == (["many", "once"], 3, 8)


def test_power_from_a_pilot_and_from_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("power", "--delta", "0.1", "--from", "many", capsys=capsys)
    assert "to-5 against to-3: 8 tasks of the pilot" in text
    assert "an interval 0.2 wide for new tasks like these takes" in text
    given = ("power", "--delta", "0.1", "--tasks", "100", "--runs", "2", "--sd-tasks", "0.2", "--sd-runs", "0.3")
    found = told(*given, "--width", "0.05", capsys=capsys)
    new, same = found["answers"]
    assert 0.9 < new["power"]["power"] < same["power"]["power"] <= 1
    assert new["plans"][0]["width"] <= 0.05
    assert found["design"] == {"tasks": 100, "runs": 2, "sd_tasks": 0.2, "sd_runs": 0.3, "source": "as given"}
    larger = told("power", "--delta", "0.1", "--from", "many", "--tasks", "500", capsys=capsys)
    assert larger["design"]["tasks"] == 500


def test_a_report_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'quintain[stats]'")
    with pytest.raises(SystemExit) as end:
        main(["report", "many", "--format", "json", "--figures", str(tmp_path / "figures")])
    found = capsys.readouterr()
    assert end.value.code == 0
    assert found.err == f"16 files written to {tmp_path / 'figures'}\n"
    report = json.loads(found.out)
    assert {"run", "results", "comparisons", "certificates", "spent", "budgets"} == set(report)
    (row, *_) = report["results"]
    assert row["intervals"]["iqm"]["same_tasks"]["seed"] == 0
    assert [point["k"] for point in row["attempts"]["pass_hat_k"]] == [1, 2, 3, 4]
    assert report["comparisons"][0]["names"] == ["to-5", "to-1"]
    assert (tmp_path / "figures" / "intervals.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["compare", "many", "--a", "to-55", "--b", "to-1"], "no agent 'to-55' in this run; did you mean to-5"),
        (["compare", "many"], "name two agents with --a and --b, or use --all; this run has to-1, to-3, to-5"),
        (["compare", "many", "--a", "to-1", "--b", "to-1"], "to-1 cannot be compared with itself"),
        (["compare", "many", "--all", "--a", "to-1"], "leave out --a and --b"),
        (["compare", "many", "--all", "--metric", "speed"], "unknown metric 'speed'; choose from score, success"),
        (["compare", "many", "--all", "--on", "other"], "no episode is of a task that matches 'other'"),
        (["compare", "many", "--all", "--level", "95"], "level must be between 0 and 1"),
        (["compare", "many", "apart", "--a", "to-1", "--b", "to-4"], "to-1 and to-4 have no task in common"),
        (["compare", "apart", "--all"], "needs at least two agents, got 1"),
        (["compare", "single"], "one common task, played once"),
        (["compare", "nowhere"], "nowhere holds no run"),
        (["rank", "many", "apart"], "a ranking needs at least two tasks, and 0 has scores of all agents; --missing available"),
        (["rank", "single"], "a ranking needs at least two tasks"),
        (["rank", "apart"], "needs two agents with scores"),
        (["rank", "many", "--missing", "zero"], "choose from common, available"),
        (["power", "--delta", "0.1"], "name a pilot with --from RUN, or give --tasks"),
        (["power", "--delta", "0", "--from", "many"], "must not be 0"),
        (["power", "--delta", "0.1", "--from", "once"], "run some of them twice"),
        (["power", "--delta", "0.1", "--from", "many", "--a", "to-9"], "no agent 'to-9' in this run"),
        (["power", "--delta", "0.1", "--from", "many", "--sd-runs", "-1"], "not negative"),
        (["power", "--delta", "0.1", "--from", "many", "--chance", "1.5"], "chance must be above"),
        (["power", "--delta", "0.1", "--from", "many", "--width", "0"], "width must be positive"),
        (["report", "many", "--figures", "/proc/none"], "choose another folder"),
    ],
)
def test_an_error_is_one_line(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    found = capsys.readouterr()
    assert (end.value.code, found.out) == (2, "")
    assert found.err.count("\n") == 1 and found.err.startswith("error: ")
    assert error in found.err
