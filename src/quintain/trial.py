"""One trial, from the job that a worker is sent to the episode in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from . import background
from .core import Agent, Episode, LoopAgent, Outcome, Score, Task, Usage, World
from .environment import Environment
from .errors import (
    AgentError,
    EnvironmentFault,
    EvaluatorError,
    InfrastructureError,
    QuintainError,
    Unavailable,
    UsageError,
    one_line,
)
from .executors import Killed
from .executors.slot import Slot, State
from .faces import AsyncEnv
from .making import load_evaluator, make_world
from .rollout import failed, rollout
from .roster import Contestant
from .scoring import score_episode
from .spaces import Modality
from .store import Store, Trial, episode_json
from .trace import read_trace

T = TypeVar("T")

SETUP_LIMIT_S = 600.0
"""A reset may build a container; it is not the agent's time."""
AGENT_GRACE_S = 1.0
"""An agent that returns this late is told by the environment that its time is up."""
ENVIRONMENT_GRACE_S = 60.0
SCORING_LIMIT_S = 300.0
CLOSE_LIMIT_S = 10.0
ENVIRONMENTS_KEPT = 64


class Summary(NamedTuple):
    """What the run is told of an episode; the rest is in the store."""

    episode: str
    trial: Trial
    outcome: str
    owner: str | None
    message: str
    value: float | None
    passed: bool | None
    steps: int
    seconds: float

    @property
    def repeatable(self) -> bool:
        """Failed by chance of the world or the machine; a task or an evaluator that is wrong stays wrong."""
        return self.outcome == "env_error" and self.owner in ("environment", "infrastructure")


@dataclass(frozen=True)
class TrialJob:
    """A trial to be played, stored under this id."""

    episode: str
    trial: Trial
    task: Task
    contestant: int
    tries: int = 0
    """How often it was played in vain already, in this process."""

    def overdue(self, state: State, now: float) -> bool:
        """The agent has the task's seconds, a broken environment some more, so that the blame is not the agent's."""
        seconds = self.task.limits.seconds
        match state.phase:
            case "setup":
                return now - state.since > SETUP_LIMIT_S
            case "agent" if seconds is not None:
                # It is told how the episode ended, maybe after a long scoring.
                return now > max(state.playing + seconds, state.since) + AGENT_GRACE_S
            case "environment" if seconds is not None:
                return now > max(state.playing + seconds, state.since) + ENVIRONMENT_GRACE_S
            case "evaluator" | "store":
                return now - state.since > SCORING_LIMIT_S
        return False


@dataclass(frozen=True)
class BuildAgents:
    """Build every agent once, before any environment starts; the answer is None or an error."""

    def overdue(self, state: State, now: float) -> bool:
        return state.phase != "idle" and now - state.since > SETUP_LIMIT_S


@dataclass(frozen=True)
class Plan:
    """What every worker of a run needs to know; called with its slot, it makes the worker."""

    path: Path
    contestants: tuple[Contestant, ...]
    observe: tuple[Modality, ...] | None
    """Where the run has several families, each is asked for those of them that it offers."""
    options: Mapping[str, Any]
    several_families: bool = False

    def __call__(self, slot: Slot) -> TrialWorker:
        return TrialWorker(self, slot)


