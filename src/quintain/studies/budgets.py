"""Scores against a budget: what the best of k short runs is worth where one long run costs the same (RE-Bench, section 5).

A total budget is split into k independent runs of total/k each, on the clock of steps or of seconds. What a run had scored by
then is read off its record, and the expected best of k from all runs that there are has a closed form (`quintain.stats.curves`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from quintain.core import Episode, Score
from quintain.errors import UsageError
from quintain.stats.bootstrap import DEFAULT, NEW, Resampling, by_task
from quintain.stats.curves import Curve, Point, curve
from quintain.stats.intervals import Question

if TYPE_CHECKING:
    from quintain.store import Store

Clock = Literal["steps", "seconds"]


class Mark(NamedTuple):
    """The best score that a run had once it had spent so much."""

    spent: float
    best: float


class Progress(NamedTuple):
    """One run of a task: `marks` at which its best score rose, and how long it was played."""

    task: str
    marks: tuple[Mark, ...]
    length: float

    def by(self, spent: float) -> float:
        """The best score by then; 0 before the first one, and the last one after the run's end: whoever submits early stays."""
        found = 0.0
        for mark in self.marks:
            if mark.spent > spent:
                break
            found = mark.best
        return found


def progress(episode: Episode, score: Score | None, *, clock: Clock = "seconds") -> Progress:
    """How the best score of a run rose.

    The reward of a step is the increase of the score, so that their sums are scores: at each `score` action where a task allows
    those (the best so far), after each step or at the end in other tasks. Seconds count what the agent and the environment took;
    waiting for a slot is left out.
    `score`, if given, is the episode's score now, which counts from its end on.
    """
    marks, held, best, spent = list[Mark](), 0.0, 0.0, 0.0
    for number, step in enumerate(episode.steps, 1):
        spent = float(number) if clock == "steps" else spent + step.agent_s + step.environment_s
        held += step.reward
        if held > best:
            best = held
            marks.append(Mark(spent, best))
    final = score.value if score is not None and score.value is not None else best
    # Scored again by other rules, a run cannot have had more on its way than it has in the end.
    marks = [Mark(mark.spent, min(mark.best, final)) for mark in marks]
    if final > (marks[-1].best if marks else 0.0):
        marks.append(Mark(spent, final))
    return Progress(episode.task, tuple(marks), spent)


def best_of(
    runs: Sequence[Progress],
    *,
    total: float,
    ks: Sequence[int],
    clock: Clock = "seconds",
    question: Question = NEW,
    how: Resampling = DEFAULT,
) -> Curve:
    """The expected best of k runs of total/k each, for each k: mean over tasks, with intervals.

    The curves of several totals show which split pays at which budget. `Point.spent` is `total` for each k.

    Raises:
        UsageError: no runs, a total that is not positive, or a k that is more than the fewest runs of a task.
        ValueError: as `curve`; of a single task one can only ask about the same task again, for k below its runs.
    """
    if not runs or not total > 0:
        raise UsageError(
            f"best of k needs at least one run and a total budget above 0, got {len(runs)} runs and {total:g} {clock}"
        )
    tasks = [run.task for run in runs]
    fewest = min(tasks.count(task) for task in set(tasks))
    if not ks or min(ks) < 1 or max(ks) > fewest:
        raise UsageError(f"k must be between 1 and {fewest}, the fewest runs of a task, got {list(ks)}; play more seeds")
    points = []
    for k in ks:
        scores = by_task(np.array([run.by(total / k) for run in runs]), tasks)
        point = curve(scores, [k], question=question, how=how, cost=total / k, unit=clock).points[0]
        points.append(Point(k, total, point.score))
    return Curve(tuple(points), clock)


def of_agents(store: Store, *, clock: Clock = "seconds") -> Mapping[str, list[Progress]]:
    """By agent, the scorable runs of a store, in the order of their tasks and seeds."""
    found: dict[str, list[tuple[str, int, Progress]]] = {}
    for episode in store.episodes():
        if episode.scorable:
            run = progress(episode, store.score(episode.id), clock=clock)
            found.setdefault(episode.agent, []).append((episode.task, episode.seed, run))
    return {agent: [run for _, _, run in sorted(runs, key=lambda each: each[:2])] for agent, runs in found.items()}
