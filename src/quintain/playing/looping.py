"""Agents that own their loop: what they hold, and how they are waited for."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from quintain import ledger
from quintain.core import LoopAgent
from quintain.errors import AgentError, EpisodeTimeout, QuintainError, TaskUnavailable, UsageError, one_line
from quintain.handle import ActionLike, Branch, EpisodeOver
from quintain.ledger import Ledger
from quintain.spaces import Observation, Submit
from quintain.threads import in_thread

from .branches import Branches, LiveBranch, Played, kept
from .calls import FLOOR_S, chained, check_action, described
from .episode import Playing

STOP_S = 0.5
"""How long a `play` that is told to stop is waited for."""


async def play(playing: Playing, agent: LoopAgent, seed: int) -> None:
    """Let the agent play until it returns; its text, and an episode that it leaves open, are submitted.

    A world's fault is raised as that, whatever became of it on its way through the agent's code.
    """
    handle = Handle(playing, seed)
    try:
        with playing.turn("agent: play"):
            try:
                answer = await _answer(agent, handle, playing)
            finally:
                await handle.close()
    except QuintainError as error:
        if (fault := _fault(playing, error)) is None:
            raise
        # Its owner is told by whose turn it was.
        with playing.clock.phase("environment"):
            raise fault from None
    if playing.broken is not None:
        raise playing.broken
    if not playing.over:
        await playing.act(Submit(answer=answer or ""))


def _fault(playing: Playing, error: QuintainError) -> BaseException | None:
    if playing.broken is not None:
        return playing.broken
    return next((each for each in chained(error) if any(each is fault for fault in playing.faults)), None)


class Handle:
    """The `quintain.handle.EpisodeHandle` of an asynchronous loop; its acts are done one at a time."""

    def __init__(self, playing: Playing, seed: int) -> None:
        self.view, self.seed, self.capabilities = playing.view, seed, playing.env.capabilities
        self.observation, self.over = playing.observation, False
        self.branches = Branches(playing, seed)
        self._playing = playing
        self._done: list[ActionLike] = []
        self._acting = asyncio.Lock()

    async def act(self, action: ActionLike) -> Observation:
        async with self._acting:
            self._check()
            check_action(action)
            return await self._act(kept(action))

    async def submit(self, answer: str = "") -> Observation:
        return await self.act(Submit(answer=answer))

    def need(self, who: str, *, copies: bool = False, branches: bool = False, actions: Sequence[str] = ()) -> None:
        can, problem = self.capabilities, ""
        if copies and not can.copies:
            problem = "this world has no `copies`, which fresh attempts need"
        elif branches and not (can.snapshot or (can.replay and can.copies)):
            problem = "this world has neither `snapshot` nor `replay` with `copies`, which branches need"
        elif missing := [kind for kind in actions if kind not in self.view.action_kinds]:
            problem = f"this world takes no action {', '.join(missing)}"
        if problem:
            error = TaskUnavailable(f"{who}: {self.view.id}: {problem}")
            self._playing.faults.append(error)
            raise error

    async def branch(self) -> Branch:
        async with self._acting:
            self._check()
            played = self._played
            saved = await self.branches.saved(played, of_episode=True)
        return await self.branches.grow(played, saved)

    async def attempt(self) -> Branch:
        self._check()
        # At the reset a branch is the same, and can be adopted where states are saved.
        return await (self.branches.anew(self._played) if self._done or not self.capabilities.snapshot else self.branch())

    async def adopt(self, branch: Branch) -> Observation:
        async with self._acting:
            self._check()
            if not isinstance(branch, LiveBranch) or branch.home is not self.branches or branch.closed or branch.broken:
                raise UsageError(f"{self.view.id}: only an open branch of this episode, whose world is whole, can be adopted")
            if branch.left_at != len(self._done):
                raise UsageError(
                    f"{self.view.id}: this branch left the episode at step {branch.left_at}, which is at step {len(self._done)} "
                    "now; make another branch"
                )
            async with branch.acting:
                return await self._adopt(branch)

    async def close(self) -> None:
        """Let an act that is under way come to its end, then give up all branches."""
        self.over = True
        async with self._acting:
            await self.branches.close()

    @property
    def _played(self) -> Played:
        return Played(self._playing.env, self.observation, tuple(self._done))

    async def _adopt(self, branch: LiveBranch) -> Observation:
        own = branch.done[branch.left_at :]
        if branch.forked and own:
            self._done += own
            await self._judged(lambda: self._playing.adopt(branch.env, branch.seen))
            return self.observation
        for action in own:
            if not self.over:
                await self._act(action)
        return self.observation

    async def _act(self, action: ActionLike) -> Observation:
        self._done.append(action)
        await self._judged(lambda: self._playing.act(action))
        return self.observation

    async def _judged(self, step: Callable[[], Awaitable[None]]) -> None:
        self._playing.note()
        try:
            # What an evaluator asks of a model is no expense of the agent.
            with ledger.opened(Ledger()):
                await step()
        finally:
            # Once its time is up a handle stays over.
            self.observation, self.over = self._playing.observation, self.over or self._playing.over

    def _check(self) -> None:
        if self.over:
            raise EpisodeOver(f"{self.view.id}: the episode is over")


class ThreadHandle:
    """The `quintain.handle.SyncHandle` of a loop in a thread of its own."""

    def __init__(self, handle: Handle, loop: asyncio.AbstractEventLoop) -> None:
        self.view, self.seed = handle.view, handle.seed
        self._handle, self._loop = handle, loop
        self._lock = threading.Lock()
        self._asked: set[Future[Observation]] = set()
        self._closed = False

    @property
    def observation(self) -> Observation:
        return self._handle.observation

    @property
    def over(self) -> bool:
        return self._closed or self._handle.over

    def act(self, action: ActionLike) -> Observation:
        return self._ask(self._handle.act(action))

    def submit(self, answer: str = "") -> Observation:
        return self._ask(self._handle.submit(answer))

    def close(self, *, cancel: bool) -> None:
        """Nothing is asked any more; `cancel`: nor is what was asked done to its end."""
        with self._lock:
            self._closed, asked = True, list(self._asked) if cancel else []
        for future in asked:
            future.cancel()

    def _ask(self, work: Coroutine[Any, Any, Observation]) -> Observation:
        with self._lock:
            if self._closed:
                work.close()
                raise EpisodeOver(f"{self.view.id}: the episode is over")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._asked.add(future)
        try:
            return future.result()
        except CancelledError:
            raise EpisodeOver(f"{self.view.id}: the episode is over") from None
        finally:
            with self._lock:
                self._asked.discard(future)


async def _answer(agent: LoopAgent, handle: Handle, playing: Playing) -> str | None:
    """What `play` returns, None where it was stopped after the episode's end; too late before that is an `EpisodeTimeout`."""
    thread: ThreadHandle | None = None
    work: asyncio.Future[Any]
    if inspect.iscoroutinefunction(agent.play):
        work = asyncio.create_task(_awaited(agent.play(handle)))
    else:
        thread = ThreadHandle(handle, asyncio.get_running_loop())
        work = in_thread(functools.partial(agent.play, thread), owned=_raised, name="play")
    try:
        while not work.done():
            if _overdue(playing):
                if playing.over:
                    return None
                raise EpisodeTimeout(
                    f"agent: play: did not act within the {playing.env.task.limits.seconds:.0f} s of the episode"
                )
            left = playing.seconds_left
            await asyncio.wait([work], timeout=None if left is None else max(left, FLOOR_S))
    except asyncio.CancelledError:
        if thread is not None:
            thread.close(cancel=True)
        raise
    finally:
        handle.over = True
        if thread is not None:
            thread.close(cancel=False)
        await _stop(work)
    return _said(work)


