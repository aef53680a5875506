"""What the episodes of several agents say of the tasks themselves: hard or easy, telling or not, needed or not."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from quintain.errors import UsageError
from quintain.stats.intervals import Interval, new_tasks
from quintain.stats.items import ChosenSubset, Item, Prediction, Redundant, choose_subset, items, predict, redundant
from quintain.stats.quality import (
    BenchmarkAgreement,
    Share,
    benchmark_agreement,
    confident_agreement,
    pair_agreement,
    pair_rank_brier,
    separability,
)

from .analysis import Floats, Metric, Study, asked, plain

REPLICATES = 1000


class SuitePair(NamedTuple):
    """How two suites agree on the agents that played both."""

    first: str
    second: str
    correlation: float
    """Kendall's tau-b of the mean scores; NaN below three common agents."""
    confident: Share | None
    brier: Share | None
    """Of the order on the second suite, as the first one foretells it."""
    agents: int


class SuiteQuality(NamedTuple):
    """The tasks of some runs, as seen through the agents that played them."""

    agents: dict[str, Interval]
    """Mean over tasks of each, for new tasks like these."""
    separable: Share | None
    items: tuple[Item, ...]
    """Hardest first."""
    redundant: tuple[Redundant, ...]
    subset: ChosenSubset | None
    predicted: Prediction | None
    """Where cells are missing: what the agents would score on all tasks."""
    pairs: tuple[SuitePair, ...]
    agreement: tuple[BenchmarkAgreement, ...]
    """Of each suite with all others, where there are three."""
    notes: tuple[str, ...]

    def to_object(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(self)
        if self.predicted is not None:
            found["predicted"] = {
                "error": self.predicted.error,
                "means": dict(zip(self.agents, self.predicted.means, strict=True)),
            }
        return found


def examine(study: Study, *, metric: Metric = "score", choose: int | None = None, level: float = 0.95) -> SuiteQuality:
    """Examine the tasks of a study.

    Args:
        choose: size of a subset that stands for all of them.

    Raises:
        UsageError: no agent, or a subset that cannot be chosen.
    """
    means = study.means(metric)
    known = ~np.isnan(means)
    columns = np.flatnonzero(known.any(axis=0))
    if not len(columns):
        raise UsageError("no episode is scored yet")
    values, names = means[:, columns], [study.tasks[column] for column in columns]
    with asked():
        intervals = {
            agent: new_tasks(row[here], np.flatnonzero(here), level=level)
            for agent, row in zip(study.agents, values, strict=True)
            if (here := ~np.isnan(row)).sum() > 1
        }
        limits = ([each.low for each in intervals.values()], [each.high for each in intervals.values()])
        complete = not np.isnan(values).any()
        pairs, agreement = _suites(study, values, names, level=level)
        return SuiteQuality(
            agents=intervals,
            separable=separability(*limits) if len(intervals) > 1 else None,
            items=tuple(sorted(items(values, names=names), key=lambda each: -each.difficulty)),
            redundant=redundant(values, names=names) if len(values) >= 5 else (),
            subset=None if choose is None else choose_subset(values, choose, names=names),
            predicted=None if complete or int((~np.isnan(values)).sum()) < 10 else predict(values),
            pairs=pairs,
            agreement=agreement,
            notes=tuple(_notes(len(values), complete=complete)),
        )


def _notes(agents: int, *, complete: bool) -> list[str]:
    found = []
    if agents < 5:
        found.append(f"{agents} agents: redundancy needs five, and difficulty is that of these few")
    if not complete:
        found.append(
            "some agents did not play all tasks; their means are over what they played, the prediction fills in the rest"
        )
    return found


def _suites(
    study: Study, values: Floats, names: list[str], *, level: float
) -> tuple[tuple[SuitePair, ...], tuple[BenchmarkAgreement, ...]]:
    """How the suites of the study agree, where it has several."""
    homes = np.array([name.split("/", 1)[0] for name in names])
    tables = {str(home): values[:, homes == home] for home in dict.fromkeys(homes.tolist())}
    agents = list(study.agents)
    scores = {
        home: {agent: float(np.nanmean(row)) for agent, row in zip(agents, table, strict=True) if not np.isnan(row).all()}
        for home, table in tables.items()
    }
    correlations = pair_agreement(scores)
    pairs = tuple(
        _pair(one, other, tables, correlations[one, other], level=level) for one, other in itertools.combinations(tables, 2)
    )
    common = set.intersection(*(set(each) for each in scores.values()))
    return pairs, benchmark_agreement(scores) if len(scores) > 2 and len(common) > 2 else ()


def _pair(one: str, other: str, tables: dict[str, Floats], found: tuple[float, int], *, level: float) -> SuitePair:
    both = np.flatnonzero((~np.isnan(tables[one])).sum(axis=1) * (~np.isnan(tables[other])).sum(axis=1) > 1)
    a, b = tables[one][both], tables[other][both]
    if len(both) < 2 or min(a.shape[1], b.shape[1]) < 2:
        return SuitePair(one, other, found[0], None, None, found[1])
    confident = confident_agreement(_limits(a, level), _limits(b, level))
    return SuitePair(one, other, found[0], confident, pair_rank_brier(_above(a), np.nanmean(b, axis=1)), len(both))


def _limits(table: Floats, level: float) -> tuple[list[float], list[float]]:
    found = [new_tasks(row[~np.isnan(row)], np.flatnonzero(~np.isnan(row)), level=level) for row in table]
    return [each.low for each in found], [each.high for each in found]


def _above(table: Floats) -> Floats:
    """(agents, agents): in what share of resamplings of the tasks each has a higher mean than each other; ties half."""
    draws = np.random.default_rng(0).multinomial(table.shape[1], np.full(table.shape[1], 1 / table.shape[1]), size=REPLICATES)
    known = ~np.isnan(table)
    counts = draws @ known.T
    means = np.divide(draws @ np.where(known, table, 0.0).T, counts, out=np.full(counts.shape, math.nan), where=counts > 0)
    order = np.sign(np.nan_to_num(means[:, :, None] - means[:, None, :]))
    return np.asarray(0.5 + 0.5 * order.mean(axis=0))
