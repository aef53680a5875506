"""`quintain run`, `score` and `report`: play, score again, and say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Json, app
from .ending import FAILED, Interrupted
from .output import console, emit, say, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from quintain.config import RunConfig
    from quintain.runner import Run
    from quintain.store import Store

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Workers = Annotated[int | None, typer.Option(help="Worker processes; by default one a core.")]
Trace = Annotated[str | None, typer.Option(metavar="full|actions|none", help="What is stored of each step.")]
AGENT = "Id, module:Class, file.py:Class or file.toml, each with (key=value, …) and NAME= before it if you like; may repeat."
Agents = Annotated[list[str] | None, typer.Option("--agent", metavar="AGENT", help=AGENT)]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="Of the agents that take one, such as local:smollm2; may repeat."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Argument of the agents that take it; may repeat.")
]
Tape = Annotated[Path | None, typer.Option(metavar="PATH", help="Keep the models' answers there.")]
Replay = Annotated[Path | None, typer.Option(metavar="PATH", help="Take the models' answers from there, and ask no model.")]
Options = Annotated[list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="Argument of the worlds; may repeat.")]


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG.toml]", help="A run as a file; flags override it.")] = None,
    *,
    agent: Agents = None,
    model: Models = None,
    tasks: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Task id, glob, suite or task file; may repeat.")
    ] = None,
    episodes: Annotated[int | None, typer.Option(help="Of each agent on each task.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the run; those of the episodes follow from it.")] = None,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; by default a new one under runs/.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a run: play what is missing.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Limit on each episode, instead of its task's.")] = None,
    steps: Annotated[int | None, typer.Option(help="Limit on each episode, instead of its task's.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Limit on each episode, of all models together.")] = None,
    usd: Annotated[float | None, typer.Option(help="Limit on each episode, of all models together.")] = None,
    observe: Annotated[
        list[str] | None, typer.Option(metavar="MODALITY", help="text, elements, screenshot, windows; may repeat.")
    ] = None,
    trace: Trace = None,
    retries: Annotated[int | None, typer.Option(help="Further attempts where an environment failed.")] = None,
    executor: Annotated[str | None, typer.Option(metavar="local|ray", help="Where episodes are played.")] = None,
    settings: Settings = None,
    record: Tape = None,
    replay: Replay = None,
    options: Options = None,
    allow_uncertified: Annotated[
        bool, typer.Option("--allow-uncertified", help="Also tasks on which, by their certificate, doing nothing scores.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let agents play tasks in parallel, and report the scores."""
    from quintain.config import RunConfig, parse_settings

    flags: dict[str, Any] = {
        "tasks": tasks, "episodes": episodes, "seed": seed, "observe": observe, "trace": trace, "retries": retries,
        "executor": executor, "options": parse_settings(options or ()) or None,
    }  # fmt: skip
    caps = {"seconds": seconds, "steps": steps, "tokens": tokens, "usd": usd}
    limits = {name: value for name, value in caps.items() if value is not None}
    fitted = {"model": model, "set": settings, "record": record, "replay": replay}
    if resume is not None:
        given = [name for name, value in {"agent": agent, "out": out, **fitted, **limits, **flags}.items() if value]
        _go_on(resume, given + (["CONFIG.toml"] if config else []), workers=workers, as_json=as_json)
        return
    chosen = RunConfig.read(config, agents=agent or None, workers=workers, out=out, limits=limits or None, **flags)
    tapes = {name: str(path) for name, path in (("record", record), ("replay", replay)) if path is not None}
    chosen = _equipped(chosen, parse_settings(settings or ()) | tapes, model or ())
    _play(chosen, as_json=as_json, allow_uncertified=allow_uncertified)


def _equipped(config: RunConfig, settings: Mapping[str, JsonValue], models: Sequence[str]) -> RunConfig:
    from quintain.agency.equipping import equip

    if not settings and not models:
        return config
    return config.model_copy(update={"agents": tuple(equip(config.agents, settings=settings, models=models))})


