"""Two agents on the tasks that both have played, paired task by task.

Pairing removes what the tasks' difficulty adds to both; on the same data an unpaired test can say the opposite. Every
difference is given for two questions, as in `quintain.stats.intervals`: *the same tasks again* and *new tasks like these*.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import NO_SPREAD, Interval, Question, new_tasks, t_quantile, t_tail, wilson

Floats = NDArray[np.float64]
Bounds = tuple[float, float] | None
Correction = Literal["none", "holm", "benjamini-hochberg"]


class Scores(NamedTuple):
    """The scored episodes of one agent, as three arrays of the same length; each pair of task and run occurs once."""

    task: Sequence[Hashable] | NDArray[np.generic]
    run: Sequence[Hashable] | NDArray[np.generic]
    """Repetition or seed; episodes of two agents with the same task and run are taken as a pair."""
    score: ArrayLike


class McNemar(NamedTuple):
    """Test of single pass/fail runs by the tasks that only one agent passed."""

    only_a: int
    only_b: int
    exact: float
    mid_p: float


class Flip(NamedTuple):
    """A task that one agent passes (mean score at or above the middle of the bounds) and the other does not."""

    task: Hashable
    a: float
    b: float


class Comparison(NamedTuple):
    """Agent a minus agent b over the tasks that both have played; `verdict` says it in words."""

    names: tuple[str, str]
    new: Interval | None
    """Difference for new tasks like these; None with one common task."""
    same: Interval | None
    """Difference for the same tasks again; None where a task was run once, which leaves its noise unknown."""
    improvement: Interval | None
    """Probability that a run of a scores above a run of b on the same task, a tie counting half; None with one task."""
    effect: float
    """mean(d) / sd(d) of the task differences d (Cohen's d_z); infinite where they are all alike, 0 where all are 0."""
    mcnemar: McNemar | None
    """Only for pass/fail scores with one run of each task."""
    p: float
    """Two-sided, of no difference on new tasks; NaN with one task."""
    p_adjusted: float
    test: str
    flips: tuple[Flip, ...]
    n: int
    tasks: int
    only_a: int
    """Tasks of a that b has not played: left out."""
    only_b: int
    level: float
    correction: Correction
    verdict: str


def compare(
    a: Scores,
    b: Scores,
    *,
    level: float = 0.95,
    names: tuple[str, str] = ("a", "b"),
    bounds: Bounds = (0.0, 1.0),
    families: Mapping[Hashable, Hashable] | None = None,
) -> Comparison:
    """Compare two agents on their common tasks.

    The test is McNemar's mid-p for single pass/fail runs (Fagerland, Lydersen and Laake 2013), else the paired t test over
    tasks; with `families` of related tasks it is the t test with their clustered error. The alternative is always two-sided.

    Args:
        level: nominal coverage; an agent is called better where p < 1 - level.
        bounds: of the scores; None for unbounded ones, which have no flips.
        families: the family of each task, where tasks come in groups that are not independent.

    Raises:
        ValueError: no scores, lengths that differ, NaN, a score outside the bounds, a pair of task and run that occurs twice,
            no common task, a task without family, or fewer than two families.
    """
    if not 0 < level < 1:
        raise ValueError(f"compare: level must be between 0 and 1, got {level}")
    cells_a, cells_b = _cells(a, name=names[0], bounds=bounds), _cells(b, name=names[1], bounds=bounds)
    common = sorted(cells_a.keys() & cells_b.keys(), key=lambda task: (str(type(task)), str(task)))
    if not common:
        raise ValueError(f"compare: {names[0]} and {names[1]} have no task in common")
    pairs = [_Pair.of(task, cells_a[task], cells_b[task]) for task in common]
    differences = np.array([pair.a.mean() - pair.b.mean() for pair in pairs])
    n = sum(len(pair.a) + len(pair.b) for pair in pairs)
    clusters = _clusters(common, families)
    error, freedom = _error(differences, clusters)
    new = _new(differences, error=error, freedom=freedom, clusters=clusters, level=level, bounds=bounds, n=n)
    same = _same(pairs, level=level, bounds=bounds, n=n)
    test = _mcnemar(pairs)
    p, what = _p_value(differences, error=error, freedom=freedom, mcnemar=test if clusters is None else None)
    result = Comparison(
        names, new, same, _improvement(pairs, level=level, n=n), _effect(differences), test, p, p, what, _flips(pairs, bounds),
        n, len(common), len(cells_a) - len(common), len(cells_b) - len(common), level, "none", "",
    )  # fmt: skip
    return result._replace(verdict=_verdict(result))


def compare_all(
    agents: Mapping[str, Scores],
    *,
    correction: Correction = "holm",
    level: float = 0.95,
    bounds: Bounds = (0.0, 1.0),
    families: Mapping[Hashable, Hashable] | None = None,
) -> tuple[Comparison, ...]:
    """Every pair of agents, each on its own common tasks, with p values adjusted for their number.

    Intervals stay those of each single pair. Raises ValueError as `compare`, or with fewer than two agents.
    """
    if len(agents) < 2:
        raise ValueError(f"compare_all: needs at least two agents, got {len(agents)}")
    found = [
        compare(agents[one], agents[other], level=level, names=(one, other), bounds=bounds, families=families)
        for one, other in itertools.combinations(agents, 2)
    ]
    known = [k for k, each in enumerate(found) if not math.isnan(each.p)]
    adjusted = dict(zip(known, _adjusted([found[k].p for k in known], correction), strict=True))
    for k, each in enumerate(found):
        changed = each._replace(p_adjusted=adjusted.get(k, math.nan), correction=correction)
        found[k] = changed._replace(verdict=_verdict(changed))
    return tuple(found)


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """McNemar's test from the numbers of tasks that only one of two agents passed; without any, both p values are 1."""
    if only_a < 0 or only_b < 0:
        raise ValueError(f"mcnemar: counts must not be negative, got {only_a} and {only_b}")
    n, least = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, k) for k in range(least + 1))
    # Exact integers: a float binomial would underflow at n > 1074.
    return McNemar(only_a, only_b, min(1.0, 2 * tail / 2**n), min(1.0, (2 * tail - math.comb(n, least)) / 2**n))


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p values (1979): the chance of any false finding stays below the level at which they are read."""
    values, order = _p_values(p, "holm")
    count = len(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(count, 0, -1))
    return _put_back(stepped, order)


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p values (1995): bounds the expected share of false findings among the findings."""
    values, order = _p_values(p, "benjamini_hochberg")
    count = len(values)
    stepped = np.minimum.accumulate((values[order] * count / np.arange(1, count + 1))[::-1])[::-1]
    return _put_back(stepped, order)


