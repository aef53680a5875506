"""The command line. Importing it loads no environment, no agent and no array library; each command loads what it needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import budgeting as budgeting
from . import checking as checking
from . import comparing as comparing
from . import examining as examining
from . import listing as listing
from . import running as running
from . import starting as starting
from .app import app
from .ending import run

__all__ = ["app", "main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 something asked about is not ready, 2 an error, 130 interrupted."""
    sys.exit(run(app, list(sys.argv[1:] if argv is None else argv)))
