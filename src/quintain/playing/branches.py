"""Other futures of an episode, each in a world of its own."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, NamedTuple, Self

from quintain import background, ledger
from quintain.core import Limits
from quintain.environment import Environment
from quintain.errors import BudgetSpent, EnvironmentFault, UsageError
from quintain.faces import AsyncEnv
from quintain.handle import ActionLike, EpisodeOver
from quintain.saved import Saved, unjudged
from quintain.spaces import Action, Observation, parse_action

from .calls import check_action
from .episode import Playing

REPLAY = "replay"
"""The purpose under which steps are charged that only bring a copy to where a branch begins."""
CLOSE_LIMIT_S = 30.0


class Played(NamedTuple):
    """How far an episode, or a branch of it, has come."""

    env: AsyncEnv
    observation: Observation
    done: tuple[ActionLike, ...]
    """What was done since the reset; a step each."""


def kept(action: ActionLike) -> ActionLike:
    """The action as it is now, to be done again later."""
    return copy.deepcopy(dict(action)) if isinstance(action, Mapping) else action


class Begun(NamedTuple):
    """How a branch left the episode, through the branches that it came from."""

    left_at: int
    """At this step."""
    forked: bool
    """Its world was forked from the episode's, which can take over its states."""
    seen: tuple[Observation, ...] = ()
    """What was seen since; kept where it was forked."""


