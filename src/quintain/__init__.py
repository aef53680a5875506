"""quintain: environments and evaluation for AI agents, one Gymnasium API over web, desktop, repository and multi-agent worlds.

The public names below are loaded when first used; importing the package loads no browser, no JAX and no Docker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import gym_ids as gym_ids  # teaches Gymnasium our ids, which only an import can since it has no plugins

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .core import (
        Agent,
        Capabilities,
        Episode,
        Evaluator,
        Evidence,
        Limits,
        LoopAgent,
        Score,
        Step,
        Suite,
        Task,
        TaskView,
        World,
    )
    from .elements import Element, Elements
    from .handle import EpisodeHandle, SyncHandle
    from .making import list_tasks, load_task, make, make_async, make_vec
    from .model_space import ModelSpace
    from .multiagent.making import list_games, make_aec, make_functional, make_parallel
    from .runner import Run, evaluate
    from .spaces import (
        Action,
        AskScore,
        Back,
        Bash,
        Check,
        Choose,
        Click,
        CloseTab,
        Control,
        Drag,
        Edit,
        FocusTab,
        Forward,
        Goto,
        Hover,
        Infeasible,
        NewTab,
        Noop,
        Observation,
        Point,
        Press,
        Python,
        Read,
        Reload,
        Say,
        Scroll,
        Select,
        Submit,
        Type,
        Upload,
        ViewImage,
        Wait,
        Write,
        parse_action,
    )

_HOMES = {
    "core": (
        "Agent", "Capabilities", "Episode", "Evaluator", "Evidence", "Limits", "LoopAgent", "Score", "Step", "Suite", "Task",
        "TaskView", "World",
    ),
    "elements": ("Element", "Elements"),
    "handle": ("EpisodeHandle", "SyncHandle"),
    "making": ("list_tasks", "load_task", "make", "make_async", "make_vec"),
    "model_space": ("ModelSpace",),
    "multiagent.making": ("list_games", "make_aec", "make_functional", "make_parallel"),
    "runner": ("Run", "evaluate"),
    "spaces": (
        "Action", "Observation", "Point", "parse_action", "Click", "Hover", "Drag", "Scroll", "Type", "Press", "Select",
        "Check", "Upload", "Goto", "Back", "Forward", "Reload", "NewTab", "FocusTab", "CloseTab", "Bash", "Python",
        "Read", "Write", "Edit", "ViewImage", "Choose", "Control", "Say", "AskScore", "Submit", "Infeasible", "Wait", "Noop",
    ),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
# Written out, because type checkers read no computed list.
__all__ = [
    "__version__",
    "Agent", "Capabilities", "Episode", "Evaluator", "Evidence", "Limits", "LoopAgent", "Score", "Step", "Suite", "Task",
    "TaskView", "World",
    "Element", "Elements",
    "EpisodeHandle", "SyncHandle",
    "list_tasks", "load_task", "make", "make_async", "make_vec",
    "ModelSpace",
    "list_games", "make_aec", "make_functional", "make_parallel",
    "Run", "evaluate",
    "Action", "Observation", "Point", "parse_action", "Click", "Hover", "Drag", "Scroll", "Type", "Press", "Select",
    "Check", "Upload", "Goto", "Back", "Forward", "Reload", "NewTab", "FocusTab", "CloseTab", "Bash", "Python", "Read",
    "Write", "Edit", "ViewImage", "Choose", "Control", "Say", "AskScore", "Submit", "Infeasible", "Wait", "Noop",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'quintain' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
