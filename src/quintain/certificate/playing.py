"""Playing for a certificate: agents that must score 0, the reference solution that must score 1, scoring and resetting twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quintain.config import AgentConfig
from quintain.core import Suite, Task
from quintain.errors import UsageError
from quintain.making import find_tasks, load_evaluator
from quintain.making import suite as load_suite
from quintain.registry import catalog, load
from quintain.reporting.tables import summarize
from quintain.runner import Progress, Run, evaluate
from quintain.scoring import score_run
from quintain.store import Store

from .lint import lint
from .resetting import Reset, reset_each
from .scores import Played, ScoresOf
from .verdict import Certificate, TaskCheck, fingerprint

ORACLE = "scripted"
ORACLE_FOLDER, ADVERSARIES_FOLDER = "oracle", "adversaries"
AGAIN = " (again)"
STEADY = 3
"""Episodes in each of which the constant agent must have scored 1 before the task is said to need no understanding."""
SIMPLE: Mapping[str, AgentConfig] = {
    "null": AgentConfig(agent="null"),
    "random": AgentConfig(agent="random"),
    "constant": AgentConfig(agent="constant"),
    "submit": AgentConfig(agent="constant", config={"action": {"kind": "submit"}}),
    "infeasible": AgentConfig(agent="constant", config={"action": {"kind": "infeasible"}}),
}
Watch = AbstractContextManager[Callable[[Progress], None] | None]


def certify(
    suite: str | Sequence[str],
    *,
    out: Path,
    episodes: int = 3,
    seed: int = 0,
    workers: int | None = None,
    oracle: str | None = None,
    say: Callable[[str], None] = lambda _: None,
    watch: Callable[[], Watch] = nullcontext,
) -> Certificate:
    """Play the agents that know nothing, the suite's adversaries and its oracle (twice), score again, reset twice, and store
    the certificate in the run.

    Args:
        suite: suites, or globs over task ids.
        out: folder of the run; those of the oracle and the adversaries are folders in it.
        oracle: the agent that knows the solutions, by default the one that the suite names. Where there is a
            ``solvable(task_id) -> bool`` beside it, only the tasks that it names are asked of it.
        say: told what is being done.
        watch: makes the block around each of the runs; what it enters with is their `progress`.

    Raises:
        UsageError, Unavailable: as `quintain.evaluate`.
    """
    plan = _Plan(find_tasks(suite), out=out, episodes=episodes, seed=seed, workers=workers, oracle=oracle, watch=watch)
    solved = sum(map(len, plan.solved.values()))
    say(f"{len(plan.tasks)} tasks, {solved} with an oracle, {episodes} episodes each")
    say("resetting each task twice")
    resets = reset_each(plan.tasks, seed)
    plan = plan.without({task_id for task_id, reset in resets.items() if reset.unavailable})
    folders = plan.play(say)
    say("scoring all again")
    changed = sum(score_run(folder, workers=workers, check=True).changed for folder in folders)
    problems = [f"{changed} scores differ when the stored episodes are scored again"] if changed else []
    played = Played.of(folders)
    linted = lint(plan.tasks, {task_id: reset.goal for task_id, reset in resets.items()})
    found = [plan.check(task, played, resets[task.id], linted.get(task.id, [])) for task in plan.tasks]
    problems += [f"{each.task}: {problem}" for each in found for problem in each.problems]
    flaky = [each.flaky for each in found if each.flaky is not None]
    with Store.open(out) as store:
        certificate = Certificate(
            suite=suite if isinstance(suite, str) else ", ".join(suite),
            verdict="failed" if problems else "passed",
            checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
            episodes=episodes,
            seed=seed,
            versions=store.info.versions,
            random=next((row for row in summarize(store) if row["agent"] == "random"), {}),
            flaky=sum(flaky) / len(flaky) if flaky else None,
            unavailable={task_id: reset.unavailable for task_id, reset in resets.items() if reset.unavailable},
            tasks=tuple(found),
            problems=tuple(problems),
        )
        store.add_certificate(certificate.suite, checked_at=certificate.checked_at, data=certificate.model_dump_json())
    return certificate


class _Plan:
    """What is played for a certificate, and what is asked of each task."""

    def __init__(self, tasks: Sequence[Task], *, oracle: str | None, out: Path, watch: Callable[[], Watch], **run: Any) -> None:
        self.tasks, self.out, self._oracle, self._watch, self._run = list(tasks), out, oracle, watch, run
        self.suites = {name: load_suite(name) for name in {task.suite for task in tasks} if name in catalog("suites")}
        self.solved: dict[str, list[Task]] = {}
        for task in self.tasks:
            name = oracle or self._suite(task).oracle
            if _solvable(name)(task.id):
                self.solved.setdefault(name, []).append(task)

    def without(self, unavailable: set[str]) -> _Plan:
        """The same for the tasks that can be run on this machine."""
        if not unavailable:
            return self
        left = [task for task in self.tasks if task.id not in unavailable]
        if not left:
            raise UsageError("none of these tasks can be run on this machine; `quintain doctor` says what is missing")
        return _Plan(left, oracle=self._oracle, out=self.out, watch=self._watch, **self._run)

    def play(self, say: Callable[[str], None]) -> list[Path]:
        """Play it all; the folders of the runs."""
        folders = [self._evaluate(SIMPLE, self.tasks, self.out)]
        for number, (oracle, tasks) in enumerate(self.solved.items()):
            say(f"the oracle, {oracle}, twice")
            twice = {name: AgentConfig(agent=oracle) for name in (oracle, oracle + AGAIN)}
            folders.append(self._evaluate(twice, tasks, self.out / f"{ORACLE_FOLDER}{number or ''}"))
        for suite in self.suites.values():
            if suite.adversaries:
                say(f"{len(suite.adversaries)} adversaries of {suite.name}")
                agents = {name: AgentConfig.model_validate(dict(each)) for name, each in suite.adversaries.items()}
                tasks = [task for task in self.tasks if task.suite == suite.name]
                folders.append(self._evaluate(agents, tasks, self.out / f"{ADVERSARIES_FOLDER}-{suite.name}"))
        return folders

    def _evaluate(self, agents: Mapping[str, AgentConfig], tasks: Sequence[Task], folder: Path) -> Path:
        with self._watch() as progress:
            done: Run = evaluate(agents, tasks, out=folder, progress=progress, allow_uncertified=True, **self._run)
        return done.path

    def check(self, task: Task, played: Played, reset: Reset, prompts: Sequence[str]) -> TaskCheck:
        """What was found of one task, and what of it is a problem."""
        oracle = self._oracle or self._suite(task).oracle
        of = {name: played.of_task(name, task.id) for name in (*SIMPLE, oracle, oracle + AGAIN)}
        foes = {name: played.of_task(name, task.id) for name in self._suite(task).adversaries}
        asked = task in self.solved.get(oracle, ())
        findings = self._suite(task).findings
        problems = [
            *(each.problem(name) for name, each in (of | foes).items() if each.unscored),
            *_gifts(task, {name: of[name] for name in ("null", "submit", "infeasible")} | foes),
            *_too_easy(of["constant"]),
            *([f"the oracle scores {of[oracle].low:.3f}"] if asked and (of[oracle].low or 0.0) < 1 else []),
            *([reset.problem] if reset.problem else []),
            *prompts,
            *(findings(task, load_evaluator(task)) if findings is not None else ()),
        ]
        flaky = of[oracle].differing(of[oracle + AGAIN]) if asked else None
        if flaky:
            problems.append(f"{flaky:.0%} of the oracle's scores change when it plays the same seeds again")
        return TaskCheck(
            task=task.id,
            fingerprint=fingerprint(task),
            null=of["null"].high,
            oracle=of[oracle].low if asked else None,
            random=of["random"].mean,
            submit=of["submit"].high,
            infeasible=of["infeasible"].high,
            constant=of["constant"].low,
            adversaries={name: each.high for name, each in foes.items()},
            flaky=flaky,
            reset_same=reset.same,
            problems=tuple(problems),
        )

    def _suite(self, task: Task) -> Suite:
        return self.suites.get(task.suite) or Suite(task.suite, "", {})


def _gifts(task: Task, idle: Mapping[str, ScoresOf]) -> Iterable[str]:
    """What agents get that do not do the task; saying that it cannot be done is right where that is so."""
    for name, scores in idle.items():
        if (scores.high or 0.0) > 0 and not (name == "infeasible" and "infeasible" in task.meta.tags):
            yield f"the {name} agent scores {scores.high:.3f}"


def _too_easy(constant: ScoresOf) -> Iterable[str]:
    if len(constant.values) >= STEADY and constant.low == 1:
        yield f"one and the same action solves it in all of {len(constant.values)} episodes"


def _solvable(oracle: str) -> Callable[[str], bool]:
    """Which tasks the oracle claims to solve: what its module says, else all."""
    where = oracle if ":" in oracle else catalog("agents").get(oracle, oracle)
    place = where.rpartition(":")[0]
    try:
        found: Callable[[str], bool] = load(f"{place}:solvable", what="oracle")
    except UsageError:
        return lambda _: True
    return found
