"""Random numbers by counter: each is a function of seed, environment, episode, step, purpose and place, and of nothing before it.

So the same seed gives the same episodes for any split of a batch, any number of devices and any process. Arrays have the
environments last. `Counter` hashes, which on a CPU costs a third of `Threefry`, JAX's own generator, for audits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

GOLDEN = 0x9E3779B9
"""2^32 over the golden ratio: steps of it fill the circle evenly."""
SPREAD = (0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F)
"""Odd factors that keep environments, episodes and steps apart before they are mixed."""


class Counter(NamedTuple):
    """Where in the streams a batch of environments stands."""

    seed: Array
    """uint32 [2]: the low and the high word."""
    env: Array
    """uint32 [environments]: which environments of the study these are."""
    episode: Array
    """uint32 [environments]."""
    step: Array
    """uint32 [environments]: steps done in the episode."""


class Threefry(NamedTuple):
    """The same places, drawn by JAX's threefry; slower, and for who doubts the hash."""

    seed: Array
    env: Array
    episode: Array
    step: Array


Streams = Counter | Threefry


def streams(seed: int, environments: int, *, first: int = 0, threefry: bool = False) -> Streams:
    """The streams of environments `first`, `first` + 1, … at the beginning of their episode 0.

    Raises:
        ValueError: a seed outside [0, 2^64), or no environments.
    """
    if not 0 <= seed < 2**64 or environments < 1:
        raise ValueError(f"streams: need a seed in [0, 2**64) and at least one environment, got {seed} and {environments}")
    words = jnp.array([seed & 0xFFFFFFFF, seed >> 32], dtype=jnp.uint32)
    nothing = jnp.zeros(environments, dtype=jnp.uint32)
    return (Threefry if threefry else Counter)(
        words, jnp.arange(environments, dtype=jnp.uint32) + jnp.uint32(first), nothing, nothing
    )


def stepped(at: Streams, over: Array) -> Streams:
    """One step on, or at the beginning of the next episode where `over` (bool [environments])."""
    return at._replace(episode=at.episode + over.astype(jnp.uint32), step=jnp.where(over, jnp.uint32(0), at.step + jnp.uint32(1)))


def bits(at: Streams, purpose: int, shape: tuple[int, ...] = ()) -> Array:
    """uint32 [*shape, environments]; each purpose has numbers of its own, and a longer shape begins with those of a shorter."""
    if isinstance(at, Threefry):
        return _threefry(at, purpose, shape)
    place = _mix(at.env * jnp.uint32(SPREAD[0]) ^ at.seed[0])
    place = _mix(place ^ at.episode * jnp.uint32(SPREAD[1]) ^ at.seed[1])
    place = _mix(place ^ at.step * jnp.uint32(SPREAD[2]) ^ jnp.uint32(purpose * GOLDEN & 0xFFFFFFFF))
    lanes = jnp.arange(1, math.prod(shape) + 1, dtype=jnp.uint32).reshape(*shape, 1) * jnp.uint32(GOLDEN)
    return _mix(_mix(place + lanes) ^ lanes)


def uniform(at: Streams, purpose: int, shape: tuple[int, ...] = (), *, low: float = 0.0, high: float = 1.0) -> Array:
    """float32 [*shape, environments] in [low, high)."""
    unit = (bits(at, purpose, shape) >> jnp.uint32(8)).astype(jnp.float32) * jnp.float32(2**-24)
    return low + unit * (high - low)


def integers(at: Streams, purpose: int, count: int | Array, shape: tuple[int, ...] = ()) -> Array:
    """int32 [*shape, environments] in [0, count), uniform to within count / 2^24."""
    unit = uniform(at, purpose, shape)
    return jnp.minimum((unit * count).astype(jnp.int32), jnp.asarray(count, jnp.int32) - 1)


def normal(at: Streams, purpose: int, shape: tuple[int, ...] = ()) -> Array:
    """float32 [*shape, environments] of mean 0 and variance 1."""
    unit = uniform(at, purpose, shape) + jnp.float32(2**-25)
    return jax.scipy.special.ndtri(unit)


def categorical(at: Streams, purpose: int, logits: Array, *, axis: int = -2) -> Array:
    """int32: an index along `axis` of logits [..., environments], by Gumbel's trick; minus infinity is never drawn."""
    moved = jnp.moveaxis(logits, axis, 0)
    unit = uniform(at, purpose, moved.shape[:-1]) + jnp.float32(2**-25)
    return jnp.argmax(moved - jnp.log(-jnp.log(unit)), axis=0).astype(jnp.int32)


def _mix(x: Array) -> Array:
    """A bijection of 32 bits in which each bit of the result hangs on each of `x` (C. Wellons, lowbias32, bias 0.17)."""
    x = (x ^ (x >> jnp.uint32(16))) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> jnp.uint32(15))) * jnp.uint32(0x846CA68B)
    return x ^ (x >> jnp.uint32(16))


def _threefry(at: Threefry, purpose: int, shape: tuple[int, ...]) -> Array:
    root = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), at.seed[0]), at.seed[1])

    def one(env: Array, episode: Array, step: Array) -> Array:
        key = root
        for word in (env, episode, step, jnp.uint32(purpose)):
            key = jax.random.fold_in(key, word)
        return jax.vmap(lambda lane: jax.random.bits(jax.random.fold_in(key, lane)))(
            jnp.arange(math.prod(shape), dtype=jnp.uint32)
        )

    return jax.vmap(one, out_axes=-1)(at.env, at.episode, at.step).reshape(*shape, -1)
