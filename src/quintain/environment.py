"""A world, a task and an evaluator joined into one environment: what is alike in every family lives here.

Limits, rewards, talk actions, malformed actions and budgets mean the same on a web page, a desktop and in a repository; a
world's author writes none of it.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from .core import Capabilities, Episode, Evaluator, Evidence, Score, Step, StepRecord, Task, TaskView, Usage, World
from .errors import EnvironmentFault, EvaluatorError, QuintainError, TaskError, UsageError, attributed
from .model_space import ModelSpace
from .spaces import KINDS, MODALITIES, TALK, Action, Budget, Infeasible, Message, Modality, Observation, Say, Submit, parse_action

MESSAGES_KEPT = 50


class Environment:
    """One task in one world, stepped asynchronously; `reset` may be called any number of times, `close` once.

    An action outside `action_space` changes nothing and comes back as `Observation.error`. The reward of a step is the increase
    of the score, so that the rewards of an episode sum up to its final score. A broken world raises `EnvironmentFault`.
    """

    def __init__(
        self,
        world: World,
        task: Task,
        *,
        evaluator: Evaluator | None = None,
        observe: Sequence[Modality] | None = None,
        seed: int | None = None,
    ) -> None:
        self.world, self.task, self.evaluator = world, task, evaluator
        self.observe = _modalities(world, observe)
        _check_setup(world, task)
        self.observation_space: ModelSpace[Observation] = ModelSpace(Observation)
        self.action_space: ModelSpace[Action] = ModelSpace(*(KINDS[kind] for kind in KINDS if kind in world.action_kinds | TALK))
        self._seed = seed
        self._closed = False
        self._forget(seed or 0)

    @property
    def capabilities(self) -> Capabilities:
        return self.world.capabilities

    @property
    def view(self) -> TaskView:
        """What an agent may see of the task; the goal is this episode's after `reset`."""
        return self.task.view(self.action_space.kinds).model_copy(update={"goal": self.goal})

    async def reset(self, *, seed: int | None = None) -> tuple[Observation, dict[str, Any]]:
        """Start an episode. The same seed gives the same episode; without one, the seed of `make`, or 0."""
        self._check_open()
        seed = operator.index(seed if seed is not None else (self._seed or 0))
        if not 0 <= seed < 2**64:
            raise UsageError(f"seed {seed} is outside [0, 2**64)")
        self._forget(seed)
        with attributed(EnvironmentFault, f"{self.task.id}: reset"):
            seen = await self.world.reset(self.task.for_world(), seed=self.seed, observe=self.observe)
        self.goal = seen.goal or self.task.goal
        self.messages += seen.messages
        self.goal_fields = seen.goal_fields
        self._over = False
        self._started = time.monotonic()
        self._last = self._dress(seen)
        return self._last, {"seed": self.seed, "task": self.task.id}

    async def step(self, action: Action | Mapping[str, Any] | str) -> Step:
        """Act once; text may hold several actions in the world's own call syntax, which are done one after the other."""
        self._check_open()
        if self._over:
            raise UsageError(f"{self.task.id}: the episode is over; call reset() before the next step()")
        try:
            return await self._step(action)
        except QuintainError:
            self._over = True
            raise

    async def _step(self, action: Action | Mapping[str, Any] | str) -> Step:
        started = time.monotonic()
        actions, error = self._parse(action)
        seen = self._last.model_copy(update={"error": error})
        for each in actions:
            seen = self._last = await self._act(each)
            if seen.error or self._submitted:
                break
        terminated, reward, evidence_done = self._submitted, 0.0, False
        truncated = not terminated and self._out_of_budget()
        spec = self.task.evaluator
        if spec is not None and (spec.when == "step" or terminated or truncated):
            evidence_done = await self._judge_world()
        terminated = terminated or evidence_done
        truncated = truncated and not terminated
        record = StepRecord(
            action=_record(actions) if actions else _plain(action),
            terminated=terminated,
            truncated=truncated,
            error=seen.error,
            environment_s=time.monotonic() - started,
        )
        self.records.append(record)
        if spec is not None and (spec.when == "step" or terminated or truncated):
            reward = self._reward()
            self.records[-1] = record.model_copy(update={"reward": reward})
        self._over = terminated or truncated
        self._last = self._dress(seen)
        info: dict[str, Any] = {"score": self.score} if self.score else {}
        return Step(self._last, reward, terminated, truncated, info)

    async def close(self) -> None:
        """Release the world; safe to call twice."""
        if not self._closed:
            self._closed = self._over = True
            with attributed(EnvironmentFault, f"{self.task.id}: close"):
                await self.world.close()

    def episode(self, **fields: Any) -> Episode:
        """The episode so far; `fields` are what only the caller knows (agent, usage, outcome …)."""
        known: dict[str, Any] = {
            "task": self.task.id,
            "agent": "",
            "seed": self.seed,
            "goal": self.goal,
            "steps": tuple(self.records),
            "evidence": self.evidence,
            "answer": self.answer,
            "infeasible": self.infeasible,
            "versions": self.world.versions,
        }
        return Episode.model_construct(**(known | fields))

    async def finish(self) -> None:
        """Collect the evidence of an episode that was stopped from outside, so that it can be scored."""
        if self.task.evaluator is not None and not self._over:
            await self._judge_world()

    def _forget(self, seed: int) -> None:
        self.seed, self.goal = seed, self.task.goal
        self.records: list[StepRecord] = []
        self.messages: list[Message] = []
        self.answer: str | None = None
        self.infeasible: str | None = None
        self.evidence: Evidence | None = None
        self.score: Score | None = None
        self.spent = Usage()
        """What the agent used so far, as whoever plays the episode says; held against the limits on tokens and dollars."""
        self._value = 0.0
        self._over = True

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(f"{self.task.id}: this environment is closed; make another one")

    @property
    def _submitted(self) -> bool:
        return self.answer is not None or self.infeasible is not None

    def _parse(self, action: Action | Mapping[str, Any] | str) -> tuple[list[Action], str | None]:
        try:
            if isinstance(action, str) and not action.lstrip().startswith("{"):
                actions = self.world.parse(action)
            else:
                actions = [parse_action(action)]
        except ValueError as problem:
            return [], _printable(str(problem))
        if not actions:
            return [], f"no action in {_plain(action)!r}"
        for each in actions:
            if unfit := _unfit(each):
                return [], unfit
            if not self.action_space.contains(each):
                return [], f"{each.kind!r} is no action of this environment; it takes {', '.join(self.action_space.kinds)}"
        return actions, None

    async def _act(self, action: Action) -> Observation:
        match action:
            case Say(text=text):
                self.messages.append(Message(role="assistant", text=text))
            case Submit(answer=answer):
                self.answer = answer
            case Infeasible(reason=reason):
                self.infeasible = reason
            case _:
                with attributed(EnvironmentFault, f"{self.task.id}: {action.kind}"):
                    seen = await self.world.act(action)
                self.messages += seen.messages
                return seen
        return self._last.model_copy(update={"error": None})

    async def _judge_world(self) -> bool:
        assert self.task.evaluator is not None
        with attributed(EnvironmentFault, f"{self.task.id}: collecting evidence"):
            self.evidence = await self.world.collect(self.task.evaluator.probe)
        return self.evidence.done

    def _reward(self) -> float:
        if self.evaluator is None:
            return 0.0
        with attributed(EvaluatorError, f"{self.task.id}: scoring"):
            self.score = self.evaluator.score(self.task, self.episode())
            if not isinstance(self.score, Score):
                raise TypeError(f"expected a Score, got {type(self.score).__name__}")
        value = self.score.value if self.score.value is not None else self._value
        gain, self._value = value - self._value, value
        return gain

    def _out_of_budget(self) -> bool:
        limits = self.task.limits
        steps_out = limits.steps is not None and len(self.records) + 1 >= limits.steps
        seconds_out = limits.seconds is not None and time.monotonic() - self._started >= limits.seconds
        tokens_out = limits.tokens is not None and (self.spent.tokens or 0) >= limits.tokens
        usd_out = limits.usd is not None and (self.spent.usd or 0.0) >= limits.usd
        return steps_out or seconds_out or tokens_out or usd_out

    def _dress(self, seen: Observation) -> Observation:
        """The world's observation with what only the environment knows."""
        limits, elapsed, step = self.task.limits, time.monotonic() - self._started, len(self.records)
        return seen.model_copy(
            update={
                "goal": self.goal,
                "goal_fields": self.goal_fields,
                "messages": tuple(self.messages[-MESSAGES_KEPT:]),
                "step": step,
                "elapsed_s": elapsed,
                "budget": Budget(
                    steps=None if limits.steps is None else max(0, limits.steps - step),
                    seconds=None if limits.seconds is None else max(0.0, limits.seconds - elapsed),
                    tokens=None if limits.tokens is None else max(0, limits.tokens - (self.spent.tokens or 0)),
                    usd=None if limits.usd is None else max(0.0, limits.usd - (self.spent.usd or 0.0)),
                ),
            }
        )


