"""Actions for conformance suites: drawn at random, the same ones for the same seed and observations."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from quintain.model_space import ModelSpace
from quintain.spaces import ACTIONS, KINDS, TALK, Action, Noop, Observation, Wait

Draw = Callable[[Observation, Random], Action]
"""Chooses the next action of a conformance run, from nothing but its arguments."""


def any_action(space: ModelSpace[Action]) -> Draw:
    """Draws from `space` whatever does not end the episode, aimed at elements that exist, and waits for moments only."""
    kinds = [kind for kind in space.kinds if kind not in TALK]
    models = ModelSpace[Action](*(KINDS[kind] for kind in kinds)) if kinds else None

    def draw(observation: Observation, random: Random) -> Action:
        if models is None:
            return Noop()
        models.seed(random.randrange(2**31))
        action = models.sample()
        if isinstance(action, Wait):
            return Wait(seconds=0.01)
        elements = observation.elements
        if elements is not None and len(elements) and isinstance(getattr(action, "target", None), int):
            return action.model_copy(update={"target": elements.row(random.randrange(len(elements))).ref})
        return action

    return draw


def malformed(space: ModelSpace[Action]) -> list[object]:
    """What an agent may hand over instead of an action of `space`."""
    outside = next((model for model in ACTIONS if model not in space.models), None)
    foreign = [] if outside is None else [ModelSpace[Action](outside, seed=0).sample()]
    return [
        None, 3.5, b"\xff", [], {}, {"kind": None}, {"kind": "no_such_kind"}, {"kind": "message"},
        {"kind": "message", "text": "x", "colour": "red"},
        "", "{", '{"kind": ', '{"a":' * 50_000, "this is no call", {"kind": "message", "text": "\ud800"}, *foreign,
    ]  # fmt: skip
