"""What a study can find before it is paid for, from a pilot that is stored or from numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from quintain.errors import UsageError
from quintain.stats.intervals import Question
from quintain.stats.power import Noise, Plan, Power, detectable, difference_noise, pilot_noise, plan, power

from .analysis import Metric, Study, asked, plain

QUESTIONS: tuple[Question, ...] = ("new tasks like these", "same tasks again")


class Design(NamedTuple):
    """How many tasks and runs, and how much the difference of two agents varies."""

    tasks: int
    runs: int
    noise: Noise
    source: str
    """Where the noise is from."""


class Outlook(NamedTuple):
    """What a design finds, for one question."""

    question: Question
    power: Power
    detectable: float
    width: float
    """Wanted of the intervals of the plans."""
    plans: tuple[Plan, ...]
    """Cheapest first; empty where no number of runs reaches the width."""


def pilot(study: Study, a: str | None, b: str | None, *, metric: Metric = "score") -> Design:
    """The design of a stored run: the noise of the difference of two agents, by default the two of the highest mean.

    Raises:
        UsageError: an unknown agent, no repeated task, or fewer than two common tasks.
    """
    scored = [name for name, columns in study.agents.items() if columns.scored.any()]
    if not scored:
        raise UsageError("the pilot has no scored episode")
    chosen = [study.chosen(name) for name in (a, b) if name]
    means = dict(zip(study.agents, study.means(metric), strict=True))
    for name in sorted(scored, key=lambda each: -float(np.nanmean(means[each]))):
        if len(chosen) < 2 and name not in chosen:
            chosen.append(name)
    held = [study.scores(name, metric) for name in dict.fromkeys(chosen)]
    with asked():
        if len(held) == 1:
            alone = pilot_noise(held[0].task, held[0].score)
            noise, source = Noise(0.0, 2 * alone.within), f"{chosen[0]} alone, against one that finds the same tasks hard"
        else:
            noise, source = difference_noise(*held), f"{chosen[0]} against {chosen[1]}"
    common = sorted(set.intersection(*(study.played(name) for name in chosen)))
    episodes = sum(len(each.run) for each in held)
    runs = max(1, round(episodes / sum(len(study.played(name)) for name in dict.fromkeys(chosen))))
    return Design(len(common), runs, noise, f"{source}: {len(common)} tasks of the pilot")


def outlook(
    design: Design, delta: float, *, width: float | None = None, chance: float = 0.8, level: float = 0.95
) -> tuple[Outlook, ...]:
    """Power, minimum detectable effect and plans for each question that the design can answer.

    Args:
        width: full width of the interval that a plan must reach; by default twice `delta`.

    Raises:
        UsageError: no difference, no noise at all, or a design that answers neither question.
    """
    wanted = 2 * abs(delta) if width is None else width
    if not (math.isfinite(delta) and delta != 0):
        raise UsageError(f"a difference to find must not be 0, got {delta}")
    if design.noise.between + design.noise.within <= 0:
        raise UsageError("all differences are alike, so that any is found; a pilot with some spread says more")
    found = []
    for question in QUESTIONS:
        if (design.tasks if question == QUESTIONS[0] else design.runs) < 2 or not _varies(design.noise, question):
            continue
        tasks, runs, noise = design.tasks, design.runs, design.noise
        with asked():
            found_with = power(delta, tasks=tasks, runs=runs, noise=noise, level=level, question=question)
            least = detectable(tasks=tasks, runs=runs, noise=noise, chance=chance, level=level, question=question)
        plans = _plans(wanted, noise, level=level, question=question)
        found.append(Outlook(question, found_with, least, wanted, plans))
    if not found:
        raise UsageError("one task, run once, finds nothing; give at least two tasks or two runs")
    return tuple(found)


def _varies(noise: Noise, question: Question) -> bool:
    return (noise.within if question == QUESTIONS[1] else noise.between + noise.within) > 0


def _plans(width: float, noise: Noise, *, level: float, question: Question) -> tuple[Plan, ...]:
    try:
        return plan(width, noise=noise, level=level, question=question)
    except ValueError as error:
        if "reach a width" in str(error):
            return ()
        with asked():
            raise


def to_object(design: Design, found: tuple[Outlook, ...]) -> dict[str, Any]:
    """Ready for JSON."""
    spread = {"sd_tasks": math.sqrt(design.noise.between), "sd_runs": math.sqrt(design.noise.within)}
    return {"design": {"tasks": design.tasks, "runs": design.runs, **spread, "source": design.source}, "answers": plain(found)}
