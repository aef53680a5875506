"""The conformance suite of evaluators."""

from __future__ import annotations

from collections.abc import Iterable

from quintain.core import Episode, Evaluator, Evidence, Failure, Score, Task

from .nonconformance import allowed, require


def check_evaluator(evaluator: Evaluator, task: Task, episodes: Iterable[Episode]) -> None:
    """Check that an evaluator is a pure function that gives a score for every episode, however little is left of it.

    Each episode is scored as it is, a second time, after a way through JSON, and with parts of it missing.

    Raises:
        Nonconformance: the first thing that is wrong.
    """
    name = type(evaluator).__name__
    require(isinstance(evaluator, Evaluator), f"{name}: an evaluator has a `version` and the method score(task, episode)")
    require(isinstance(evaluator.version, str), f"{name}.version is {type(evaluator.version).__name__}, not a text")
    for number, episode in enumerate(episodes):
        where = f"{name} on episode {number} of {task.id}"
        before = episode.model_dump_json(), task.model_dump_json()
        score = _score(evaluator, task, episode, where)
        for way, again in (("the second time", episode), ("after JSON", Episode.model_validate_json(before[0]))):
            second = _score(evaluator, task, again, where)
            same = second.model_dump_json() == score.model_dump_json()
            require(same, f"{where}: scored differently {way}: {score!r} and {second!r}")
        require((episode.model_dump_json(), task.model_dump_json()) == before, f"{where}: the evaluator changed its arguments")
        for missing, lesser in _lesser(episode):
            _score(evaluator, task, lesser, f"{where}, {missing}")


def _lesser(episode: Episode) -> list[tuple[str, Episode]]:
    failed = Failure(owner="environment", message="the world broke")
    return [
        ("without evidence", episode.model_copy(update={"evidence": None})),
        ("with empty evidence", episode.model_copy(update={"evidence": Evidence()})),
        ("without an answer", episode.model_copy(update={"answer": None})),
        ("without steps", episode.model_copy(update={"steps": (), "evidence": None, "answer": None})),
        ("declared infeasible", episode.model_copy(update={"infeasible": "cannot be done", "answer": None})),
        ("broken", episode.model_copy(update={"outcome": "env_error", "failure": failed, "evidence": None})),
    ]


def _score(evaluator: Evaluator, task: Task, episode: Episode, where: str) -> Score:
    with allowed(where):
        score = evaluator.score(task, episode)
    require(isinstance(score, Score), f"{where}: gave {type(score).__name__}, not a Score")
    with allowed(f"{where}: the score to JSON and back"):
        again = Score.model_validate_json(score.model_dump_json())
    require(again == score, f"{where}: {score!r} does not survive JSON")
    return score
