"""`quintain check`: is a suite fit to measure with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import Json, app
from .ending import Interrupted
from .output import emit, grid, say, show
from .running import Workers

if TYPE_CHECKING:
    from quintain.certificate import Certificate


@app.command()
def check(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="A suite, or a glob over task ids.")],
    *,
    episodes: Annotated[int, typer.Option(help="Of each agent on each task.")] = 3,
    seed: Annotated[int, typer.Option()] = 0,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; by default a new one under runs/.")] = None,
    oracle: Annotated[str, typer.Option(metavar="AGENT", help="The agent that knows the solutions.")] = "scripted",
    as_json: Json = False,
) -> None:
    """Certify a suite: null agent 0, oracle 1, scoring and resetting repeat; exit code 1 where it fails."""
    from quintain.certificate import certify

    from .progress import Display

    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = out or Path("runs") / f"check-{stamp}"
    try:
        found = certify(suite, out=folder, episodes=episodes, seed=seed, workers=workers, oracle=oracle, say=say, watch=Display)
    except KeyboardInterrupt as stop:
        raise Interrupted(str(stop)) from None
    if as_json:
        emit({"run": str(folder), **found.model_dump(mode="json")})
    else:
        _show(found)
    say(f"kept in {folder}")
    if found.verdict != "passed":
        raise typer.Exit(1)


def _show(found: Certificate) -> None:
    rows = []
    for each in found.tasks:
        scores = [_number(score) for score in (each.null, each.oracle, each.random)]
        rows.append([each.task, *scores, _same(each.reset_same), "; ".join(each.problems)])
    show(grid(["task", "null", "oracle", "random", "reset", "problems"], rows))
    solved = sum(each.oracle is not None for each in found.tasks)
    random = f"{found.random['score']:.3f} ({found.random['low']:.3f}-{found.random['high']:.3f})" if _known(found) else "-"
    show(f"{found.suite}: {found.verdict}; {len(found.tasks)} tasks, {solved} with an oracle, random agent {random}")
    for problem in found.problems:
        show(f"· {problem}")


def _known(found: Certificate) -> bool:
    return all(found.random.get(key) is not None for key in ("score", "low", "high"))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _same(value: bool | None) -> str:
    return {True: "same", False: "DIFFERS", None: "-"}[value]
