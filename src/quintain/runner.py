"""Many episodes: trials to workers, limits, retries by the owner of the failure, resume."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from .certificate import kept
from .config import RunConfig, available_cores, explain
from .core import Episode, Limits, Task
from .errors import TaskError, UsageError
from .executors import Executor, Finished, make_executor
from .lifting import AgentLike
from .making import find_tasks, load_evaluator
from .registry import lookup
from .roster import Contestant, roster
from .scoring import score_episode
from .spaces import Modality
from .store import Store, Trial
from .trace import TraceLevel
from .trial import BuildAgents, Plan, Summary, TrialJob, lost, summary


class Progress(NamedTuple):
    """How far a run is."""

    done: int
    total: int
    running: int
    failures: int
    """Episodes that ended in another way than `ok`."""
    last: Summary | None
    """The episode that ended last."""


class Run:
    """A run on disk. It holds no episode in memory; every call reads the store."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        with Store.open(self.path) as store:
            self.config = store.config

    def results(self) -> list[dict[str, Any]]:
        """One mapping for each agent and suite; see `quintain.reporting.tables.summarize`."""
        from .reporting.tables import summarize

        with Store.open(self.path) as store:
            return summarize(store)

    def rows(self) -> dict[str, Any]:
        """Columns over all episodes; see `quintain.store.Store.rows`."""
        with Store.open(self.path) as store:
            return store.rows()

    def episodes(self) -> Iterator[Episode]:
        """The episodes, one at a time."""
        with Store.open(self.path) as store:
            yield from store.episodes()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def evaluate(
    agents: AgentLike | Iterable[AgentLike] | Mapping[str, AgentLike],
    tasks: str | Task | Iterable[str | Task],
    *,
    episodes: int = 1,
    seed: int = 0,
    workers: int | None = None,
    out: Path | str | None = None,
    observe: Sequence[Modality] | None = None,
    limits: Limits | Mapping[str, Any] | None = None,
    seconds: float | None = 300.0,
    trace: TraceLevel = "full",
    resume: bool = False,
    retries: int = 1,
    executor: str = "local",
    progress: Callable[[Progress], None] | None = None,
    options: Mapping[str, Any] | None = None,
    allow_uncertified: bool = False,
) -> Run:
    """Let every agent play every task `episodes` times, in parallel, and store what came of it.

    Args:
        agents: one or several of what `quintain.lifting` takes: an id of the catalog, ``module:Class``, ``file.py:Class``,
            ``{"agent": …, "config": {…}}``, a class, an object, a function; a mapping gives them names.
        tasks: ids, globs, suites, task files or `Task` values.
        episodes: of each agent on each task; the k-th has the same seed for all agents.
        workers: processes; by default one a core, 0 plays in this process, where nothing can be killed.
        out: the run's folder; by default a new one under ``runs/``.
        observe: modalities, by default those of each world; where the tasks are of several families, what each offers of them.
        limits: override those of the tasks, where given.
        seconds: the limit on an episode of a task that states none; None is no limit. Whoever overstays it is killed.
        trace: ``"full"``, ``"actions"`` or ``"none"``.
        resume: go on with the run in `out`: play what is missing or was an environment's fault.
        retries: further attempts at an episode that the environment or the machine broke; an agent's failure is final.
        executor: ``"local"`` or ``"ray"``.
        progress: is called in this thread after every episode.
        options: for the worlds, such as ``{"mode": "virtual"}``.
        allow_uncertified: play tasks too on which, by their certificate, an agent that does nothing scores.

    Raises:
        UsageError: an agent or task that cannot be, a folder that holds another run, a task that rewards doing nothing.
        Unavailable: a real part that a world needs is missing; says how to get it.
        InfrastructureError: the disk is full, or workers cannot start. What was finished is kept.
        KeyboardInterrupt: after Ctrl-C, once all workers are gone; says how to resume.
    """
    contestants = roster(agents)
    found = [_limited(task, _limits(limits), seconds) for task in find_tasks(tasks)]
    _check_tasks(found)
    certificates = kept.applying(found)
    if not allow_uncertified:
        kept.refuse(certificates)
    path = Path(out) if out is not None else _new_folder()
    config = _config(
        agents=tuple(each.config for each in contestants), tasks=tuple(task.id for task in found), episodes=episodes, seed=seed,
        out=path, observe=observe, limits=_limits(limits), seconds=seconds, trace=trace, retries=retries, executor=executor,
        options=dict(options or {}),
    )  # fmt: skip
    if not _finished(path, config, found, resume=resume):
        _play(path, config, contestants, found, workers=workers, progress=progress, certificates=certificates)
    return Run(path)


