"""Scores of web tasks, from values that the page gave when the episode's evidence was collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import JsonValue

from quintain.core import Episode, Score, Task
from quintain.errors import TaskError
from quintain.evaluators.matching import matches

_TOLERANCE = 1e-6


class PageReward:
    """The score of a page that scores itself.

    The probe's values are `raw` (the page's own reward, at most 1, negative for a failure), `done`, and for the discounted
    reward `proportional` (whether the page discounts by time), `elapsed_ms` and `limit_ms` (the page's own time limit). `reward`
    chooses which one is the score: ``binary`` (1 if the raw reward reaches `full`), ``raw``, or ``discounted`` (raw, times the
    share of the time limit that is left); negative ones count as 0. `parts` has all three as they are. Only full success passes:
    partial credit does not.
    """

    version = "1"

    def __init__(self, *, reward: Literal["binary", "raw", "discounted"] = "binary", full: float = 1.0) -> None:
        if reward not in ("binary", "raw", "discounted"):
            raise TaskError(f"page_reward: reward {reward!r} is unknown; use 'binary', 'raw' or 'discounted'")
        self.reward, self.full = reward, full

    def score(self, task: Task, episode: Episode) -> Score:
        values = episode.evidence.values if episode.evidence else None
        if values is None:
            return self._score(value=None, reason="the page was never asked for its reward")
        raw = _float(values.get("raw")) if values.get("done") else 0.0
        passed = bool(values.get("done")) and raw >= self.full - _TOLERANCE
        parts = {"binary": float(passed), "raw": raw, "discounted": raw * _time_left(values)}
        said = values.get("reason")
        reason = str(said) if said else f"the page's reward is {raw:g}" if values.get("done") else "the page is not done"
        return self._score(value=min(1.0, max(0.0, parts[self.reward])), passed=passed, parts=parts, reason=reason)

    def _score(self, **fields: Any) -> Score:
        return Score(evaluator="page_reward", version=self.version, **fields)


class PageState:
    """Compares values of the page with `task.reference`, an object of paths (``cart.items.0.name``) to expectations.

    Expectations are those of `quintain.evaluators.matching.matches`. `match` says whether all or any must hold; with `partial`
    the value is the share that holds, which passes only when it is complete.
    """

    version = "1"

    def __init__(self, *, match: Literal["all", "any"] = "all", partial: bool = False) -> None:
        if match not in ("all", "any"):
            raise TaskError(f"page_state: match {match!r} is unknown; use 'all' or 'any'")
        self.match, self.partial = match, partial

    def score(self, task: Task, episode: Episode) -> Score:
        if not isinstance(task.reference, Mapping) or not task.reference:
            raise TaskError(f"{task.id}: reference: page_state needs an object of paths to expectations")
        if episode.evidence is None:
            return self._score(value=None, reason="the page was never asked for its state")
        values = episode.evidence.values
        results = {path: matches(at(values, path), expected) for path, expected in task.reference.items()}
        parts = {path: float(result.ok) for path, result in results.items()}
        share = sum(parts.values()) / len(parts)
        passed = share == 1.0 if self.match == "all" else share > 0.0
        wrong = [f"{path} is {at(values, path)!r}, expected {each.expected}" for path, each in results.items() if not each.ok]
        return self._score(
            value=share if self.partial and not passed else float(passed),
            passed=passed,
            parts=parts,
            reason="as expected" if passed else "; ".join(wrong)[:1000],
        )

    def _score(self, **fields: Any) -> Score:
        return Score(evaluator="page_state", version=self.version, **fields)


def at(values: Mapping[str, JsonValue], path: str) -> JsonValue:
    """The value at a dotted path of keys and list positions, or under a key that has dots itself; None where there is none."""
    if path in values:
        return values[path]
    here: Any = values
    for part in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    found: JsonValue = here
    return found


def _time_left(values: Mapping[str, Any]) -> float:
    limit = _float(values.get("limit_ms"))
    if not values.get("proportional") or limit <= 0:
        return 1.0
    return max(0.0, 1.0 - _float(values.get("elapsed_ms")) / limit)


def _float(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
