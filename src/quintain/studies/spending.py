"""What agents spent, by purpose, and what that bought: rows and columns for reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from quintain.stats.intervals import Interval

from .selection import Tradeoff, charged, tradeoffs

if TYPE_CHECKING:
    from quintain.store import Store

Column = tuple[str, Callable[[Any], str]]
STILL = "no spread"
Table = tuple[Sequence[Column], Sequence[Any]]


class Expense(NamedTuple):
    """What one agent spent for one purpose in a run; None is unknown in some episode, never 0."""

    agent: str
    suite: str
    what: str
    episodes: int
    """In which something was spent so."""
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    seconds: float
    """Waiting for models."""
    steps: int
    """In branches, copies and earlier attempts."""

    @property
    def tokens(self) -> int | None:
        return None if self.input_tokens is None or self.output_tokens is None else self.input_tokens + self.output_tokens


def expenses(store: Store) -> list[Expense]:
    """By agent, suite and purpose, over the newest attempts."""
    if not charged(store):
        return []
    sums = ", ".join(
        f"CASE WHEN count(c.{name}) = count(*) THEN sum(c.{name}) END" for name in ("input_tokens", "output_tokens", "usd")
    )
    sql = f"""SELECT e.agent, e.suite, c.what, count(*), sum(c.calls), {sums}, sum(c.seconds), sum(c.steps)
        FROM latest e JOIN charges c ON c.episode = e.id GROUP BY e.agent, e.suite, c.what ORDER BY e.agent, e.suite, c.what"""
    return [Expense(*row) for row in store.query(sql)]


def tables(spent: Sequence[Expense], found: Sequence[Tradeoff]) -> list[Table]:
    """Those that have rows."""
    return [(columns, rows) for columns, rows in ((EXPENSES, spent), (TRADEOFFS, found)) if rows]


def read(store: Store) -> tuple[list[Expense], list[Tradeoff]]:
    """What a report has of a run."""
    return expenses(store), tradeoffs(store)


def notes(spent: Sequence[Expense], found: Sequence[Tradeoff]) -> list[str]:
    """What the columns mean, and where a number is undefined."""
    said = []
    if spent:
        said.append(
            "spent by purpose, sums over the run: model s is waiting for models, other steps are those in branches and copies"
        )
    if found:
        said.append(
            "selector efficiency: (select - pass@1) / (pass@k - pass@1), from episodes of the agent alone and of the technique; "
            "0 is a random choice, 1 a perfect one"
        )
    used: dict[str, list[str]] = {}
    for each in found:
        name, interval = f"{each.technique} over {each.plain}", each.efficiency.interval
        told = f"selector efficiency undefined: {each.efficiency.why}" if interval is None else _told(interval)
        used.setdefault(told, []).append(name)
    return said + [f"{', '.join(names)}: {told}" for told, names in used.items()]


def _told(interval: Interval) -> str:
    drawn = "" if interval.seed is None else f", {interval.replicates} replicates, seed {interval.seed}"
    return f"95 % for {interval.question}: {interval.formula.partition(', ')[2]}{drawn} (T={interval.tasks}, n={interval.n})"


def _count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def amount(value: float, unit: str) -> str:
    return f"{value:,.4f}" if unit == "usd" else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(interval: Interval | None, form: str = ".3f") -> str:
    """Estimate and limits, as far as there are any."""
    if interval is None:
        return "undefined"
    value, low, high = (format(each, form) for each in (interval.estimate, interval.low, interval.high))
    if math.isnan(interval.low):
        return value
    return f"{value} ({STILL})" if interval.low == interval.high else f"{value} ({low}{' … ' if '+' in form else '-'}{high})"


EXPENSES: tuple[Column, ...] = (
    ("agent", lambda e: str(e.agent)),
    ("suite", lambda e: str(e.suite)),
    ("purpose", lambda e: str(e.what)),
    ("episodes", lambda e: _count(e.episodes)),
    ("calls", lambda e: _count(e.calls)),
    ("tokens", lambda e: _count(e.tokens)),
    ("usd", lambda e: _usd(e.usd)),
    ("model s", lambda e: f"{e.seconds:.1f}"),
    ("other steps", lambda e: _count(e.steps)),
)
TRADEOFFS: tuple[Column, ...] = (
    ("agent", lambda t: str(t.plain)),
    ("technique", lambda t: str(t.technique)),
    ("k", lambda t: str(t.k)),
    ("unit", lambda t: str(t.unit)),
    ("one attempt", lambda t: amount(t.curve[0].spent, t.unit)),
    ("technique costs", lambda t: amount(t.spent, t.unit)),
    ("pass@1", lambda t: spread(t.curve[0].score)),
    ("technique scores", lambda t: spread(t.score.score)),
    ("pass@k", lambda t: spread(t.curve[-1].score)),
    ("selector efficiency", lambda t: spread(t.efficiency.interval, "+.2f")),
)
