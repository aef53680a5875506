"""The tasks of a suite one by one: difficulty, discrimination, redundancy, and smaller suites that say the same.

All take a table of systems x tasks with scores in [0, 1], NaN where unmeasured unless a function says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .matrix import Floats, named, table


class Item(NamedTuple):
    """One task over systems."""

    task: str
    difficulty: float
    """1 - mean score: 0 when all systems pass, 1 when none does."""
    discrimination: float
    """Correlation of its score with the mean of the other tasks (corrected item-total); NaN where either has no spread."""
    systems: int
    formula: str


class Redundant(NamedTuple):
    """Two tasks that rank systems alike."""

    first: str
    second: str
    correlation: float
    systems: int


class ChosenSubset(NamedTuple):
    """Tasks that stand for the whole suite, with the error to be expected on a system that had no part in the choice."""

    tasks: tuple[str, ...]
    predicted_error: float
    """Mean over systems of |subset mean - full mean| when the subset was chosen without that system."""
    fitted_error: float
    """The same on the systems that chose it: too good."""
    random_error: float
    """Expected for a random subset of that size (normal approximation)."""
    systems: int
    formula: str


class Prediction(NamedTuple):
    """Scores of all systems on all tasks from some of them, by the one-parameter logistic model."""

    values: Floats
    """Systems x tasks: the measured score where there is one, else the predicted chance."""
    means: tuple[float, ...]
    ability: tuple[float, ...]
    difficulty: tuple[float, ...]
    """Both in log odds; difficulty has mean 0."""
    error: float
    """Mean |predicted - full mean of the held-out cells| of a system, over folds of measured cells held out in turn."""
    measured: int
    formula: str


def items(scores: ArrayLike, *, names: Sequence[str] | None = None) -> tuple[Item, ...]:
    """Difficulty and discrimination of each task. Raises ValueError for a malformed table or a task nobody was measured on."""
    values, labels = _suite(scores, names, what="items")
    known = ~np.isnan(values)
    found = []
    for k, name in enumerate(labels):
        here = known[:, k]
        rest = np.delete(values, k, axis=1)[here]
        cells = (~np.isnan(rest)).sum(axis=1)
        others = np.where(cells > 0, np.nansum(rest, axis=1) / np.maximum(cells, 1), np.nan)
        use = ~np.isnan(others)
        own = values[here, k]
        found.append(Item(
            name, 1 - float(own.mean()), _pearson(own[use], others[use]), int(here.sum()),
            "1 - mean; correlation with the mean of the other tasks",
        ))  # fmt: skip
    return tuple(found)


def redundant(
    scores: ArrayLike, *, names: Sequence[str] | None = None, threshold: float = 0.95, least: int = 5
) -> tuple[Redundant, ...]:
    """Pairs of tasks whose scores correlate at or above `threshold` over at least `least` common systems, strongest first.

    A task on which all systems score alike is redundant with nothing, and useless in itself: see `items`.
    """
    values, labels = _suite(scores, names, what="redundant")
    if not 0 < threshold <= 1 or least < 3:
        raise ValueError(f"redundant: needs 0 < threshold <= 1 and least >= 3, got {threshold} and {least}")
    known = (~np.isnan(values)).astype(float)
    x = np.nan_to_num(values)
    common = known.T @ known
    sums, squares, products = x.T @ known, (x**2).T @ known, x.T @ x
    size = np.maximum(common, 1)
    covariance = products / size - sums * sums.T / size**2
    spread = np.maximum(squares / size - (sums / size) ** 2, 0)
    product = spread * spread.T
    r = np.where(product > 1e-18, covariance / np.sqrt(np.maximum(product, 1e-18)), 0.0)
    left, right = np.nonzero(np.triu((r >= threshold - 1e-12) & (common >= least), 1))
    found = [
        Redundant(labels[i], labels[j], min(1.0, float(r[i, j])), int(common[i, j]))
        for i, j in zip(left.tolist(), right.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -each.correlation))


def choose_subset(scores: ArrayLike, size: int, *, names: Sequence[str] | None = None) -> ChosenSubset:
    """Choose tasks whose mean is closest to the mean of all, for every system at once.

    Greedy: the task is added that makes the mean absolute difference over systems least. The predicted error is measured by
    leaving each system out of the choice in turn; it holds for systems like those of the table.

    Raises:
        ValueError: unmeasured cells, fewer than three systems, or a size outside 1 … tasks.
    """
    values, labels = _suite(scores, names, what="choose_subset")
    systems, count = values.shape
    if np.isnan(values).any():
        raise ValueError("choose_subset: cells are unmeasured; use the tasks that all systems have, or predict them first")
    if systems < 3 or not 1 <= size <= count:
        raise ValueError(f"choose_subset: needs three systems and 1 <= size <= {count} tasks, got {systems} and {size}")
    full = values.mean(axis=1)
    chosen = _greedy(values, size)
    held = []
    for k in range(systems):
        without = _greedy(np.delete(values, k, axis=0), size)
        held.append(abs(float(values[k, without].mean() - full[k])))
    spread = values.std(axis=1, ddof=1) if count > 1 else np.zeros(systems)
    chance = float(np.mean(spread * math.sqrt((1 / size) * (1 - size / count)) * math.sqrt(2 / math.pi)))
    fitted = float(np.abs(values[:, chosen].mean(axis=1) - full).mean())
    formula = "greedy least mean |subset mean - full mean|; error leaves each system out"
    return ChosenSubset(tuple(labels[k] for k in sorted(chosen)), float(np.mean(held)), fitted, chance, systems, formula)


def predict(scores: ArrayLike, *, penalty: float = 0.05, folds: int = 5, seed: int = 0) -> Prediction:
    """Fill in a partly measured table with the Rasch model, P = 1/(1 + exp(difficulty - ability)).

    LiveXiv (2024) re-evaluates systems on a new version of a suite from a few of them in this way. The stated error comes from
    measured cells that are held out at random, so that it holds where cells are missing at random.

    Args:
        scores: systems x tasks in [0, 1]; graded scores count as that share of a pass.
        penalty: penalty x (Σ ability² + Σ difficulty²) is subtracted from the log-likelihood, which keeps systems that pass
            all (or no) tasks finite.

    Raises:
        ValueError: a malformed table, a penalty that is not positive, or fewer measured cells than folds.
    """
    values, _ = _suite(scores, None, what="predict")
    cells = np.argwhere(~np.isnan(values))
    if not penalty > 0 or not 2 <= folds <= len(cells):
        raise ValueError(f"predict: needs penalty > 0 and 2 <= folds <= {len(cells)} cells, got {penalty} and {folds}")
    ability, difficulty = _rasch(values, penalty)
    filled = np.where(np.isnan(values), _chance(ability, difficulty), values)
    order = np.random.default_rng(seed).permutation(len(cells))
    errors = []
    for fold in range(folds):
        held = cells[order[fold::folds]]
        seen = values.copy()
        seen[held[:, 0], held[:, 1]] = np.nan
        guess = _chance(*_rasch(seen, penalty))
        for system in np.unique(held[:, 0]).tolist():
            tasks = held[held[:, 0] == system, 1]
            errors.append(abs(float(guess[system, tasks].mean() - values[system, tasks].mean())))
    formula = f"Rasch, penalty {penalty:g}; error over {folds} folds of cells, seed {seed}"
    return Prediction(
        filled, tuple(filled.mean(axis=1).tolist()), tuple(ability.tolist()), tuple(difficulty.tolist()), float(np.mean(errors)),
        len(cells), formula,
    )  # fmt: skip


def _suite(scores: ArrayLike, names: Sequence[str] | None, *, what: str) -> tuple[Floats, tuple[str, ...]]:
    raw = np.asarray(scores, dtype=np.float64)
    values = table(raw, what=what)
    if values.shape != raw.shape:
        gone = np.flatnonzero(np.isnan(raw).all(axis=0)).tolist()
        raise ValueError(f"{what}: tasks {gone} were measured on no system; leave them out")
    if not ((values >= 0) & (values <= 1) | np.isnan(values)).all():
        raise ValueError(f"{what}: scores must be in [0, 1], or NaN where unmeasured")
    return values, named(names, values.shape[1], what=what)


def _pearson(x: Floats, y: Floats) -> float:
    if len(x) < 3 or x.std() < 1e-12 or y.std() < 1e-12:
        return math.nan
    return float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))


def _greedy(values: Floats, size: int) -> list[int]:
    target, total = values.mean(axis=1), np.zeros(len(values))
    chosen: list[int] = []
    free = np.ones(values.shape[1], dtype=bool)
    for k in range(1, size + 1):
        error = np.abs((total[:, None] + values) / k - target[:, None]).mean(axis=0)
        best = int(np.where(free, np.round(error, 12), np.inf).argmin())
        chosen.append(best)
        free[best] = False
        total = total + values[:, best]
    return chosen


def _chance(ability: Floats, difficulty: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(np.clip(np.subtract.outer(-ability, -difficulty), -700, 700))))


def _rasch(values: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Joint penalised fit; Newton on the abilities, then on the difficulties, in turn: each is separate given the other."""
    known = ~np.isnan(values)
    score = np.where(known, values, 0.0)
    ability, difficulty = np.zeros(values.shape[0]), np.zeros(values.shape[1])
    for _ in range(500):
        chance = np.where(known, _chance(ability, difficulty), 0.0)
        weight = chance * (1 - chance)
        step = ((score - chance).sum(axis=1) - 2 * penalty * ability) / (weight.sum(axis=1) + 2 * penalty)
        ability = ability + np.clip(step, -2, 2)
        chance = np.where(known, _chance(ability, difficulty), 0.0)
        weight = chance * (1 - chance)
        other = ((chance - score).sum(axis=0) - 2 * penalty * difficulty) / (weight.sum(axis=0) + 2 * penalty)
        difficulty = difficulty + np.clip(other, -2, 2)
        if max(float(np.abs(step).max()), float(np.abs(other).max())) < 1e-9:
            break
    return ability - difficulty.mean(), difficulty - difficulty.mean()
