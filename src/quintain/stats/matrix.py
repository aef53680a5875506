"""Tables of systems x tasks (or samples): checked once here, with NaN for a cell that was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Missing = Literal["refuse", "common", "available"]
"""What to do with unmeasured cells: raise; keep only the columns that every system has; use what there is, column by column.

They are never filled with zeros, which would rank a system by how much of it was measured."""


def table(scores: ArrayLike, *, what: str, missing: Missing = "available") -> Floats:
    """The scores as a float array (systems, columns), after the treatment of unmeasured cells.

    Raises:
        ValueError: fewer than two systems, no column, a column or system without any score, infinite values, or unmeasured
            cells where `missing` refuses them.
    """
    values = np.array(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1:
        raise ValueError(f"{what}: needs a table of at least two systems x one task, got shape {values.shape}")
    if np.isinf(values).any():
        raise ValueError(f"{what}: scores must be finite, or NaN where nothing was measured")
    empty = np.isnan(values)
    if empty.any() and missing == "refuse":
        raise ValueError(f"{what}: {int(empty.sum())} cells are unmeasured; use missing='common' or missing='available'")
    if missing == "common":
        values = values[:, ~empty.any(axis=0)]
        if not values.shape[1]:
            raise ValueError(f"{what}: no task was measured on every system; use missing='available'")
        return values
    if empty.all(axis=1).any():
        raise ValueError(f"{what}: systems {np.flatnonzero(empty.all(axis=1)).tolist()} have no score at all; leave them out")
    return values[:, ~empty.all(axis=0)]


def named(names: Sequence[str] | None, count: int, *, what: str) -> tuple[str, ...]:
    """The given names, or "0", "1", …; raises ValueError when they are too few, too many or not distinct."""
    if names is None:
        return tuple(map(str, range(count)))
    if len(names) != count or len(set(names)) != count:
        raise ValueError(f"{what}: needs {count} distinct names, got {len(names)} of which {len(set(names))} differ")
    return tuple(names)


def ranks(values: ArrayLike, *, axis: int = -1) -> Floats:
    """Average ranks along an axis, 1 for the highest value; ties share the mean of their places, NaN stays NaN."""
    x = np.moveaxis(np.asarray(values, dtype=np.float64), axis, -1)
    flat = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    order = np.argsort(-flat, axis=1, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=1)
    starts = np.ones(ordered.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    groups = np.cumsum(starts.ravel()) - 1
    sizes = np.bincount(groups)
    places = np.broadcast_to(np.arange(1.0, ordered.shape[1] + 1), ordered.shape).ravel()
    mean = np.bincount(groups, weights=places) / sizes
    result = np.empty_like(flat)
    np.put_along_axis(result, order, mean[groups].reshape(ordered.shape), axis=1)
    result[np.isnan(flat)] = np.nan
    return np.moveaxis(result.reshape(x.shape), -1, axis)


def majorities(scores: Floats) -> Floats:
    """How often row i beats row j over the columns in which both were measured; a tie is half a win for each."""
    count = len(scores)
    wins = np.zeros((count, count))
    for start in range(0, scores.shape[1], step := max(1, 2_000_000 // (count * count))):
        block = scores[:, start : start + step]
        above = (block[:, None, :] > block[None, :, :]).sum(axis=2)
        equal = (block[:, None, :] == block[None, :, :]).sum(axis=2)
        wins += above + 0.5 * equal
    np.fill_diagonal(wins, 0.0)
    return wins


def components(edges: NDArray[np.bool_]) -> list[list[int]]:
    """Strongly connected components of a directed graph; a component comes before all that it reaches."""
    reach = edges | np.eye(len(edges), dtype=bool)
    for _ in range(max(1, len(edges).bit_length())):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    mutual = reach & reach.T
    leaders = sorted({int(row.argmax()) for row in mutual}, key=lambda node: (-int(reach[node].sum()), node))
    return [np.flatnonzero(mutual[leader]).tolist() for leader in leaders]
