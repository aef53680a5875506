"""`quintain suite`, `breakdown` and `judge`: what is known of the tasks, and of those who judge."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import Json, app
from .comparing import Folders, Level, Measure, Only, metric_of, study_of
from .output import emit, grid, show

if TYPE_CHECKING:
    from quintain.core import Task
    from quintain.studies.breakdown import Breakdown
    from quintain.studies.judged import Judged
    from quintain.studies.suite_quality import SuiteQuality

SHOWN = 20


@app.command()
def suite(
    paths: Folders,
    *,
    metric: Measure = "score",
    on: Only = None,
    choose: Annotated[int | None, typer.Option(metavar="N", help="Choose N tasks that stand for all of them.")] = None,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Say of the tasks how hard and how telling each is, which are alike, and how far suites agree."""
    from quintain.studies.suite_quality import examine

    found = examine(study_of(paths, on), metric=metric_of(metric), choose=choose, level=level)
    if as_json:
        emit({"runs": [str(path) for path in paths], **found.to_object()})
        return
    rows = [[each.task, f"{each.difficulty:.3f}", _number(each.discrimination), str(each.systems)] for each in found.items]
    show(grid(["task", "difficulty", "discrimination", "agents"], rows))
    if found.separable is not None:
        share = found.separable
        show(f"· separability {share.value:.3f}: {share.counted} of {share.pairs} pairs of agents have disjoint intervals")
    for each in found.redundant[:SHOWN]:
        show(f"· {each.first} and {each.second} rank agents alike: correlation {each.correlation:.3f} over {each.systems}")
    _show_rest(found)


def _show_rest(found: SuiteQuality) -> None:
    if found.subset is not None:
        chosen = found.subset
        show(f"· {len(chosen.tasks)} tasks for all: {', '.join(chosen.tasks)}")
        show(
            f"  expected error {chosen.predicted_error:.3f} for an agent like these, {chosen.random_error:.3f} if drawn at random"
        )
    if found.predicted is not None:
        means = ", ".join(f"{agent} {mean:.3f}" for agent, mean in zip(found.agents, found.predicted.means, strict=False))
        show(f"· on all tasks, predicted: {means} (error {found.predicted.error:.3f}; {found.predicted.formula})")
    for pair in found.pairs:
        confident = "" if pair.confident is None else f", agreement with confidence {pair.confident.value:+.3f}"
        brier = "" if pair.brier is None else f", pair-rank Brier {pair.brier.value:.3f}"
        tau = _number(pair.correlation)
        show(f"· {pair.first} and {pair.second}: Kendall {tau} over {pair.agents} agents{confident}{brier}")
    for each in found.agreement:
        show(f"· {each.benchmark} against all others: Kendall {each.correlation:.3f}, z {_number(each.z)}")
    for note in found.notes:
        show(f"· {note}")


