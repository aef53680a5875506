"""One episode: reset, act, step, until it is over. The one loop that tests, CLI and runner share."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pydantic import JsonValue

from . import __version__
from .core import Agent, Episode, Failure, Outcome, StepRecord, Usage
from .errors import AgentError, EpisodeTimeout, InfrastructureError, QuintainError, Unavailable, UsageError, one_line
from .faces import AsyncEnv
from .spaces import ACTIONS, Action, Observation

Phase = Literal["setup", "agent", "environment"]


class Recorder(Protocol):
    """Is told what happens while it happens: the trace of a store."""

    def observed(self, observation: Observation) -> None: ...

    def acted(self, record: StepRecord) -> None: ...


class _Clock:
    """Seconds spent in the agent, in the environment, and in neither; announces which begins."""

    def __init__(self, entering: Callable[[Phase], None] | None) -> None:
        self.began = time.monotonic()
        self.spent: dict[Phase, float] = {"setup": 0.0, "agent": 0.0, "environment": 0.0}
        self.acts: list[float] = []
        self._entering = entering

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        if self._entering is not None:
            self._entering(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] += time.monotonic() - began

    @contextmanager
    def act(self) -> Iterator[None]:
        before = self.spent["agent"]
        try:
            with self.phase("agent"):
                yield
        finally:
            self.acts.append(self.spent["agent"] - before)

    def usage(self, said: Usage) -> Usage:
        agent_s, environment_s = self.spent["agent"], self.spent["setup"] + self.spent["environment"]
        waiting_s = max(0.0, time.monotonic() - self.began - agent_s - environment_s)
        return said.model_copy(update={"agent_s": agent_s, "environment_s": environment_s, "waiting_s": waiting_s})


async def rollout(
    env: AsyncEnv,
    agent: Agent,
    *,
    seed: int,
    agent_id: str = "agent",
    agent_config: Mapping[str, JsonValue] | None = None,
    recorder: Recorder | None = None,
    entering: Callable[[Phase], None] | None = None,
) -> Episode:
    """Let `agent` play one episode of `env`; whatever goes wrong is in the episode, with its owner.

    The agent and the environment are reset with the same seed. A synchronous `act` runs in the calling thread; an asynchronous
    one gets the seconds that are left. What an agent raises is the agent's failure, except `InfrastructureError` (its model
    cannot be reached). The environment stays open. `entering` is told who is about to run. Only cancellation, bad arguments,
    a missing part (`Unavailable`) and a recorder that fails raise.
    """
    clock, started_at = _Clock(entering), datetime.now(UTC).isoformat(timespec="milliseconds")
    outcome: Outcome = "ok"
    failure: Failure | None = None
    said = Usage()
    try:
        await _play(env, agent, seed=seed, clock=clock, recorder=recorder)
        said = _usage(agent)
    except _RecorderFailed as stop:
        raise stop.error from None
    except QuintainError as error:
        if isinstance(error, (UsageError, Unavailable)):
            raise
        outcome, failure = _outcome(error, env), Failure(owner=error.owner, message=str(error))
        with clock.phase("environment"):
            await _keep_evidence(env, error)
        said = _known_usage(agent)
    records = zip(env.environment.records, clock.acts, strict=False)
    return env.environment.episode(
        agent=agent_id,
        agent_config=dict(agent_config or {}),
        steps=tuple(record.model_copy(update={"agent_s": seconds}) for record, seconds in records),
        usage=clock.usage(said),
        outcome=outcome,
        failure=failure,
        started_at=started_at,
        versions={"quintain": __version__, **env.environment.world.versions},
    )


async def _play(env: AsyncEnv, agent: Agent, *, seed: int, clock: _Clock, recorder: Recorder | None) -> None:
    environment = env.environment
    with clock.phase("setup"):
        observation, _ = await env.reset(seed=seed)
    with clock.phase("agent"), _agents_fault("agent: reset"):
        await _finished(lambda: agent.reset(environment.view, seed), environment.task.limits.seconds)
    metered = environment.task.limits.tokens is not None or environment.task.limits.usd is not None
    over = False
    while not over:
        _record(recorder, observation)
        with clock.act(), _agents_fault(f"agent: act, step {observation.step}"):
            action = await _finished(functools.partial(agent.act, observation), observation.budget.seconds)
            _check_action(action)
        if metered:
            environment.spent = _usage(agent)
        with clock.phase("environment"):
            step = await env.step(action)
        _record(recorder, environment.records[-1].model_copy(update={"agent_s": clock.acts[-1]}))
        observation, over = step.observation, step.terminated or step.truncated
    _record(recorder, observation)


async def _finished(call: Callable[[], Any], seconds: float | None) -> Any:
    """What the agent returns, awaited where it is to be; only waiting can be cut short from here."""
    result = call()
    if not inspect.isawaitable(result):
        return result
    # A floor, so that an agent at the very end of its time is told by the environment and not by this.
    limit = asyncio.timeout(None if seconds is None else max(seconds, 0.1))
    try:
        async with limit:
            return await result
    except TimeoutError:
        if not limit.expired():
            raise
        raise EpisodeTimeout(f"agent: no action within the {seconds:.0f} s that were left") from None


@contextmanager
def _agents_fault(where: str) -> Iterator[None]:
    """Whatever an agent raises is its own failure, whatever class it chose, so that none buys itself an unscored episode."""
    try:
        yield
    except (AgentError, EpisodeTimeout, InfrastructureError):
        raise
    except (Exception, SystemExit) as error:
        raise AgentError(f"{where}: {one_line(error)}") from error


def _check_action(action: Action) -> None:
    if not isinstance(action, (*ACTIONS, Mapping, str)):
        shown = one_line(ValueError(repr(action)), limit=100).removeprefix("ValueError: ")
        raise AgentError(
            f"agent: act returned {type(action).__name__} {shown} instead of an action; "
            "return one of quintain's actions, its dict, or call text"
        )


class _RecorderFailed(Exception):
    """Carries an error past those of the episode: without its trace a run must stop."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _record(recorder: Recorder | None, what: Observation | StepRecord) -> None:
    try:
        if recorder is not None:
            recorder.acted(what) if isinstance(what, StepRecord) else recorder.observed(what)
    except Exception as error:
        raise _RecorderFailed(error) from error


