"""`quintain budget`: score against budget, of a technique beside the agent that it wraps, or of few long and many short runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Json, app
from .output import emit, grid, show
from .running import Folder

if TYPE_CHECKING:
    from quintain.store import Store
    from quintain.studies.selection import Tradeoff


@app.command()
def budget(
    path: Folder,
    *,
    base: Annotated[list[str] | None, typer.Option(metavar="AGENT", help="The agent alone; with --total, may repeat.")] = None,
    technique: Annotated[
        str | None, typer.Option(metavar="AGENT", help="The technique around it; by default all that fit.")
    ] = None,
    k: Annotated[list[int] | None, typer.Option("--k", help="Attempts; with --total, may repeat.")] = None,
    unit: Annotated[str, typer.Option(metavar="tokens|usd|seconds|steps|episodes", help="What is paid in.")] = "tokens",
    total: Annotated[float | None, typer.Option(help="A total budget, split into k runs of total/k each (RE-Bench).")] = None,
    clock: Annotated[str, typer.Option(metavar="steps|seconds", help="On which --total is counted.")] = "seconds",
    metric: Annotated[str, typer.Option(metavar="score|success", help="What is compared.")] = "score",
    as_json: Json = False,
) -> None:
    """Say what more attempts, and choosing between them, bring for what they cost."""
    from quintain.errors import UsageError
    from quintain.store import Store

    from .comparing import metric_of

    measure = metric_of(metric)
    with Store.open(path) as store:
        if total is not None:
            if technique:
                raise UsageError("--total splits a budget between runs of an agent alone: leave out --technique")
            _show_split(_split(store, total, base, k, clock), as_json=as_json)
            return
        if (base and len(base) > 1) or (k and len(k) > 1):
            raise UsageError("several --base or --k go with --total only")
        found = _tradeoffs(store, base[0] if base else None, technique, k[0] if k else None, unit=unit, metric=measure)
    _show_tradeoffs(found, as_json=as_json)


def _tradeoffs(store: Store, base: str | None, technique: str | None, k: int | None, *, unit: str, metric: str) -> list[Tradeoff]:
    """Of the two agents that are named, or of all that can be recognised."""
    from quintain.errors import UsageError
    from quintain.studies.selection import Pair, chosen, pairs, spent, tradeoff, unit_of

    paid = unit_of(unit)
    known = [each for each in pairs(store) if base in (None, each.plain) and technique in (None, each.technique)]
    if base and technique:
        attempts = k or next((each.k for each in known), None)
        if attempts is None:
            raise UsageError(f"how many attempts {technique} makes cannot be seen in its arguments; give --k")
        known = [Pair(base, technique, attempts)]
    if not known:
        raise UsageError(
            "no agent of this run is a technique around another one of it; name two with --base, --technique and --k"
        )
    agents = spent(store, unit=paid, metric=metric)
    return [tradeoff(chosen(agents, each.plain), chosen(agents, each.technique), k=k or each.k, unit=paid) for each in known]


def _show_tradeoffs(found: list[Tradeoff], *, as_json: bool) -> None:
    from quintain.studies.selection import to_object
    from quintain.studies.spending import TRADEOFFS, amount, notes, spread

    if as_json:
        emit({"budgets": [to_object(each) for each in found]})
        return
    for each in found:
        rows = [[f"best of {point.k}", each.plain, amount(point.spent, each.unit), spread(point.score)] for point in each.curve]
        rows.append(["selected", each.technique, amount(each.spent, each.unit), spread(each.score.score)])
        rows.append(["at random", each.plain, amount(each.curve[-1].spent, each.unit), spread(each.curve[0].score)])
        show(grid(["", "agent", each.unit, "score (95 %)"], rows))
        name, cell = TRADEOFFS[-1]
        show(f"{name}: {cell(each)}")
        show(f"· 95 % for {each.curve[0].score.question}: {each.curve[-1].score.formula}")
    for note in notes((), found):
        show(f"· {note}")


def _split(store: Store, total: float, base: list[str] | None, ks: list[int] | None, clock: str) -> dict[str, Any]:
    """By agent, the curve of the expected best of k runs of total/k each."""
    from quintain.errors import UsageError
    from quintain.registry import suggest
    from quintain.studies.analysis import asked
    from quintain.studies.budgets import best_of, of_agents

    if clock not in ("steps", "seconds"):
        raise UsageError(f"unknown clock {clock!r}; choose from steps, seconds")
    agents = of_agents(store, clock="steps" if clock == "steps" else "seconds")
    for name in base or ():
        if name not in agents:
            raise UsageError(f"no agent {name!r} in this run{suggest(name, agents)}")
    found = {}
    for name in base or sorted(agents):
        runs = agents[name]
        names = [run.task for run in runs]
        most = min(names.count(task) for task in set(names))
        wanted = ks or [2**power for power in range(most.bit_length()) if 2**power <= most]
        with asked():
            found[name] = best_of(runs, total=total, ks=wanted, clock="steps" if clock == "steps" else "seconds")
    return found


def _show_split(found: dict[str, Any], *, as_json: bool) -> None:
    from quintain.studies.analysis import plain
    from quintain.studies.spending import spread

    if as_json:
        emit({"budgets": {name: plain(curve) for name, curve in found.items()}})
        return
    rows = [
        [name, str(point.k), f"{point.spent / point.k:,.4g}", spread(point.score)]
        for name, curve in found.items()
        for point in curve.points
    ]
    unit = next((curve.unit for curve in found.values()), "")
    show(grid(["agent", "best of k", f"{unit} each", "score (95 %)"], rows))
    for formula in dict.fromkeys(f"{p.score.question}: {p.score.formula}" for curve in found.values() for p in curve.points):
        show(f"· 95 % for {formula}")