def _play(config: RunConfig, *, as_json: bool, allow_uncertified: bool) -> None:
    from quintain.runner import evaluate

    from .progress import Display

    try:
        with Display() as display:
            done = evaluate(
                config.agents, config.tasks, episodes=config.episodes, seed=config.seed, workers=config.workers,
                out=config.out, observe=config.observe, limits=config.limits, seconds=config.seconds, trace=config.trace,
                retries=config.retries, executor=config.executor, progress=display, options=config.options,
                allow_uncertified=allow_uncertified,
            )  # fmt: skip
    except KeyboardInterrupt as stop:
        raise Interrupted(str(stop)) from None
    _conclude(done, as_json=as_json)


def _go_on(path: Path, given: list[str], *, workers: int | None, as_json: bool) -> None:
    from quintain.errors import UsageError
    from quintain.runner import resume

    from .progress import Display

    if given:
        raise UsageError(f"--resume goes on with a run as it was started: leave out {', '.join(given)}")
    try:
        with Display() as display:
            done = resume(path, workers=workers, progress=display)
    except KeyboardInterrupt as stop:
        raise Interrupted(str(stop)) from None
    _conclude(done, as_json=as_json)


def _conclude(done: Run, *, as_json: bool) -> None:
    """Report a run that has ended; one in which nothing could be scored has failed, and its first failure says why."""
    from quintain.reporting.page import write_page
    from quintain.store import Store

    with Store.open(done.path) as store:
        results = _report(store, as_json=as_json)
        page = write_page(store)
        say(f"kept in {done.path}; page: {page}")
        if results and not any(result["scored"] for result in results):
            rows = store.query("SELECT coalesce(message, outcome) FROM latest ORDER BY started_at LIMIT 1")
            say(f"error: no episode could be scored: {rows[0][0] if rows else 'none was played'}")
            raise typer.Exit(FAILED)


def _report(store: Store, *, as_json: bool) -> list[dict[str, Any]]:
    from quintain.certificate.verdict import remarks
    from quintain.reporting.tables import contrast_notes, failures, notes, read, report_object, screens, summarize
    from quintain.studies import spending
    from quintain.studies.summary import comparisons

    if as_json:
        whole = report_object(store)
        emit(whole)
        return list(whole["results"])
    episodes = read(store)
    results, compared, screen = summarize(store, episodes), comparisons(episodes), console()
    found = spending.read(store)
    for table in screens(results, compared, spending.tables(*found), width=screen.width if screen.is_terminal else None):
        screen.print(table)
    for note in [*notes(results), *contrast_notes(compared), *spending.notes(*found)]:
        screen.print(f"· {note}", markup=False, style="dim")
    for remark in remarks(store):
        screen.print(f"· {remark}", markup=False, style="dim")
    for failure in failures(store):
        screen.print(f"· {failure}", markup=False, style="yellow")
    return results


@app.command()
def score(path: Folder, workers: Workers = None, as_json: Json = False) -> None:
    """Score the stored episodes again; where nothing has changed, no byte of the run does."""
    from quintain.scoring import score_run
    from quintain.store import Store

    found = score_run(path, workers=workers)
    with Store.open(path) as store:
        if as_json:
            from quintain.reporting.tables import report_object

            emit({**report_object(store), "rescored": found._asdict()})
            return
        _report(store, as_json=False)
    say(f"{found.episodes} episodes scored, {found.changed} scores changed, {found.unscored} unscored")


@app.command()
def report(
    path: Folder,
    form: Annotated[str, typer.Option("--format", metavar="table|md|json|html")] = "table",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there instead of stdout.")] = None,
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the figures there, as PDF, PNG and SVG.")] = None,
    as_json: Json = False,
) -> None:
    """Report on a stored run."""
    from quintain.reporting.figures import write_figures
    from quintain.reporting.page import render_page
    from quintain.reporting.tables import check_format, render_json, render_markdown
    from quintain.store import Store

    form = "json" if as_json else check_format(form)
    with Store.open(path) as store:
        if figures is not None:
            say(f"{len(write_figures(store, figures))} files written to {figures}")
        if form == "table" and out is None:
            _report(store, as_json=False)
            return
        renderings = {"md": render_markdown, "json": render_json, "html": render_page, "table": render_markdown}
        text = renderings[form](store)
    if out is None:
        show(text)
    else:
        _write(out, text)


def _write(path: Path, text: str) -> None:
    from quintain.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; choose another place with --out") from None
    say(f"written to {path}")
