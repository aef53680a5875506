"""The order in which agents stand, by five methods: mean score, Borda, exact Kemeny, Bradley-Terry and Plackett-Luce.

No order of more than two agents is the true one; where the methods part, the pairs of agents on which they do are named. Each
task counts once, by the mean of its episodes; for Plackett-Luce each episode is a sample, and tasks are drawn anew as wholes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from quintain.errors import InfrastructureError, UsageError
from quintain.stats.bootstrap import Resampling
from quintain.stats.kemeny import Kemeny, kemeny
from quintain.stats.matrix import Missing, table
from quintain.stats.rank import Ranking, RankInterval, borda, mean_score, rank_intervals

from .analysis import Floats, Metric, Study, asked, plain
from .strengths import REFITS, Fit, of_samples, of_tasks, played

WORK = 200_000_000
"""Bounds replicates x tasks^2."""
KEMENY_S = 20.0
METHODS = {
    "mean": "mean", "borda": "Borda", "kemeny": "Kemeny", "bradley_terry": "Bradley-Terry", "plackett_luce": "Plackett-Luce",
}  # fmt: skip


class Place(NamedTuple):
    """Where an agent stands by one method: what is ranked, its rank, and the interval of the rank over tasks drawn anew."""

    value: float
    rank: float
    low: float | None
    high: float | None


class Standing(NamedTuple):
    """One agent; `tasks` are those that it was ranked on."""

    agent: str
    mean: Place
    borda: Place
    kemeny: Place | None
    """Its place and those of the first and the last of its class of agents that the optimal orders do not settle."""
    bradley_terry: Place | None
    plackett_luce: Place | None
    tasks: int
    unscored: int
    """Episodes without a score, which are in no rank."""


class Standings(NamedTuple):
    """All agents, best mean first."""

    agents: tuple[Standing, ...]
    metric: Metric
    tasks: int
    dropped: int
    """Tasks left out, because not all agents have a score there."""
    disagreements: tuple[str, ...]
    formulas: tuple[str, ...]
    notes: tuple[str, ...]
    """What is missing, and why."""
    optimal_orders: int | None
    seed: int

    def to_object(self) -> dict[str, Any]:
        """Ready for JSON."""
        found: dict[str, Any] = plain(self)
        return found


def stand(
    study: Study, *, metric: Metric = "score", missing: Missing = "common", seed: int = 0, level: float = 0.95
) -> Standings:
    """Rank the agents of a study.

    Raises:
        UsageError: fewer than two agents with scores, or fewer than two tasks to rank them on.
    """
    study, idle = _with_scores(study)
    names, means = tuple(study.agents), study.means(metric)
    _check(names, means, missing)
    how = Resampling(replicates=int(np.clip(WORK // means.shape[1] ** 2, 200, 10_000)), seed=seed, level=level)
    with asked():
        by_mean, by_borda = (make(means, names=names, missing=missing) for make in (mean_score, borda))
        mean_spread = rank_intervals(means, method="mean", names=names, missing=missing, how=how)
        borda_spread = rank_intervals(means, method="borda", names=names, missing=missing, how=how)
        values = table(means, what="rank", missing=missing)
    order, order_note = _kemeny(means, names, missing)
    few = how._replace(replicates=REFITS)
    fit, strength_note = of_tasks(values, names, how=few)
    choices, choice_note = of_samples(study, metric=metric, how=few)
    agents = _rows(study, (by_mean, mean_spread), (by_borda, borda_spread), order, (fit, choices))
    formulas = [each.formula for each in (mean_spread[0], borda_spread[0], order, fit, choices) if each is not None]
    said = (*idle, *_gaps(study, means, by_mean), *order_note, *strength_note, *choice_note, *_elo(study, metric, seed))
    return Standings(
        tuple(sorted(agents, key=lambda each: (each.mean.rank, each.agent))), metric, values.shape[1], by_mean.dropped,
        tuple(_disagreements(agents)), tuple(formulas), said,
        order.optimal_orders if order else None, seed,
    )  # fmt: skip


def _with_scores(study: Study) -> tuple[Study, list[str]]:
    idle = [name for name, columns in study.agents.items() if not columns.scored.any()]
    kept = {name: columns for name, columns in study.agents.items() if name not in idle}
    return study._replace(agents=kept), [f"{name} has no scored episode and is left out" for name in idle]


def _check(names: tuple[str, ...], means: Floats, missing: Missing) -> None:
    if len(names) < 2:
        raise UsageError(f"a ranking needs two agents with scores, and there is {', '.join(names) or 'none'}; name more runs")
    there = ~np.isnan(means)
    count = int((there.all(axis=0) if missing == "common" else there.any(axis=0)).sum())
    if count < 2:
        way = "; --missing available ranks on what each has" if missing == "common" and there.any(axis=0).sum() > 1 else ""
        raise UsageError(f"a ranking needs at least two tasks, and {count} has scores of all agents{way}")


def _rows(
    study: Study,
    by_mean: tuple[Ranking, tuple[RankInterval, ...]],
    by_borda: tuple[Ranking, tuple[RankInterval, ...]],
    order: Kemeny | None,
    fits: tuple[Fit | None, Fit | None],
) -> list[Standing]:
    classes = _classes(order) if order else {}
    rows = []
    for at, (name, columns) in enumerate(study.agents.items()):
        mean, count = (
            Place(ranking.values[at], ranking.ranks[at], spread[at].low, spread[at].high)
            for ranking, spread in (by_mean, by_borda)
        )
        task_strength, sample_strength = (fit and _strength(fit, at) for fit in fits)
        rows.append(
            Standing(
                name, mean, count, classes.get(name), task_strength, sample_strength, by_mean[0].measured[at],
                int((~columns.scored).sum()),
            )
        )  # fmt: skip
    return rows


def _strength(fit: Fit, at: int) -> Place:
    return Place(float(fit.values[at]), float(fit.ranks[at]), float(fit.low[at]), float(fit.high[at]))


def _elo(study: Study, metric: Metric, seed: int) -> list[str]:
    """Elo stands in a note only: it depends on the order of the games, and by how much is part of it."""
    found = played(study, metric=metric, seed=seed)
    if found is None:
        return []
    rows = zip(found.names, found.mean.tolist(), found.sd.tolist(), strict=True)
    ratings = ", ".join(f"{name} {mean:.0f} ± {sd:.0f}" for name, mean, sd in sorted(rows, key=lambda each: -each[1]))
    return [f"Elo, with its spread over orders of the {found.n} games: {ratings} ({found.formula})"]


def _kemeny(means: Floats, names: tuple[str, ...], missing: Missing) -> tuple[Kemeny | None, list[str]]:
    try:
        with asked():
            return kemeny(means, names=names, missing=missing, limit_s=KEMENY_S), []
    except InfrastructureError as error:
        return None, [f"no exact order: {error}"]


def _classes(order: Kemeny) -> dict[str, Place]:
    """Agents of one class share the mean of their places."""
    found: dict[str, Place] = {}
    before = 0
    for group in order.ties:
        first, last = before + 1, before + len(group)
        found |= {name: Place(order.order.index(name) + 1.0, (first + last) / 2, float(first), float(last)) for name in group}
        before = last
    return found


def _disagreements(agents: list[Standing]) -> list[str]:
    """Pairs of agents of which one method puts the first before the other, and another after it."""
    found = []
    for one, other in itertools.combinations(agents, 2):
        above: dict[bool, list[str]] = {True: [], False: []}
        for method, called in METHODS.items():
            left, right = getattr(one, method), getattr(other, method)
            if left is not None and right is not None and left.rank != right.rank:
                above[left.rank < right.rank].append(called)
        if above[True] and above[False]:
            found.append(f"{one.agent} before {other.agent} by {', '.join(above[True])}; after it by {', '.join(above[False])}")
    return found


def _gaps(study: Study, means: Floats, ranking: Ranking) -> list[str]:
    """What is missing of the table of agents x tasks."""
    empty: Mapping[str, int] = dict(zip(study.agents, np.isnan(means).sum(axis=1).tolist(), strict=True))
    found = [f"{name} has no score on {count} of {means.shape[1]} tasks" for name, count in empty.items() if count]
    if ranking.dropped:
        found.append(f"{ranking.dropped} tasks are left out, because not every agent has a score there")
    for name, columns in study.agents.items():
        if unscored := int((~columns.scored).sum()):
            found.append(f"{name}: {unscored} of {len(columns.value)} episodes are unscored and in no rank")
    return found
