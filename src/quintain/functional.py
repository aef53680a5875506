"""The contract of array-first worlds: pure functions over arrays, agents first, the environment axis last in memory.

`Game` is what the author of a multi-agent world writes: rules, without reset policies or time limits. `FunctionalEnv` is a game
with both, and what unrolls, policies and adaptors are given. Arrays are JAX's; nothing here imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

Array = Any
"""A `jax.Array`; JAX is imported by who makes one."""


class Moved(NamedTuple):
    """What one step of a game gives, beside its state."""

    reward: Array
    """float32 [agents, environments]."""
    terminated: Array
    """bool [environments]: the rules end the episode here."""
    info: Mapping[str, Array]
    """Further arrays, environments last; the same keys at each step."""


class Out(NamedTuple):
    """What one step of a functional environment gives; leaves are arrays, agents first, environments last."""

    observation: Array
    """[agents, features, environments] of the state to act on next: after a reset, that of the fresh episode."""
    reward: Array
    """float32 [agents, environments]."""
    terminated: Array
    """bool [environments]."""
    truncated: Array
    """bool [environments]: the time limit ended the episode, the rules did not."""
    info: Mapping[str, Array]
    final_observation: Array
    """As `observation`, of the state before any reset; compiled programs that do not use it do not compute it."""


@runtime_checkable
class Game(Protocol):
    """The rules of a multi-agent world over batches of states. A state is a `NamedTuple` of arrays, environments last.

    Agents stand in the order of `agents`; shorter observations and fewer actions than the most are padded, by zeros and by what
    `mask` forbids. `streams` are `quintain.draws.Streams`; the state never holds random keys.
    """

    agents: tuple[str, ...]
    kinds: tuple[str, ...]
    """The type of each agent; agents of one kind have one observation and one action space, and may share parameters."""
    observation_sizes: tuple[int, ...]
    """Features of each agent."""
    observation_range: tuple[float, float]
    """Bounds that no feature of an observation or of the world's state leaves within an episode."""
    action_sizes: tuple[int, ...]
    """Actions of each agent, or its numbers where `continuous`."""
    continuous: bool
    action_range: tuple[float, float]
    """Bounds of each number of an action, where `continuous`."""
    simultaneous: bool
    """All act at once; where False one agent acts at a time, and the actions of the others are not looked at."""
    horizon: int
    """Steps after which an episode is truncated."""
    returns: tuple[float, float]
    """Bounds of an agent's undiscounted return over an episode, by which scores are normalised; infinite where there are none."""

    def reset(self, streams: Any) -> Any:
        """Fresh states, one an environment of the streams."""
        ...

    def step(self, state: Any, actions: Array, streams: Any) -> tuple[Any, Moved]:
        """`actions`: int32 [agents, environments], or float32 [agents, numbers, environments] where `continuous`."""
        ...

    def observe(self, state: Any) -> Array:
        """float32 [agents, features, environments]."""
        ...

    def mask(self, state: Any) -> Array:
        """bool [agents, actions, environments]: what is legal now, for who is not acting all that it has; where `continuous`, the
        numbers that count."""
        ...

    def acting(self, state: Any) -> Array:
        """bool [agents, environments]: whose actions count now; all in simultaneous games without deaths."""
        ...

    def alive(self, state: Any) -> Array:
        """bool [agents, environments]: who still plays; who does not never acts again in this episode."""
        ...

    def world_state(self, state: Any) -> Array:
        """float32 [features, environments]: everything, for centralised critics."""
        ...


@runtime_checkable
class FunctionalEnv(Protocol):
    """A game with a reset policy and a time limit; the environment axis is last in memory, agents are stacked."""

    game: Game
    horizon: int

    def init(self, streams: Any) -> Any:
        """The state of fresh episodes."""
        ...

    def step(self, state: Any, actions: Array) -> tuple[Any, Out]: ...

    def observe(self, state: Any) -> Array: ...

    def mask(self, state: Any) -> Array: ...

    def acting(self, state: Any) -> Array: ...


@runtime_checkable
class Policy(Protocol):
    """The pure form of an agent: vmappable, jittable."""

    def init(self, key: Any) -> Any:
        """The carry at the start of an episode."""
        ...

    def act(self, params: Any, carry: Any, observation: Any, key: Any) -> tuple[Any, Any]:
        """The next carry and the action."""
        ...


class Seen(NamedTuple):
    """What a policy is given of a batch of games."""

    observation: Array
    """float32 [agents, features, environments]."""
    mask: Array
    """bool [agents, actions, environments]."""
    acting: Array
    """bool [agents, environments]."""


@runtime_checkable
class TeamPolicy(Protocol):
    """Acts for all agents of a batch of games at once; pure, so that whole runs are compiled. Hashable and comparable by value or
    identity: equal policies share a compiled program, and what differs between trainings is in `params`."""

    def init(self, environments: int) -> Any:
        """The carry at the start of each episode; leaves have the environments last."""
        ...

    def act(self, params: Any, carry: Any, seen: Seen, streams: Any) -> tuple[Any, Array]:
        """The next carry, and actions as `Game.step` takes them. Random numbers are drawn from `streams` under purposes from
        `POLICY` on."""
        ...


POLICY = 1 << 16
"""Purposes below are the game's."""