class _Pair(NamedTuple):
    """Scores of both agents on one task; in the order of their runs where the runs are the same ones."""

    task: Hashable
    a: Floats
    b: Floats
    matched: bool

    @classmethod
    def of(cls, task: Hashable, a: dict[Hashable, float], b: dict[Hashable, float]) -> _Pair:
        matched = a.keys() == b.keys()
        keys = sorted(a, key=lambda run: (str(type(run)), str(run)))
        right = [b[key] for key in keys] if matched else sorted(b.values())
        left = [a[key] for key in keys] if matched else sorted(a.values())
        return cls(task, np.array(left), np.array(right), matched)


def _cells(scores: Scores, *, name: str, bounds: Bounds) -> dict[Hashable, dict[Hashable, float]]:
    """Task -> run -> score."""
    values = np.asarray(scores.score, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"compare: {name} has no scores; needs flat, non-empty arrays of task, run and score")
    if not len(values) == len(scores.task) == len(scores.run):
        raise ValueError(f"compare: {name} has {len(scores.task)} tasks, {len(scores.run)} runs and {len(values)} scores")
    low, high = bounds or (-math.inf, math.inf)
    if not (np.isfinite(values) & (values >= low) & (values <= high)).all():
        raise ValueError(f"compare: scores of {name} must be finite and within {bounds}; leave out the unscored (NaN) first")
    found: dict[Hashable, dict[Hashable, float]] = {}
    for task, run, value in zip(np.asarray(scores.task).tolist(), np.asarray(scores.run).tolist(), values.tolist(), strict=True):
        runs = found.setdefault(task, {})
        if run in runs:
            raise ValueError(f"compare: {name} has task {task!r} run {run!r} twice")
        runs[run] = value
    return found


