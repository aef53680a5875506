"""`quintain new`: files to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import Json, app
from .output import emit, say, show

new = typer.Typer(help="Write a file to begin with.", no_args_is_help=True)
app.add_typer(new, name="new")


@new.command("agent")
def agent(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the file, without .py.")],
    kind: Annotated[str, typer.Option(metavar="step|loop|llm|policy", help="How the agent is asked.")] = "step",
    as_json: Json = False,
) -> None:
    """Write NAME.py, an agent that runs as it is, and say how to run it."""
    from quintain.agency.starters import starter
    from quintain.errors import UsageError

    made = starter(name, kind)
    path = Path(made.file)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(made.text)
    except FileExistsError:
        raise UsageError(f"{path} is there already and is left as it is; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    if as_json:
        emit({"file": made.file, "command": made.command})
        return
    say(f"written: {path}; try it with")
    show(made.command)