def _finished(path: Path, config: RunConfig, tasks: Sequence[Task], *, resume: bool) -> bool:
    """Whether all of it was played before; a run that is there and not to be gone on with is a `UsageError`."""
    if not Store.holds_run(path):
        return False
    if not resume:
        raise UsageError(
            f"{path} holds a run already; go on with it (`quintain run --resume {path}`, in Python resume=True), "
            "or choose another folder"
        )
    with _opened(path, config, tasks=tasks) as store:
        return next(store.missing(), None) is None


def _play(
    path: Path,
    config: RunConfig,
    contestants: Sequence[Contestant],
    tasks: Sequence[Task],
    *,
    workers: int | None,
    progress: Callable[[Progress], None] | None,
    certificates: Sequence[kept.Kept],
) -> None:
    several = len({task.env for task in tasks}) > 1
    plan = Plan(path.resolve(), tuple(contestants), config.observe, config.options, several)
    trials = len(contestants) * len(tasks) * config.episodes
    count = min(available_cores() if workers is None else workers, trials)
    with make_executor(config.executor, plan, workers=count) as executor:
        # Before the folder is made: a run whose agents cannot be built leaves nothing behind.
        _build_agents(executor)
        with _opened(path, config, tasks=tasks) as store, store.claimed():
            kept.store(store, certificates)
            _Campaign(store, tasks, contestants, progress=progress).play(executor)


def resume(path: Path | str, *, workers: int | None = None, progress: Callable[[Progress], None] | None = None) -> Run:
    """Go on with a run whose agents are named by their place in the code, exactly as it was started."""
    with Store.open(path) as store:
        config, tasks = store.config, list(store.tasks())
    return evaluate(
        config.agents, tasks, allow_uncertified=True, episodes=config.episodes, seed=config.seed,
        workers=workers, out=path, observe=config.observe,
        limits=config.limits, seconds=config.seconds, trace=config.trace, resume=True, retries=config.retries,
        executor=config.executor, progress=progress, options=config.options,
    )  # fmt: skip


