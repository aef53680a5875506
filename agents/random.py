"""The agent that acts at random: what it scores is luck."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from quintain.core import TaskView
from quintain.elements import Element
from quintain.model_space import ModelSpace
from quintain.spaces import KINDS, Action, Click, Drag, Hover, Noop, Observation, Point, Press, Scroll, Select, Type

KEYS = ("Enter", "Tab", "Escape", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Backspace")
WEIGHTS = {"click": 8, "type": 4, "select": 2, "press": 1, "scroll": 1, "drag": 1, "hover": 1}
"""How often a kind is tried; of the others, none is that could end the episode or leave the page."""
_WORD = re.compile(r"[\w@.-]*\w")


class RandomAgent:
    """Draws a valid action each step: at elements in view that can be clicked or edited, with words of the goal as text.

    Where an observation has no elements, points are drawn from the screenshot; in an environment that takes none of the kinds in
    `WEIGHTS`, any valid action is. The same seed and observations give the same actions.
    """

    def reset(self, task: TaskView, seed: int) -> None:
        self.random = Random(seed)
        kinds = [kind for kind in WEIGHTS if kind in task.action_kinds] if task.action_kinds else list(WEIGHTS)
        others = [KINDS[kind] for kind in task.action_kinds if kind not in ("submit", "infeasible")]
        self.any: ModelSpace[Action] | None = ModelSpace(*others) if others and not kinds else None
        if self.any is not None:
            self.any.seed(seed % 2**32)
        self.kinds = kinds

    def act(self, observation: Observation) -> Action:
        if self.any is not None:
            return self.any.sample()
        makers = {kind: getattr(self, f"_{kind}") for kind in self.kinds}
        kinds = list(makers)
        while kinds:
            kind = self.random.choices(kinds, [WEIGHTS[each] for each in kinds])[0]
            make: Callable[[Observation], Action | None] = makers[kind]
            action = make(observation)
            if action is not None:
                return action
            kinds.remove(kind)
        return Noop()

    def _click(self, observation: Observation) -> Action | None:
        target = self._target(observation, "clickable")
        return None if target is None else Click(target=target)

    def _type(self, observation: Observation) -> Action | None:
        target = self._target(observation, "editable")
        words = [*observation.goal_fields.values(), *_WORD.findall(observation.goal)]
        return None if target is None or not words else Type(target=target, text=self.random.choice(words), clear=True)

    def _select(self, observation: Observation) -> Action | None:
        lists = [each for each in self._shown(observation, "clickable") if each.tag == "select"]
        if not lists:
            return None
        chosen = self.random.choice(lists)
        options = [each.name for each in chosen.descendants() if each.role == "option"]
        return Select(target=chosen.ref, options=(self.random.choice(options),)) if options else None

    def _press(self, observation: Observation) -> Action | None:
        return Press(keys=self.random.choice(KEYS))

    def _scroll(self, observation: Observation) -> Action | None:
        areas = self._shown(observation, "scrollable")
        return Scroll(target=self.random.choice(areas).ref, dy=self.random.choice((-100.0, 100.0))) if areas else None

    def _drag(self, observation: Observation) -> Action | None:
        start, end = self._point(observation), self._point(observation)
        return None if start is None or end is None else Drag(target=start, to=end)

    def _hover(self, observation: Observation) -> Action | None:
        point = self._point(observation)
        return None if point is None else Hover(target=point)

    def _target(self, observation: Observation, state: str) -> int | Point | None:
        if observation.elements is None:
            return self._point(observation)
        found = self._shown(observation, state)
        return self.random.choice(found).ref if found else None

    def _shown(self, observation: Observation, state: str) -> list[Element]:
        if observation.elements is None:
            return []
        return [each for each in observation.elements.find(states=(state, "in_view")) if not each.has("disabled")]

    def _point(self, observation: Observation) -> Point | None:
        if observation.screenshot is not None:
            height, width = observation.screenshot.shape[:2]
        elif observation.elements is not None and len(observation.elements):
            box = observation.elements.row(0).box
            width, height = int(box[2]), int(box[3])
        else:
            return None
        return Point(x=self.random.randrange(max(1, width)), y=self.random.randrange(max(1, height)))
