"""What a run says: one row for each agent and suite, from the columns of the store, as a table, Markdown, JSON or a page.

Nothing is decoded but columns, so that a report over 100,000 episodes opens in about a second. Unscored episodes are never
counted as failures: they stand apart, and once they are more than 2 % the score is also given with all of them failed and
all of them passed, because they are not missing at random.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .stats import Interval, new_tasks, rate, same_tasks

if TYPE_CHECKING:
    from rich.table import Table

    from .store import Store

UNSCORED_SHARE = 0.02
"""Above this share of unscored episodes the bounds are shown."""

Summary = dict[str, Any]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
"""Positions in a list of names: comparing these is far cheaper than comparing 100,000 texts."""


class Columns(NamedTuple):
    """The episodes of one agent on one suite; NaN where a number is unknown."""

    tasks: Codes
    outcomes: Codes
    value: Floats
    passed: Floats
    steps: Floats
    agent_s: Floats
    environment_s: Floats
    waiting_s: Floats
    tokens: Floats
    usd: Floats

    @property
    def scored(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.value)


def summarize(store: Store, episodes: Episodes | None = None) -> list[Summary]:
    """One mapping for each agent and suite, ready for JSON; None is unknown, never 0.

    Keys: agent, suite, tasks, episodes, scored, unscored, missing, score, low, high (of the question in `question`), success,
    success_low, success_high, intervals (each with n, tasks, formula and question), bounds, outcomes, steps, seconds, tokens,
    usd. Score and success are means over tasks of the tasks' means.
    """
    missing = _missing(store)
    episodes = episodes or read(store)
    return [
        _summary(*key, episodes.groups.get(key, _NONE), outcomes=episodes.outcomes, missing=missing.get(key, 0))
        for key in sorted({*episodes.groups, *missing})
    ]


def by_task(episodes: Episodes) -> dict[str, dict[str, float]]:
    """Mean score of each agent on each task: task -> agent -> mean; only what was scored is there."""
    found: dict[str, dict[str, float]] = {}
    for (agent, _), columns in episodes.groups.items():
        scored = columns.tasks[columns.scored]
        sums, counts = np.bincount(scored, weights=columns.value[columns.scored]), np.bincount(scored)
        for code in np.flatnonzero(counts).tolist():
            found.setdefault(episodes.tasks[code], {})[agent] = float(sums[code] / counts[code])
    return dict(sorted(found.items()))


def report_object(store: Store, results: list[Summary] | None = None) -> dict[str, Any]:
    """The object that `quintain run --json` and `quintain report --json` print."""
    return {"run": str(store.path), "results": summarize(store) if results is None else results}


def render_json(store: Store) -> str:
    return json.dumps(report_object(store), indent=2, ensure_ascii=False)


def render_markdown(store: Store) -> str:
    """The table of a run and what its numbers mean, as Markdown."""
    results = summarize(store)
    head = [name for name, _ in COLUMNS]
    lines = [f"# Run {store.path.name}", "", _markdown_row(head), "|" + "---|" * len(head)]
    lines += [_markdown_row([show(result) for _, show in COLUMNS]) for result in results]
    return "\n".join([*lines, "", *(f"- {note}" for note in [*notes(results), *failures(store)]), ""])


def table(results: Sequence[Summary], *, title: str = "", width: int | None = None) -> Table:
    """The table of a run for a terminal; columns of `DROPPED` are left out, in that order, until it fits into `width`."""
    from rich.table import Table
    from rich.text import Text

    kept = list(COLUMNS)
    for name in DROPPED:
        if width is None or _width(kept, results) <= width:
            break
        kept = [column for column in kept if column[0] != name]
    made = Table(title=title or None, header_style="bold", title_justify="left")
    for name, show in kept:
        if name in ("agent", "suite"):
            made.add_column(name, overflow="fold")
        else:
            widest = max((len(show(result)) for result in results), default=0)
            made.add_column(name, justify="right", no_wrap=True, min_width=max(len(name), widest))
    for result in results:
        made.add_row(*(Text(show(result)) for _, show in kept))
    return made


def _width(columns: Sequence[tuple[str, Callable[[Summary], str]]], results: Sequence[Summary]) -> int:
    """Of a rich table: each cell has a blank on both sides and a rule after it."""
    return 1 + sum(3 + max(len(name), *(len(show(result)) for result in results), 0) for name, show in columns)


def notes(results: Sequence[Summary]) -> list[str]:
    """What the numbers mean and what must be known beside them, a sentence each."""
    said = [*_formulas(results), *(warning for result in results for warning in _warnings(result))]
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
    used: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for result in results:
        for kind, found in result["intervals"].items():
            for interval in found.values():
                measures, sizes = used.setdefault((interval["question"], interval["formula"]), ({}, {}))
                measures["score" if kind == "score" else "success"] = None
                sizes[f"T={interval['tasks']}, n={interval['n']}"] = None
    for (question, formula), (measures, sizes) in sorted(used.items()):
        yield f"95 % for {question}, {' and '.join(measures)}: {formula} ({'; '.join(sizes)})"


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
    return "-" if value is None else format(value, form)


def _seconds(result: Summary) -> str:
    spent = result["seconds"]
    return " + ".join(f"{spent[part]:.2f}" for part in ("agent", "environment", "waiting")) if spent else "-"


COLUMNS: tuple[tuple[str, Callable[[Summary], str]], ...] = (
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
DROPPED = ("agent + env + wait", "95 % same tasks", "tasks", "steps", "95 %", "s/episode")


class Episodes(NamedTuple):
    """All episodes of a run by agent and suite; the codes in the columns are positions in these names."""

    tasks: list[str]
    outcomes: list[str]
    groups: dict[tuple[str, str], Columns]


def read(store: Store) -> Episodes:
    """The newest attempt of each trial, in an order that does not depend on when each was played: so sums repeat exactly."""
    columns = store.rows()
    (agents, agent_codes), (suites, suite_codes) = _coded(columns["agent"]), _coded(columns["suite"])
    (tasks, task_codes), (outcomes, outcome_codes) = _coded(columns["task"]), _coded(columns["outcome"])
    order = np.lexsort((columns["seed"], task_codes))
    pair_codes = (agent_codes * max(1, len(suites)) + suite_codes)[order]
    numbers = {name: columns[name][order] for name in Columns._fields[2:]}
    task_codes, outcome_codes = task_codes[order], outcome_codes[order]
    groups = {}
    for pair in np.unique(pair_codes).tolist():
        at = pair_codes == pair
        chosen = {name: column[at] for name, column in numbers.items()}
        key = (agents[pair // len(suites)], suites[pair % len(suites)])
        groups[key] = Columns(task_codes[at], outcome_codes[at], **chosen)
    return Episodes(tasks, outcomes, groups)


def _coded(names: Sequence[str]) -> tuple[list[str], Codes]:
    """The distinct names in order, and each name's position among them."""
    distinct = sorted(set(names))
    index = {name: code for code, name in enumerate(distinct)}
    return distinct, np.fromiter((index[name] for name in names), dtype=np.int64, count=len(names))


