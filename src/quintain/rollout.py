"""One episode: reset, act, step, until it is over. The one loop that tests, CLI and runner share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from . import __version__
from .core import Agent, Episode, Failure, LoopAgent, Outcome, Usage
from .errors import AgentError, BudgetSpent, EpisodeTimeout, QuintainError, Unavailable, UsageError, one_line
from .faces import AsyncEnv
from .ledger import Ledger
from .playing import looping
from .playing.calls import agents_fault, check_action, finished
from .playing.clock import Clock, Phase
from .playing.episode import Playing, Recorder, RecorderFailed

FINISH_S = 0.5
"""An agent is told how the episode ended after its time is up, too."""


async def rollout(
    env: AsyncEnv,
    agent: Agent | LoopAgent,
    *,
    seed: int,
    agent_id: str = "agent",
    agent_config: Mapping[str, JsonValue] | None = None,
    recorder: Recorder | None = None,
    entering: Callable[[Phase], None] | None = None,
) -> Episode:
    """Let `agent` play one episode of `env`; whatever goes wrong is in the episode, with its owner.

    The agent and the environment are reset with the same seed. A synchronous `act` runs in the calling thread, a synchronous
    `play` in one of its own; an asynchronous one gets the seconds that are left. What an agent raises is the agent's failure,
    except `InfrastructureError` (its model cannot be reached) and `BudgetSpent`, which ends the episode as truncated. What it
    spends is in its ledger (`quintain.ledger`); tokens and dollars of its own `usage()` count instead, where it says them.
    The environment stays open. `entering` is told who is about to run. Only cancellation, bad arguments, a missing part
    (`Unavailable`) and a recorder that fails raise.
    """
    clock, started_at = Clock(entering), datetime.now(UTC).isoformat(timespec="milliseconds")
    ledger = Ledger(env.task.limits, key=f"{env.task.id} {seed} {agent_id}")
    playing = Playing(env, ledger=ledger, clock=clock, recorder=recorder)
    playing.spent = lambda: _spent(_usage(agent), ledger.known())
    outcome: Outcome = "ok"
    failure: Failure | None = None
    said = Usage()
    try:
        await _play(playing, agent, seed)
        said = _usage(agent)
    except RecorderFailed as stop:
        raise stop.error from None
    except QuintainError as error:
        if isinstance(error, (UsageError, Unavailable)):
            raise
        outcome, failure = _outcome(error, env), Failure(owner=error.owner, message=str(error))
        await _keep_evidence(playing, error)
        said = _known_usage(agent)
    return env.environment.episode(
        agent=agent_id,
        agent_config=dict(agent_config or {}),
        usage=clock.usage(_spent(said, ledger.usage())),
        outcome=outcome,
        failure=failure,
        started_at=started_at,
        versions={"quintain": __version__, **env.environment.world.versions},
    )


async def _play(playing: Playing, agent: Agent | LoopAgent, seed: int) -> None:
    await playing.reset(seed)
    try:
        with playing.turn("agent: reset"):
            if callable(reset := getattr(agent, "reset", None)):
                await finished(lambda: reset(playing.view, seed), playing.env.task.limits.seconds)
        playing.begin()
        await (_steps(playing, agent) if isinstance(agent, Agent) else looping.play(playing, agent, seed))
    except BudgetSpent as spent:
        await playing.cut(str(spent))
    await _finish(playing, agent)


async def _steps(playing: Playing, agent: Agent) -> None:
    while not playing.over:
        seen = playing.observation
        with playing.turn(f"agent: act, step {seen.step}"):
            action = await finished(functools.partial(agent.act, seen), seen.budget.seconds)
            check_action(action)
        await playing.act(action)


async def _finish(playing: Playing, agent: Agent | LoopAgent) -> None:
    """Tell the agent how it ended. Failing now is its own fault whatever it raises: the episode was played."""
    finish = getattr(agent, "finish", None)
    if not callable(finish):
        return
    left = playing.seconds_left
    try:
        with playing.turn("agent: finish"):
            await finished(lambda: finish(playing.observation), None if left is None else max(left, FINISH_S))
    except BudgetSpent:
        return
    except QuintainError as error:
        raise AgentError(f"agent: finish: {str(error).removeprefix('agent: ').removeprefix('finish: ')}") from error


def _spent(said: Usage, booked: Usage) -> Usage:
    """Who keeps books of its own is believed; its models may be in the ledger, too, and nothing is counted twice."""
    own = {name: value for name in ("tokens", "usd") if (value := getattr(said, name)) is not None}
    return booked.model_copy(update=own)


def _usage(agent: Agent | LoopAgent) -> Usage:
    """What the agent says that it spent since its reset; unknown where it does not say."""
    known = getattr(agent, "usage", None)
    if not callable(known):
        return Usage()
    with agents_fault("agent: usage"):
        said = known()
        if not isinstance(said, Usage):
            raise AgentError(f"agent: usage returned {type(said).__name__} instead of a Usage")
        return said


def _known_usage(agent: Agent | LoopAgent) -> Usage:
    """The same of an agent that failed already: one failure is enough."""
    try:
        return _usage(agent)
    except QuintainError:
        return Usage()


async def _keep_evidence(playing: Playing, error: QuintainError) -> None:
    """An agent that failed is scored on the state that it left behind; a world that cannot say is left at that."""
    if error.owner != "agent":
        return
    try:
        with playing.clock.phase("environment"):
            await playing.env.finish()
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
