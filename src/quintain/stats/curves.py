"""Score curves: what the best, or the worst, of k attempts is expected to be, drawn without replacement from n.

With scores in ascending order x_(1) … x_(n), E[max of k] = sum_i C(i-1, k-1) / C(n, k) x_(i). One estimator is behind many
names: pass@k (Chen et al. 2021) for success and failure, eff@k (ENAMEL) for efficiency scores, efficient@k (COFFE) for "correct
and fast", best-of-k under a time budget (RE-Bench), and, as a minimum, pass^k (tau-bench) and the effective accuracy of
UGMathBench.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import (
    DEFAULT,
    NEW,
    SAME,
    Floats,
    Resampling,
    ScoreTable,
    drawn_means,
    formula,
    limits,
    samples,
    table,
    task_draws,
)
from .intervals import NO_SPREAD, Interval, Question

Extreme = Literal["max", "min"]
EXACT_UP_TO = 1000


@lru_cache(maxsize=4096)
def _weights(n: int, k: int) -> tuple[float, ...]:
    """Of the ascending order statistics, from exact integers up to n = 1000, beyond by the stable product downwards."""
    if n <= EXACT_UP_TO:
        whole, count, found = math.comb(n, k), 1, [0.0] * (k - 1)
        for i in range(k, n + 1):
            found.append(count / whole)
            count = count * i // (i - k + 1)
        return tuple(found)
    down, weight = [], k / n
    for i in range(n, 0, -1):
        down.append(weight)
        weight *= (i - k) / (i - 1) if i > max(k, 1) else 0.0
    return tuple(reversed(down))


def expected_max(values: ArrayLike, k: int) -> float:
    """The expected maximum of k of the n values, without replacement; unbiased for k attempts of the process behind them.

    Raises:
        ValueError: no values, NaN, or k outside 1 … n.
    """
    ordered = np.sort(_flat(values))
    return math.fsum(weight * value for weight, value in zip(_weights(len(ordered), _k(k, len(ordered))), ordered, strict=True))


def expected_min(values: ArrayLike, k: int) -> float:
    """The expected minimum of k of the n values, without replacement; raises as `expected_max`."""
    return -expected_max(-_flat(values), k)


def pass_at_k(successes: int, n: int, k: int) -> float:
    """P(at least one of k attempts succeeds) = 1 - C(n-c, k)/C(n, k); undefined, and so refused, for k > n."""
    _count(successes, n)
    whole = math.comb(n, _k(k, n))
    return (whole - math.comb(n - successes, k)) / whole


def pass_hat_k(successes: int, n: int, k: int) -> float:
    """pass^k, P(all of k attempts succeed) = C(c, k)/C(n, k); 0 for k > c, undefined, and so refused, for k > n."""
    _count(successes, n)
    whole = math.comb(n, _k(k, n))
    return math.comb(successes, k) / whole


class Point(NamedTuple):
    """One place of a curve: k attempts, what they cost in the curve's unit, and the score with its interval."""

    k: int
    spent: float
    score: Interval


class Curve(NamedTuple):
    """Mean over tasks of the expected best (or worst) of k attempts, against what k attempts cost."""

    points: tuple[Point, ...]
    unit: str