def trial_seed(base: int, task: str, k: int) -> int:
    """The seed of the k-th episode of a task: the same for all agents, distinct otherwise, below 2**64."""
    digest = hashlib.sha256(f"{base}/{task}/{k}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _trials(config: RunConfig) -> Iterator[Trial]:
    """Every agent meets a task under a seed before the next one, so that an unfinished run compares them on the same."""
    for k in range(config.episodes):
        for task in config.tasks:
            seed = trial_seed(config.seed, task, k)
            for agent in config.agents:
                yield Trial(task, agent.label, seed, k)


class _Campaign:
    """Feeds an executor with the trials that are missing and keeps count."""

    def __init__(
        self,
        store: Store,
        tasks: Sequence[Task],
        contestants: Sequence[Contestant],
        *,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._store = store
        self._tasks = {task.id: task for task in tasks}
        self._numbers = {contestant.label: number for number, contestant in enumerate(contestants)}
        self._progress = progress
        self._missing = store.missing()
        self._again: deque[TrialJob] = deque()
        self._running: dict[str, float] = {}
        usable = "SELECT count(*), sum(outcome != 'ok') FROM latest WHERE outcome NOT IN ('env_error', 'cancelled')"
        self.done, failures = store.query(usable)[0]
        self._failures = failures or 0
        self._total = store.count_trials()

    def play(self, executor: Executor) -> None:
        """Play all that is missing; what is finished stays, whatever happens."""
        try:
            for finished in executor.run(self._next):
                self._finished(finished)
        except KeyboardInterrupt:
            executor.kill()
            self._forget_unfinished()
            path = self._store.path
            raise KeyboardInterrupt(
                f"stopped: {self.done} of {self._total} episodes are kept in {path}; resume=True goes on from there "
                f"(quintain run --resume {path})"
            ) from None

    def _forget_unfinished(self) -> None:
        """Traces of episodes that were cut off; a worker may have stored one whose end was not heard any more."""
        for episode in self._running:
            if self._store.query("SELECT 1 FROM episodes WHERE id = ?", (episode,)):
                self.done += 1
            else:
                self._store.trace_path(episode).unlink(missing_ok=True)

    def _next(self) -> TrialJob | None:
        job = self._again.popleft() if self._again else self._new()
        if job is not None:
            self._running[job.episode] = time.monotonic()
        return job

    def _new(self) -> TrialJob | None:
        trial = next(self._missing, None)
        if trial is None:
            return None
        return TrialJob(self._id(trial), trial, self._tasks[trial.task], self._numbers[trial.agent])

    def _id(self, trial: Trial) -> str:
        """The same attempt has the same id, so that one that was cut off is overwritten and never stored twice."""
        parts = (self._store.info.id, trial.task, trial.agent, str(trial.seed), str(trial.attempt))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _finished(self, finished: Finished) -> None:
        if finished.error is not None:
            raise finished.error
        job: TrialJob = finished.job
        began = self._running.pop(job.episode)
        ended = finished.result if finished.killed is None else self._lost(finished, time.monotonic() - began)
        again = ended.repeatable and self._try_again(job)
        if not again:
            self.done += 1
            self._failures += ended.outcome != "ok"
        if self._progress is not None:
            self._progress(Progress(self.done, self._total, len(self._running), self._failures, ended))

    def _lost(self, finished: Finished, seconds: float) -> Summary:
        job: TrialJob = finished.job
        assert finished.killed is not None
        episode = lost(job, finished.killed, self._store, seconds=seconds)
        score = score_episode(job.task, load_evaluator(job.task), episode)
        self._store.append(episode, score, attempt=job.trial.attempt)
        return summary(job, episode, score)

    def _try_again(self, job: TrialJob) -> bool:
        if job.tries >= self._store.config.retries:
            return False
        trial = job.trial._replace(attempt=job.trial.attempt + 1)
        self._again.append(dataclasses.replace(job, episode=self._id(trial), trial=trial, tries=job.tries + 1))
        return True


def _build_agents(executor: Executor) -> None:
    jobs = iter([BuildAgents()])
    for finished in executor.run(lambda: next(jobs, None)):
        if finished.error is not None:
            raise finished.error
        if finished.killed is not None:
            raise UsageError(f"an agent's constructor did not survive ({finished.killed.how}); try it alone, outside of a run")


def _config(**fields: Any) -> RunConfig:
    try:
        return RunConfig(**fields)
    except ValidationError as error:
        raise UsageError(f"evaluate: {explain(error, RunConfig)}") from None


def _limits(given: Limits | Mapping[str, Any] | None) -> Limits:
    if given is None or isinstance(given, Limits):
        return given or Limits()
    try:
        return Limits.model_validate(dict(given))
    except ValidationError as error:
        raise UsageError(f"limits: {explain(error, Limits)}") from None


def _limited(task: Task, limits: Limits, seconds: float | None) -> Task:
    """The task with the limits of this run; what is given here goes before what the task says."""
    ours = limits.model_dump(exclude_none=True)
    merged = {"seconds": seconds, **task.limits.model_dump(exclude_none=True), **ours}
    return task.model_copy(update={"limits": task.limits.model_copy(update=merged)})


def _check_tasks(tasks: Sequence[Task]) -> None:
    """Find what is wrong with a task before anything starts: its environment, its set-up, its evaluator."""
    for task in tasks:
        world = lookup("environments", task.env)
        try:
            world.Setup.model_validate(task.setup)
        except ValidationError as error:
            raise TaskError(f"{task.id}: setup.{explain(error, world.Setup)}") from None
        load_evaluator(task)


def _new_folder() -> Path:
    """Named after the time, and never the same for two processes that start together."""
    return Path("runs") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _opened(path: Path, config: RunConfig, *, tasks: Sequence[Task]) -> Store:
    """The run's store with all that is asked for in it; one that holds another run is a `UsageError`."""
    if not Store.holds_run(path):
        store = Store.create(path, config)
    else:
        store = Store.open(path)
        problem = _mismatch(store, config, tasks)
        if problem:
            store.close()
            raise UsageError(f"{path} is another run: {problem}; resume it as it was started, or choose another folder")
    store.add_tasks(tasks)
    if store.count_trials() < len(config.agents) * len(tasks) * config.episodes:
        store.add_trials(_trials(config))
    return store


def _mismatch(store: Store, config: RunConfig, tasks: Sequence[Task]) -> str | None:
    if store.config.seed != config.seed:
        return f"its seed is {store.config.seed}, not {config.seed}"
    theirs, ours = ({each.label: each for each in one.agents} for one in (store.config, config))
    if theirs != ours:
        return (
            f"its agents are {', '.join(theirs)}, not {', '.join(ours)}" if theirs.keys() != ours.keys() else "its agents differ"
        )
    known = {task.id: task for task in store.tasks()}
    for task in tasks:
        if known and task.id not in known:
            return f"it has no task {task.id}"
        if known and known[task.id].model_dump_json() != task.model_dump_json():
            return f"its task {task.id} is another one (goal, set-up, evaluator or limits)"
    if len(known) > len(tasks):
        return f"it has {len(known)} tasks, not {len(tasks)}"
    return None
