"""An episode while it is played: the one way of a step, whoever asks for it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from quintain import background, ledger
from quintain.core import Step, StepRecord, TaskView, Usage
from quintain.errors import UsageError
from quintain.faces import AsyncEnv
from quintain.ledger import Ledger, Note
from quintain.spaces import Action, Observation

from .calls import owned
from .clock import Clock


class Recorder(Protocol):
    """Is told what happens while it happens: the trace of a store."""

    def observed(self, observation: Observation) -> None: ...

    def noted(self, note: Note) -> None:
        """What an agent noted in its ledger; told before the step that followed."""
        ...

    def acted(self, record: StepRecord) -> None: ...


class RecorderFailed(Exception):
    """Carries an error past those of the episode: without its trace a run must stop."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Playing:
    """One episode of an environment with its clock, its ledger and its trace; serves step agents and loop agents alike."""

    observation: Observation

    def __init__(self, env: AsyncEnv, *, ledger: Ledger, clock: Clock, recorder: Recorder | None) -> None:
        self.env, self.ledger, self.clock, self._recorder = env, ledger, clock, recorder
        self.over = False
        self.spent: Callable[[], Usage] = ledger.known
        """What is held against the limits on tokens and dollars."""
        self.broken: Exception | None = None
        """What ended the episode without the agent's doing, though it may pass through the agent's code."""
        self.faults: list[Exception] = []
        """What the worlds of branches raised."""
        limits = env.task.limits
        self._metered = limits.tokens is not None or limits.usd is not None
        self._deadline: float | None = None

    @property
    def view(self) -> TaskView:
        return self.env.environment.view

    @property
    def seconds_left(self) -> float | None:
        return None if self._deadline is None else self._deadline - time.monotonic()

    async def reset(self, seed: int) -> None:
        with self.clock.phase("setup"):
            self.observation, _ = await self.env.reset(seed=seed)
        if self.env.task.limits.seconds is not None:
            self._deadline = time.monotonic() + self.env.task.limits.seconds

    def begin(self) -> None:
        """The agent is ready: from here on its seconds are those of steps."""
        self.clock.lap()
        if self.meter():
            limits, spent = self.env.task.limits, self.env.environment.spent
            left = {
                "tokens": None if limits.tokens is None else max(0, limits.tokens - (spent.tokens or 0)),
                "usd": None if limits.usd is None else max(0.0, limits.usd - (spent.usd or 0.0)),
            }
            budget = self.observation.budget.model_copy(update=left)
            self.observation = self.observation.model_copy(update={"budget": budget})
        self._record(self.observation)

    @contextmanager
    def turn(self, where: str) -> Iterator[None]:
        """A call of the agent: its time, its ledger, its notes, and its failures."""
        try:
            with self.clock.phase("agent"), ledger.opened(self.ledger):
                yield
        except (Exception, SystemExit) as error:
            if (found := owned(error, where)) is error:
                raise
            raise found from error
        finally:
            self.note()

    async def act(self, action: Action | Mapping[str, Any] | str) -> None:
        await self._stepped(lambda: self.env.step(action))

    async def cut(self, why: str) -> None:
        """End the episode as truncated, with its score."""
        if not self.over:
            await self._stepped(lambda: background.bridge(self.env.environment.cut(why)))

    async def adopt(self, branch: AsyncEnv, seen: Sequence[Observation]) -> None:
        """Go on from where a fork of the episode is; `seen` are its observations since it left the episode."""
        await self._stepped(lambda: background.bridge(self.env.environment.adopt(branch.environment)), seen[:-1])

    @contextmanager
    def world(self) -> Iterator[None]:
        """A branch's world at work: what it takes and raises is not the agent's."""
        try:
            with self.clock.phase("environment"):
                yield
        except UsageError:
            raise
        except Exception as error:
            self.faults.append(error)
            raise

    def meter(self) -> bool:
        """Whether the limits have a meter, which is read."""
        if self._metered:
            self.env.environment.spent = self.spent()
        return self._metered

    def note(self) -> None:
        for each in self.ledger.drain():
            self._record(each)

    async def _stepped(self, work: Callable[[], Awaitable[Step]], before: Sequence[Observation] = ()) -> None:
        """A step, or several of which `before` are what was seen after all but the last."""
        self.meter()
        environment = self.env.environment
        known = len(environment.records)
        with self.clock.phase("environment"):
            agent_s = self.clock.lap()
            try:
                step = await work()
            except BaseException as error:
                self.over = True
                self.broken = error if isinstance(error, Exception) else None
                raise
            finally:
                if len(environment.records) > known:
                    environment.records[-1] = environment.records[-1].model_copy(update={"agent_s": agent_s})
        self.observation, self.over = step.observation, step.terminated or step.truncated
        for record, seen in zip(environment.records[known:], (*before, step.observation), strict=True):
            self._record(record)
            self._record(seen)

    def _record(self, what: Observation | Note | StepRecord) -> None:
        if self._recorder is None:
            return
        try:
            match what:
                case StepRecord():
                    self._recorder.acted(what)
                case Note():
                    self._recorder.noted(what)
                case _:
                    self._recorder.observed(what)
        except Exception as error:
            self.over, self.broken = True, RecorderFailed(error)
            raise self.broken from error