def _modalities(world: World, observe: Sequence[Modality] | None) -> tuple[Modality, ...]:
    if isinstance(observe, str):
        observe = (cast(Modality, observe),)
    wanted = tuple(world.default_observe if observe is None else observe)
    offered = world.capabilities.modalities
    for name in wanted:
        if name not in offered:
            known = "no observation of any world" if name not in MODALITIES else "not offered by this world"
            raise UsageError(f"observe: {name!r} is {known}; choose from {', '.join(offered)}")
    return wanted


def _check_setup(world: World, task: Task) -> None:
    try:
        world.Setup.model_validate(task.setup)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("setup", *problem["loc"]))
        raise TaskError(f"{task.id}: {where}: {problem['msg']}; see {world.Setup.__name__} of environment {task.env!r}") from None


def _record(actions: Sequence[Action]) -> Any:
    forms = [each.model_dump(mode="json", exclude_defaults=True) | {"kind": each.kind} for each in actions]
    return forms[0] if len(forms) == 1 else forms


def _plain(action: object) -> Any:
    """What was given instead of an action, fit for JSON."""
    if isinstance(action, (str, int, type(None))):
        return _printable(action[:2000]) if isinstance(action, str) else action
    return _printable(repr(action)[:2000])


def _unfit(action: Action) -> str | None:
    """Why this action could not be stored; half of a surrogate pair passes for a text in Python, but not in JSON."""
    try:
        action.model_dump_json()
    except ValueError as problem:
        return f"{action.kind}: not fit for JSON: {problem}"
    return None


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
