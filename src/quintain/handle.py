"""What an agent that owns its loop holds: the episode, and where its world allows it, branches of it.

Nothing here has a reward or a score: whoever chooses between branches sees what an agent sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from .core import Capabilities, TaskView
from .spaces import Action, Observation

ActionLike = Action | Mapping[str, Any] | str


class EpisodeOver(Exception):
    """Raised by a further act once the episode is over; a loop that lets it pass ends well."""


class Branch(Protocol):
    """Another future of the episode, in a world of its own; what happens in it is charged, but is not part of the episode.

    Made by a fork of a saved state, or by replaying the episode's actions in a copy; an ``async with`` block closes it.
    `submit` and `infeasible` end it without being judged, and `score` is refused: a branch tells nothing that an agent could
    not have seen.
    """

    observation: Observation
    over: bool
    actions: tuple[Action, ...]
    """Those done in this branch since it left the episode itself, through the branches that it came from."""

    async def act(self, action: ActionLike) -> Observation:
        """One step, charged as `steps` under the purpose of the caller. Raises `EpisodeOver` when the branch is over."""
        ...

    async def branch(self) -> Branch: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


class EpisodeHandle(Protocol):
    """The episode that is being played; each act passes the environment's step, the trace and the budget."""

    view: TaskView
    seed: int
    capabilities: Capabilities
    observation: Observation
    """The last one."""
    over: bool

    async def act(self, action: ActionLike) -> Observation:
        """One step; the observation after it. Raises `EpisodeOver` when the episode was over before it."""
        ...

    async def submit(self, answer: str = "") -> Observation: ...

    def need(self, who: str, *, copies: bool = False, branches: bool = False, actions: Sequence[str] = ()) -> None:
        """Say before anything is spent what `who` cannot do without: several of the world side by side, branches, actions.

        Raises:
            TaskUnavailable: the world lacks it. Let through, it leaves the episode unscored, with the reason.
        """
        ...

    async def branch(self) -> Branch:
        """Another future from here, in the cheapest way that the world offers.

        Raises:
            UsageError: the world has neither `snapshot` nor `replay`; names both.
        """
        ...

    async def attempt(self) -> Branch:
        """The whole episode anew, from the reset with the same seed, in a copy of the world; needs `capabilities.copies`."""
        ...

    async def adopt(self, branch: Branch) -> Observation:
        """Make the branch's actions those of the episode, as if they had been done here: by restoring its state where it can be
        saved, by doing them again elsewhere. The branch stays open; what ended it is done here, and judged."""
        ...


class SyncHandle(Protocol):
    """The same for a plain function, which plays in a thread of its own."""

    view: TaskView
    seed: int

    @property
    def observation(self) -> Observation: ...

    @property
    def over(self) -> bool: ...

    def act(self, action: ActionLike) -> Observation: ...

    def submit(self, answer: str = "") -> Observation: ...
