"""What a run says: its numbers as tables for a terminal, Markdown and JSON, with the sentences that must stand beside them.

Nothing is decoded but columns, so that a report over 100,000 episodes takes about a second.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quintain.certificate.verdict import remarks
from quintain.errors import UsageError
from quintain.store import Store
from quintain.studies import spending
from quintain.studies.analysis import Columns, Contrast, plain, read
from quintain.studies.summary import AGGREGATES, Summary, by_task, comparisons, summarize

if TYPE_CHECKING:
    from rich.table import Table

    from quintain.stats import Interval
    from quintain.stats.compare import Comparison

__all__ = [
    "COLUMNS", "Columns", "Summary", "aggregate_columns", "by_task", "check_format", "contrast_columns", "contrast_notes",
    "failures", "notes", "read", "render_json", "render_markdown", "report_object", "screens", "summarize", "table", "told",
]  # fmt: skip
Shown = tuple[str, Callable[[Any], str]]
"""A column of a table: its name, and what it shows of a row."""
STILL = spending.STILL


def report_object(store: Store, results: list[Summary] | None = None) -> dict[str, Any]:
    """The object that `quintain run --json` and `quintain report --json` print."""
    episodes = read(store)
    results = summarize(store, episodes) if results is None else results
    spent, bought = spending.read(store)
    return {
        "run": str(store.path),
        "results": results,
        "comparisons": [_counted(each) for each in comparisons(episodes)],
        "certificates": remarks(store),
        "spent": plain(spent),
        "budgets": plain(bought),
    }


def _counted(contrast: Contrast) -> dict[str, Any]:
    """Flips by their number only: `quintain compare` lists them."""
    found = contrast.to_object()
    return {**{name: value for name, value in found.items() if name != "episode_flips"}, "flips": len(contrast.found.flips)}


def render_json(store: Store) -> str:
    return json.dumps(report_object(store), indent=2, ensure_ascii=False)


def render_markdown(store: Store) -> str:
    """The tables of a run and what their numbers mean, as Markdown."""
    episodes = read(store)
    results, compared = summarize(store, episodes), comparisons(episodes)
    found = spending.read(store)
    lines = [f"# Run {store.path.name}", ""]
    for columns, rows in (*_tables(results, compared), *spending.tables(*found)):
        lines += [_markdown_row(name for name, _ in columns), "|" + "---|" * len(columns)]
        lines += [_markdown_row(show(row) for _, show in columns) for row in rows]
        lines.append("")
    said = [*notes(results), *contrast_notes(compared), *spending.notes(*found), *remarks(store), *failures(store)]
    return "\n".join([*lines, *(f"- {note}" for note in said), ""])


def _tables(results: Sequence[Summary], compared: Sequence[Contrast]) -> Iterator[tuple[Sequence[Shown], Sequence[Any]]]:
    yield COLUMNS, results
    if aggregates := aggregate_columns(results):
        yield aggregates, results
    if compared:
        yield contrast_columns(compared), compared


def screens(
    results: Sequence[Summary],
    compared: Sequence[Contrast],
    further: Sequence[spending.Table] = (),
    *,
    width: int | None = None,
) -> Iterator[Table]:
    """The tables of a run for a terminal."""
    yield table(results, width=width)
    for columns, rows in (*list(_tables(results, compared))[1:], *further):
        yield _rich(_fitting(columns, rows, width), rows)


def table(results: Sequence[Summary], *, title: str = "", width: int | None = None) -> Table:
    """The first table; columns of `DROPPED` are left out, in that order, until it fits into `width`."""
    return _rich(_fitting(COLUMNS, results, width), results, title=title)


def _fitting(columns: Sequence[Shown], rows: Sequence[Any], width: int | None) -> Sequence[Shown]:
    for name in DROPPED:
        if width is None or _width(columns, rows) <= width:
            break
        columns = [column for column in columns if column[0] != name]
    return columns


def _rich(columns: Sequence[Shown], rows: Sequence[Any], *, title: str = "") -> Table:
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, header_style="bold", title_justify="left")
    for name, show in columns:
        if name in FOLDED:
            made.add_column(name, overflow="fold")
        else:
            widest = max((len(show(row)) for row in rows), default=0)
            made.add_column(name, justify="right", no_wrap=True, min_width=max(len(name), widest))
    for row in rows:
        made.add_row(*(Text(show(row)) for _, show in columns))
    return made


def _width(columns: Sequence[Shown], rows: Sequence[Any]) -> int:
    """Of a rich table: each cell has a blank on both sides and a rule after it."""
    return 1 + sum(3 + max(len(name), *(len(show(row)) for row in rows), 0) for name, show in columns)


def notes(results: Sequence[Summary]) -> list[str]:
    """What the numbers mean and what must be known beside them, a sentence each."""
    said = [*_formulas(results), *_attempt_notes(results), *_spread_notes(results)]
    said += [warning for result in results for warning in _warnings(result)]
    if any(result["seconds"] for result in results):
        said.append("s/episode: seconds in the agent, in the environment, and waiting (in neither: slots, storing, scoring)")
    return said


def failures(store: Store, *, limit: int = 5) -> list[str]:
    """The most frequent reasons for which episodes did not come to their end, a line each."""
    sql = """
        SELECT count(*), agent, outcome, coalesce(message, ''), min(task) FROM latest WHERE outcome != 'ok'
        GROUP BY agent, outcome, message ORDER BY 1 DESC, 2, 3, 4 LIMIT ?"""
    return [
        f"{count} x {agent}, {outcome}: {message} ({'such as ' if count > 1 else ''}{task})"
        for count, agent, outcome, message, task in store.query(sql, (limit,))
    ]


def _formulas(results: Sequence[Summary]) -> Iterator[str]:
    """Each formula once, with the measures and the sizes that it was used for."""
    used: dict[tuple[str, str], tuple[dict[str, None], list[Summary]]] = {}
    for result in results:
        for kind, found in result["intervals"].items():
            for interval in found.values():
                measures, held = used.setdefault((interval["question"], told(interval)), ({}, []))
                measures[kind.replace("_", " ").replace("iqm", "IQM")] = None
                held.append(interval)
    for (question, formula), (measures, held) in sorted(used.items()):
        yield f"95 % for {question}, {' and '.join(measures)}: {formula} ({_sizes(held)})"
    if any(result["iqm"] is not None and "iqm" not in result["intervals"] for result in results):
        yield "IQM and optimality gap without interval: one task run once, or more episodes than a report resamples"


def _sizes(intervals: Sequence[Summary]) -> str:
    return f"{_range('T', [each['tasks'] for each in intervals])}, {_range('n', [each['n'] for each in intervals])}"


def told(interval: Mapping[str, Any]) -> str:
    """The formula; of a resampled number, whose name stands beside it, how it was resampled."""
    formula = str(interval["formula"]).partition("; replicates without spread")[0]
    if interval["seed"] is None:
        return formula
    return f"{formula.partition(', ')[2]}, {interval['replicates']} replicates, seed {interval['seed']}"


def _attempt_notes(results: Sequence[Summary]) -> Iterator[str]:
    points = [points[-1] for result in results for points in result["attempts"].values()]
    if points:
        yield (
            "pass@k, pass^k: chance that one, that all of k episodes of a task pass, drawn without replacement, mean over tasks; "
            f"95 % for {points[0]['question']}: {told(points[0])} ({_sizes(points)})"
        )


def _spread_notes(results: Sequence[Summary]) -> Iterator[str]:
    found = [each for result in results for name in AGGREGATES for each in result["intervals"].get(name, {}).values()]
    found += [point for result in results for points in result["attempts"].values() for point in points]
    if any(each["low"] == each["high"] for each in found):
        yield f"{STILL}: all resamples are alike, so that a bootstrap has no interval; that is no certainty"


def _warnings(result: Summary) -> Iterator[str]:
    where = f"{result['agent']} on {result['suite']}"
    if result["unscored"]:
        share = f"{result['unscored']} of {result['episodes']} episodes unscored"
        yield f"{where}: {share} ({_outcomes(result)}); they are in no mean"
    if result["bounds"]:
        low, high = result["bounds"]["all_fail"], result["bounds"]["all_pass"]
        yield f"{where}: score with the unscored all failed {low:.3f}, all passed {high:.3f}"
    if result["scored"] > result["tasks"] and "same_tasks" not in result["intervals"]["score"]:
        yield f"{where}: no interval for the same tasks, because a task has one scored episode only"
    if result["missing"]:
        yield f"{where}: {result['missing']} episodes not played yet; `quintain run --resume RUN` plays them"


def _outcomes(result: Summary) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in result["outcomes"].items() if outcome != "ok") or "no score"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _interval(result: Summary, kind: str, question: str) -> str:
    found = result["intervals"][kind].get(question)
    return f"{found['low']:.3f}-{found['high']:.3f}" if found else "-"


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None or math.isnan(value) else format(value, form)


def _signed(interval: Interval | None) -> str:
    return _number(interval and interval.estimate, "+.3f")


def _span(interval: Interval | None, form: str = "{:+.3f} … {:+.3f}") -> str:
    return form.format(interval.low, interval.high) if interval else "-"


def _seconds(result: Summary) -> str:
    spent = result["seconds"]
    return " + ".join(f"{spent[part]:.2f}" for part in ("agent", "environment", "waiting")) if spent else "-"


def contrast_columns(compared: Sequence[Contrast]) -> tuple[Shown, ...]:
    """The columns of a table of comparisons."""
    first = compared[0].found
    level = f"{100 * first.level:g} %"

    def of(show: Callable[[Comparison], str]) -> Callable[[Contrast], str]:
        return lambda contrast: show(contrast.found)

    return (
        ("a", of(lambda c: c.names[0])),
        ("b", of(lambda c: c.names[1])),
        ("a - b", of(lambda c: _signed(c.new or c.same))),
        (f"{level} new tasks", of(lambda c: _span(c.new))),
        (f"{level} same tasks", of(lambda c: _span(c.same))),
        ("P(a > b)", of(lambda c: _number(c.improvement and c.improvement.estimate))),
        (level, of(lambda c: _span(c.improvement, "{:.3f}-{:.3f}"))),
        ("effect d", of(lambda c: _number(c.effect, "+.2f"))),
        ("p (Holm)" if first.correction == "holm" else "p", of(lambda c: _number(c.p_adjusted, ".2g"))),
        ("tasks", of(lambda c: str(c.tasks))),
        ("episodes of both", of(lambda c: str(c.n))),
        ("flips", of(lambda c: str(len(c.flips)))),
    )


def contrast_notes(compared: Sequence[Contrast]) -> list[str]:
    """The verdicts in words, each formula once with its sizes, and what is missing."""
    if not compared:
        return []
    sizes: dict[str, list[tuple[int, int]]] = {}
    remarks: dict[str, None] = {}
    for each in (contrast.found for contrast in compared):
        for name, interval in (("a - b", each.new), ("a - b", each.same), ("P(a > b)", each.improvement)):
            if interval is not None:
                formula = re.sub(r"t\(\d+\)", "t", interval.formula)
                sizes.setdefault(f"{interval.question}, {name}: {formula}", []).append((interval.tasks, interval.n))
        remarks |= dict.fromkeys(_remarks(each))
    used = [f"{formula} ({_range('T', [t for t, _ in of])}, {_range('n', [n for _, n in of])})" for formula, of in sizes.items()]
    verdicts = [contrast.found.verdict for contrast in compared]
    return [*verdicts, *remarks, *used, "effect d: mean of the tasks' differences over their standard deviation (Cohen's d_z)"]


def _remarks(found: Comparison) -> Iterator[str]:
    a, b = found.names
    if found.same is None:
        yield f"{a} - {b}: no interval for the same tasks again, because some tasks were played once"
    if found.mcnemar is not None:
        only = f"{found.mcnemar.only_a} tasks only {a} passed, {found.mcnemar.only_b} only {b}"
        yield f"McNemar, single runs: {only}; exact p = {found.mcnemar.exact:.2g}, mid-p = {found.mcnemar.mid_p:.2g}"
    if found.only_a or found.only_b:
        yield f"left out: {found.only_a} tasks that only {a} has scores on, {found.only_b} that only {b} has"


def _range(name: str, values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{name}={low}" if low == high else f"{name}={low}-{high}"


def aggregate_columns(results: Sequence[Summary]) -> tuple[Shown, ...]:
    """The columns of the second table: what stands beside the mean; none where nothing is scored."""
    if all(result["iqm"] is None for result in results):
        return ()
    k = _common_k(results)
    return (
        ("agent", lambda r: str(r["agent"])),
        ("suite", lambda r: str(r["suite"])),
        ("IQM", lambda r: _number(r["iqm"])),
        ("95 %", lambda r: _either(r, "iqm")),
        ("optimality gap", lambda r: _number(r["optimality_gap"])),
        ("95 %", lambda r: _either(r, "optimality_gap")),
        *(_attempt_columns(k) if k else ()),
    )


def _attempt_columns(k: int) -> tuple[Shown, ...]:
    return (f"pass@{k}", lambda r: _attempts(r, "pass_at_k", k)), (f"pass^{k}", lambda r: _attempts(r, "pass_hat_k", k))


def _either(result: Summary, kind: str) -> str:
    """With the question that it answers: new tasks only where a task was run once."""
    for question, called in (("same_tasks", "same tasks"), ("new_tasks", "new tasks")):
        if question in result["intervals"].get(kind, {}):
            found = result["intervals"][kind][question]
            return STILL if found["low"] == found["high"] else f"{_interval(result, kind, question)} {called}"
    return "-"


def _common_k(results: Sequence[Summary]) -> int | None:
    """The largest number of attempts that all curves have."""
    known = [{point["k"] for point in result["attempts"]["pass_at_k"]} for result in results if result["attempts"]]
    return max(set.intersection(*known)) if known else None


def _attempts(result: Summary, name: str, k: int) -> str:
    for point in result["attempts"].get(name, ()):
        if point["k"] == k:
            spread = STILL if point["low"] == point["high"] else f"{point['low']:.3f}-{point['high']:.3f}"
            return f"{point['estimate']:.3f} ({spread})"
    return "-"


COLUMNS: tuple[Shown, ...] = (
    ("agent", lambda r: str(r["agent"])),
    ("suite", lambda r: str(r["suite"])),
    ("score", lambda r: _number(r["score"])),
    ("95 % new tasks", lambda r: _interval(r, "score", "new_tasks")),
    ("95 % same tasks", lambda r: _interval(r, "score", "same_tasks")),
    ("success", lambda r: _number(r["success"])),
    ("95 %", lambda r: f"{r['success_low']:.3f}-{r['success_high']:.3f}" if r["success_low"] is not None else "-"),
    ("tasks", lambda r: str(r["tasks"])),
    ("episodes", lambda r: str(r["episodes"])),
    ("unscored", lambda r: str(r["unscored"])),
    ("steps", lambda r: _number(r["steps"], ".1f")),
    ("s/episode", lambda r: _number(r["seconds"] and r["seconds"]["total"], ".2f")),
    ("agent + env + wait", _seconds),
)
DROPPED = (
    "agent + env + wait", "95 % same tasks", "tasks", "steps", "flips", "effect d", "episodes of both", "95 %", "s/episode",
    "optimality gap", "P(a > b)", "model s", "one attempt",
)  # fmt: skip
FOLDED = frozenset({"agent", "suite", "a", "b", "technique"})
"""Columns of names, which may be long."""


def check_format(name: str) -> str:
    """`name` if it is a format of reports, else a `UsageError`."""
    if name not in ("table", "md", "json", "html"):
        raise UsageError(f"unknown report format {name!r}; choose from table, md, json, html")
    return name
