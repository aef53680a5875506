"""Numbers by counter: distributed as they say, and the same for any split of a batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")

from quintain.draws import bits, categorical, integers, normal, stepped, streams, uniform  # noqa: E402

KINDS = pytest.mark.parametrize("threefry", [False, True], ids=["hash", "threefry"])


@KINDS
def test_a_batch_may_be_split_anywhere(threefry: bool) -> None:
    whole = bits(streams(9, 40, threefry=threefry), 3, (2, 5))
    parts = [bits(streams(9, 20, first=first, threefry=threefry), 3, (2, 5)) for first in (0, 20)]
    assert (np.asarray(whole) == np.concatenate(parts, axis=-1)).all()
    longer = bits(streams(9, 40, threefry=threefry), 3, (12,)).reshape(-1, 40)
    assert (np.asarray(longer[:10]) == np.asarray(whole).reshape(10, 40)).all()


@KINDS
def test_numbers_are_uniform_normal_and_independent_of_their_neighbours(threefry: bool) -> None:
    at = streams(1, 200, threefry=threefry)
    flat = np.asarray(uniform(at, 0, (50,)))
    assert flat.min() >= 0 and flat.max() < 1
    assert stats.kstest(flat.ravel(), "uniform").pvalue > 1e-3
    assert stats.kstest(np.asarray(normal(at, 1, (50,))).ravel(), "norm").pvalue > 1e-3
    for other in (
        uniform(at, 1, (50,)),
        uniform(stepped(at, jnp.zeros(200, bool)), 0, (50,)),
        uniform(streams(2, 200), 0, (50,)),
    ):
        assert abs(np.corrcoef(flat.ravel(), np.asarray(other).ravel())[0, 1]) < 0.04
    for axis in (0, 1):
        ahead, behind = np.take(flat, range(1, flat.shape[axis]), axis), np.take(flat, range(flat.shape[axis] - 1), axis)
        assert abs(np.corrcoef(ahead.ravel(), behind.ravel())[0, 1]) < 0.04


def test_neighbouring_environments_steps_and_seeds_share_no_numbers() -> None:
    at = streams(0, 4096)
    found = [np.asarray(bits(each, 0)) for each in (at, stepped(at, jnp.zeros(4096, bool)), stepped(at, jnp.ones(4096, bool)))]
    found += [np.asarray(bits(streams(seed, 4096), 0)) for seed in (1, 2**32, 2**40)]
    # 24,576 numbers of 32 bits collide 0.07 times by chance.
    assert len(np.unique(np.concatenate(found))) >= 6 * 4096 - 3


def test_whole_numbers_and_choices_follow_their_chances() -> None:
    at = streams(3, 30_000)
    counts = np.bincount(np.asarray(integers(at, 0, 7)), minlength=7)
    assert len(counts) == 7 and stats.chisquare(counts).pvalue > 1e-3
    logits = jnp.log(jnp.array([0.5, 0.3, 0.2, 0.0]))[:, None] * jnp.ones(30_000)
    drawn = np.bincount(np.asarray(categorical(at, 1, logits)), minlength=4)
    assert drawn[3] == 0 and stats.chisquare(drawn[:3], 30_000 * np.array([0.5, 0.3, 0.2])).pvalue > 1e-3


def test_every_bit_is_balanced() -> None:
    words = np.asarray(bits(streams(5, 2000), 2, (16,))).ravel()
    ones = np.array([((words >> np.uint32(bit)) & 1).mean() for bit in range(32)])
    assert np.abs(ones - 0.5).max() < 4 * 0.5 / np.sqrt(len(words))


def test_streams_refuse_what_is_no_seed() -> None:
    for seed, count in ((-1, 4), (2**64, 4), (0, 0)):
        with pytest.raises(ValueError, match="streams: need a seed"):
            streams(seed, count)
