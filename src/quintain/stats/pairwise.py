"""Strengths of systems from games between two of them: Bradley-Terry.

Strengths are natural-log odds with mean 0: system i beats j with chance 1/(1 + exp(θ_j - θ_i)). A tie is half a win each. A
maximum-likelihood fit exists only if no group of systems was never beaten from outside (Ford 1957); that is checked on the
graph of wins, not guessed from an iteration that does not end, and with `penalty` > 0 any data can be fitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import Resampling, draw
from .intervals import Question
from .matrix import Floats, components, named

FEW = Resampling(replicates=200)
STEPS = 100
CLOSE = 1e-10
LOST_SHARE = 0.05
"""Share of bootstrap replicates without a fit above which their quantiles would mislead."""


class Games(NamedTuple):
    """Games of two systems, one an entry; positions of the systems and the score of the left one (1, 0.5 or 0)."""

    left: NDArray[np.int64] | Sequence[int]
    right: NDArray[np.int64] | Sequence[int]
    score: ArrayLike


class Strengths(NamedTuple):
    """A fit: natural-log strengths with mean 0, in the order of the systems."""

    names: tuple[str, ...]
    values: Floats
    n: float
    """Games, or choices out of a set."""
    formula: str

    def chances(self) -> Floats:
        """The chance that each row beats each column."""
        return _logistic(np.subtract.outer(self.values, self.values))

    def elo(self, *, mean: float = 1000.0) -> Floats:
        """The same strengths on the scale on which 400 points are odds of ten to one."""
        return mean + 400 / math.log(10) * self.values


class StrengthIntervals(NamedTuple):
    """Percentile limits of strengths and ranks over games drawn anew."""

    fit: Strengths
    low: Floats
    high: Floats
    rank_low: Floats
    rank_high: Floats
    above: Floats
    """Share of replicates in which each row is stronger than each column."""
    replicates: int
    lost: int
    """Replicates left out, because their games had no fit."""
    formula: str
    question: Question


def win_matrix(games: Games, *, systems: int, weights: ArrayLike | None = None) -> Floats:
    """Wins of each row over each column, a tie half each; `weights` counts a game several times (Arena-Hard: 3 for A>>B)."""
    left, right, score, weight = checked(games, systems, weights)
    wins = np.zeros((systems, systems))
    np.add.at(wins, (left, right), weight * score)
    np.add.at(wins, (right, left), weight * (1 - score))
    return wins


def bradley_terry(wins: ArrayLike, *, names: Sequence[str] | None = None, penalty: float = 0.0) -> Strengths:
    """Fit the Bradley-Terry model by maximum likelihood.

    Args:
        wins: wins of each row over each column; the diagonal is ignored.
        penalty: subtracts penalty x Σθ² from the log-likelihood.

    Raises:
        ValueError: a malformed table, or, without penalty, systems whose strength is infinite or unknown; it names them.
    """
    table_, labels = _wins(wins, names, penalty)
    if not penalty:
        check_connected(table_ > 0, labels, what="bradley_terry")
    games, scored = (table_ + table_.T).sum(axis=1), table_.sum(axis=1)
    guess = np.log((scored + 0.5) / (games - scored + 0.5))
    values = _near(table_[None], guess, penalty)
    return Strengths(labels, values[0], float(table_.sum()), f"Bradley-Terry, ties half, penalty {penalty:g}")


def bradley_terry_intervals(
    games: Games,
    *,
    systems: int,
    names: Sequence[str] | None = None,
    penalty: float = 0.0,
    how: Resampling = FEW,
) -> StrengthIntervals:
    """Bootstrap over games, drawn with replacement as if independent: percentile limits with linear interpolation.

    Replicates without a fit are left out and counted. Raises ValueError as `bradley_terry`, or where more than 5 % are lost.
    """
    if how.method != "percentile":
        raise ValueError("bradley_terry_intervals: has percentile limits only; leave method='percentile'")
    fit = bradley_terry(win_matrix(games, systems=systems), names=names, penalty=penalty)
    drawn = _resampled(games, systems, how=how)
    kept = np.ones(how.replicates, dtype=bool) if penalty else _connected(drawn > 0)
    lost = int((~kept).sum())
    if lost > LOST_SHARE * how.replicates:
        raise ValueError(
            f"bradley_terry_intervals: {lost} of {how.replicates} replicates have no fit: too few games; set a penalty"
        )
    values = _near(drawn[kept], fit.values, penalty)
    return spread(fit, values, lost=lost, how=how, told=f"percentile bootstrap over games, seed {how.seed}")


def spread(fit: Strengths, values: Floats, *, lost: int, how: Resampling, told: str) -> StrengthIntervals:
    """Limits of a fit from the strengths (replicates, systems) of its resamples."""
    tails = ((1 - how.level) / 2, (1 + how.level) / 2)
    low, high = np.quantile(values, tails, axis=0)
    places = (values[:, None, :] > values[:, :, None]).sum(axis=2) + 1.0
    above = (values[:, :, None] > values[:, None, :]).mean(axis=0)
    best, worst = np.quantile(places, tails[0], axis=0, method="lower"), np.quantile(places, tails[1], axis=0, method="higher")
    return StrengthIntervals(
        fit, low, high, best, worst, above, how.replicates, lost, f"{fit.formula}; {told}", "new tasks like these"
    )


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


def checked(games: Games, systems: int, weights: ArrayLike | None) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Positions, scores and weights of the games as arrays; raises ValueError where they are malformed."""
    left, right, score = np.asarray(games.left), np.asarray(games.right), np.asarray(games.score, dtype=np.float64)
    if left.ndim != 1 or not len(left) or not left.shape == right.shape == score.shape:
        raise ValueError(f"games: needs three non-empty lists of one length, got {left.shape}, {right.shape}, {score.shape}")
    if left.dtype.kind not in "iu" or right.dtype.kind not in "iu":
        raise ValueError("games: systems are given by their positions, as whole numbers")
    if min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= systems or (left == right).any():
        raise ValueError(f"games: systems must be two different positions in 0 … {systems - 1}")
    if not np.isin(score, (0.0, 0.5, 1.0)).all():
        raise ValueError("games: the left system's score must be 1, 0.5 or 0")
    weight = np.ones(len(left)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != left.shape or not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("games: weights must be finite, not negative, and one a game")
    return left.astype(np.int64), right.astype(np.int64), score, weight


def _wins(wins: ArrayLike, names: Sequence[str] | None, penalty: float) -> tuple[Floats, tuple[str, ...]]:
    found = np.array(wins, dtype=np.float64)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or len(found) < 2:
        raise ValueError(f"bradley_terry: needs a square table of at least two systems, got shape {found.shape}")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("bradley_terry: wins must be finite and not negative")
    check_penalty(penalty, "bradley_terry")
    np.fill_diagonal(found, 0.0)
    return found, named(names, len(found), what="bradley_terry")


def check_penalty(penalty: float, what: str) -> None:
    """Raise ValueError unless the penalty is finite and not negative."""
    if not 0 <= penalty < math.inf:
        raise ValueError(f"{what}: the penalty must be finite and not negative, got {penalty}")


def check_connected(edges: NDArray[np.bool_], names: Sequence[str], *, what: str) -> None:
    """Raise ValueError, with their names, where a group of systems was never beaten from outside or never beat anyone there."""
    parts = components(edges)
    if len(parts) == 1:
        return
    ends = []
    for part in parts:
        inside = np.isin(np.arange(len(edges)), part)
        wins, losses = bool(edges[np.ix_(inside, ~inside)].any()), bool(edges[np.ix_(~inside, inside)].any())
        if not losses or not wins:
            ends.append((part, "never met" if not wins and not losses else "never lost to" if not losses else "never beat"))
    part, how = min(ends, key=lambda end: len(end[0]))
    group = ", ".join(names[k] for k in part[:8]) + (", …" if len(part) > 8 else "")
    raise ValueError(f"{what}: no finite fit, because {group} {how} any other system; leave it out, or set a penalty")


def _connected(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which graphs of a batch are strongly connected: all is reached from node 0, and node 0 from all."""
    result = np.ones(len(edges), dtype=bool)
    for graphs in (edges, edges.transpose(0, 2, 1)):
        reached = np.zeros(edges.shape[:2], dtype=bool)
        reached[:, 0] = True
        while True:
            more = reached | (graphs & reached[:, :, None]).any(axis=1)
            if (more == reached).all():
                break
            reached = more
        result &= reached.all(axis=1)
    return result


def _resampled(games: Games, systems: int, *, how: Resampling) -> Floats:
    """Win matrices of resampled games, (replicates, systems, systems)."""
    left, right, score, _ = checked(games, systems, None)
    low, high = np.minimum(left, right), np.maximum(left, right)
    outcome = (2 * np.where(left < right, score, 1 - score)).astype(np.int64)
    kinds, of_game = np.unique((low * systems + high) * 3 + outcome, return_inverse=True)
    wanted = np.full(len(left) - (not how.published), len(left))
    drawn = np.concatenate([
        [np.bincount(of_game[each], minlength=len(kinds)) for each in block[:, 0]] for block in draw(wanted, 1, how=how)
    ]).astype(np.float64)  # fmt: skip
    cells, share = kinds // 3, (kinds % 3) / 2
    wins = np.zeros((len(drawn), systems, systems))
    for value, (i, j) in ((share, (cells // systems, cells % systems)), (1 - share, (cells % systems, cells // systems))):
        for part in (value == 1.0, value == 0.5):
            wins[:, i[part], j[part]] += drawn[:, part] * value[part]
    return wins


def _newton(wins: Floats, penalty: float) -> Floats:
    """Maximum-likelihood strengths of a batch of win matrices; a step that would lower a likelihood is halved."""
    games, scored = wins + wins.transpose(0, 2, 1), wins.sum(axis=2)
    theta = np.zeros(wins.shape[:2])
    diagonal = np.arange(wins.shape[1])
    now = _likelihood(wins, theta, penalty)
    for _ in range(STEPS):
        chance = _logistic(theta[:, :, None] - theta[:, None, :])
        expected = games * chance
        gradient = scored - expected.sum(axis=2) - 2 * penalty * theta
        hessian = -expected * (1 - chance)
        hessian[:, diagonal, diagonal] = 0.0
        hessian[:, diagonal, diagonal] = -hessian.sum(axis=2) + 2 * penalty
        # The strengths are free up to a constant; adding 1/N in every cell pins their mean without touching the rest.
        change = np.linalg.solve(hessian + 1 / wins.shape[1], gradient[:, :, None])[:, :, 0]
        reached = _likelihood(wins, theta + change, penalty)
        while (worse := reached < now - 1e-12 * np.abs(now)).any() and np.abs(change[worse]).max() > CLOSE:
            change[worse] /= 2
            reached = _likelihood(wins, theta + change, penalty)
        theta, now = theta + change, reached
        theta -= theta.mean(axis=1, keepdims=True)
        if np.abs(change).max() < CLOSE * max(1.0, float(np.abs(theta).max())):
            return np.asarray(theta)
    raise ValueError("bradley_terry: the fit did not settle: some systems are almost never beaten; set a penalty")


def _likelihood(wins: Floats, theta: Floats, penalty: float) -> Floats:
    """Logarithm, of each of a batch."""
    losses = wins * np.logaddexp(0.0, theta[:, None, :] - theta[:, :, None])
    return np.asarray(-losses.sum(axis=(1, 2)) - penalty * (theta**2).sum(axis=1))


def _near(wins: Floats, start: Floats, penalty: float) -> Floats:
    """Strengths of win matrices whose own lie near `start`: steps with the curvature there, which is factored only once.

    What this does not settle goes through Newton's method itself.
    """
    systems, batch = len(start), max(1, 100_000 // len(start) ** 2)
    mean = wins.mean(axis=0)
    chance = _logistic(np.subtract.outer(start, start))
    curvature = -(mean + mean.T) * chance * (1 - chance)
    np.fill_diagonal(curvature, 0.0)
    np.fill_diagonal(curvature, 2 * penalty - curvature.sum(axis=1))
    inverse = np.linalg.inv(curvature + 1 / systems)
    result = np.empty(wins.shape[:2])
    for begin in range(0, len(wins), batch):
        part = wins[begin : begin + batch]
        result[begin : begin + batch] = _settle(part, start, inverse, penalty)
    return result


def _settle(wins: Floats, start: Floats, inverse: Floats, penalty: float) -> Floats:
    games, scored = wins + wins.transpose(0, 2, 1), wins.sum(axis=2)
    theta, room, last = np.tile(start, (len(wins), 1)), np.empty_like(wins), math.inf
    for _ in range(STEPS):
        worth = np.exp(theta)
        np.add(worth[:, :, None], worth[:, None, :], out=room)
        np.divide(games, room, out=room)
        change = (scored - worth * room.sum(axis=2) - 2 * penalty * theta) @ inverse
        size = float(np.abs(change).max())
        if not size < min(2.0, max(0.7 * last, 0.1)):
            break
        theta += change
        last = size
        if size < CLOSE:
            return np.asarray(theta - theta.mean(axis=1, keepdims=True))
    return _newton(wins, penalty)
