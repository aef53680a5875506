"""The agent that does nothing: what it scores, a task gives away."""

from __future__ import annotations

from quintain.core import TaskView
from quintain.spaces import Action, Noop, Observation


class NullAgent:
    """Waits until the budget is used up."""

    def reset(self, task: TaskView, seed: int) -> None:
        pass

    def act(self, observation: Observation) -> Action:
        return Noop()
