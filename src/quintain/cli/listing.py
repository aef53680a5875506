"""`quintain list`, `doctor` and `setup`: what there is, what works here, and how to get the rest."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Json, app
from .output import emit, grid, say, show

if TYPE_CHECKING:
    from quintain.registry import Kind

KINDS: dict[str, Kind | None] = {
    "suites": "suites",
    "tasks": None,
    "envs": "environments",
    "agents": "agents",
    "evaluators": "evaluators",
}


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(metavar="[suites|tasks|envs|agents|evaluators]")] = None,
    pattern: Annotated[str, typer.Argument(help="Glob over ids, or a suite.")] = "*",
    as_json: Json = False,
) -> None:
    """Show what can be run."""
    from quintain.errors import UsageError
    from quintain.registry import suggest

    if kind is not None and kind not in KINDS:
        raise UsageError(f"nothing is called {kind!r} here{suggest(kind, KINDS)}")
    if kind is None:
        found = {name: _entries(name, "*") for name in KINDS if name != "tasks"}
    else:
        found = {kind: _entries(kind, pattern)}
        if not found[kind]:
            raise UsageError(f"no {kind} match {pattern!r}; `quintain list {kind}` shows all")
    if as_json:
        emit(found)
        return
    for name, entries in found.items():
        rows = [[str(value) for value in entry.values()] for entry in entries]
        show(grid([name, *list(entries[0])[1:]], rows) if entries else f"no {name}")
        if kind is None:
            show("")


def _entries(kind: str, pattern: str) -> list[dict[str, Any]]:
    if kind == "tasks":
        return _tasks(pattern)
    from quintain.registry import catalog

    known = KINDS[kind]
    assert known is not None
    found = {name: where for name, where in catalog(known).items() if fnmatch.fnmatch(name, pattern)}
    return [_suite(name) for name in found] if kind == "suites" else [{"id": n, "where": w} for n, w in found.items()]


def _suite(name: str) -> dict[str, Any]:
    """A suite whose data is not installed is listed with how to get it."""
    from quintain.errors import QuintainError
    from quintain.making import suite

    try:
        found = suite(name)
    except QuintainError as error:
        return {"id": name, "tasks": None, "description": str(error)}
    return {"id": name, "tasks": len(found.tasks), "description": found.description}


def _tasks(pattern: str) -> list[dict[str, Any]]:
    from quintain.making import list_tasks, load_task

    tasks = [load_task(name) for name in list_tasks(pattern)]
    return [
        {
            "id": task.id,
            "env": task.env,
            "domain": task.meta.domain or "",
            "split": task.meta.split or "",
            "steps": task.limits.steps,
            "goal": task.goal,
        }
        for task in tasks
    ]


@app.command()
def doctor(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="[FAMILY|agents|local|marl]...")] = None,
    as_json: Json = False,
) -> None:
    """Say which families and models work on this machine, what is missing, and how to get it; exit code 1 where something is."""
    from quintain.doctor import MODELS, examine

    checks = examine(wanted or ())
    ready = all(check.ok for check in checks)
    if as_json:
        emit({"ready": ready, "checks": [check._asdict() for check in checks]})
    else:
        for title in ("family", "models"):
            rows = [
                (c.family, c.part, "ok" if c.ok else "MISSING", c.detail)
                for c in checks
                if (c.family in MODELS) == (title == "models")
            ]
            if rows:
                show(grid([title, "part", "state", "found"], rows))
        for check in checks:
            if not check.ok:
                show(f"{check.family}, {check.part}: {check.remedy}")
    if not ready:
        raise typer.Exit(1)


@app.command()
def setup(
    family: Annotated[str, typer.Argument(metavar="FAMILY|agents|local|marl", help="Such as: browser.")],
    as_json: Json = False,
) -> None:
    """Install what a family or a kind of model needs; prints the commands that need other rights than yours, with exit code 1."""
    from quintain.doctor import set_up

    steps = set_up(family, say=lambda command: say(f"$ {command}"))
    left = [step.command for step in steps if step.state != "done"]
    if as_json:
        emit({"family": family, "ready": not left, "steps": [step._asdict() for step in steps]})
    elif left:
        show("\n".join(["Run these, then `quintain doctor`:", *(f"  {command}" for command in left)]))
    else:
        show(f"{family}: {'installed' if steps else 'all is installed'}; `quintain doctor {family}` tries it out")
    if left:
        raise typer.Exit(1)
