"""The contract: the values that travel and the protocols that the rooms implement. Read this first.

Values are frozen and reject unknown fields; each round-trips through JSON. The arrow of one run::

    Task --make--> Environment --rollout(agent)--> Episode --score--> Score

A *world* is what the author of an environment family writes; `quintain.environment.Environment` joins a world, a task and an
evaluator, so that limits, rewards, talk actions and errors behave alike in all families.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    JsonValue,
    PlainSerializer,
    PositiveFloat,
    StringConstraints,
)

from .errors import Owner
from .spaces import Action, Modality, Observation
from .usage import Limits as Limits
from .usage import Usage as Usage
from .values import Value as Value

Family = Literal["browser", "desktop", "repo", "marl", "custom"]
Outcome = Literal["ok", "agent_error", "env_error", "timeout", "cancelled"]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
"""Fits the 64-bit signed integers of SQLite and of NumPy."""
TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.+-]*(/[\w.+-]+)+$")]
Blob = Annotated[
    bytes,
    BeforeValidator(lambda data: base64.b64decode(data) if isinstance(data, str) else data),
    PlainSerializer(lambda data: base64.b64encode(data).decode("ascii"), return_type=str, when_used="json"),
]
"""Bytes that travel through JSON as base64."""


class Probe(Value):
    """What an evaluator asks a living world for; the world's family defines the keys of `query`."""

    query: dict[str, JsonValue] = {}


class EvaluatorSpec(Value):
    """Which evaluator scores a task, with what options, on what evidence, and when."""

    id: str
    options: dict[str, JsonValue] = {}
    probe: Probe = Probe()
    when: Literal["step", "end", "asked"] = "end"
    """`step`: collect and score after every action, so that the reward is dense; `end`: once, when the episode ends; `asked`: at
    the end and at each `score` action of the agent, which is told its score; the best one counts."""


class Meta(Value):
    """What is known about a task beside how to run it; reports slice by these."""

    family: Family = "custom"
    capabilities: tuple[str, ...] = ()
    domain: str | None = None
    tags: tuple[str, ...] = ()
    split: Literal["train", "test"] | None = None
    human_minutes: PositiveFloat | None = None
    created_at: str | None = None
    version_of: str | None = None
    """Id of the task of which this one is a variant."""
    licence: str | None = None
    source: str | None = None
    requires: tuple[str, ...] = ()
    """Programs or packages without which the task cannot run."""


class TaskView(Value):
    """The part of a task that an agent may see."""

    id: str
    goal: str
    limits: Limits
    meta: Meta
    action_kinds: tuple[str, ...] = ()


class WorldTask(Value):
    """The part of a task that a world may see: what to set up, never how it is scored."""

    id: str
    goal: str
    setup: dict[str, JsonValue]


class Task(Value):
    """One thing to achieve, as data with a stable id ``suite/name``."""

    id: TaskId
    env: str
    """Id of the environment family in the registry."""
    goal: str = ""
    """Empty where the world states the goal at reset (it depends on the seed)."""
    setup: dict[str, JsonValue] = {}
    """Validated by the world's own `Setup` model when the environment is made."""
    evaluator: EvaluatorSpec | None = None
    limits: Limits = Limits()
    reference: JsonValue = None
    """For the evaluator only: reaches no agent, no environment and no sandbox."""
    meta: Meta = Meta()

    @property
    def suite(self) -> str:
        return self.id.split("/", 1)[0]

    def view(self, action_kinds: Sequence[str] = ()) -> TaskView:
        return TaskView(id=self.id, goal=self.goal, limits=self.limits, meta=self.meta, action_kinds=tuple(action_kinds))

    def for_world(self) -> WorldTask:
        return WorldTask(id=self.id, goal=self.goal, setup=self.setup)


@dataclass(frozen=True)
class Suite:
    """A named list of tasks; the home suite of a task is the one that its id begins with."""

    name: str
    description: str
    tasks: Mapping[str, Task]
    """By id, in a stable order."""
    oracle: str = "scripted"
    """The agent of the catalog that knows the solutions."""
    findings: Callable[[Task, Evaluator | None], Sequence[str]] | None = None
    """What is wrong with a task as can be seen by looking at it: an answer that stands in what an agent sees, a guess that would
    do. One line each; for families that can be searched so."""
    adversaries: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    """By name, agents (``{"agent": id, "config": {...}}``) that try to get a score without doing the task; each must score 0."""


class Evidence(Value):
    """Named artefacts of a state of the world, collected while it was alive; all that an evaluator gets of it."""

    values: dict[str, JsonValue] = {}
    files: dict[str, Blob] = {}
    done: bool = False
    """The world says that the episode is over."""


class Failure(Value):
    """Why an episode is not `ok`, and whose fault that is."""

    owner: Owner
    message: str


class StepRecord(Value):
    """What an evaluator and a report need of one step; observations are in the trace."""

    action: JsonValue
    """The action in its JSON form, or what the agent returned instead of one."""
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    error: str | None = None
    """What was wrong with the action, as the agent was told."""
    agent_s: float = 0.0
    environment_s: float = 0.0


class Episode(Value):
    """Everything of one trial. A bad rollout is data, not a crash."""

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    task: str
    agent: str
    agent_config: dict[str, JsonValue] = {}
    seed: Seed = 0
    goal: str = ""
    steps: tuple[StepRecord, ...] = ()
    evidence: Evidence | None = None
    attempts: tuple[Evidence, ...] = ()
    """Evidence of each `score` action before the last evidence; the best of all counts."""
    answer: str | None = None
    infeasible: str | None = None
    """The reason that the agent gave for declaring the task infeasible."""
    usage: Usage = Usage()
    outcome: Outcome = "ok"
    failure: Failure | None = None
    started_at: str | None = None
    """UTC, ISO 8601."""
    versions: dict[str, str] = {}
    """What ran: quintain, the world, the browser …"""

    @property
    def reward(self) -> float:
        """Sum of the rewards: the final score where the task has an evaluator."""
        return sum(step.reward for step in self.steps)

    @property
    def scorable(self) -> bool:
        """An environment's fault or a cancellation says nothing about the agent."""
        return self.outcome not in ("env_error", "cancelled")