@app.command()
def breakdown(
    paths: Folders,
    *,
    by: Annotated[
        str, typer.Option(metavar="capability|domain|family|split|tag", help="What the tasks are told apart by.")
    ] = "tag",
    metric: Measure = "score",
    on: Only = None,
    least: Annotated[int, typer.Option(help="Tasks below which a cell is hidden.")] = 5,
    cutoff: Annotated[str | None, typer.Option(metavar="DATE", help="Compare tasks made after this day with the others.")] = None,
    target: Annotated[float, typer.Option(help="Score that counts as reached, for the times to it.")] = 1.0,
    people: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="People's scores, to stand beside: columns person, task, score.")
    ] = None,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Split the scores by what is known of the tasks, by release date, variants, people, steadiness and speed."""
    from quintain.errors import UsageError
    from quintain.store import Store
    from quintain.studies.breakdown import BY, break_down
    from quintain.studies.people import read_people

    chosen = next((each for each in BY if each == by), None)
    if chosen is None:
        raise UsageError(f"--by {by!r} is unknown; choose from {', '.join(BY)}")
    tasks: dict[str, Task] = {}
    for path in paths:
        with Store.open(path) as store:
            tasks |= {task.id: task for task in store.tasks()}
    found = break_down(
        study_of(paths, on), tasks, by=chosen, metric=metric_of(metric), least=least, cutoff=cutoff, target=target,
        people=None if people is None else read_people(people), level=level,
    )  # fmt: skip
    if as_json:
        emit({"runs": [str(path) for path in paths], **found.to_object()})
    else:
        _show_breakdown(found)


def _show_breakdown(found: Breakdown) -> None:
    rows = [
        [each.system, each.tag, str(each.tasks), "too few tasks" if each.score is None else _span(each.score)]
        for each in found.cells
    ]
    show(grid(["agent", found.by, "tasks", "score"], rows))
    for agent, percent in found.improvement.items():
        show(f"· {agent}: {percent:+.0f} % over the random agent")
    for agent, lost in found.drops.items():
        show(f"· {agent}: {lost.parent:.3f} on {lost.tasks} tasks, {_span(lost.difference, '+.3f')} on their variants")
    for agent, decay in found.decays.items():
        show(f"· {agent}: {_span(decay.change, '+.3f')} after {decay.cutoff}")
    _show_steadiness(found)
    _show_people(found)
    if found.speed is not None:
        for agent, score in found.speed.score.items():
            reached = found.speed.reached[agent]
            show(
                f"· {agent}: {score:.3f} by time to {found.speed.target:g} ({reached:.0%} reached; {found.speed.profile.formula})"
            )


def _show_steadiness(found: Breakdown) -> None:
    for agent, steady in found.consistency.items():
        show(f"· {agent}: consistency {_span(steady)} over runs of a task, {steady.tasks} tasks ({steady.formula})")
    for agent, each in found.versions.items():
        gap = f"gap {_span(each.gap)}"
        show(f"· {agent}: {_span(each.average)} of versions, {_span(each.effective)} of problems right in all of theirs, {gap}")


def _show_people(found: Breakdown) -> None:
    for agent, (beside, tasks) in found.people.items():
        people = f"people {beside.average:.3f} on average, {beside.top:.3f} the best"
        share = "" if math.isnan(beside.share_of_average) else f"; {beside.share_of_average:.0f} % of the average"
        show(f"· {agent}: {beside.score:.3f} on {tasks} tasks; {people}{share}")
    for agent, each in found.horizons.items():
        even, safe = (f"{each_.estimate:.3g} ({each_.low:.3g} … {each_.high:.3g})" for each_ in (each.p50, each.p80))
        show(f"· {agent}: half the tasks of {even} minutes of a person, four in five of {safe} ({each.p50.formula})")
    for note in found.notes:
        show(f"· {note}")


@app.command()
def judge(
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns judge, human, swapped, length, null; some of them.")],
    *,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Measure a judge: agreement with people, flips when answers change places, the pull of length, the null model's score."""
    from quintain.studies.judged import measure

    found = measure(path, level=level)
    if as_json:
        emit(found.to_object())
    else:
        _show_judged(found)


def _show_judged(found: Judged) -> None:
    if found.people is not None:
        each = found.people
        kappa = f"kappa {each.kappa:.3f}, alpha {each.alpha:.3f}, macro F1 {each.macro_f1:.3f}"
        show(f"with people: accuracy {_span(each.accuracy)}, {kappa}, {each.n} items")
    if found.flips is not None:
        show(f"swapped: {_span(found.flips.flips)} of the verdicts flip; first place gets {found.flips.first:.3f}")
    if found.length is not None:
        slope = found.length
        show(f"length: {slope.slope:+.3f} ({slope.low:+.3f} … {slope.high:+.3f}) a standard deviation; {slope.formula}")
    if found.score is not None:
        scored = found.score
        show(f"score {_span(scored.score)}, null model {_span(scored.null)}, above it {_span(scored.above_null, '+.3f')}")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _span(interval: object, form: str = ".3f") -> str:
    estimate, low, high = (getattr(interval, name) for name in ("estimate", "low", "high"))
    return f"{estimate:{form}} ({low:{form}} … {high:{form}})"
