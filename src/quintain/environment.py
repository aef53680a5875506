"""A world, a task and an evaluator joined into one environment: what is alike in every family lives here.

Limits, rewards, talk actions, malformed actions and budgets mean the same on a web page, a desktop and in a repository; a
world's author writes none of it.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from pydantic import JsonValue

from .action_forms import plain, printable, recorded, unfit
from .core import (
    Capabilities,
    Episode,
    Evaluator,
    Evidence,
    RefereedWorld,
    Score,
    Service,
    Step,
    StepRecord,
    Task,
    TaskView,
    Usage,
    World,
)
from .errors import EnvironmentFault, EvaluatorError, QuintainError, UsageError, attributed
from .fitting import check_setup, modalities, refereeing
from .judging import Listener, judge, told
from .model_space import ModelSpace
from .saved import Saved, saved_fields, saving_world, unjudged
from .spaces import (
    KINDS,
    TALK,
    Action,
    AskScore,
    Bash,
    Budget,
    Infeasible,
    Message,
    Modality,
    Observation,
    Python,
    Say,
    Submit,
    parse_action,
)

MESSAGES_KEPT = 50


class Environment:
    """One task in one world, stepped asynchronously; `reset` may be called any number of times, `close` once.

    An action outside `action_space` changes nothing and comes back as `Observation.error`. The reward of a step is the increase
    of the score, so that the rewards of an episode sum up to its final score. A broken world raises `EnvironmentFault`.
    """

    messages: list[Message]
    answer: str | None
    infeasible: str | None
    _asked: bool
    serving: bool
    """The referee of this episode answers programs in the world."""

    def __init__(
        self,
        world: World,
        task: Task,
        *,
        evaluator: Evaluator | None = None,
        observe: Sequence[Modality] | None = None,
        seed: int | None = None,
        another: Callable[[], World] | None = None,
    ) -> None:
        """`another` makes a second world like this one; without it no copies of the episode can be made."""
        self.world, self.task, self.evaluator, self.another = world, task, evaluator, another
        self.observe = modalities(world, observe)
        # Asked for once: looking whether a world has all of a protocol takes its time.
        self._stage = world if isinstance(world, RefereedWorld) else None
        self.referee = refereeing(world, task, evaluator)
        check_setup(world, task)
        self.observation_space: ModelSpace[Observation] = ModelSpace(Observation)
        taken = world.action_kinds | TALK | ({"score"} if task.evaluator and task.evaluator.when == "asked" else set())
        self.action_space: ModelSpace[Action] = ModelSpace(*(KINDS[kind] for kind in KINDS if kind in taken))
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
        self._serve()
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
        return await self._concluded(recorded(actions) if actions else plain(action), seen, started=started)

    async def _concluded(self, did: JsonValue, seen: Observation, *, started: float, cut: bool = False) -> Step:
        """Judge what was done, where it is to be judged, and keep its record; `cut`: no further step is taken."""
        terminated, reward, evidence_done = self._submitted, 0.0, False
        truncated = not terminated and (cut or self._out_of_budget())
        spec, final = self.task.evaluator, terminated or truncated
        judged = spec is not None and (spec.when == "step" or self._asked or final)
        if judged:
            evidence_done = await self._judge_world(final=final)
        terminated = terminated or evidence_done
        truncated = truncated and not terminated
        took_s = time.monotonic() - started
        record = StepRecord(action=did, terminated=terminated, truncated=truncated, error=seen.error, environment_s=took_s)
        self.records.append(record)
        if judged:
            before, reward = self.score, self._reward()
            self.records[-1] = record.model_copy(update={"reward": reward})
            if self._asked and self.score is not None:
                said = told(self.score, first=before is None)
                # Where a text held several actions, what the others gave is told as well.
                text = "\n".join(filter(None, (seen.text, said))) if isinstance(did, list) else said
                seen = self._last = seen.model_copy(update={"text": text})
            self._asked = False
        self._over = terminated or truncated
        self._last = self._dress(seen)
        info: dict[str, Any] = {"score": self.score} if self.score else {}
        return Step(self._last, reward, terminated, truncated, info)

    async def cut(self, why: str) -> Step:
        """End the episode here, truncated and judged, by a step without an action."""
        self._check_playing()
        self._over = True
        seen = self._last.model_copy(update={"error": why})
        return await self._concluded(None, seen, started=time.monotonic(), cut=True)

    async def close(self) -> None:
        """Release the world; safe to call twice."""
        if not self._closed:
            self._closed = self._over = True
            with attributed(EnvironmentFault, f"{self.task.id}: close"):
                await self.world.close()

    async def snapshot(self) -> Saved:
        """The state of the episode, to be gone back to by `restore` or `fork` as often as wanted.

        Raises:
            UsageError: the world has no states that can be saved, or a referee with services takes part, who cannot forget.
        """
        self._check_playing()
        world = saving_world(self.world, task=self.task, serving=self.serving)
        with attributed(EnvironmentFault, f"{self.task.id}: snapshot"):
            state = await world.snapshot()
        return Saved(self.task.id, state, saved_fields(self), time.monotonic() - self._started)

    async def restore(self, saved: Saved) -> Observation:
        """Go back to a saved state: the world, and steps, messages, score, attempts, budget and what was seen with it."""
        self._check_open()
        world = saving_world(self.world, task=self.task, serving=self.serving)
        self._over = True
        with attributed(EnvironmentFault, f"{self.task.id}: restore"):
            await world.restore(saved.of(self.task.id))
        return self._take_up(saved)

    async def fork(self, saved: Saved | None = None, *, judged: bool = True) -> Environment:
        """Another environment in a saved state (by default this one's), whose closing is the caller's.

        One that is not `judged` is a branch of this episode: it never scores, and its time runs out when this one's does.
        """
        saved = saved or await self.snapshot()
        self._check_open()
        world = saving_world(self.world, task=self.task, serving=self.serving)
        with attributed(EnvironmentFault, f"{self.task.id}: fork"):
            twin = await world.fork(saved.of(self.task.id))
        task, evaluator = (self.task, self.evaluator) if judged else (unjudged(self.task), None)
        made = Environment(twin, task, evaluator=evaluator, observe=self.observe, seed=self._seed, another=self.another)
        made._take_up(saved)
        if not judged:
            made.evidence, made.attempts, made.score, made._started = None, [], None, self._started
        return made

    async def adopt(self, branch: Environment) -> Step:
        """Take up the state that a fork came to, which was not judged, and its steps as if they had been done here.

        The last of them is judged here and gets the whole reward; there must be one.
        """
        self._check_playing()
        mine, other = (saving_world(each.world, task=self.task, serving=self.serving) for each in (self, branch))
        *records, last = branch.records
        self._over = True
        with attributed(EnvironmentFault, f"{self.task.id}: adopting a branch"):
            await mine.restore(await other.snapshot())
        self.records += records[len(self.records) :]
        self.messages, self.goal_fields = list(branch.messages), branch.goal_fields
        self.answer, self.infeasible, self._last = branch.answer, branch.infeasible, branch._last
        return await self._concluded(last.action, self._last, started=time.monotonic() - last.environment_s)

    def _take_up(self, saved: Saved) -> Observation:
        vars(self).update(saved.again())
        self._started = time.monotonic() - saved.elapsed_s
        self._last = self._dress(self._last)
        return self._last

    def episode(self, **fields: Any) -> Episode:
        """The episode so far; `fields` are what only the caller knows (agent, usage, outcome …)."""
        known: dict[str, Any] = {
            "task": self.task.id,
            "agent": "",
            "seed": self.seed,
            "goal": self.goal,
            "steps": tuple(self.records),
            "evidence": self.evidence,
            "attempts": tuple(self.attempts),
            "answer": self.answer,
            "infeasible": self.infeasible,
            "versions": self.world.versions,
        }
        return Episode.model_construct(**(known | fields))

    async def finish(self) -> None:
        """Collect the evidence of an episode that was stopped from outside, so that it can be scored."""
        if self.task.evaluator is not None and not self._over:
            await self._judge_world(final=True)

    def _forget(self, seed: int) -> None:
        self.seed, self.goal = seed, self.task.goal
        self.records: list[StepRecord] = []
        self.messages, self.answer, self.infeasible = [], None, None
        self.evidence: Evidence | None = None
        self.attempts: list[Evidence] = []
        self._asked = self.serving = False
        self.score: Score | None = None
        self.spent = Usage()
        """What the agent used so far, as whoever plays the episode says; held against the limits on tokens and dollars."""
        self._value = 0.0
        self._over = True

    def _serve(self) -> None:
        """Have the world answer for the referee, or for nobody any more who took part in another episode of it."""
        services: Mapping[str, Service] = {}
        if self.referee is not None:
            with attributed(EvaluatorError, f"{self.task.id}: beginning"):
                services = self.referee.begin(self.task, self.seed)
        if self._stage is not None:
            self._stage.serve(services)
        self.serving = bool(services)

    def _check_playing(self) -> None:
        self._check_open()
        if self._over:
            raise UsageError(f"{self.task.id}: no episode is being played; call reset() first")

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
            return [], printable(str(problem))
        if not actions:
            return [], f"no action in {plain(action)!r}"
        for each in actions:
            if unwritable := unfit(each):
                return [], unwritable
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
            case AskScore():
                self._asked = True
            case _:
                with attributed(EnvironmentFault, f"{self.task.id}: {action.kind}"):
                    seen = await self.world.act(self._in_time(action))
                self.messages += seen.messages
                return seen
        return self._last.model_copy(update={"error": None})

    def _in_time(self, action: Action) -> Action:
        """A command gets no more than the seconds that are left."""
        if self.task.limits.seconds is None or not isinstance(action, Bash | Python):
            return action
        left = max(0.1, self.task.limits.seconds - (time.monotonic() - self._started))
        return action.model_copy(update={"timeout_s": min(action.timeout_s or left, left)})

    async def _judge_world(self, *, final: bool) -> bool:
        assert self.task.evaluator is not None
        with attributed(EnvironmentFault, f"{self.task.id}: collecting evidence"):
            async with self._scene(final=final) as scene:
                evidence = await self.world.collect(self.task.evaluator.probe)
                if self.referee is not None:
                    with attributed(EvaluatorError, f"{self.task.id}: examining"):
                        if isinstance(self.referee, Listener):
                            self.referee.hear(self.answer, final=final)
                        evidence = await self.referee.examine(self.task, scene, evidence)
        if self.task.evaluator.when == "asked" and self.evidence is not None:
            self.attempts.append(self.evidence)
        self.evidence = evidence
        return evidence.done

    def _scene(self, *, final: bool) -> AbstractAsyncContextManager[Any]:
        """What the world freezes to be judged: for a referee always, else at the end, if anything is asked of it."""
        assert self.task.evaluator is not None
        asked = final and bool(self.task.evaluator.probe.query)
        if self._stage is not None and (asked or self.referee is not None):
            return self._stage.scene(final=final)
        return nullcontext()

    def _reward(self) -> float:
        if self.evaluator is None:
            return 0.0
        with attributed(EvaluatorError, f"{self.task.id}: scoring"):
            self.score = judge(self.task, self.evaluator, self.episode())
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
