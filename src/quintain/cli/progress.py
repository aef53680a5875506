"""How a run is going, on stderr: drawn live on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TextIO

from .output import console

if TYPE_CHECKING:
    from rich.console import Group

    from quintain.runner import Progress

LINE_EVERY_S = 5.0
DRAWN_PER_S = 4


@dataclass
class _Tally:
    """Of one agent."""

    scored: int = 0
    total: float = 0.0

    @property
    def mean(self) -> str:
        return f"{self.total / self.scored:.3f}" if self.scored else "-"


class Display:
    """Is called after every episode, as the `progress` of `quintain.evaluate`; use it in a ``with`` block."""

    def __init__(self, *, stream: TextIO | None = None) -> None:
        self.tallies: dict[str, _Tally] = {}
        self._stream = stream or sys.stderr
        self._live: Any = None
        self._state: Progress | None = None
        self._began = self._said = time.monotonic()
        self._before = self._shown = 0

    def __call__(self, state: Progress) -> None:
        if self._state is None:
            self._before = state.done - 1
        self._state = state
        if state.last is not None:
            tally = self.tallies.setdefault(state.last.trial.agent, _Tally())
            if state.last.value is not None:
                tally.scored += 1
                tally.total += state.last.value
        if self._live is None and time.monotonic() - self._said >= LINE_EVERY_S:
            self._line()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            from rich.live import Live

            # The numbers are read when they are drawn: a run of a million short episodes must not draw each.
            self._live = Live(get_renderable=self._drawing, console=console(stderr=True), refresh_per_second=DRAWN_PER_S)
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
        elif self._state is not None and self._state.done != self._shown:
            self._line()

    def summary(self) -> str:
        """All of it on one line."""
        means = ", ".join(f"{agent} {tally.mean}" for agent, tally in sorted(self.tallies.items()))
        return f"{self._counts()}{'; mean score: ' + means if means else ''}"

    def _counts(self) -> str:
        state = self._state
        if state is None:
            return "starting"
        spent = time.monotonic() - self._began
        rate = (state.done - self._before) / spent if spent > 0 else 0.0
        left = f", {_duration((state.total - state.done) / rate)} left" if rate > 0 and state.done < state.total else ""
        failed = f", {state.failures} failed" if state.failures else ""
        return f"{state.done}/{state.total} episodes, {state.running} running, {rate:.1f}/s{left}{failed}"

    def _line(self) -> None:
        self._said = time.monotonic()
        self._shown = self._state.done if self._state else 0
        self._stream.write(self.summary() + "\n")
        self._stream.flush()

    def _drawing(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done, total = (self._state.done, self._state.total) if self._state else (0, 1)
        agents = [
            Text.assemble(f"  {agent} ".ljust(24), (tally.mean.rjust(7), "bold"), f"  mean of {tally.scored} scored")
            for agent, tally in sorted(self.tallies.items())
        ]
        # A bar ends no line; a table does.
        bar = Table.grid()
        bar.add_row(ProgressBar(total=max(1, total), completed=done, width=60))
        return Group(bar, Text(self._counts()), *agents)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