def _overdue(playing: Playing) -> bool:
    """The time is up, and it is the agent that is waited for."""
    left, clock = playing.seconds_left, playing.clock
    return left is not None and left <= 0 and clock.now == "agent" and time.monotonic() - clock.since >= FLOOR_S


async def _awaited(result: Awaitable[Any]) -> Any:
    try:
        return await result
    except SystemExit as error:
        # In a task it would end the loop, and all that runs on it.
        raise AgentError(f"agent: play: {one_line(error)}") from error


def _raised(error: BaseException) -> Exception:
    """What a plain `play` raised, as a future takes it."""
    if isinstance(error, StopIteration):
        return RuntimeError(one_line(error))
    return error if isinstance(error, Exception) else AgentError(f"agent: play: {one_line(error)}")


async def _stop(work: asyncio.Future[Any]) -> None:
    """End a task that goes on; one that refuses is left behind."""
    if work.done():
        return
    work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    work.cancel()
    await asyncio.wait([work], timeout=STOP_S)


def _said(work: asyncio.Future[Any]) -> str | None:
    if work.cancelled():
        raise AgentError("agent: play: cancelled itself")
    try:
        answer = work.result()
    except EpisodeOver:
        return None
    except BaseExceptionGroup as several:
        if (rest := several.split(EpisodeOver)[1]) is None:
            return None
        raise rest from None
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise AgentError("agent: play returned something to be awaited; make it a coroutine function, with `async def play`")
    if not isinstance(answer, str | None):
        raise AgentError(f"agent: play returned {described(answer)} instead of the answer as text, or None")
    return answer