def curve(
    scores: ArrayLike | ScoreTable,
    ks: Sequence[int],
    *,
    of: Extreme = "max",
    question: Question = NEW,
    how: Resampling = DEFAULT,
    cost: float = 1.0,
    unit: str = "samples",
) -> Curve:
    """Expected maximum (or minimum) of k attempts for each k, mean over tasks, with bootstrap intervals.

    Args:
        scores: runs x tasks; the runs of a task are its attempts.
        ks: numbers of attempts, each at most the fewest runs of a task.
        of: "max" for pass@k, eff@k, best-of-k; "min" for pass^k.
        question: new tasks resamples tasks. The same tasks resamples attempts, for k below the fewest runs of a task. Attempts
            drawn twice bend an extreme and hide noise (95 % limits of pass@9 from 10 attempts would cover 88 %), so that the
            replicates are shifted to the estimate and scaled to the jackknife error, which is never too small on average (Efron
            and Stein, Annals of Statistics 9 (1981) 586-596).
        cost: of one attempt, on average, in `unit`: seconds, tokens, dollars.

    Raises:
        ValueError: bad scores, no ks, a k that some task cannot give, a cost that is not positive, or BCa.
    """
    held = table(scores)
    if not ks or not cost > 0 or not math.isfinite(cost):
        raise ValueError(f"curve: needs at least one k and a cost above 0, got ks={list(ks)} and cost={cost}")
    if how.method == "bca":
        raise ValueError("curve: BCa is not offered for curves; use the percentile method")
    sign = 1.0 if of == "max" else -1.0
    signed = held._replace(values=np.sort(sign * held.values, axis=0))
    by_task = np.stack([_by_task(signed, k) for k in ks], axis=-1)
    estimates = [math.fsum(column) / held.tasks for column in by_task.T]
    if question == NEW:
        found = np.concatenate([drawn_means(by_task, drawn) for drawn in task_draws(held, how=how)])
    else:
        found = _resampled(signed, ks, how=how) - np.array(estimates)
        found = np.array(estimates) + _scaled(found, np.array([_jackknife_error(signed, k) for k in ks]))
    worst, best = float(np.nanmin(held.values)), float(np.nanmax(held.values))
    points = []
    for at, k in enumerate(ks):
        ends = sorted(sign * end for end in limits(found[:, at], level=how.level))
        low, high = (min(max(end, worst), best) for end in ends)
        told = formula(f"E[{of} of {k}]", found[:, at], question=question, how=how, scores=held)
        told += ", shifted to the estimate and scaled to the jackknife error" if question == SAME else ""
        one = Interval(sign * estimates[at], low, high, held.n, held.tasks, told, question, how.seed, how.replicates)
        points.append(Point(k, k * cost, one))
    return Curve(tuple(points), unit)


def budget_curve(
    scores: ArrayLike | ScoreTable,
    budgets: Sequence[float],
    *,
    attempt: float,
    unit: str = "seconds",
    question: Question = NEW,
    how: Resampling = DEFAULT,
) -> Curve:
    """Best of as many attempts as a total budget pays for, each costing `attempt` (RE-Bench: k attempts of budget/k each).

    `spent` is the budget. Raises ValueError as `curve`, and for a budget that pays no attempt, or more than there are.
    """
    if not attempt > 0 or any(not budget >= attempt for budget in budgets):
        raise ValueError(f"budget_curve: each budget must pay at least one attempt of {attempt} {unit}, got {list(budgets)}")
    ks = [math.floor(budget / attempt * (1 + 1e-12)) for budget in budgets]
    found = curve(scores, ks, question=question, how=how, cost=attempt, unit=unit)
    points = (point._replace(spent=float(budget)) for point, budget in zip(found.points, budgets, strict=True))
    return Curve(tuple(points), unit)


class Versions(NamedTuple):
    """Accuracy over versions of the same problems: mean, share right in all versions, and the gap between the two."""

    average: Interval
    effective: Interval
    gap: Interval


def versions(correct: ArrayLike, *, how: Resampling = DEFAULT) -> Versions:
    """Average accuracy, effective accuracy and reasoning gap (UGMathBench, Xu et al. 2025), for new problems like these.

    Args:
        correct: (versions, problems) of 0 and 1.

    Raises:
        ValueError: fewer than two versions or problems, values other than 0 and 1, or BCa.
    """
    held = table(correct)
    if len(held.values) < 2 or not np.isin(held.values, (0.0, 1.0)).all():
        raise ValueError("versions: needs 0 or 1 for each of at least two versions of each problem")
    if how.method == "bca":
        raise ValueError("versions: BCa is not offered here; use the percentile method")
    average, effective = held.values.mean(axis=0), held.values.min(axis=0)
    by_task = np.stack([average, effective, average - effective], axis=-1)
    found = np.concatenate([drawn_means(by_task, drawn) for drawn in task_draws(held, how=how)])
    made = []
    for at, name in enumerate(("mean accuracy", "right in all versions", "mean accuracy - right in all versions")):
        low, high = limits(found[:, at], level=how.level)
        told = formula(name, found[:, at], question=NEW, how=how, scores=held)
        value = math.fsum(by_task[:, at]) / held.tasks
        made.append(Interval(value, low, high, held.n, held.tasks, told, NEW, how.seed, how.replicates))
    return Versions(*made)


