"""A foreign agent at the start of an episode."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from quintain.errors import AgentError, one_line


def fresh(agent: Any, seed: int) -> Any:
    """The agent as it was before its first episode: reset where it has a `reset`, else a copy.

    Raises:
        AgentError: it has no `reset` and cannot be copied.
    """
    reset = getattr(agent, "reset", None)
    if not callable(reset):
        try:
            return copy.deepcopy(agent)
        except Exception as error:
            raise AgentError(
                f"agent: {type(agent).__name__} has no reset and cannot be copied for each episode ({one_line(error)})"
            ) from error
    reset(seed=seed) if "seed" in inspect.signature(reset).parameters else reset()
    return agent
