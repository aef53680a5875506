"""Strengths of systems from partial rankings, most of whose cells may be unmeasured: Plackett-Luce.

Each measured sample ranks the systems that were run on it; the chance that one is chosen out of a set is its exp(θ) over the
sum of the set's. ONEBench (2024) ranks with it where about 95 % of the measurements are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import Floats, Missing, named, table
from .pairwise import CLOSE, STEPS, Strengths, check_connected, check_penalty

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
    choices = _choices(values)
    edges = np.zeros((len(values), len(values)), dtype=bool)
    for system in range(len(values)):
        edges[system] = choices.sets[choices.winners == system].any(axis=0)
    np.fill_diagonal(edges, False)
    if not penalty:
        check_connected(edges, labels, what="plackett_luce")
    strengths = _newton(choices, len(values), penalty)
    formula = f"Plackett-Luce, no choice among ties, penalty {penalty:g}"
    return Strengths(labels, strengths, float(choices.counts.sum()), formula)


class _Choices(NamedTuple):
    """Distinct choices: who could be chosen (choices x systems), who was, and how often."""

    sets: NDArray[np.bool_]
    winners: NDArray[np.int64]
    counts: Floats


def _choices(scores: Floats) -> _Choices:
    systems = len(scores)
    found: list[NDArray[np.bool_]] = []
    who: list[NDArray[np.int64]] = []
    for start in range(0, scores.shape[1], step := max(1, 4_000_000 // (systems * systems))):
        block = scores[:, start : start + step].T
        below = block[:, :, None] > block[:, None, :]
        sample, winner = np.nonzero(below.any(axis=2))
        members = below[sample, winner]
        members[np.arange(len(winner)), winner] = True
        found.append(members)
        who.append(winner)
    members, winners = np.concatenate(found), np.concatenate(who)
    if not len(winners):
        raise ValueError("plackett_luce: no sample tells any two systems apart")
    packed = np.concatenate([np.packbits(members, axis=1), winners.astype(">u4").view(np.uint8).reshape(-1, 4)], axis=1)
    keys = np.ascontiguousarray(packed).view([("", packed.dtype)] * packed.shape[1]).ravel()
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return _Choices(members[first], winners[first].astype(np.int64), counts.astype(np.float64))


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


def _newton(choices: _Choices, systems: int, penalty: float) -> Floats:
    """Maximum-likelihood strengths; a step that would lower the likelihood is halved."""
    theta = np.zeros(systems)
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