def _missing(store: Store) -> dict[tuple[str, str], int]:
    """How many trials of each agent and suite have no episode at all."""
    sql = """
        SELECT t.agent, substr(t.task, 1, instr(t.task, '/') - 1), count(*) FROM trials t
        WHERE NOT EXISTS (SELECT 1 FROM episodes e WHERE e.task = t.task AND e.agent = t.agent AND e.seed = t.seed)
        GROUP BY 1, 2"""
    return {(agent, suite): count for agent, suite, count in store.query(sql)}


_NO_CODES, _NO_NUMBERS = np.array([], dtype=np.int64), np.array([], dtype=np.float64)
_NONE = Columns(_NO_CODES, _NO_CODES, *[_NO_NUMBERS] * 8)


def _summary(agent: str, suite: str, columns: Columns, *, outcomes: Sequence[str], missing: int) -> Summary:
    scored = columns.scored
    tasks, value = columns.tasks[scored], columns.value[scored]
    passed = np.where(np.isnan(columns.passed[scored]), value == 1.0, columns.passed[scored])
    intervals = {"score": _intervals(value, tasks, new_tasks), "success": _intervals(passed, tasks, rate)}
    score, success = _headline(intervals["score"]), _headline(intervals["success"])
    codes, counts = np.unique(columns.outcomes, return_counts=True)
    return {
        "agent": agent,
        "suite": suite,
        "tasks": len(np.unique(tasks)),
        "episodes": len(scored),
        "scored": len(value),
        "unscored": int((~scored).sum()),
        "missing": missing,
        "score": _task_mean(value, tasks),
        "low": score.low if score else None,
        "high": score.high if score else None,
        "question": score.question if score else None,
        "success": _task_mean(passed, tasks),
        "success_low": success.low if success else None,
        "success_high": success.high if success else None,
        "intervals": {kind: {name: each._asdict() for name, each in found.items()} for kind, found in intervals.items()},
        "bounds": _bounds(columns),
        "outcomes": {outcomes[code]: count for code, count in zip(codes.tolist(), counts.tolist(), strict=True)},
        "steps": _mean(columns.steps[scored]),
        "seconds": _spent(columns),
        "tokens": _total(columns.tokens),
        "usd": _total(columns.usd),
    }


def _intervals(values: Floats, tasks: Codes, new: Callable[..., Interval]) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for name, make in (("new_tasks", new), ("same_tasks", same_tasks)):
        try:
            found[name] = make(values, tasks)
        except ValueError:
            # Not every run can answer both questions: one task tells nothing of new ones, one episode nothing of noise.
            continue
    return found


def _headline(intervals: Mapping[str, Interval]) -> Interval | None:
    """The wider claim where it can be made; a run of one task can only speak of that task."""
    return intervals.get("new_tasks") or intervals.get("same_tasks")


def _bounds(columns: Columns) -> dict[str, float] | None:
    unscored = ~columns.scored
    if not len(unscored) or unscored.mean() <= UNSCORED_SHARE:
        return None
    low = _task_mean(np.where(unscored, 0.0, columns.value), columns.tasks)
    high = _task_mean(np.where(unscored, 1.0, columns.value), columns.tasks)
    return {"all_fail": low, "all_pass": high} if low is not None and high is not None else None


def _task_mean(values: Floats, tasks: Codes) -> float | None:
    if not len(values):
        return None
    codes = np.unique(tasks, return_inverse=True)[1]
    return float((np.bincount(codes, weights=values) / np.bincount(codes)).mean())


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _spent(columns: Columns) -> dict[str, float] | None:
    at = columns.scored
    if not at.any():
        return None
    parts = {
        name: float(np.nan_to_num(column[at]).mean())
        for name, column in (
            ("agent", columns.agent_s),
            ("environment", columns.environment_s),
            ("waiting", columns.waiting_s),
        )
    }
    return {"total": sum(parts.values()), **parts}


def _total(values: Floats) -> dict[str, float | int | None]:
    """What is known of a cost, and in how many episodes it is unknown."""
    known = values[~np.isnan(values)]
    return {"sum": float(known.sum()) if len(known) else None, "unknown": len(values) - len(known)}


def check_format(name: str) -> str:
    """`name` if it is a format of reports, else a `UsageError`."""
    if name not in ("table", "md", "json", "html"):
        raise UsageError(f"unknown report format {name!r}; choose from table, md, json, html")
    return name
