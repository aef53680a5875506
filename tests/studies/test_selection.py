"""What choosing between attempts is worth, where the truth is known."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quintain.cli import app
from quintain.config import AgentConfig
from quintain.errors import UsageError
from quintain.registry import load
from quintain.reporting.page import render_page
from quintain.reporting.tables import render_json, render_markdown
from quintain.runner import evaluate
from quintain.stats.bootstrap import Resampling
from quintain.store import Store
from quintain.studies.selection import Pair, Spent, pairs, selector_efficiency, spent, tradeoff
from quintain.studies.spending import expenses

WORLD = Path(__file__).parents[1] / "agents" / "techniques" / "guess_world.py"
guess: Any = sys.modules[load(f"{WORLD}:GuessWorld", what="guess").__module__]
GUESSER = f"{guess.GUESS}:Guesser"


def agent(name: str, *by_task: tuple[float, ...], cost: float = 1.0) -> Spent:
    tasks = tuple(f"t/{number}" for number, scores in enumerate(by_task) for _ in scores)
    scores = np.array([score for scores in by_task for score in scores])
    return Spent(name, tasks, scores, np.full(len(tasks), cost))


@pytest.mark.parametrize(
    ("technique", "value"), [((0.5, 1.0), 1.0), ((0.25, 0.5), 0.0), ((0.5, 0.5), 1 / 3), ((0.0, 0.5), -1 / 3)]
)
def test_efficiency_is_one_for_a_perfect_choice_and_zero_for_a_random_one(technique: tuple[float, float], value: float) -> None:
    plain = agent("a", (0.5, 0.0), (1.0, 0.0))
    found = selector_efficiency(plain, agent("b", *((each,) for each in technique)), k=2)
    assert (found.pass_1, found.pass_k) == pytest.approx((0.375, 0.75))
    assert found.interval is not None and found.interval.estimate == pytest.approx((sum(technique) / 2 - 0.375) / 0.375)
    assert found.interval.estimate == pytest.approx(value)


def test_the_ceiling_is_the_mean_over_all_choices_of_k_attempts() -> None:
    attempts = (0.1, 0.9, 0.4, 0.4, 0.7)
    found = selector_efficiency(agent("a", attempts, attempts), agent("b", (0.5,), (0.5,)), k=3)
    assert found.pass_k == pytest.approx(np.mean([max(some) for some in itertools.combinations(attempts, 3)]))


def test_where_nothing_can_be_gained_it_is_undefined() -> None:
    found = selector_efficiency(agent("a", (1.0, 1.0), (0.0, 0.0)), agent("b", (1.0,), (0.0,)), k=2)
    assert found.interval is None and "nothing to gain" in found.why


def test_one_task_has_an_estimate_without_interval() -> None:
    found = selector_efficiency(agent("a", (1.0, 0.0)), agent("b", (1.0,)), k=2)
    assert found.interval is not None and found.interval.estimate == 1.0 and math.isnan(found.interval.low)


def test_replicates_without_a_gain_are_left_out_and_counted() -> None:
    plain, technique = agent("a", (1.0, 0.0), (0.0, 0.0), (0.0, 0.0)), agent("b", (1.0,), (0.0,), (0.0,))
    found = selector_efficiency(plain, technique, k=2, how=Resampling(replicates=500))
    assert found.interval is not None and found.interval.estimate == 1.0
    assert "replicates undefined and left out" in found.interval.formula


def test_the_interval_covers_the_true_efficiency_as_often_as_it_says() -> None:
    """Tasks of random difficulty, four attempts each, and a selector that is right with chance q where one attempt is."""
    random, k, q, trials, tasks = np.random.default_rng(5), 4, 0.6, 150, 40

    def study() -> bool:
        p = random.beta(1, 2, size=tasks)
        attempts = random.random((8, tasks)) < p
        tried = random.random((k, tasks)) < p
        by_chance = tried[0]
        chosen = np.where(random.random(tasks) < q, tried.any(axis=0), by_chance)
        plain = agent("a", *(tuple(column.astype(float)) for column in attempts.T))
        found = selector_efficiency(plain, agent("b", *((float(each),) for each in chosen)), k=k, how=Resampling(replicates=400))
        assert found.interval is not None
        return found.interval.low <= q <= found.interval.high

    covered = sum(study() for _ in range(trials)) / trials
    assert 0.95 - 2.576 * math.sqrt(0.95 * 0.05 / trials) <= covered <= 1.0, covered


def test_budget_and_score_stand_beside_each_other() -> None:
    found = tradeoff(
        agent("a", (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), cost=10.0), agent("b", (1.0,), (0.0,), cost=45.0), k=3, unit="tokens"
    )
    assert [(point.k, point.spent) for point in found.curve] == [(1, 10.0), (2, 20.0), (3, 30.0)]
    assert [point.score.estimate for point in found.curve] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert found.spent == 45.0 and found.score.score.estimate == 0.5
    assert found.efficiency.interval is not None and found.efficiency.interval.estimate == pytest.approx((0.5 - 1 / 3) / (2 / 3))


def test_only_common_tasks_count_and_each_weighs_the_same() -> None:
    plain, technique = agent("a", (1.0, 1.0, 1.0, 1.0), (0.0, 0.0), (1.0, 0.0)), agent("b", (1.0,), (0.0, 0.0, 0.0))
    found = tradeoff(plain, technique, k=2, unit="steps")
    assert found.curve[0].score.estimate == 0.5 and found.score.score.estimate == 0.5 and found.curve[0].score.tasks == 2


@pytest.mark.parametrize(
    ("plain", "technique", "k", "said"),
    [
        (agent("a", (1.0, 0.0)), agent("b", (1.0,)), 3, "needs as many episodes of a"),
        (agent("a", (1.0, 0.0)), agent("b", (1.0,), cost=math.nan), 2, "tokens of 1 episodes of b are unknown"),
        (agent("a", (1.0, 0.0), cost=0.0), agent("b", (1.0,)), 2, "a costs no tokens"),
        (agent("a", (1.0, 0.0)), Spent("b", ("t/9",), np.ones(1), np.ones(1)), 2, "no scored task in common"),
    ],
)
def test_what_cannot_be_said_is_refused(plain: Spent, technique: Spent, k: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tradeoff(plain, technique, k=k, unit="tokens")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guesser, best of four with a perfect selector, and with a random one, on tasks of different difficulty."""
    folder = tmp_path_factory.mktemp("runs") / "guesses"

    def best(name: str, select: str) -> AgentConfig:
        return AgentConfig(agent="best-of-n", config={"agent": GUESSER, "n": 4, "select": select}, name=name)

    agents = [AgentConfig(agent=GUESSER, name="guesser"), best("perfect", f"{guess.__name__}:Seeing"), best("blind", "random")]
    tasks = [guess.guess_task(f"guess/m{number}", moves=moves) for number, moves in enumerate((2, 3, 3, 4, 5, 6))]
    evaluate(agents, tasks, episodes=12, workers=0, out=folder)
    return folder


