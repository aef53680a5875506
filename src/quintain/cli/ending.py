"""How a command ends: its exit code, and one line on stderr for whatever went wrong."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from quintain.errors import QuintainError, one_line

FAILED = 2
INTERRUPTED = 130


class Interrupted(Exception):
    """Ctrl-C; the message says what is kept and how to go on."""


def run(app: typer.Typer, arguments: list[str]) -> int:
    """Run `app` and return its exit code; a traceback is printed only where ``--debug`` is among the arguments."""
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = app(args=arguments, prog_name="quintain", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exception(error)
        sys.stderr.write(f"{line(error)}\n")
        return INTERRUPTED if isinstance(error, (Interrupted, KeyboardInterrupt)) else FAILED
    if code == INTERRUPTED:
        # The parser turns an interrupt into this code and says nothing.
        sys.stderr.write("interrupted\n")
    return code if isinstance(code, int) else 0


def line(error: BaseException) -> str:
    """The one line that a user reads."""
    if isinstance(error, Interrupted):
        return str(error) or "interrupted"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, QuintainError):
        return f"error: {' '.join(str(error).split())}"
    # The parser's own errors, whichever package they come from (typer carries its parser inside, older ones do not).
    said = getattr(error, "format_message", None)
    if callable(said):
        return f"error: {' '.join(str(said()).split()).rstrip('.')} (see --help)"
    if isinstance(error, OSError):
        return f"error: {one_line(error)}"
    return f"error: unexpected {one_line(error)}; --debug shows where"