def _clusters(tasks: Sequence[Hashable], families: Mapping[Hashable, Hashable] | None) -> NDArray[np.int64] | None:
    if families is None:
        return None
    if missing := [task for task in tasks if task not in families]:
        raise ValueError(f"compare: task {missing[0]!r} has no family")
    codes: dict[Hashable, int] = {}
    found = np.array([codes.setdefault(families[task], len(codes)) for task in tasks], dtype=np.int64)
    if len(codes) < 2:
        raise ValueError("compare: one family says nothing about others; leave families out or give at least two")
    return found


def _error(differences: Floats, clusters: NDArray[np.int64] | None) -> tuple[float, int]:
    """Standard error of the mean difference for new tasks (or new families), and its degrees of freedom."""
    count = len(differences)
    if count < 2:
        return math.nan, 0
    if clusters is None:
        return float(differences.std(ddof=1)) / math.sqrt(count), count - 1
    sums = np.bincount(clusters, weights=differences - differences.mean())
    groups = len(sums)
    return math.sqrt(float((sums**2).sum()) * groups / (groups - 1)) / count, groups - 1


def _new(
    differences: Floats, *, error: float, freedom: int, clusters: NDArray[np.int64] | None, level: float, bounds: Bounds, n: int
) -> Interval | None:
    if freedom < 1:
        return None
    formula = "mean difference ± t(T-1) sd(differences)/√T" if clusters is None else "mean difference ± t(G-1) family error"
    return _difference(
        float(differences.mean()), error, freedom=freedom, level=level, bounds=bounds, n=n, tasks=len(differences),
        formula=formula, question="new tasks like these", seen=freedom + 1,
    )  # fmt: skip


def _same(pairs: Sequence[_Pair], *, level: float, bounds: Bounds, n: int) -> Interval | None:
    if min(min(len(pair.a), len(pair.b)) for pair in pairs) < 2:
        return None
    matched = all(pair.matched for pair in pairs)
    if matched:
        variance = sum(float((pair.a - pair.b).var(ddof=1)) / len(pair.a) for pair in pairs)
        freedom = sum(len(pair.a) - 1 for pair in pairs)
    else:
        variance = sum(float(pair.a.var(ddof=1)) / len(pair.a) + float(pair.b.var(ddof=1)) / len(pair.b) for pair in pairs)
        freedom = sum(len(pair.a) + len(pair.b) - 2 for pair in pairs)
    noise = "s² of the runs' differences" if matched else "s²a/na + s²b/nb"
    return _difference(
        float(np.mean([pair.a.mean() - pair.b.mean() for pair in pairs])), math.sqrt(variance) / len(pairs), freedom=freedom,
        level=level, bounds=bounds, n=n, tasks=len(pairs), formula=f"mean difference ± t({freedom}) √Σ({noise})/T",
        question="same tasks again", seen=sum(min(len(pair.a), len(pair.b)) for pair in pairs),
    )  # fmt: skip


def _difference(
    mean: float, error: float, *, freedom: int, level: float, bounds: Bounds, n: int, tasks: int, formula: str,
    question: Question, seen: int,
) -> Interval:  # fmt: skip
    span = math.inf if bounds is None else bounds[1] - bounds[0]
    if error >= NO_SPREAD:
        half = t_quantile(0.5 + level / 2, freedom) * error
        return Interval(mean, max(-span, mean - half), min(span, mean + half), n, tasks, formula, question)
    # Nothing deviated in `seen` observations: at most a Wilson share of others does, by at most the whole span.
    share = wilson(0, seen, level=level)[1]
    low, high = mean + share * (-span - mean), mean + share * (span - mean)
    return Interval(mean, low, high, n, tasks, "Wilson share of differences that could deviate; all seen are alike", question)