def test_pairs_are_recognised_by_what_a_technique_wraps(run: Path) -> None:
    with Store.open(run) as store:
        assert pairs(store) == [Pair("guesser", "perfect", 4), Pair("guesser", "blind", 4)]


def test_costs_of_a_run_are_exact(run: Path) -> None:
    with Store.open(run) as store:
        tokens, steps, money = (spent(store, unit=unit) for unit in ("tokens", "steps", "usd"))
        rows = {(each.agent, each.what): each for each in expenses(store)}
    assert (tokens["guesser"].cost, tokens["perfect"].cost) == (20.0, 80.0)
    assert (steps["guesser"].cost, steps["perfect"].cost) == (2.0, 2.0 + 4.0), "four guesses in branches, and two steps"
    assert money["blind"].cost == pytest.approx(0.008)
    assert set(rows) == {("guesser", "act"), ("perfect", "attempt"), ("blind", "attempt")}
    one = rows["perfect", "attempt"]
    assert (one.episodes, one.calls, one.tokens, one.steps) == (72, 72 * 8, 72 * 80, 72 * 4)


def test_a_perfect_selector_is_near_one_and_a_random_one_near_zero(run: Path) -> None:
    with Store.open(run) as store:
        found = {each["technique"]: each for each in json.loads(render_json(store))["budgets"]}
    perfect, blind = (found[name]["efficiency"]["interval"] for name in ("perfect", "blind"))
    assert abs(perfect["estimate"] - 1) < 0.3 and abs(blind["estimate"]) < 0.3
    assert perfect["low"] > blind["high"]


