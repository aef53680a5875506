"""Scores the answer that the agent submitted."""

from __future__ import annotations

from pydantic import JsonValue

from quintain.core import Episode, Score, Task
from quintain.errors import TaskError
from quintain.evaluators.matching import KINDS, matches


class Answer:
    """Compares the submitted answer with `task.reference`.

    The reference is an answer, a list of which any will do, or an expectation of `quintain.evaluators.matching.matches`. `match`
    says how plain answers are compared: ``exact``, ``casefold`` (case and white space do not count), ``number`` (with
    `tolerance`, or `relative` to it), ``regex`` or ``contains``. No answer, or declaring the task infeasible, scores 0.
    """

    version = "1"

    def __init__(self, *, match: str = "casefold", tolerance: float = 0.0, relative: float = 0.0) -> None:
        if match not in KINDS[:5]:
            raise TaskError(f"answer: match {match!r} is unknown; use {', '.join(KINDS[:5])}")
        self.match = match
        self.options = {"tolerance": tolerance, "relative": relative} if match == "number" else {}

    def score(self, task: Task, episode: Episode) -> Score:
        if task.reference is None:
            raise TaskError(f"{task.id}: reference: the answer evaluator needs the right answer")
        expected = self._expected(task.reference)
        passed = episode.answer is not None and matches(episode.answer, expected).ok
        verdict = "right" if passed else "wrong"
        given = "no answer was submitted" if episode.answer is None else f"{episode.answer[:200]!r} is {verdict}"
        return Score(value=float(passed), passed=passed, reason=given, evaluator="answer", version=self.version)

    def _expected(self, reference: JsonValue) -> JsonValue:
        if isinstance(reference, list):
            return {"any": [self._expected(each) for each in reference]}
        if isinstance(reference, dict):
            return reference
        return {self.match: reference if isinstance(reference, str) else str(reference), **self.options}
