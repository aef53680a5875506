"""Limits of Plackett-Luce strengths: against refits by hand, against Bradley-Terry, and against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from quintain.stats.bootstrap import Resampling, draw
from quintain.stats.pairwise import Games, bradley_terry_intervals
from quintain.stats.plackett_luce import plackett_luce, plackett_luce_intervals

NAN = float("nan")


def measured(systems: int, samples: int, *, seed: int, share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose order follows a Plackett-Luce model, of which a share was measured, and the true strengths."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=systems)
    truth -= truth.mean()
    scores = truth[:, None] + random.gumbel(size=(systems, samples))
    scores[random.random(scores.shape) > share] = NAN
    return scores, truth


def test_every_replicate_is_the_fit_of_the_groups_that_were_drawn() -> None:
    scores, _ = measured(5, 40, seed=1, share=0.7)
    groups = np.repeat(np.arange(8), 5)
    how = Resampling(replicates=25, seed=3)
    found = plackett_luce_intervals(scores, groups=groups.tolist(), how=how)
    fits = []
    for block in draw(np.full(7, 8), 1, how=how):
        for drawn in block[:, 0]:
            columns = np.concatenate([np.flatnonzero(groups == group) for group in drawn])
            fits.append(plackett_luce(scores[:, columns]).values)
    low, high = np.quantile(fits, (0.025, 0.975), axis=0)
    assert found.low == pytest.approx(low, abs=1e-6) and found.high == pytest.approx(high, abs=1e-6)
    assert found.fit.values == pytest.approx(plackett_luce(scores).values, abs=1e-8)
    assert found.lost == 0 and "groups of samples, seed 3" in found.formula


def test_of_pairs_the_limits_are_those_of_bradley_terry() -> None:
    random = np.random.default_rng(4)
    truth = np.array([-0.5, 0.0, 0.5])
    left, right = random.integers(0, 3, 600), random.integers(1, 3, 600)
    right = (left + right) % 3
    wins = random.random(600) < 1 / (1 + np.exp(truth[right] - truth[left]))
    scores = np.full((3, 600), NAN)
    scores[left, np.arange(600)], scores[right, np.arange(600)] = wins, ~wins
    ours = plackett_luce_intervals(scores, how=Resampling(replicates=800))
    theirs = bradley_terry_intervals(Games(left, right, wins.astype(float)), systems=3, how=Resampling(replicates=800))
    assert ours.low == pytest.approx(theirs.low, abs=0.05) and ours.high == pytest.approx(theirs.high, abs=0.05)


def test_limits_cover_the_truth_as_often_as_they_say() -> None:
    inside = []
    for seed in range(60):
        scores, truth = measured(4, 60, seed=100 + seed, share=0.8)
        found = plackett_luce_intervals(scores, how=Resampling(replicates=100, seed=seed, level=0.9))
        inside.append((found.low <= truth) & (truth <= found.high))
    # 240 strengths that depend on each other in fours; 60 studies at 90 % have a standard error of 3.9 points.
    assert 0.78 <= np.mean(inside) <= 0.99


def test_what_has_no_limits_is_refused() -> None:
    scores, _ = measured(3, 20, seed=5)
    with pytest.raises(ValueError, match="at least two groups"):
        plackett_luce_intervals(scores, groups=["same"] * 20)
    with pytest.raises(ValueError, match="3 groups but 20 samples"):
        plackett_luce_intervals(scores, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="percentile"):
        plackett_luce_intervals(scores, how=Resampling(method="bca"))
    thin = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [NAN, NAN, 0, 1]])
    with pytest.raises(ValueError, match=r"have no fit|no finite fit"):
        plackett_luce_intervals(thin)
    assert np.isfinite(plackett_luce_intervals(thin, penalty=0.1).low).all()
