"""Many copies of a multi-agent world as one Gymnasium `VectorEnv`, for learners that know one agent."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from quintain.draws import Streams, stepped, streams
from quintain.errors import UsageError
from quintain.functional import Out

from .episodes import Episodes, Played

Seats = Literal["joint", "separate"]
Numbers = NDArray[Any]
Bools = NDArray[np.bool_]


class Programs(NamedTuple):
    """Compiled once for a world, whoever plays it."""

    begin: Callable[[Streams], Played]
    step: Callable[[Played, Any], tuple[Played, Out]]
    again: Callable[[Played, Any], Played]
    """Begin the next episode where the mask says; the others stay where they are."""
    look: Callable[[Played], tuple[Any, Any]]


@lru_cache(maxsize=128)
def programs(env: Episodes) -> Programs:
    """Of episodes that stay where they end, since the mode of the vector says when the next begins."""
    unending = Episodes(env.game, horizon=env.horizon, reset="never")

    def again(state: Played, over: Any) -> Played:
        going = stepped(state.streams, over)
        going = going._replace(step=jnp.where(over, jnp.uint32(0), state.streams.step))
        fresh = env.game.reset(going)
        return Played(jax.tree.map(lambda new, old: jnp.where(over, new, old), fresh, state.game), going)

    def look(state: Played) -> tuple[Any, Any]:
        return unending.observe(state), unending.mask(state)

    return Programs(jax.jit(unending.init), jax.jit(unending.step), jax.jit(again), jax.jit(look))


class VectorWorld(VectorEnv[Numbers, Numbers, NDArray[Any]]):
    """What `quintain.make_vec` makes of the id of a multi-agent world.

    ``seats="joint"``: one environment a copy, observations [copies, agents, features], actions [copies, agents(, numbers)], the
    reward is the mean over agents. ``seats="separate"``: one environment a copy and agent, copies first, for shared parameters;
    all agents must have equal spaces. ``infos["action_mask"]`` says what is legal. The seed of a reset is that of the whole
    batch: copy i is environment i of its streams.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # type: ignore[misc]

    def __init__(
        self,
        env: Episodes,
        copies: int,
        *,
        seats: Seats = "joint",
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        seed: int | None = None,
    ) -> None:
        self.game, self.copies, self.seats = env.game, copies, seats
        self._agents = len(self.game.agents)
        if copies < 1 or seats not in ("joint", "separate"):
            raise UsageError(f"a vector needs at least one copy, and seats 'joint' or 'separate'; got {copies} and {seats!r}")
        if seats == "separate" and len({*zip(self.game.observation_sizes, self.game.action_sizes, strict=True)}) > 1:
            raise UsageError("seats='separate' needs agents of equal spaces, which these are not; use 'joint'")
        self.num_envs = copies * (self._agents if seats == "separate" else 1)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        self.single_observation_space, self.single_action_space = self._spaces()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._programs = programs(env)
        self._first_seed = seed
        self._state: Played | None = None
        self._ended = np.zeros(copies, dtype=bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Numbers, dict[str, Any]]:
        """Begin all episodes, or those of ``options["reset_mask"]`` (one an environment)."""
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise UsageError("reset() takes one seed for the whole batch, whose copies it numbers")
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            if self._state is None:
                raise UsageError("reset() of all comes before one of some")
            chosen = np.asarray(mask, dtype=bool).reshape(self.copies, -1).any(axis=1)
            self._state, self._ended = self._programs.again(self._state, chosen), self._ended & ~chosen
            return self._seen()
        seed, self._first_seed = (self._first_seed if seed is None else seed), None
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(2**63)) if seed is None else int(seed)
        self._state, self._ended = self._programs.begin(streams(drawn, self.copies)), np.zeros(self.copies, dtype=bool)
        return self._seen()

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Numbers, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        if self._state is None:
            raise UsageError("reset() comes before step()")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise UsageError("some episodes are over; reset them with options={'reset_mask': …} before the next step()")
        before = self._ended
        reached, out = self._programs.step(self._state, self._given(actions))
        reward, terminated, truncated = (np.array(each) for each in jax.device_get((out.reward, out.terminated, out.truncated)))
        if before.any():
            reached = self._programs.again(reached, before)
            reward[:, before], terminated[before], truncated[before] = 0.0, False, False
        self._state, self._ended = reached, terminated | truncated
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            final, final_info = self._seen()
            infos = {"final_obs": _objects(final, self._spread(self._ended)), "final_info": final_info}
            infos |= {"_final_obs": self._spread(self._ended), "_final_info": self._spread(self._ended)}
            self._state = self._programs.again(self._state, self._ended)
        observation, masks = self._seen()
        ends = (self._spread(terminated), self._spread(truncated))
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            self._ended = np.zeros(self.copies, dtype=bool)
        return observation, self._rewards(reward), *ends, {**infos, **masks}

    def _spaces(self) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        features, actions = max(self.game.observation_sizes), max(self.game.action_sizes)
        shape = (features,) if self.seats == "separate" else (self._agents, features)
        seen = gymnasium.spaces.Box(*self.game.observation_range, shape, np.float32)
        if self.game.continuous:
            return seen, gymnasium.spaces.Box(*self.game.action_range, (*shape[:-1], actions), np.float32)
        if self.seats == "separate":
            return seen, gymnasium.spaces.Discrete(actions)
        return seen, gymnasium.spaces.MultiDiscrete(list(self.game.action_sizes))

    def _seen(self) -> tuple[Numbers, dict[str, Any]]:
        assert self._state is not None
        observation, mask = jax.device_get(self._programs.look(self._state))
        seen, legal = np.moveaxis(observation, -1, 0), np.moveaxis(mask, -1, 0)
        if self.seats == "separate":
            seen, legal = seen.reshape(self.num_envs, -1), legal.reshape(self.num_envs, -1)
        return np.ascontiguousarray(seen), {} if self.game.continuous else {"action_mask": legal.astype(np.int8)}

    def _given(self, actions: NDArray[Any]) -> NDArray[Any]:
        wanted = (self.copies, self._agents, *([max(self.game.action_sizes)] if self.game.continuous else []))
        try:
            held = np.asarray(actions, np.float32 if self.game.continuous else np.int32).reshape(wanted)
        except (TypeError, ValueError):
            raise UsageError(f"step() takes actions of the shape {self.action_space.shape}, got {np.shape(actions)}") from None
        most = np.array(self.game.action_sizes)
        if not self.game.continuous and ((held < 0) | (held >= most)).any():
            raise UsageError(f"step(): an action is outside 0 … {most.max() - 1}")
        if self.game.continuous and not np.isfinite(held).all():
            raise UsageError("step(): actions must be finite numbers")
        return np.moveaxis(held, 0, -1)

    def _rewards(self, reward: NDArray[np.float32]) -> NDArray[np.float64]:
        found = reward.astype(np.float64)
        return found.T.reshape(-1) if self.seats == "separate" else found.mean(axis=0)

    def _spread(self, each: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.repeat(each, self._agents) if self.seats == "separate" else each.copy()


def _objects(rows: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """As Gymnasium hands over final observations: an array of objects, None where there is none."""
    found = np.full(len(rows), None, dtype=object)
    for at in np.flatnonzero(there).tolist():
        found[at] = rows[at]
    return found
