"""An agent playing in a branch: what every technique of this package does many times."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.choosing import said as said_by
from quintain.agents.techniques.searching.copies import models_in
from quintain.agents.techniques.seeds import derived
from quintain.core import Agent, Capabilities, LoopAgent, TaskView
from quintain.errors import AgentError, BudgetSpent, QuintainError, UsageError, one_line
from quintain.handle import ActionLike, Branch, EpisodeHandle, EpisodeOver
from quintain.ledger import current
from quintain.spaces import Action, Infeasible, Message, Noop, Observation, Submit, parse_action
from quintain.threads import in_thread

Ending = Submit | Infeasible


class Attempt(NamedTuple):
    """What came of an agent in a branch, which is still open."""

    branch: Branch
    said: str | None = None
    """With its last action."""
    ending: Ending | None = None
    """How it wants to end the episode; not done in the branch, so that its last state can be looked at."""
    failure: str = ""
    spent: BudgetSpent | None = None
    """What broke it off."""

    @property
    def finished(self) -> bool:
        return not self.failure and self.spent is None

    @property
    def actions(self) -> tuple[Action, ...]:
        return self.branch.actions if self.ending is None else (*self.branch.actions, self.ending)

    @property
    def submitted(self) -> bool:
        return bool(self.actions) and isinstance(self.actions[-1], Submit)

    def candidate(self, by: int) -> Candidate:
        """What a selector sees of it."""
        actions = self.actions or (Noop(),)
        return Candidate(actions[-1], by, self.said, actions[:-1], self.branch.observation)


def seed_of(seed: int, number: int) -> int:
    """The seed of one of several copies of an agent; the first has the episode's own, and so plays as the agent alone would."""
    return derived(seed, "copy", number) if number else seed


async def attempt(
    branch: Branch,
    agent: Agent | LoopAgent,
    *,
    episode: EpisodeHandle,
    seed: int,
    told: Sequence[Message] = (),
    steps: int | None = None,
) -> Attempt:
    """Let `agent` play in `branch` until it wants to end, the branch is over, or it did so many steps.

    Args:
        told: messages that stand in each of its observations.

    What the agent raises is the attempt's `failure`, and a spent budget is kept; a timeout and what is no agent's fault raise.
    """
    place = _Place(branch, episode, told, steps)
    failure, spent = "", None
    try:
        with _failing():
            await (_looped(agent, place) if isinstance(agent, LoopAgent) else _stepped(agent, place, seed))
    except EpisodeOver:
        pass
    except AgentError as error:
        failure = str(error)
    except BudgetSpent as error:
        spent = error
    _book(agent)
    return Attempt(branch, said_by(agent), place.ending, failure, spent)


async def _stepped(agent: Agent, place: _Place, seed: int) -> None:
    await waited(agent.reset(place.view, seed))
    while not place.over:
        await place.act(await waited(agent.act(place.observation)))
    finish = getattr(agent, "finish", None)
    if callable(finish):
        await waited(finish(place.observation))


async def _looped(agent: LoopAgent, place: _Place) -> None:
    if inspect.iscoroutinefunction(agent.play):
        answer = await agent.play(place)
    else:
        handle = _FromThread(place, asyncio.get_running_loop())
        answer = await in_thread(functools.partial(agent.play, handle), owned=_raised, name="attempt")
    if isinstance(answer, str) and not place.over:
        await place.submit(answer)


async def commit(episode: EpisodeHandle, chosen: Attempt) -> None:
    """Make an attempt the episode: its actions, and its ending, or what broke it off."""
    await episode.adopt(chosen.branch)
    if chosen.ending is not None and not episode.over:
        await episode.act(chosen.ending)
    if chosen.failure:
        raise AgentError(chosen.failure)
    if chosen.spent is not None:
        raise chosen.spent


async def waited(result: Any) -> Any:
    """What a method gives that may be a coroutine."""
    return await result if inspect.isawaitable(result) else result


class _Place:
    """A branch as an `EpisodeHandle`, so that agents that own their loop, techniques among them, play in it as well."""

    def __init__(self, branch: Branch, episode: EpisodeHandle, told: Sequence[Message], steps: int | None) -> None:
        self._branch, self._episode, self._told, self._left = branch, episode, tuple(told), steps
        self.ending: Ending | None = None
        self.view: TaskView = episode.view
        self.seed: int = episode.seed
        self.capabilities: Capabilities = episode.capabilities

    @property
    def observation(self) -> Observation:
        seen = self._branch.observation
        return seen.model_copy(update={"messages": (*seen.messages, *self._told)}) if self._told else seen

    @property
    def over(self) -> bool:
        return self.ending is not None or self._branch.over or self._left == 0

    async def act(self, action: ActionLike) -> Observation:
        if self.over:
            raise EpisodeOver
        if (ending := _ending(action)) is not None:
            self.ending = ending
            return self.observation
        if self._left is not None:
            self._left -= 1
        await self._branch.act(action)
        return self.observation

    async def submit(self, answer: str = "") -> Observation:
        return await self.act(Submit(answer=answer))

    def need(self, who: str, *, copies: bool = False, branches: bool = False, actions: Sequence[str] = ()) -> None:
        self._episode.need(who, copies=copies, branches=branches, actions=actions)

    async def branch(self) -> Branch:
        return await self._branch.branch()

    async def attempt(self) -> Branch:
        return await self._episode.attempt()

    async def adopt(self, branch: Branch) -> Observation:
        mine = self._branch.actions
        if branch.actions[: len(mine)] != mine:
            raise UsageError("only a branch of this attempt can be adopted in it")
        for action in branch.actions[len(mine) :]:
            await self.act(action)
        return self.observation


class _FromThread:
    """The same for a plain function in a thread of its own, a `SyncHandle`."""

    def __init__(self, place: _Place, loop: asyncio.AbstractEventLoop) -> None:
        self._place, self._loop = place, loop
        self.view, self.seed = place.view, place.seed

    @property
    def observation(self) -> Observation:
        return self._place.observation

    @property
    def over(self) -> bool:
        return self._place.over

    def act(self, action: ActionLike) -> Observation:
        return asyncio.run_coroutine_threadsafe(self._place.act(action), self._loop).result()

    def submit(self, answer: str = "") -> Observation:
        return self.act(Submit(answer=answer))


def _raised(error: BaseException) -> Exception:
    return error if isinstance(error, (QuintainError, EpisodeOver)) else AgentError(one_line(error))


def _ending(action: ActionLike) -> Ending | None:
    """Call text of a world's own syntax is not looked into: what it ends is over then."""
    if isinstance(action, str) and not action.lstrip().startswith("{"):
        return None
    try:
        found = parse_action(action)
    except ValueError:
        return None
    return found if isinstance(found, Ending) else None


@contextmanager
def _failing() -> Iterator[None]:
    """What has an owner keeps it: the loop knows which of these the world raised."""
    try:
        yield
    except (QuintainError, EpisodeOver):
        raise
    except Exception as error:
        raise AgentError(one_line(error)) from error


def _book(agent: object) -> None:
    """Charge what an agent says that it spent, unless it asks models, which have charged that themselves."""
    usage = getattr(agent, "usage", None)
    if callable(usage) and not models_in(agent):
        said = usage()
        current().charge(input_tokens=said.tokens, usd=said.usd)


async def closed(thing: object) -> None:
    """Close what can be closed."""
    close = getattr(thing, "close", None)
    if callable(close):
        await waited(close())