def test_reports_show_costs_by_purpose_and_the_selectors_efficiency(run: Path) -> None:
    with Store.open(run) as store:
        text, page = render_markdown(store), render_page(store)
    assert "| perfect | guess | attempt | 72 | 576 | 5,760 | 0.5760 |" in text
    assert "| guesser | perfect | 4 | tokens | 20 | 80 |" in text and "selector efficiency" in text
    assert "<h2>Costs</h2>" in page and "Score against budget, guesser" in page


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["budget", *arguments])


def test_the_command_tells_of_a_named_pair_in_any_unit(run: Path) -> None:
    for unit, each, whole in (("tokens", 20, 80), ("episodes", 1, 4), ("steps", 2, 6)):
        done = command(str(run), "--base", "guesser", "--technique", "blind", "--k", "4", "--unit", unit, "--json")
        (found,) = json.loads(done.stdout)["budgets"]
        assert (found["curve"][0]["spent"], found["spent"]) == (each, whole)
    shown = command(str(run), "--unit", "usd")
    assert shown.exit_code == 0 and "best of 4" in shown.stdout and "at random" in shown.stdout and "0.0080" in shown.stdout
    few = command(str(run), "--technique", "perfect", "--k", "2", "--json")
    assert [point["k"] for point in json.loads(few.stdout)["budgets"][0]["curve"]] == [1, 2]


def test_the_command_splits_a_total_budget(run: Path) -> None:
    done = command(str(run), "--total", "8", "--clock", "steps", "--base", "guesser", "--k", "1", "--k", "4", "--json")
    curve = json.loads(done.stdout)["budgets"]["guesser"]
    assert [(point["k"], point["spent"]) for point in curve["points"]] == [(1, 8), (4, 8)]
    assert curve["points"][0]["score"]["estimate"] < curve["points"][1]["score"]["estimate"], (
        "two steps are all that a guess takes"
    )
    short = command(str(run), "--total", "4", "--clock", "steps", "--base", "guesser", "--k", "4", "--json")
    assert json.loads(short.stdout)["budgets"]["guesser"]["points"][0]["score"]["estimate"] == 0.0
    assert "steps each" in command(str(run), "--total", "8", "--clock", "steps").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--base", "guesser"] * 2,
        ["--base", "gesser", "--technique", "blind", "--k", "2"],
        ["--base", "blind", "--technique", "guesser"],
        ["--base", "blind"],
        ["--unit", "pounds"],
        ["--k", "13"],
        ["--total", "8", "--clock", "days"],
        ["--total", "0"],
        ["--total", "8", "--technique", "blind"],
        ["--total", "8", "--base", "nobody"],
        ["--total", "8", "--k", "13"],
    ],
)
def test_bad_questions_get_one_line(run: Path, arguments: list[str]) -> None:
    done = command(str(run), *arguments)
    assert isinstance(done.exception, UsageError) and "\n" not in str(done.exception)


def test_a_run_without_charges_is_reported_as_before(run: Path, tmp_path: Path) -> None:
    import shutil

    old = tmp_path / "old"
    shutil.copytree(run, old)
    with sqlite3.connect(old / "run.db") as database:
        database.execute("DROP TABLE charges")
    with Store.open(old) as store:
        assert expenses(store) == [] and spent(store, unit="steps")["perfect"].cost == 2.0
        assert "purpose" not in render_markdown(store)