class Score(Value):
    """What an evaluator says of one episode."""

    value: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)] | None
    """None is *unscored*, which is not zero."""
    passed: bool | None = None
    parts: dict[str, float] = {}
    reason: str = ""
    evaluator: str = ""
    version: str = ""


class Capabilities(Value):
    """What a world really does and enforces on this machine: probed, never assumed."""

    modalities: tuple[Modality, ...] = ()
    replay: bool = False
    """The same task, seed and actions give identical observations."""
    copies: bool = False
    """Several live side by side in one process."""
    snapshot: bool = False
    """A state can be saved and restored."""
    isolation: tuple[str, ...] = ()
    """What is enforced, by name: `network`, `files`, `processes` …"""
    notes: dict[str, str] = {}


class Step(NamedTuple):
    """Gymnasium's five, read by name."""

    observation: Observation
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


@runtime_checkable
class World(Protocol):
    """What the author of an environment family writes: a world that can be set up, acted on, looked at and probed.

    One world object serves many episodes, one at a time; `reset` starts each. Methods raise `EnvironmentFault` when the world
    itself breaks and `TaskError` when the set-up is wrong; an action that cannot be done is no exception but
    `Observation.error`. `quintain.testing.check_world` is the conformance suite.
    """

    Setup: ClassVar[type[BaseModel]]
    """Validates `Task.setup`."""
    action_kinds: frozenset[str]
    """Kinds that `act` takes, beside the talk kinds that the environment handles for every world."""
    default_observe: tuple[Modality, ...]

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def versions(self) -> dict[str, str]: ...

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        """Start an episode; the observation's `goal` is the one that holds for this seed."""
        ...

    async def act(self, action: Action) -> Observation: ...

    async def collect(self, probe: Probe) -> Evidence: ...

    def parse(self, text: str) -> list[Action]:
        """Actions written in the text form of this world's field; raises ValueError that says what is wrong where."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class SavingWorld(World, Protocol):
    """A world with states that can be gone back to; its capabilities say `snapshot`. A saved state means nothing to others, and
    lives as long as the world that saved it or one that was made from it."""

    async def snapshot(self) -> Any: ...

    async def restore(self, saved: Any) -> None: ...

    async def fork(self, saved: Any) -> World:
        """Another world in that state, whose closing is the caller's."""
        ...


@runtime_checkable
class Env(Protocol):
    """One task, ready to be stepped: the asynchronous face that rollouts use."""

    task: Task

    async def reset(self, *, seed: int | None = None) -> tuple[Observation, dict[str, Any]]: ...

    async def step(self, action: Action | Mapping[str, Any] | str) -> Step: ...

    async def close(self) -> None: ...


@runtime_checkable
class Agent(Protocol):
    """Maps observations to actions; both methods may be coroutines. What it spends goes to `quintain.ledger.current()`.

    May have: `usage() -> Usage` where it keeps its own books; `took(action)`, told which action was done in its place (a
    technique chose among several); `finish(observation)`, told once how the episode ended; `close()`. Each may be a coroutine,
    but for `usage`.
    """

    def reset(self, task: TaskView, seed: int) -> Awaitable[None] | None: ...

    def act(self, observation: Observation) -> Action | Awaitable[Action]: ...


@runtime_checkable
class LoopAgent(Protocol):
    """Owns its loop: acts through the handle until it submits, returns, or the episode is over; may be a coroutine."""

    def play(self, episode: Any) -> Awaitable[str | None] | str | None:
        """`episode` is a `quintain.handle.EpisodeHandle`, for a plain function a `quintain.handle.SyncHandle`.

        A text that it returns is submitted as the answer where the episode is not over.
        """
        ...


@runtime_checkable
class Evaluator(Protocol):
    """A pure function of stored values: the same task and episode give the same score, byte for byte."""

    version: str

    def score(self, task: Task, episode: Episode) -> Score: ...


Service = Callable[[JsonValue], Awaitable[JsonValue]]
"""Answers, outside of a world, one request of a program inside it; what it raises reaches that program as an error's text."""


@runtime_checkable
class Referee(Evaluator, Protocol):
    """An evaluator with a part in the living world: it answers services during the episode and examines what is left after it.

    It holds what must not enter the world: hidden inputs, judges, meters. `score` is a pure function of what `examine` stored.
    """

    def begin(self, task: Task, seed: int) -> Mapping[str, Service]:
        """Called before each reset; the services, by name, that programs inside the world may call in this episode."""
        ...

    async def examine(self, task: Task, scene: Any, evidence: Evidence) -> Evidence:
        """Look into the frozen state; `scene` is what the world's `scene` gives (for sandboxes: `quintain.sandbox.Scene`).

        Returns `evidence`, extended by what `score` needs. Called at each `score` action and at the end of the episode.
        """
        ...


@runtime_checkable
class RefereedWorld(World, Protocol):
    """A world in which a referee can take part."""

    def serve(self, services: Mapping[str, Service]) -> None:
        """Offer these services, and no others, from the next reset on."""
        ...

    def scene(self, *, final: bool) -> AbstractAsyncContextManager[Any]:
        """The state frozen as it is now; `final`: the agent is through, so that all its processes are ended first."""
        ...
