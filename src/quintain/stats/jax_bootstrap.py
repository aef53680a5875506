"""The stratified bootstrap of runs on an accelerator, from the same integer draws as numpy's, for studies that are large.

Equal to `aggregates` within float error, single precision unless JAX is set to double. jax is imported when it is needed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .bootstrap import BLOCK, DEFAULT, Floats, Resampling, ScoreTable, run_draws, table

if TYPE_CHECKING:
    from jax import Array

NAMES = ("mean", "median", "iqm", "optimality gap")


def replicates(scores: ArrayLike | ScoreTable, *, how: Resampling = DEFAULT, goal: float = 1.0, block: int = 0) -> Floats:
    """(replicates, 4): the aggregates of `NAMES`, in that order, for runs resampled within their tasks.

    Args:
        scores: runs x tasks.
        how: as for numpy, draw for draw.
        goal: of the optimality gap.
        block: replicates that go to the device at once; 0 takes some 4 million scores.

    Raises:
        ImportError: jax is not installed.
        ValueError: bad scores, or a task with one run.
    """
    held = table(scores)
    size = block or max(1, 32 * BLOCK // held.values.size)
    aggregate, found = compiled(), []
    for drawn in run_draws(held, how=how, block=min(size, how.replicates)):
        short = min(size, how.replicates) - len(drawn)
        # The last block is filled up, so that one shape is compiled once.
        padded = np.concatenate([drawn, np.zeros((short, *drawn.shape[1:]), drawn.dtype)]) if short else drawn
        found.append(np.asarray(aggregate(held.values, padded.astype(np.int32), goal), dtype=np.float64)[: len(drawn)])
    return np.concatenate(found)


@cache
def accelerated() -> bool:
    """Whether JAX is installed and its default device is no CPU; importing it takes a second."""
    if importlib.util.find_spec("jax") is None:
        return False
    import jax

    return bool(jax.default_backend() != "cpu")


@cache
def compiled() -> Callable[..., Array]:
    """The jitted function (values (runs, tasks), draws (b, draws, tasks), goal) -> (b, 4); -1 draws nothing."""
    import jax

    made: Callable[..., Array] = jax.jit(aggregate)
    return made


def aggregate(values: Any, draws: Any, goal: Any) -> Array:
    """As `compiled`, to be jitted, mapped or sharded by the caller."""
    import jax.numpy as jnp

    drawn = jnp.take_along_axis(jnp.asarray(values)[None], jnp.maximum(draws, 0), axis=1)
    there = draws >= 0
    counts = there.sum(axis=1)

    def task_means(block: Array) -> Array:
        return jnp.asarray(jnp.where(there, block, 0).sum(axis=1) / counts)

    means = task_means(drawn)
    pooled = jnp.sort(jnp.where(there, drawn, jnp.nan).reshape(len(drawn), -1), axis=-1)
    total = counts.sum(axis=-1, keepdims=True)
    places, trim = jnp.arange(pooled.shape[-1]), total // 4
    middle = (places >= trim) & (places < total - trim)
    iqm = jnp.where(middle, pooled, 0).sum(axis=-1) / (total - 2 * trim)[:, 0]
    gap = task_means(jnp.maximum(0, goal - drawn)).mean(axis=-1)
    return jnp.stack([means.mean(axis=-1), jnp.median(means, axis=-1), iqm, gap], axis=-1)
