"""Selectors of whole attempts that ask nobody, beside those that `deciding` has for proposals and attempts alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from quintain.agents.techniques.choosing import Candidate, Selector
from quintain.agents.techniques.deciding.selectors import selector
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.spaces import Observation, Submit

SelectorLike = str | Selector | Callable[[TaskView, Sequence[Candidate]], int]


class FirstSubmitted:
    """The first attempt that submitted, else the first of all; no further one is made after it."""

    def enough(self, candidate: Candidate) -> bool:
        return isinstance(candidate.action, Submit)

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        return next((at for at, each in enumerate(candidates) if self.enough(each)), 0)


class Shortest:
    """The attempt of the fewest actions among those that submitted, or among all where none did; the first of equals."""

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        submitted = [at for at, each in enumerate(candidates) if isinstance(each.action, Submit)]
        return min(submitted or range(len(candidates)), key=lambda at: len(candidates[at].before))


class AnyOne:
    """One at random: what a selector must beat."""

    def reset(self, task: TaskView, seed: int) -> None:
        self._random = random.Random(seed)

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        return self._random.randrange(len(candidates))


class ByFunction:
    """What a function of the view and the candidates says."""

    def __init__(self, function: Callable[[TaskView, Sequence[Candidate]], int]) -> None:
        self._function = function

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        return self._function(view, candidates)


SIMPLE: dict[str, type[Selector]] = {"first": FirstSubmitted, "shortest": Shortest, "random": AnyOne}


def attempt_selector(given: SelectorLike, **options: Any) -> Selector:
    """A selector from a name (`SIMPLE`, or those of `deciding`), from ``module:Class``, as it is, or around a function.

    Raises:
        UsageError: none of these, or options that it does not take.
    """
    if isinstance(given, str) and given in SIMPLE and not options:
        return SIMPLE[given]()
    if callable(given) and not isinstance(given, Selector):
        return ByFunction(given)
    try:
        return selector(given, **options)
    except UsageError as error:
        raise UsageError(f"{error}; of attempts also {', '.join(SIMPLE)}") from None
