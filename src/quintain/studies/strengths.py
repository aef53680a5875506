"""Fitted strengths of the agents of a study: Bradley-Terry over tasks, Plackett-Luce over single samples, and Elo."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quintain.stats.bootstrap import Resampling, draw
from quintain.stats.elo import EloRatings, elo
from quintain.stats.matrix import majorities, ranks
from quintain.stats.pairwise import LOST_SHARE, Games, Strengths, bradley_terry
from quintain.stats.plackett_luce import plackett_luce_intervals

from .analysis import Floats, Metric, Study

PENALTY = 0.1
"""Of a fit whose data has none without: pulls strengths together like a few draws against everyone."""
REFITS = 200
WORK = 200_000_000
"""Bounds tasks x agents^2, and of samples a tenth of it."""
GAMES = 20_000
"""Elo is played game by game, in a hundred orders."""


class Fit(NamedTuple):
    """Strengths of all agents, their ranks, and the limits of the ranks."""

    values: Floats
    ranks: Floats
    low: Floats
    high: Floats
    formula: str


def of_tasks(values: Floats, names: tuple[str, ...], *, how: Resampling) -> tuple[Fit | None, list[str]]:
    """Bradley-Terry of who scores more on each task, with whole tasks drawn anew: games of one task depend on each other."""
    agents, tasks = values.shape
    if agents**2 * tasks > WORK:
        return None, [f"no Bradley-Terry fit: {agents} agents x {tasks} tasks are too many; rank fewer"]
    notes, penalty = [], 0.0
    try:
        fit = bradley_terry(majorities(values), names=names)
    except ValueError as error:
        penalty = PENALTY
        notes.append(_shrunk(error))
        fit = bradley_terry(majorities(values), names=names, penalty=penalty)
    drawn = _refits(values, names, penalty=penalty, how=how)
    if len(drawn) < (1 - LOST_SHARE) * how.replicates and not penalty:
        notes.append(f"Bradley-Terry: {how.replicates - len(drawn)} of {how.replicates} resamples have no fit; ranks of all are "
                     f"those with penalty {PENALTY:g}")  # fmt: skip
        drawn = _refits(values, names, penalty=PENALTY, how=how)
    places = ranks(np.round(drawn, 9), axis=1)
    low = np.quantile(places, (1 - how.level) / 2, axis=0, method="lower")
    high = np.quantile(places, (1 + how.level) / 2, axis=0, method="higher")
    told = f"{fit.formula}, of who scores more on a task; bootstrap over tasks, {len(drawn)} replicates, seed {how.seed}"
    return Fit(fit.values, ranks(np.round(fit.values, 9)), low, high, told), notes


def _refits(values: Floats, names: tuple[str, ...], *, penalty: float, how: Resampling) -> Floats:
    """(replicates that have a fit, agents)."""
    tasks = values.shape[1]
    found = []
    for block in draw(np.full(tasks - 1, tasks), 1, how=how):
        for drawn in block[:, 0]:
            try:
                found.append(bradley_terry(majorities(values[:, drawn]), names=names, penalty=penalty).values)
            except ValueError:
                continue
    return np.array(found).reshape(-1, len(names))


def of_samples(study: Study, *, metric: Metric, how: Resampling) -> tuple[Fit | None, list[str]]:
    """Plackett-Luce of single samples, each a task with a seed, whatever agents were measured on it (ONEBench)."""
    names = tuple(study.agents)
    table, tasks = samples(study, metric)
    if len(names) ** 2 * table.shape[1] > WORK // 10:
        return None, [f"no Plackett-Luce fit: {len(names)} agents x {table.shape[1]} samples are too many; rank fewer"]
    notes: list[str] = []
    for penalty in (0.0, PENALTY):
        try:
            found = plackett_luce_intervals(table, groups=tasks.tolist(), names=names, penalty=penalty, how=how)
        except ValueError as error:
            notes.append(_shrunk(error) if not penalty else f"no Plackett-Luce fit: {error}")
            continue
        fit: Strengths = found.fit
        told = f"{found.formula}, {table.shape[1]} samples of {len(set(tasks.tolist()))} tasks"
        return Fit(fit.values, ranks(np.round(fit.values, 9)), found.rank_low, found.rank_high, told), notes
    return None, notes[-1:]


def samples(study: Study, metric: Metric) -> tuple[Floats, np.ndarray]:
    """Scores of agents x samples, NaN where an agent has none, and the task code of each sample."""
    pairs = [np.stack([each.tasks[each.scored].astype(np.uint64), each.seeds[each.scored]]) for each in study.agents.values()]
    distinct, where = np.unique(np.concatenate(pairs, axis=1), axis=1, return_inverse=True)
    table = np.full((len(pairs), distinct.shape[1]), np.nan)
    begin = 0
    for row, each in zip(table, study.agents.values(), strict=True):
        at = each.scored
        row[where.ravel()[begin : begin + int(at.sum())]] = each.of(metric)[at]
        begin += int(at.sum())
    return table, distinct[0].astype(np.int64)


def played(study: Study, *, metric: Metric, seed: int) -> EloRatings | None:
    """Elo ratings from every pair of agents on every sample that both have; None where these are too many, or none."""
    table, _ = samples(study, metric)
    left, right, score = list[int](), list[int](), list[float]()
    for one in range(len(table)):
        for other in range(one + 1, len(table)):
            both = ~np.isnan(table[one]) & ~np.isnan(table[other])
            mine, theirs = table[one, both], table[other, both]
            left += [one] * len(mine)
            right += [other] * len(mine)
            score += np.where(mine == theirs, 0.5, (mine > theirs).astype(np.float64)).tolist()
    if not 0 < len(left) <= GAMES:
        return None
    return elo(Games(left, right, score), systems=len(table), names=tuple(study.agents), seed=seed)


def _shrunk(error: ValueError) -> str:
    return f"{str(error).partition(';')[0]}; fitted with penalty {PENALTY:g}, which shrinks the strengths"
