"""Scripts that solve tasks the way a person would be told to: reference solutions, which see only the observation.

Each file has the scripts of one kind of page, and a table of them by task name.
"""

from __future__ import annotations

from functools import cache

from quintain.agents.scripted.view import Script, Steps, View, merged
from quintain.core import TaskView
from quintain.spaces import Action, Infeasible, Noop, Observation

FLAWED = frozenset(
    {
        "click-pie-nodelay",
        "email-inbox",
        "email-inbox-forward",
        "email-inbox-forward-nl",
        "email-inbox-forward-nl-turk",
        "email-inbox-nl-turk",
        "email-inbox-noscroll",
        "phone-book",
        "terminal",
    }
)
"""Pages where some seeds cannot be solved from what is shown, though there is a script: two mails or contacts of one name, of
which only one is right; a file whose name has its extension twice, which the page misreads; a pie whose wanted slice is selected
already and takes no click."""


class ScriptedAgent:
    """Plays the script that belongs to the task's name; declares a task infeasible that has none.

    A page that looks other than the script expects raises `quintain.elements.ElementNotFound`.
    """

    def reset(self, task: TaskView, seed: int) -> None:
        self._script = scripts().get(_name(task.id))
        self._steps: Steps | None = None

    def act(self, observation: Observation) -> Action:
        if self._script is None:
            return Infeasible(reason="there is no script for this task")
        view = View(observation)
        try:
            if self._steps is None:
                self._steps = self._script(view)
                return next(self._steps)
            return self._steps.send(view)
        except StopIteration:
            return Noop()

    @staticmethod
    def solvable(task_id: str) -> bool:
        """See `solvable` of this module."""
        return solvable(task_id)


def solvable(task_id: str) -> bool:
    """Whether there is a script that solves the task whatever the seed."""
    name = _name(task_id)
    return name in scripts() and name not in FLAWED


@cache
def scripts() -> dict[str, Script]:
    """All scripts by task name."""
    from quintain.agents.scripted import choosing, clicking, dates, dragging, email, games, shapes, sliders, social, typing

    modules = (choosing, clicking, dates, dragging, email, games, shapes, sliders, social, typing)
    return merged(module.SCRIPTS for module in modules)


def _name(task_id: str) -> str:
    suite, _, name = task_id.partition("/")
    return name if suite.startswith("miniwob") else task_id
