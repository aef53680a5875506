"""`quintain compare`, `rank` and `power`: which agent is better, in what order they stand, and what it takes to know."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import Json, app
from .output import emit, grid, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quintain.stats.matrix import Missing
    from quintain.studies.analysis import Contrast, Metric, Study
    from quintain.studies.planning import Design, Outlook
    from quintain.studies.standings import Place

Folders = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")]
Measure = Annotated[str, typer.Option("--metric", metavar="score|success", help="What is compared.")]
Only = Annotated[str | None, typer.Option("--on", metavar="PATTERN", help="Only these tasks: a glob over ids, or a suite.")]
Level = Annotated[float, typer.Option(help="Nominal coverage of the intervals.")]
FLIPS_SHOWN = 20
PLANS_SHOWN = 6


@app.command()
def compare(
    paths: Folders,
    a: Annotated[str | None, typer.Option("--a", metavar="AGENT")] = None,
    b: Annotated[str | None, typer.Option("--b", metavar="AGENT")] = None,
    *,
    everyone: Annotated[bool, typer.Option("--all", help="Every pair of agents, with Holm's correction.")] = False,
    metric: Measure = "score",
    on: Only = None,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Compare two agents on the tasks that both have played."""
    from quintain.errors import UsageError
    from quintain.reporting.tables import contrast_columns, contrast_notes
    from quintain.studies.analysis import contrast, contrast_all, plain
    from quintain.studies.steadiness import between

    study, measure = study_of(paths, on), metric_of(metric)
    if everyone:
        if a or b:
            raise UsageError("--all compares every pair: leave out --a and --b")
        found = contrast_all(study, metric=measure, level=level)
    else:
        one, other = _pair(study, a, b)
        found = (contrast(study, one, other, metric=measure, level=level),)
    if as_json:
        told = {} if everyone else {"changes": plain(between(study, *reversed(found[0].found.names)))}
        compared = [each.to_object() for each in found]
        emit({"runs": [str(path) for path in paths], "metric": metric, "comparisons": compared, **told})
        return
    columns = contrast_columns(found)
    show(grid([name for name, _ in columns], [[cell(each) for _, cell in columns] for each in found]))
    for note in contrast_notes(found):
        show(f"· {note}")
    if not everyone:
        _show_changes(study, *found[0].found.names)
        _show_flips(found[0])


def study_of(paths: Sequence[Path], pattern: str | None) -> Study:
    from quintain.store import Store
    from quintain.studies.analysis import gather

    with ExitStack() as stack:
        return gather([stack.enter_context(Store.open(path)) for path in paths], pattern=pattern)


def metric_of(name: str) -> Metric:
    from quintain.errors import UsageError
    from quintain.studies.analysis import METRICS

    for metric in METRICS:
        if metric == name:
            return metric
    raise UsageError(f"unknown metric {name!r}; choose from {', '.join(METRICS)}")


def _pair(study: Study, a: str | None, b: str | None) -> tuple[str, str]:
    """The agents asked for; without a word the two of a run that has no other."""
    from quintain.errors import UsageError

    if a and b:
        return a, b
    names = list(study.agents)
    if len(names) == 2 and not (a or b):
        return names[0], names[1]
    if len(names) == 2:
        given = study.chosen(a or b or "")
        other = names[names[0] == given]
        return (given, other) if a else (other, given)
    raise UsageError(f"name two agents with --a and --b, or use --all; this run has {', '.join(names)}")


def _show_changes(study: Study, a: str, b: str) -> None:
    from quintain.studies.steadiness import between

    found = between(study, b, a)
    spans = (f"{each.estimate:.3f} ({each.low:.3f} … {each.high:.3f})" for each in (found.progressions, found.regressions))
    show("· {} against {}: progressions {}, regressions {} of the tasks; the net hides both".format(a, b, *spans))


def _show_flips(contrast: Contrast) -> None:
    a, b = contrast.found.names
    if contrast.found.flips:
        show(f"\n{len(contrast.found.flips)} tasks that one agent passes on the whole and the other does not")
        rows = [[str(flip.task), f"{flip.a:.3f}", f"{flip.b:.3f}"] for flip in contrast.found.flips[:FLIPS_SHOWN]]
        show(grid(["task", a, b], rows))
    if contrast.episodes:
        show(f"\n{len(contrast.episodes)} episodes of one seed that one agent passed and the other did not")
        rows = [[each.task, each.seed, each.passed_by] for each in contrast.episodes[:FLIPS_SHOWN]]
        show(grid(["task", "seed", "passed by"], rows))
    if max(len(contrast.episodes), len(contrast.found.flips)) > FLIPS_SHOWN:
        show("… all with --json")


