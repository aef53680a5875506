"""The application that the commands join, and the options that they share."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="quintain",
    help="Environments and evaluation for AI agents: one Gymnasium API over web, desktop, repository and multi-agent worlds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from quintain import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def quintain(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Environments and evaluation for AI agents: one Gymnasium API over web, desktop, repository and multi-agent worlds."""
