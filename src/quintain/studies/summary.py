"""The numbers of a run: one row for each agent and suite, from the columns of the store, and the best agent beside each other.

Unscored episodes are never counted as failures: they stand apart, and once they are more than 2 % the score is also given with
all of them failed and all of them passed, because they are not missing at random. Resampling is bounded for the whole report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quintain.stats import Interval, new_tasks, rate, same_tasks
from quintain.stats.aggregates import iqm, optimality_gap
from quintain.stats.aggregates import summarize as aggregate
from quintain.stats.bootstrap import NEW, SAME, Resampling, ScoreTable
from quintain.stats.bootstrap import by_task as score_table
from quintain.stats.curves import Extreme, curve
from quintain.stats.jax_bootstrap import accelerated

from .analysis import NONE, Codes, Columns, Contrast, Episodes, Floats, Study, contrast_with, read

if TYPE_CHECKING:
    from quintain.store import Store

UNSCORED_SHARE = 0.02
"""Above this share of unscored episodes the bounds are shown."""
SEED = 0
"""Of all resampling in reports, so that a report repeats to the byte."""
REPLICATES = 2000
FEWEST_REPLICATES = 200
WORK = 20_000_000
"""Scores that a report may resample in all; with more episodes than that allows, aggregates stand without interval."""
ACCELERATED = 50
"""How many times as much an accelerator may."""
CURVE_REPLICATES = 1000
CURVE_CELLS = 10_000
"""Tasks x numbers of attempts of a curve; of many tasks fewer points are shown."""
EVERY_ATTEMPT = 12
AGGREGATES = {"iqm": "iqm", "optimality_gap": "optimality gap"}
CURVES: dict[str, Extreme] = {"pass_at_k": "max", "pass_hat_k": "min"}

Summary = dict[str, Any]


def summarize(store: Store, episodes: Episodes | None = None) -> list[Summary]:
    """One mapping for each agent and suite, ready for JSON; None is unknown, never 0.

    Keys: agent, suite, tasks, episodes, scored, unscored, missing, score, low, high (of the question in `question`), success,
    success_low, success_high, iqm, optimality_gap, attempts (pass_at_k and pass_hat_k), intervals (each with n, tasks, formula,
    question, seed), bounds, outcomes, steps, seconds, tokens, usd. Score and success are means over tasks of the tasks' means.
    """
    missing = _missing(store)
    episodes = episodes or read(store)
    how = resampling(episodes)
    return [
        _summary(*key, episodes.groups.get(key, NONE), outcomes=episodes.outcomes, missing=missing.get(key, 0), how=how)
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


def resampling(episodes: Episodes) -> Resampling | None:
    """How aggregates are resampled in a report of so many episodes: by NumPy, more of them on an accelerator if JAX finds one;
    None where that would take too long."""
    count = max(1, sum(len(columns.value) for columns in episodes.groups.values()))
    how = Resampling(replicates=min(REPLICATES, WORK // count), seed=SEED)
    if how.replicates >= FEWEST_REPLICATES:
        return how
    how = how._replace(replicates=min(REPLICATES, ACCELERATED * WORK // count), engine="jax")
    return how if how.replicates >= FEWEST_REPLICATES and accelerated() else None


def tables(columns: Columns) -> tuple[ScoreTable, ScoreTable]:
    """Score and success of runs x tasks, of what was scored; at least one episode must be."""
    at = columns.scored
    codes = columns.tasks[at].tolist()
    return score_table(columns.value[at], codes), score_table(columns.success[at], codes)


def attempts(most: int) -> list[int]:
    """Numbers of attempts that a curve up to `most` shows: each of few, else 1 to 5, then 10, 20, 50, 100, …, and the last."""
    if most <= EVERY_ATTEMPT:
        return list(range(1, most + 1))
    round_ones = (step * 10**power for power in range(1, 9) for step in (1, 2, 5))
    return sorted({k for k in (1, 2, 3, 4, 5, *round_ones, most) if k <= most})


def _robust(columns: Columns, how: Resampling | None) -> tuple[Summary, dict[str, dict[str, Interval]]]:
    """Aggregates beside the mean and the curves over attempts, and the intervals of the aggregates."""
    if not columns.scored.any():
        return {"iqm": None, "optimality_gap": None, "attempts": {}}, {}
    score, success = tables(columns)
    found = {"iqm": float(iqm(score.values)), "optimality_gap": float(optimality_gap(score.values))}
    return {**found, "attempts": _curves(success, how)}, _aggregates(score, how)


def _aggregates(score: ScoreTable, how: Resampling | None) -> dict[str, dict[str, Interval]]:
    """Of the same tasks again; with one run of some task, of new tasks like these."""
    question, key = (SAME, "same_tasks") if score.sizes.min() > 1 else (NEW, "new_tasks")
    if how is None or (question == NEW and score.tasks < 2):
        return {}
    made = aggregate(score, tuple(AGGREGATES.values()), question=question, how=how)
    return {name: {key: made[called]} for name, called in AGGREGATES.items()}


def _curves(success: ScoreTable, how: Resampling | None) -> dict[str, list[dict[str, Any]]]:
    """pass@k and pass^k for new tasks like these, k up to the fewest episodes of a task."""
    fewest = int(success.sizes.min())
    ks = _thinned(attempts(fewest), CURVE_CELLS // success.tasks)
    if how is None or how.engine == "jax" or success.tasks < 2 or len(ks) < 2:  # Curves are NumPy's.
        return {}
    few = how._replace(replicates=min(CURVE_REPLICATES, how.replicates))
    return {
        name: [_point(each.k, each.score) for each in curve(success, ks, of=extreme, how=few).points]
        for name, extreme in CURVES.items()
    }


def _point(k: int, score: Interval) -> dict[str, Any]:
    """Adding 0 turns the -0 of a minimum into 0."""
    return {"k": k, **score._replace(estimate=score.estimate + 0.0, low=score.low + 0.0, high=score.high + 0.0)._asdict()}


def _thinned(ks: list[int], most: int) -> list[int]:
    """At most so many of them, evenly and with both ends; none where not even these."""
    if len(ks) <= most or most < 2:
        return ks if len(ks) <= most else []
    return [ks[at] for at in np.linspace(0, len(ks) - 1, most).round().astype(int).tolist()]


def comparisons(episodes: Episodes) -> list[Contrast]:
    """Of each suite the agent of the highest mean score beside each other, by score, with Holm's correction."""
    found: list[Contrast] = []
    for suite in sorted({suite for _, suite in episodes.groups}):
        study = Study(tuple(episodes.tasks), {agent: each for (agent, s), each in episodes.groups.items() if s == suite})
        means = {agent: _task_mean(each.value[each.scored], each.tasks[each.scored]) for agent, each in study.agents.items()}
        known = {agent: mean for agent, mean in means.items() if mean is not None}
        if known:
            best = min(known, key=lambda agent: (-known[agent], agent))
            found += contrast_with(study, best)
    return found


def _missing(store: Store) -> dict[tuple[str, str], int]:
    """How many trials of each agent and suite have no episode at all."""
    sql = """
        SELECT t.agent, substr(t.task, 1, instr(t.task, '/') - 1), count(*) FROM trials t
        WHERE NOT EXISTS (SELECT 1 FROM episodes e WHERE e.task = t.task AND e.agent = t.agent AND e.seed = t.seed)
        GROUP BY 1, 2"""
    return {(agent, suite): count for agent, suite, count in store.query(sql)}


def _summary(
    agent: str, suite: str, columns: Columns, *, outcomes: Sequence[str], missing: int, how: Resampling | None
) -> Summary:
    scored = columns.scored
    tasks, value = columns.tasks[scored], columns.value[scored]
    passed = columns.success[scored]
    intervals = {"score": _intervals(value, tasks, new_tasks), "success": _intervals(passed, tasks, rate)}
    score, success = _headline(intervals["score"]), _headline(intervals["success"])
    robust, spreads = _robust(columns, how)
    intervals |= spreads
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
        **robust,
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
