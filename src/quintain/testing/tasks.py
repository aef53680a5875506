"""The conformance suite of tasks."""

from __future__ import annotations

from quintain import making
from quintain.core import Score, Task
from quintain.faces import GymEnv
from quintain.spaces import Noop, Submit

from .evaluators import check_evaluator
from .nonconformance import allowed, require


def check_task(task: Task | str, *, seeds: tuple[int, ...] = (0, 1), steps: int = 3, null_score: float = 0.0) -> None:
    """Check a task: its data, that nothing is gained by doing nothing, and that resetting and scoring repeat.

    Args:
        task: a task or its id.
        seeds: episodes to look at.
        steps: in which nothing is done, before the empty submission.
        null_score: what doing nothing may score at most, where a task gives something away on purpose.

    Raises:
        Nonconformance: the first thing that is wrong.
    """
    name = task if isinstance(task, str) else task.id
    with allowed(name):
        task = making.load_task(task) if isinstance(task, str) else task
        require(Task.model_validate_json(task.model_dump_json()) == task, f"{name}: the task does not survive JSON")
        evaluator = making.load_evaluator(task)
        env = making.make(task)
        try:
            for seed in seeds:
                _check_reset(env, seed)
                _check_null(env, steps=steps, most=null_score, where=f"{name}, seed {seed}")
                if evaluator is not None:
                    check_evaluator(evaluator, task, [env.environment.episode()])
        finally:
            env.close()


def _check_reset(env: GymEnv, seed: int) -> None:
    where = f"{env.task.id}, seed {seed}"
    first, _ = env.reset(seed=seed)
    require(first.goal, f"{where}: no goal is stated, neither by the task nor by its world")
    again, _ = env.reset(seed=seed)
    require(first.goal == again.goal, f"{where}: the goal differs after a second reset: {first.goal!r} and {again.goal!r}")
    same = first == again or not env.capabilities.replay
    require(same, f"{where}: a second reset shows something else, though the world promises replay")


def _check_null(env: GymEnv, *, steps: int, most: float, where: str) -> None:
    """Do nothing in the episode that was just begun; `Noop` may be no action here, which is nothing too."""
    step = env.step(Noop())
    for _ in range(steps):
        if step.terminated or step.truncated:
            break
        step = env.step(Noop())
    if not (step.terminated or step.truncated):
        env.step(Submit())
    score = env.environment.score
    if env.task.evaluator is not None:
        require(isinstance(score, Score), f"{where}: the null agent's episode was not scored")
    if score is not None:
        little = (score.value or 0.0) <= most
        require(little, f"{where}: doing nothing scores {score.value} ({score.reason or 'no reason given'})")