@app.command()
def rank(
    paths: Folders,
    *,
    metric: Measure = "score",
    on: Only = None,
    missing: Annotated[
        str, typer.Option(metavar="common|available", help="Rank on the tasks that all agents have, or on what each has.")
    ] = "common",
    seed: Annotated[int, typer.Option(help="Of the resampling.")] = 0,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Rank the agents of one or several runs, by five methods beside each other."""
    from quintain.errors import UsageError
    from quintain.studies.standings import stand

    if missing not in ("common", "available"):
        raise UsageError(f"--missing {missing!r} is unknown; choose from common, available")
    how: Missing = "common" if missing == "common" else "available"
    found = stand(study_of(paths, on), metric=metric_of(metric), missing=how, seed=seed, level=level)
    if as_json:
        emit({"runs": [str(path) for path in paths], **found.to_object()})
        return
    rows = [
        [
            each.agent, f"{each.mean.value:.3f}", _place(each.mean), _place(each.borda), _place(each.kemeny),
            _place(each.bradley_terry), f"{each.bradley_terry.value:+.2f}" if each.bradley_terry else "-",
            _place(each.plackett_luce), str(each.tasks), str(each.unscored),
        ]
        for each in found.agents
    ]  # fmt: skip
    methods = ("by mean", "Borda", "Kemeny", "Bradley-Terry", "log odds", "Plackett-Luce")
    show(grid(["agent", f"mean {metric}", *methods, "tasks", "unscored"], rows))
    show(f"· ranks: {100 * level:g} % intervals for new tasks like these; of Kemeny the places that its optima leave open")
    orders = found.optimal_orders
    if orders is not None and orders > 1:
        show(f"· {orders} orders are optimal by Kemeny")
    for note in found.disagreements or ("no two methods put any pair of agents in opposite order",):
        show(f"· {note}")
    for note in (*found.notes, *found.formulas):
        show(f"· {note}")


def _place(place: Place | None) -> str:
    if place is None:
        return "-"
    spread = f" ({place.low:g}-{place.high:g})" if place.low is not None and place.low != place.high else ""
    return f"{place.rank:g}{spread}"


@app.command()
def power(
    delta: Annotated[float, typer.Option(help="The true difference of two agents that is to be found.")],
    *,
    pilot: Annotated[Path | None, typer.Option("--from", metavar="RUN", help="A pilot, from which the noise is taken.")] = None,
    a: Annotated[str | None, typer.Option("--a", metavar="AGENT", help="Of the pilot; by default its two best.")] = None,
    b: Annotated[str | None, typer.Option("--b", metavar="AGENT")] = None,
    tasks: Annotated[int | None, typer.Option(help="By default as many as in the pilot.")] = None,
    runs: Annotated[int | None, typer.Option(help="Of each task; by default as many as in the pilot.")] = None,
    sd_tasks: Annotated[float | None, typer.Option(help="Standard deviation of the tasks' true differences.")] = None,
    sd_runs: Annotated[float | None, typer.Option(help="Standard deviation of one run's difference around its task's.")] = None,
    width: Annotated[float | None, typer.Option(help="Wanted full width of the interval; by default twice --delta.")] = None,
    chance: Annotated[float, typer.Option(help="With which the minimum detectable effect is found.")] = 0.8,
    metric: Measure = "score",
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Say what a study of so many tasks and runs can find, and how large one has to be."""
    from quintain.studies.planning import outlook, to_object

    design = _design(pilot, (a, b), sizes=(tasks, runs), spread=(sd_tasks, sd_runs), metric=metric)
    found = outlook(design, delta, width=width, chance=chance, level=level)
    if as_json:
        emit({"delta": delta, "chance": chance, "level": level, **to_object(design, found)})
        return
    rows = [
        [each.question, str(design.tasks), str(design.runs), f"{each.power.power:.3f}", f"{each.detectable:.3f}"]
        for each in found
    ]
    show(grid(["question", "tasks", "runs", f"power at {delta:g}", f"detectable with {chance:g}"], rows))
    spread = f"sd over tasks {design.noise.between**0.5:.3f}, of one run {design.noise.within**0.5:.3f}"
    show(f"· noise of the difference: {spread} ({design.source})")
    for each in found:
        show(f"· {each.question}: {each.power.formula}, two-sided at {1 - level:.2g}; new runs are paired by task")
        _show_plans(each)


def _design(
    pilot: Path | None,
    pair: tuple[str | None, str | None],
    *,
    sizes: tuple[int | None, int | None],
    spread: tuple[float | None, float | None],
    metric: str,
) -> Design:
    from quintain.errors import UsageError
    from quintain.stats.power import Noise
    from quintain.studies.planning import Design
    from quintain.studies.planning import pilot as design_of

    tasks, runs = sizes
    between, within = spread
    if any(each is not None and each < 0 for each in spread) or any(each is not None and each < 1 for each in sizes):
        raise UsageError("--tasks and --runs must be at least 1, --sd-tasks and --sd-runs not negative")
    if pilot is not None:
        found = design_of(study_of([pilot], None), *pair, metric=metric_of(metric))
        noise = Noise(*(old if sd is None else sd**2 for sd, old in zip(spread, found.noise, strict=True)))
        return found._replace(tasks=tasks or found.tasks, runs=runs or found.runs, noise=noise)
    if tasks is None or runs is None or between is None or within is None:
        raise UsageError("name a pilot with --from RUN, or give --tasks, --runs, --sd-tasks and --sd-runs")
    return Design(tasks, runs, Noise(between**2, within**2), "as given")


def _show_plans(found: Outlook) -> None:
    if not found.plans:
        show(f"  no study of up to 100,000 tasks x 16 runs has an interval {found.width:g} wide")
        return
    show(f"  an interval {found.width:g} wide for {found.question} takes, cheapest first:")
    rows = [[str(each.tasks), str(each.runs), str(each.episodes), f"{each.width:.4f}"] for each in found.plans[:PLANS_SHOWN]]
    show(grid(["  tasks", "runs", "episodes of an agent", "expected width"], [[f"  {row[0]}", *row[1:]] for row in rows]))