class LiveBranch:
    """The `quintain.handle.Branch` of a world; its acts are done one at a time, and those of others at the same time."""

    def __init__(self, home: Branches, played: Played, begun: Begun) -> None:
        self.home = home
        self.env, self.observation, self.done = played
        self.left_at, self.forked, seen = begun
        self.seen = list(seen)
        self.actions = self._own()
        self.over = self.closed = self.broken = False
        self.acting = asyncio.Lock()

    async def act(self, action: ActionLike) -> Observation:
        async with self.acting:
            self._check()
            check_action(action)
            self.home.charge()
            self.home.playing.meter()
            self.env.environment.spent = self.home.playing.env.environment.spent
            try:
                with self.home.playing.world():
                    step = await self.env.step(action)
            except BaseException:
                self.over = self.broken = True
                raise
            self.done, self.actions = (*self.done, kept(action)), self._own()
            self.observation, self.over = step.observation, step.terminated or step.truncated
            if self.forked:
                self.seen.append(step.observation)
            return self.observation

    async def branch(self) -> LiveBranch:
        async with self.acting:
            self._check()
            begun = Begun(self.left_at, self.forked, tuple(self.seen))
            played = Played(self.env, self.observation, self.done)
            saved = await self.home.saved(played, of_episode=False)
        return await self.home.grow(played, saved, begun)

    async def close(self) -> None:
        """Its world is given up; safe to call twice."""
        await self.home.give_up(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _own(self) -> tuple[Action, ...]:
        return tuple(action for record in self.env.environment.records[self.left_at :] for action in _actions(record.action))

    def _check(self) -> None:
        if self.over or self.closed:
            raise EpisodeOver(f"{self.env.task.id}: this branch is {'closed' if self.closed else 'over'}")


class Branches:
    """The branches of one episode, which are closed with it."""

    def __init__(self, playing: Playing, seed: int) -> None:
        self.playing, self._seed = playing, seed
        self._open: set[LiveBranch] = set()
        self._growing: set[asyncio.Task[LiveBranch]] = set()
        self._newest: tuple[int, Saved] | None = None
        """The newest state of the episode that was saved, and its step: several branches leave from one state."""

    def charge(self) -> None:
        self.playing.ledger.charge(steps=1)

    async def saved(self, played: Played, *, of_episode: bool) -> Saved | None:
        """The present state of the episode or of a branch; None where branches are made by replay."""
        if _way(self.playing.env.environment) == "replay":
            return None
        step = len(played.done)
        if of_episode and self._newest is not None and self._newest[0] == step:
            return self._newest[1]
        with self.playing.world():
            found = await played.env.snapshot()
        if of_episode:
            self._newest = step, found
        return found

    async def grow(self, played: Played, saved: Saved | None, begun: Begun | None = None) -> LiveBranch:
        """A branch from there: of a branch that begun so, else of the episode."""
        begun = begun or Begun(len(played.done), forked=saved is not None)
        return await self._finished(self._grow(played, saved, begun))

    async def anew(self, played: Played) -> LiveBranch:
        """The episode from its reset, within the steps and seconds that the episode has left."""
        return await self._finished(self._anew(len(played.done)))

    async def give_up(self, branch: LiveBranch) -> None:
        self._open.discard(branch)
        if not branch.closed:
            branch.closed = branch.over = True
            with self.playing.world():
                await branch.env.close()

    async def close(self) -> None:
        """Close all that are open; one that cannot be closed is left at that, since the episode is played."""
        if self._growing:
            await asyncio.wait(self._growing, timeout=CLOSE_LIMIT_S)
        if self._open:
            closing = [asyncio.create_task(self.give_up(each)) for each in list(self._open)]
            await asyncio.wait(closing, timeout=CLOSE_LIMIT_S)
            for each in closing:
                each.cancel() if not each.done() else each.exception()

    def _opened(self, branch: LiveBranch) -> LiveBranch:
        self._open.add(branch)
        return branch

    async def _finished(self, making: Coroutine[Any, Any, LiveBranch]) -> LiveBranch:
        """Once begun a branch is made, so that it can be closed, whether or not anybody waits for it."""
        task = asyncio.create_task(making)
        self._growing.add(task)
        task.add_done_callback(self._grown)
        return await asyncio.shield(task)

    def _grown(self, task: asyncio.Task[LiveBranch]) -> None:
        self._growing.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, because nobody may wait for it any more.

    async def _grow(self, played: Played, saved: Saved | None, begun: Begun) -> LiveBranch:
        self._check_time()
        if saved is None:
            return self._opened(LiveBranch(self, await self._replayed(played), begun))
        with self.playing.world():
            twin = await background.bridge(played.env.environment.fork(saved, judged=False))
        return self._opened(LiveBranch(self, played._replace(env=AsyncEnv(twin)), begun))

    async def _anew(self, steps_done: int) -> LiveBranch:
        self._check_time()
        _check_services(self.playing.env.environment)
        limits = self.playing.env.task.limits
        steps = None if limits.steps is None else limits.steps - steps_done
        env = self._copy(limits.model_copy(update={"steps": steps, "seconds": self.playing.seconds_left}))
        return self._opened(LiveBranch(self, await self._begun(env), Begun(0, forked=False)))

    async def _replayed(self, played: Played) -> Played:
        """The same in a copy, by doing again what was done."""
        task = played.env.task
        env = self._copy(task.limits.model_copy(update={"seconds": self.playing.seconds_left}))
        found = await self._begun(env)
        try:
            with self.playing.world():
                for action in played.done:
                    with ledger.purpose(REPLAY):
                        self.charge()
                    step = await env.step(action)
                    found = Played(env, step.observation, (*found.done, action))
                if found.observation != played.observation:
                    raise EnvironmentFault(
                        f"{task.id}: a copy of environment {task.env!r} in which the episode's {len(played.done)} actions were "
                        "done again shows something else, though its capabilities say `replay`"
                    )
        except BaseException:
            await env.close()
            raise
        return found

    def _copy(self, limits: Limits) -> AsyncEnv:
        mine = self.playing.env.environment
        if mine.another is None or not mine.capabilities.copies:
            raise UsageError(
                f"{mine.task.id}: no copy of environment {mine.task.env!r} can be made; see its capabilities.copies, and make "
                "the first one with `quintain.make_async`, or with `another`"
            )
        task = unjudged(mine.task, limits)
        return AsyncEnv(Environment(mine.another(), task, observe=mine.observe, another=mine.another))

    async def _begun(self, env: AsyncEnv) -> Played:
        try:
            with self.playing.world():
                observation, _ = await env.reset(seed=self._seed)
        except BaseException:
            await env.close()
            raise
        return Played(env, observation, ())

    def _check_time(self) -> None:
        """Branches of no length could be made for ever."""
        left = self.playing.seconds_left
        if left is not None and left <= 0:
            raise BudgetSpent(f"the episode's {self.playing.env.task.limits.seconds:g} seconds are spent")


def _way(environment: Environment) -> Literal["fork", "replay"]:
    """How a branch is made here; a `UsageError` where it cannot be."""
    _check_services(environment)
    can, task = environment.capabilities, environment.task
    if can.snapshot:
        return "fork"
    if can.replay and can.copies:
        return "replay"
    raise UsageError(
        f"{task.id}: branches need an environment that can `snapshot`, or `replay` in `copies`; {task.env!r} can do neither"
    )


def _check_services(environment: Environment) -> None:
    if environment.serving:
        raise UsageError(
            f"{environment.task.id}: no branches can be made, because the task's services would remember what was done in them"
        )


def _actions(record: Any) -> list[Action]:
    """Those that were done in a step; what was no action did nothing."""
    if isinstance(record, list):
        return [parse_action(each) for each in record]
    return [parse_action(record)] if isinstance(record, dict) else []
