"""Strengths of systems from partial rankings, most of whose cells may be unmeasured: Plackett-Luce.

Each measured sample ranks the systems that were run on it; the chance that one is chosen out of a set is its exp(θ) over the
sum of the set's. ONEBench (2024) ranks with it where about 95 % of the measurements are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import Ints, Resampling, draw
from .matrix import Floats, Missing, components, named, table
from .pairwise import CLOSE, FEW, LOST_SHARE, STEPS, StrengthIntervals, Strengths, check_connected, check_penalty, spread

BLOCK = 20_000
"""Choices that are held at once."""


def plackett_luce(
    scores: ArrayLike, *, names: Sequence[str] | None = None, penalty: float = 0.0, missing: Missing = "available"
) -> Strengths:
    """Fit the Plackett-Luce model to sparse measurements by maximum likelihood.

    Each column is a partial ranking of the systems measured on it. Every system is one choice out of itself and all that scored
    strictly less there; among ties nothing is chosen. For scores without ties that is the full Plackett-Luce likelihood, for
    pass/fail each winner against all losers, as in ONEBench.

    Args:
        scores: systems x samples, NaN where unmeasured.
        penalty: subtracts penalty x Σθ² from the log-likelihood.

    Raises:
        ValueError: a malformed table, or, without penalty, systems whose strength is infinite or unknown; it names them.
    """
    values = table(scores, what="plackett_luce", missing=missing)
    labels = named(names, len(values), what="plackett_luce")
    check_penalty(penalty, "plackett_luce")
    return _fit(_choices(values, np.zeros(values.shape[1], dtype=np.int64)), labels, penalty)


def plackett_luce_intervals(
    scores: ArrayLike,
    *,
    groups: Sequence[object] | None = None,
    names: Sequence[str] | None = None,
    penalty: float = 0.0,
    how: Resampling = FEW,
) -> StrengthIntervals:
    """The same fit with percentile limits, by a bootstrap over samples, or over groups of samples drawn whole.

    Args:
        scores: systems x samples, NaN where unmeasured; samples without any measurement count for nothing.
        groups: of each sample, for example the task that it is a run of.
        how: n-1 groups of n are drawn, n if `published`.

    Raises:
        ValueError: as `plackett_luce`, fewer than two groups, or more than 5 % of the replicates without a fit.
    """
    values = table(scores, what="plackett_luce", missing="available")
    labels = named(names, len(values), what="plackett_luce")
    check_penalty(penalty, "plackett_luce")
    units = _units(groups, values.shape[1])
    count = int(units.max()) + 1
    if count < 2 or how.method != "percentile":
        raise ValueError("plackett_luce_intervals: needs at least two groups of samples, and has percentile limits only")
    choices = _choices(values, units)
    fit = _fit(choices, labels, penalty)
    drawn = (each for block in draw(np.full(count - (not how.published), count), 1, how=how) for each in block[:, 0])
    found = [_refit(choices, np.bincount(each, minlength=count), fit.values, penalty) for each in drawn]
    kept = [each for each in found if each is not None]
    if (lost := len(found) - len(kept)) > LOST_SHARE * len(found):
        raise ValueError(
            f"plackett_luce_intervals: {lost} of {len(found)} replicates have no fit: too few samples; set a penalty"
        )
    unit = "samples" if groups is None else "groups of samples"
    return spread(fit, np.array(kept), lost=lost, how=how, told=f"percentile bootstrap of {unit}, seed {how.seed}")


def _units(groups: Sequence[object] | None, samples: int) -> Ints:
    if groups is None:
        return np.arange(samples)
    if len(groups) != samples:
        raise ValueError(f"plackett_luce_intervals: {len(groups)} groups but {samples} samples; each sample needs its group")
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)


class _Choices(NamedTuple):
    """Distinct choices: who could be chosen (choices x systems), who was, in which group of samples, and how often."""

    sets: NDArray[np.bool_]
    winners: Ints
    groups: Ints
    counts: Floats

    def edges(self) -> NDArray[np.bool_]:
        """Who was ever chosen before whom."""
        found = np.zeros((self.sets.shape[1],) * 2, dtype=bool)
        np.logical_or.at(found, self.winners, self.sets)
        np.fill_diagonal(found, False)
        return found


def _choices(scores: Floats, units: Ints) -> _Choices:
    systems = len(scores)
    found: list[NDArray[np.bool_]] = []
    who: list[Ints] = []
    where: list[Ints] = []
    for start in range(0, scores.shape[1], step := max(1, 4_000_000 // (systems * systems))):
        block = scores[:, start : start + step].T
        below = block[:, :, None] > block[:, None, :]
        sample, winner = np.nonzero(below.any(axis=2))
        members = below[sample, winner]
        members[np.arange(len(winner)), winner] = True
        found.append(members)
        who.append(winner)
        where.append(units[start : start + step][sample])
    members, winners, groups = np.concatenate(found), np.concatenate(who), np.concatenate(where)
    if not len(winners):
        raise ValueError("plackett_luce: no sample tells any two systems apart")
    codes = np.stack([winners, groups], axis=1).astype(">u4").view(np.uint8)
    packed = np.concatenate([np.packbits(members, axis=1), codes], axis=1)
    keys = np.ascontiguousarray(packed).view([("", packed.dtype)] * packed.shape[1]).ravel()
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return _Choices(members[first], winners[first].astype(np.int64), groups[first], counts.astype(np.float64))


def _fit(choices: _Choices, labels: tuple[str, ...], penalty: float) -> Strengths:
    if not penalty:
        check_connected(choices.edges(), labels, what="plackett_luce")
    strengths = _newton(choices, np.zeros(len(labels)), penalty)
    return Strengths(labels, strengths, float(choices.counts.sum()), f"Plackett-Luce, no choice among ties, penalty {penalty:g}")


def _refit(choices: _Choices, drawn: Ints, start: Floats, penalty: float) -> Floats | None:
    """Strengths with each group counted as often as it was drawn; None where there is no such fit."""
    weights = choices.counts * drawn[choices.groups]
    at = weights > 0
    here = _Choices(choices.sets[at], choices.winners[at], choices.groups[at], weights[at])
    if not penalty and len(components(here.edges())) > 1:
        return None
    try:
        return _newton(here, start, penalty)
    except ValueError:
        return None


class _Slopes(NamedTuple):
    """Log-likelihood with its gradient and minus its Hessian."""

    value: float
    gradient: Floats
    curvature: Floats


def _slopes(choices: _Choices, theta: Floats, penalty: float) -> _Slopes:
    systems = len(theta)
    value = -penalty * float((theta**2).sum())
    gradient = np.bincount(choices.winners, weights=choices.counts, minlength=systems) - 2 * penalty * theta
    curvature = 2 * penalty * np.eye(systems)
    worth = np.exp(theta - theta.max())
    for start in range(0, len(choices.sets), BLOCK):
        part = slice(start, start + BLOCK)
        weights = choices.counts[part, None]
        chance = choices.sets[part] * worth
        chance /= chance.sum(axis=1, keepdims=True)
        chosen = chance[np.arange(len(chance)), choices.winners[part]]
        value += float((choices.counts[part] * np.log(np.maximum(chosen, 1e-300))).sum())
        share = (weights * chance).sum(axis=0)
        gradient = gradient - share
        curvature = curvature + np.diag(share) - (weights * chance).T @ chance
    return _Slopes(value, gradient, curvature)


def _newton(choices: _Choices, start: Floats, penalty: float) -> Floats:
    """Maximum-likelihood strengths; a step that would lower the likelihood is halved."""
    theta, systems = start, len(start)
    now = _slopes(choices, theta, penalty)
    for _ in range(STEPS):
        # The strengths are free up to a constant; adding 1/N in every cell pins their mean without touching the rest.
        change = np.linalg.solve(now.curvature + 1 / systems, now.gradient)
        reached = _slopes(choices, theta + change, penalty)
        while reached.value < now.value - 1e-12 * abs(now.value) and np.abs(change).max() > CLOSE:
            change /= 2
            reached = _slopes(choices, theta + change, penalty)
        theta, now = theta + change, reached
        theta -= theta.mean()
        if np.abs(change).max() < CLOSE * max(1.0, float(np.abs(theta).max())):
            return theta
    raise ValueError("plackett_luce: the fit did not settle: some systems are almost never beaten; set a penalty")