class TrialWorker:
    """Plays trials one at a time; worlds and agents stay warm in between."""

    def __init__(self, plan: Plan, slot: Slot) -> None:
        self._plan, self._slot = plan, slot
        self._loop = asyncio.Runner()
        self._agents: dict[int, Agent | LoopAgent] = {}
        self._worlds: dict[str, World] = {}
        self._environments: dict[str, Environment] = {}

    @cached_property
    def _store(self) -> Store:
        return Store.open(self._plan.path)

    def __call__(self, job: TrialJob | BuildAgents) -> Summary | None:
        """Raises what makes the whole run pointless: `UsageError`, `Unavailable`, a store that cannot be written."""
        if isinstance(job, BuildAgents):
            for index in range(len(self._plan.contestants)):
                self._agent(index)
            return None
        episode = self._stored_form(self._episode(job))
        self._slot.enter("evaluator")
        environment = self._environments.get(job.task.id)
        evaluator = environment.evaluator if environment is not None else None
        score = score_episode(job.task, evaluator, episode)
        self._slot.enter("store")
        self._store.append(episode, score, attempt=job.trial.attempt)
        return summary(job, episode, score)

    def close(self) -> None:
        """End agents and worlds; none of them may fail the run that is over."""
        for agent in self._agents.values():
            close = getattr(agent, "close", None)
            if callable(close):
                self._attempt(_called(close))
        for name in list(self._worlds):
            self._discard(name)
        self._loop.close()
        if "_store" in self.__dict__:
            self._store.close()

    def _episode(self, job: TrialJob) -> Episode:
        trial = job.trial
        try:
            environment = self._environment(job.task)
            agent = self._agent(job.contestant)
            episode = self._played(job, environment, agent)
        except (UsageError, Unavailable):
            raise
        except QuintainError as error:
            if error.owner == "infrastructure":
                raise
            episode = failed(trial.task, trial.agent, trial.seed, error)
        if self._broke(episode):
            self._discard(job.task.env)
        return episode.model_copy(update={"id": job.episode})

    def _played(self, job: TrialJob, environment: Environment, agent: Agent | LoopAgent) -> Episode:
        trial = job.trial
        recorder = self._store.recorder(job.episode)
        config = self._plan.contestants[job.contestant].config.config
        try:
            return self._run(
                rollout(
                    AsyncEnv(environment),
                    agent,
                    seed=trial.seed,
                    agent_id=trial.agent,
                    agent_config=config,
                    recorder=recorder,
                    entering=self._slot.enter,
                )
            )
        except UsageError as error:
            return failed(trial.task, trial.agent, trial.seed, EnvironmentFault(str(error)))
        except QuintainError:
            raise
        except BaseException as error:
            # A cancellation that the agent leaked, or a SystemExit in a task of its own: it broke the loop, not the run.
            state = self._slot.read()
            self._agents.pop(job.contestant, None)
            self._loop.close()
            self._loop = asyncio.Runner()
            said = f"{state.phase}: {one_line(error)}"
            if state.phase == "agent":
                return failed(trial.task, trial.agent, trial.seed, AgentError(said), outcome="agent_error")
            return failed(trial.task, trial.agent, trial.seed, EnvironmentFault(said))
        finally:
            if recorder is not None:
                recorder.close()

    def _broke(self, episode: Episode) -> bool:
        """The world cannot be trusted any more; an agent whose model could not be reached did it no harm."""
        owner = episode.failure and episode.failure.owner
        return owner == "environment" or (owner == "infrastructure" and self._slot.read().phase != "agent")

    def _stored_form(self, episode: Episode) -> Episode:
        """As it will be read back, so that scoring it again sees the same values."""
        try:
            return Episode.model_validate_json(episode_json(episode))
        except ValidationError as error:
            problem = EnvironmentFault(f"{episode.task}: the episode cannot be stored: {one_line(error, limit=200)}")
            broken = failed(episode.task, episode.agent, episode.seed, problem)
            return broken.model_copy(update={"id": episode.id})

    def _agent(self, index: int) -> Agent | LoopAgent:
        if index not in self._agents:
            self._agents[index] = self._plan.contestants[index].build()
        return self._agents[index]

    def _environment(self, task: Task) -> Environment:
        """Kept for each task, around the world that all tasks of its family share."""
        known = self._environments.pop(task.id, None)
        if known is None:
            if task.env not in self._worlds:
                self._worlds[task.env] = make_world(task.env, **self._plan.options)
            world = self._worlds[task.env]
            another = partial(make_world, task.env, **self._plan.options)
            known = Environment(world, task, evaluator=load_evaluator(task), observe=self._observe(world), another=another)
        self._environments[task.id] = known
        if len(self._environments) > ENVIRONMENTS_KEPT:
            del self._environments[next(iter(self._environments))]
        return known

    def _observe(self, world: World) -> tuple[Modality, ...] | None:
        wanted = self._plan.observe
        if wanted is None or not self._plan.several_families:
            return wanted
        return tuple(name for name in wanted if name in world.capabilities.modalities) or None

    def _discard(self, env: str) -> None:
        """A world that broke is not used again."""
        world = self._worlds.pop(env, None)
        self._environments = {name: each for name, each in self._environments.items() if each.world is not world}
        if world is not None:
            self._attempt(background.bridge(world.close()))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the one loop of this worker; `Runner.run` would install a signal handler each time, and print the result for it."""
        return self._loop.get_loop().run_until_complete(work)

    def _attempt(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            self._run(_within(work, CLOSE_LIMIT_S))
        except Exception:
            return


async def _within(work: Any, seconds: float) -> None:
    await asyncio.wait_for(work, seconds)


async def _called(close: Any) -> None:
    result = close()
    if asyncio.iscoroutine(result):
        await result


def summary(job: TrialJob, episode: Episode, score: Score) -> Summary:
    usage, failure = episode.usage, episode.failure
    return Summary(
        episode=episode.id,
        trial=job.trial,
        outcome=episode.outcome,
        owner=failure.owner if failure else None,
        message=failure.message if failure else "",
        value=score.value,
        passed=score.passed,
        steps=len(episode.steps),
        seconds=usage.agent_s + usage.environment_s + usage.waiting_s,
    )


def lost(job: TrialJob, killed: Killed, store: Store, *, seconds: float) -> Episode:
    """The episode of a trial whose worker was killed or died: the failure belongs to whoever was running, the steps so far are
    those of the trace, and `seconds` are all that it took. What it cost died with the worker and is unknown."""
    state, trial = killed.state, job.trial
    path = store.trace_path(job.episode)
    steps = [line.step for line in read_trace(path) if line.step is not None] if path.exists() else []
    what = f"did not come back and was killed after {seconds:.0f} s" if killed.overdue else f"ended its process ({killed.how})"
    error: QuintainError
    if state.phase == "agent":
        error = AgentError(f"agent: {what}, step {state.step}")
    elif state.phase in ("setup", "environment"):
        where = "reset" if state.phase == "setup" else f"step {state.step}"
        error = EnvironmentFault(f"environment {job.task.env!r}: {what}, {where}")
    elif state.phase == "evaluator":
        error = EvaluatorError(f"evaluator {job.task.evaluator and job.task.evaluator.id!r}: {what}")
    else:
        error = InfrastructureError(f"worker: {what} while in the {state.phase}")
    outcome: Outcome = "env_error" if state.phase != "agent" else "timeout" if killed.overdue else "agent_error"
    episode = failed(trial.task, trial.agent, trial.seed, error, outcome=outcome)
    agent_s, environment_s = sum(step.agent_s for step in steps), sum(step.environment_s for step in steps)
    rest = max(0.0, seconds - agent_s - environment_s)
    mine = state.phase == "agent"
    usage = Usage(agent_s=agent_s + (rest if mine else 0.0), environment_s=environment_s + (0.0 if mine else rest))
    began = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return episode.model_copy(update={"id": job.episode, "steps": tuple(steps), "usage": usage, "started_at": began})