def _improvement(pairs: Sequence[_Pair], *, level: float, n: int) -> Interval | None:
    if len(pairs) < 2:
        return None
    above = [
        float((pair.a[:, None] > pair.b).mean() + 0.5 * (pair.a[:, None] == pair.b).mean()) for pair in pairs
    ]  # fmt: skip
    found = new_tasks(np.clip(above, 0, 1), np.arange(len(pairs)), level=level)
    return found._replace(n=n, formula=f"P(a > b) + P(a = b)/2 within a task; {found.formula}")


def _effect(differences: Floats) -> float:
    mean = float(differences.mean())
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    if spread < NO_SPREAD:
        return 0.0 if abs(mean) < NO_SPREAD else math.copysign(math.inf, mean)
    return mean / spread


def _mcnemar(pairs: Sequence[_Pair]) -> McNemar | None:
    if any(len(pair.a) != 1 or len(pair.b) != 1 or not {pair.a[0], pair.b[0]} <= {0.0, 1.0} for pair in pairs):
        return None
    return mcnemar(sum(bool(pair.a[0] > pair.b[0]) for pair in pairs), sum(bool(pair.b[0] > pair.a[0]) for pair in pairs))


def _p_value(differences: Floats, *, error: float, freedom: int, mcnemar: McNemar | None) -> tuple[float, str]:
    mean = float(differences.mean())
    if freedom < 1:
        return math.nan, "none: one task"
    if mcnemar is not None:
        return mcnemar.mid_p, "McNemar mid-p"
    if error < NO_SPREAD:
        return (1.0 if abs(mean) < NO_SPREAD else min(1.0, 0.5**freedom)), "sign test, all differences alike"
    return min(1.0, 2 * t_tail(abs(mean) / error, freedom)), f"paired t, {freedom} degrees of freedom"


def _flips(pairs: Sequence[_Pair], bounds: Bounds) -> tuple[Flip, ...]:
    if bounds is None:
        return ()
    middle = sum(bounds) / 2
    means = [Flip(pair.task, float(pair.a.mean()), float(pair.b.mean())) for pair in pairs]
    return tuple(each for each in means if (each.a >= middle) != (each.b >= middle))


def _verdict(found: Comparison) -> str:
    """One or two sentences; the words "not separable" wherever no test tells the agents apart."""
    a, b = found.names
    alpha = 1 - found.level
    parts = []
    if found.new is None:
        parts.append(f"{a} and {b} are not separable: one common task says nothing about others")
    else:
        adjusted = "" if found.correction == "none" else f", {found.correction}"
        numbers = f"{_span(found.new)}, p = {found.p_adjusted:.2g} by {found.test}{adjusted}, {found.tasks} tasks"
        if found.p_adjusted < alpha:
            first, second = (a, b) if found.new.estimate > 0 else (b, a)
            parts.append(f"{first} is better than {second} on new tasks like these ({a} - {b}: {numbers})")
        else:
            parts.append(f"{a} and {b} are not separable on new tasks like these ({a} - {b}: {numbers})")
    if found.same is None:
        parts.append("on the same tasks again nothing can be said, because some were run once")
    elif found.same.low > 0 or found.same.high < 0:
        parts.append(f"on the same tasks again {a if found.same.low > 0 else b} is better ({_span(found.same)})")
    else:
        parts.append(f"on the same tasks again they are not separable ({_span(found.same)})")
    return "; ".join(parts)


def _span(interval: Interval) -> str:
    return f"{interval.estimate:+.3g} [{interval.low:+.3g}, {interval.high:+.3g}]"


def _adjusted(p: Sequence[float], correction: Correction) -> list[float]:
    if correction == "none" or not p:
        return list(p)
    return [float(value) for value in (holm(p) if correction == "holm" else benjamini_hochberg(p))]


def _p_values(p: ArrayLike, what: str) -> tuple[Floats, NDArray[np.int64]]:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{what}: needs a flat, non-empty list of p values in [0, 1]")
    return values, np.argsort(values, kind="stable")


def _put_back(stepped: Floats, order: NDArray[np.int64]) -> Floats:
    result = np.empty_like(stepped)
    result[order] = np.minimum(1.0, stepped)
    return result
