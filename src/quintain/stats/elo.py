"""Elo ratings: sequential ones with what the order of the games does to them, and CodeElo's rating from contest places.

Sequential Elo depends on the order of games; where the order means nothing, `quintain.stats.pairwise` is the better answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .matrix import Floats, named
from .pairwise import Games, checked


class EloRatings(NamedTuple):
    """Sequential Elo; what depends on the order of the games is shown by its spread over random orders."""

    names: tuple[str, ...]
    given: Floats
    """In the order given."""
    mean: Floats
    sd: Floats
    permutations: int
    n: int
    formula: str


class ContestRating(NamedTuple):
    """Mean of the ratings at which each contest's place would be the expected one."""

    rating: float
    error: float
    """Standard error over contests; NaN with one."""
    contests: tuple[float, ...]
    n: int
    formula: str


def elo(
    games: Games,
    *,
    systems: int,
    names: Sequence[str] | None = None,
    k: float = 4.0,
    start: float = 1000.0,
    permutations: int = 100,
    seed: int = 0,
) -> EloRatings:
    """Sequential Elo ratings, in the given order and over random ones.

    The update is R += k (score - 1/(1 + 10^((R_other - R)/400))). Takes about 10 µs a game for all orders together.
    """
    left, right, score, _ = checked(games, systems, None)
    labels = named(names, systems, what="elo")
    if permutations < 2 or not k > 0:
        raise ValueError(f"elo: needs at least two permutations and k > 0, got {permutations} and {k}")
    draw = np.random.default_rng(seed)
    orders = np.stack([np.arange(len(left)), *(draw.permutation(len(left)) for _ in range(permutations))])
    ratings = np.full((permutations + 1, systems), start)
    rows = np.arange(permutations + 1)
    for game in orders.T:
        i, j = left[game], right[game]
        change = k * (score[game] - 1 / (1 + 10 ** ((ratings[rows, j] - ratings[rows, i]) / 400)))
        ratings[rows, i] += change
        ratings[rows, j] -= change
    shuffled = ratings[1:]
    formula = f"Elo, k {k:g}, start {start:g}, {permutations} orders, seed {seed}"
    return EloRatings(labels, ratings[0], shuffled.mean(axis=0), shuffled.std(axis=0, ddof=1), permutations, len(left), formula)


def contest_rating(contests: Sequence[tuple[ArrayLike, float]]) -> ContestRating:
    """Rating from places among rated participants, as CodeElo computes it.

    A contest's rating R solves 1 + Σ_i 1/(1 + 10^((R - r_i)/400)) = place; the result is the mean over contests.

    Args:
        contests: of each, the ratings of the participants and the place taken among them (1 is best).

    Raises:
        ValueError: no contests, no participants, or a place that is not strictly between 1 and their number + 1: whoever beats
            (or loses to) all of them has no finite rating.
    """
    if not contests:
        raise ValueError("contest_rating: no contests")
    found = []
    for number, (ratings, place) in enumerate(contests):
        field = np.asarray(ratings, dtype=np.float64)
        if field.ndim != 1 or not len(field) or not np.isfinite(field).all():
            raise ValueError(f"contest_rating: contest {number} needs a flat, non-empty list of finite ratings")
        if not 1 < place < len(field) + 1:
            raise ValueError(
                f"contest_rating: place {place} of {len(field)} has no finite rating in contest {number}; leave it out"
            )
        low, high = float(field.min()) - 400 * 20, float(field.max()) + 400 * 20
        for _ in range(100):
            middle = (low + high) / 2
            expected = 1 + float((1 / (1 + 10 ** ((middle - field) / 400))).sum())
            low, high = (middle, high) if expected > place else (low, middle)
        found.append((low + high) / 2)
    error = float(np.std(found, ddof=1)) / math.sqrt(len(found)) if len(found) > 1 else math.nan
    formula = "CodeElo: expected place = place, mean over contests"
    return ContestRating(float(np.mean(found)), error, tuple(found), len(found), formula)
