"""Many episodes of a functional environment in one compiled program, over every device.

The one place where a run is a scan and not `quintain.rollout`: nothing leaves the devices until the episodes are over, and an
episode is the same whatever else is played with it, on however many devices.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .draws import Counter, Streams, Threefry
from .errors import UsageError
from .functional import FunctionalEnv, Seen, TeamPolicy

STREAMS = (PartitionSpec(), PartitionSpec("env"), PartitionSpec("env"), PartitionSpec("env"))
"""How the fields of the streams are laid out over a mesh: the seed everywhere, episodes split."""


class Rollouts(NamedTuple):
    """What came of a batch of episodes, one a column; from `unroll` as arrays of NumPy."""

    returns: Array
    """float32 [agents, episodes]: undiscounted sums of rewards."""
    length: Array
    """int32 [episodes]: steps until the first end."""
    terminated: Array
    """bool [episodes]; the others were truncated."""
    info: Mapping[str, Array]
    """As the game said at the episode's last step."""


def unroll(
    env: FunctionalEnv,
    policy: TeamPolicy,
    params: Any = None,
    *,
    seed: int,
    episodes: int,
    first: int = 0,
    mesh: Mesh | None = None,
    threefry: bool = False,
) -> Rollouts:
    """Play `episodes` episodes, numbered from `first`, to their ends.

    Args:
        env: made with ``reset="never"`` for least work; with resets, what follows the first end is not looked at.
        mesh: devices with an axis ``env`` over which episodes are split; by default the default device alone.
        threefry: draw by JAX's own generator; other episodes, of the same distribution.

    Raises:
        UsageError: no episodes, more than 2^32 with `first`, a seed that is none, or an environment without horizon.
    """
    if episodes < 1 or first < 0 or first + episodes > 2**32 or not 0 <= seed < 2**64:
        raise UsageError(f"unroll: needs episodes >= 1 below 2**32 and a 64-bit seed, got {episodes} from {first}, seed {seed}")
    parts = 1 if mesh is None else mesh.shape["env"]
    padded = -(-episodes // parts) * parts
    numbers = (np.arange(padded, dtype=np.uint64) + first).astype(np.uint32)
    words = np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint32)
    nothing = np.zeros(padded, dtype=np.uint32)
    leaves: Any = (words, numbers, nothing, nothing)
    if mesh is not None:
        leaves = jax.device_put(leaves, tuple(_placed(mesh)))
    found = jax.device_get(_program(*_key(env, policy), mesh)(params, (Threefry if threefry else Counter)(*leaves)))
    return jax.tree.map(lambda leaf: leaf[..., :episodes], found)


def compiled(env: FunctionalEnv, policy: TeamPolicy, params: Any, *, episodes: int, mesh: Mesh | None = None) -> Any:
    """The compiled program of such a run, for who wants to read its text or its cost."""
    places = [None] * len(STREAMS) if mesh is None else _placed(mesh)
    shapes = ((2,), (episodes,), (episodes,), (episodes,))
    leaves: Any = [jax.ShapeDtypeStruct(shape, jnp.uint32, sharding=place) for shape, place in zip(shapes, places, strict=True)]
    return _program(*_key(env, policy), mesh).lower(params, Counter(*leaves)).compile()


def _placed(mesh: Mesh) -> list[Any]:
    return [NamedSharding(mesh, part) for part in STREAMS]


def _key(env: FunctionalEnv, policy: TeamPolicy) -> tuple[Any, Any]:
    """What a program is kept under; raises `UsageError` where that cannot be."""
    for each in (env, policy):
        if type(each).__hash__ is None:
            raise UsageError(f"unroll: {type(each).__name__} cannot be hashed; freeze its class, so that its program can be kept")
    return env, policy


@functools.lru_cache(maxsize=64)
def _program(env: Any, policy: Any, mesh: Mesh | None) -> Any:
    """Compiled once for an environment, a policy and a mesh, which are told apart by their hashes."""
    horizon = getattr(env, "horizon", None)
    if not horizon:
        raise UsageError(f"unroll: {type(env).__name__} has no horizon, so that its episodes need not end")

    def play(params: Any, at: Streams) -> Rollouts:
        return _play(env, policy, params, at, horizon)

    if mesh is None:
        return jax.jit(play)

    def sharded(params: Any, at: Streams) -> Rollouts:
        leaves = tuple(at)

        def one(params: Any, *leaves: Array) -> Rollouts:
            return play(params, type(at)(*leaves))

        shapes = jax.eval_shape(play, params, at)
        out = jax.tree.map(lambda leaf: PartitionSpec(*[None] * (leaf.ndim - 1), "env"), shapes)
        # Unchecked: a game may begin with arrays that are alike on all devices, and go on with others.
        return jax.shard_map(one, mesh=mesh, in_specs=(PartitionSpec(), *STREAMS), out_specs=out, check_vma=False)(
            params, *leaves
        )

    return jax.jit(sharded)


def _play(env: FunctionalEnv, policy: TeamPolicy, params: Any, at: Streams, horizon: int) -> Rollouts:
    count, agents = at.env.shape[0], len(env.game.agents)
    state = env.init(at)
    carry = policy.init(count)

    def see(state: Any) -> Seen:
        return Seen(env.observe(state), env.mask(state), env.acting(state))

    def body(held: tuple[Any, ...], number: Array) -> tuple[tuple[Any, ...], None]:
        state, carry, going, found = held
        here = at._replace(step=at.step + number)
        carry, actions = policy.act(params, carry, see(state), here)
        state, out = env.step(state, actions)
        ending = going & (out.terminated | out.truncated)
        returns = found.returns + jnp.where(going, out.reward, 0.0)
        length = found.length + going.astype(jnp.int32)
        info = {name: jnp.where(ending, value, found.info[name]) for name, value in out.info.items()}
        found = Rollouts(returns, length, found.terminated | (ending & out.terminated), info)
        return (state, carry, going & ~ending, found), None

    out = jax.eval_shape(lambda s: env.step(s, policy.act(params, carry, see(s), at)[1])[1], state)
    # Made of the streams' own arrays, so that all parts of the loop are split over the devices alike.
    zero = jnp.zeros_like(at.env, dtype=jnp.int32)
    info = {name: jnp.zeros(leaf.shape, leaf.dtype) + zero.astype(leaf.dtype) for name, leaf in out.info.items()}
    nothing = Rollouts(jnp.zeros((agents, count), jnp.float32) + zero, zero, zero.astype(bool), info)
    held = (state, carry, ~zero.astype(bool), nothing)
    return jax.lax.scan(body, held, jnp.arange(horizon, dtype=jnp.uint32))[0][3]
