"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def emit(value: Any) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def console(*, stderr: bool = False) -> Console:
    """A console that never cuts a table where nobody looks: a pipe has no width."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=200)


def show(what: Table | str) -> None:
    """A table or a text on stdout."""
    if isinstance(what, str):
        sys.stdout.write(f"{what}\n")
    else:
        console().print(what)


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table."""
    from rich.table import Table
    from rich.text import Text

    made = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