def _usage(agent: Agent) -> Usage:
    """What the agent says that it spent since its reset; unknown where it does not say."""
    known = getattr(agent, "usage", None)
    if not callable(known):
        return Usage()
    with _agents_fault("agent: usage"):
        said = known()
        if not isinstance(said, Usage):
            raise AgentError(f"agent: usage returned {type(said).__name__} instead of a Usage")
        return said


def _known_usage(agent: Agent) -> Usage:
    """The same of an agent that failed already: one failure is enough."""
    try:
        return _usage(agent)
    except QuintainError:
        return Usage()


async def _keep_evidence(env: AsyncEnv, error: QuintainError) -> None:
    """An agent that failed is scored on the state that it left behind; a world that cannot say is left at that."""
    if error.owner != "agent":
        return
    try:
        await env.finish()
    except QuintainError:
        return


def _outcome(error: QuintainError, env: AsyncEnv) -> Outcome:
    if isinstance(error, EpisodeTimeout):
        return "timeout"
    if error.owner == "agent":
        return "agent_error"
    records = env.environment.records
    if error.owner == "evaluator" and records and (records[-1].terminated or records[-1].truncated):
        return "ok"  # It was played to its end, and can be scored once the evaluator is mended.
    return "env_error"


def failed(task: str, agent: str, seed: int, error: BaseException, *, outcome: Outcome = "env_error") -> Episode:
    """The episode of a trial that never came to play, or whose worker was killed."""
    owner = error.owner if isinstance(error, QuintainError) else "infrastructure"
    message = str(error) if isinstance(error, QuintainError) else one_line(error)
    return Episode(task=task, agent=agent, seed=seed, outcome=outcome, failure=Failure(owner=owner, message=message))