def efficiency(seconds: ArrayLike, reference: ArrayLike, *, limit: float, hardness: ArrayLike, correct: ArrayLike) -> Floats:
    """Efficiency scores of samples (ENAMEL, Qiu et al. 2025, equations 3-5), whose `expected_max` of k is eff@k.

    Args:
        seconds: (…, levels), the slowest case of each level; those that ran out of time may be infinite.
        reference: (levels,), the same of the reference solution.
        limit: the time limit in seconds, above every reference.
        hardness: (levels,) weights.
        correct: (…,) whether the sample is right; a wrong one scores 0.
    """
    taken, best, weights = (np.asarray(each, dtype=np.float64) for each in (seconds, reference, hardness))
    if best.ndim != 1 or taken.shape[-1:] != best.shape or weights.shape != best.shape:
        raise ValueError(f"efficiency: levels differ: seconds {taken.shape}, reference {best.shape}, hardness {weights.shape}")
    if not (best < limit).all() or not (weights >= 0).all() or not weights.sum() > 0 or not (taken >= 0).all():
        raise ValueError("efficiency: needs references below the limit, times >= 0, and weights >= 0 that are not all 0")
    levels = np.maximum(0.0, limit - taken) / (limit - best)
    scored = (levels * weights).sum(axis=-1) / weights.sum()
    return np.asarray(np.where(np.asarray(correct, dtype=bool), scored, 0.0))


def efficient(correct: ArrayLike, instructions: ArrayLike, best: ArrayLike) -> NDArray[np.bool_]:
    """Which samples are right and take fewer instructions than the best reference; their pass@k is COFFE's efficient@k."""
    return np.asarray(correct, dtype=bool) & (np.asarray(instructions) < np.asarray(best))


def speedup(instructions: ArrayLike, reference: ArrayLike, correct: ArrayLike) -> float:
    """COFFE's speedup: what the references take over what the solutions take, both summed over the right solutions.

    Raises:
        ValueError: no right solution, or one that takes nothing.
    """
    right = np.asarray(correct, dtype=bool)
    taken = float(np.asarray(instructions, dtype=np.float64)[right].sum())
    if not right.any() or not taken > 0:
        raise ValueError("speedup: needs at least one right solution, and counts above 0")
    return float(np.broadcast_to(np.asarray(reference, dtype=np.float64), right.shape)[right].sum()) / taken


def _by_task(signed: ScoreTable, k: int) -> Floats:
    _k(k, int(signed.sizes.min()))
    columns = (column[: int(size)] for column, size in zip(signed.values.T, signed.sizes, strict=True))
    return np.array([expected_max(column, k) for column in columns])


def _resampled(signed: ScoreTable, ks: Sequence[int], *, how: Resampling) -> Floats:
    """(replicates, ks) over resampled attempts."""
    fewest, draws = int(signed.sizes.min()), signed.sizes - (not how.published)
    if 1 < fewest <= max(ks):
        raise ValueError(f"k={max(ks)} of {fewest} attempts says nothing of further attempts; ask about new tasks")
    weights = np.zeros((len(ks), int(draws.max()), signed.tasks))
    for at, k in enumerate(ks):
        for task, drawn in enumerate(draws.tolist()):
            weights[at, :drawn, task] = _weights(drawn, k)
    blocks = []
    for block in samples(signed, question=SAME, how=how):
        ordered = np.nan_to_num(np.sort(block, axis=1), nan=0.0)
        blocks.append(np.stack([(ordered * each).sum(axis=1).sum(axis=-1) / signed.tasks for each in weights], axis=-1))
    return np.concatenate(blocks)


def _scaled(found: Floats, errors: Floats) -> Floats:
    """Columns with mean 0 and the given standard deviations; a column without spread stays so."""
    centred = found - found.sum(axis=0) / len(found)
    spread = np.sqrt((centred**2).sum(axis=0) / len(found))
    return np.asarray(centred * np.divide(errors, spread, out=np.zeros_like(errors), where=spread > NO_SPREAD))


def _jackknife_error(signed: ScoreTable, k: int) -> float:
    variance = 0.0
    for column, size in zip(signed.values.T, signed.sizes.tolist(), strict=True):
        weights, ordered = np.array(_weights(size - 1, k)), column[:size]
        # Without x_(i), those below keep their rank and those above lose one.
        below, above = np.zeros(size), np.zeros(size)
        below[1:], above[:-1] = np.cumsum(weights * ordered[:-1]), np.cumsum((weights * ordered[1:])[::-1])[::-1]
        left_out = below + above
        variance += (size - 1) / size * float(((left_out - left_out.sum() / size) ** 2).sum())
    return math.sqrt(variance) / signed.tasks


def _flat(values: ArrayLike) -> Floats:
    flat = np.asarray(values, dtype=np.float64)
    if flat.ndim != 1 or not len(flat) or not np.isfinite(flat).all():
        raise ValueError("the best of k needs a flat, non-empty list of finite values")
    return flat


def _k(k: int, n: int) -> int:
    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and the {n} attempts that there are, got {k}")
    return k


def _count(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"needs 0 <= successes <= n and n >= 1, got {successes} of {n}")
