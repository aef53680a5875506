"""Between our observations and actions and the arrays of policies; a policy's own `encode` and `decode` come first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from quintain.errors import AgentError
from quintain.spaces import ACTIONS, Action, Choose, Control, Observation


def encode(policy: Any, observation: Observation) -> Any:
    """What the policy sees: its own `encode(observation)`; else the numbers that the text holds as JSON, else the screenshot
    (H x W x 3 uint8). Numbers are float32, or of the dtype and shape of the policy's `observation_space` where it has one.

    Raises:
        AgentError: there are neither numbers nor a screenshot, or they are not of that shape.
    """
    if callable(own := getattr(policy, "encode", None)):
        return own(observation)
    numbers = _numbers(observation.text)
    found = observation.screenshot if numbers is None else numbers
    if found is None:
        raise AgentError(
            f"agent: {type(policy).__name__} needs numbers, and the observation has neither a screenshot nor JSON as its text; "
            "give it a method encode(observation)"
        )
    space = getattr(policy, "observation_space", None)
    shape, dtype = getattr(space, "shape", None), getattr(space, "dtype", None)
    if shape is None or dtype is None:
        return found
    if found.size != np.prod(shape):
        raise AgentError(f"agent: {type(policy).__name__} sees arrays of shape {shape}, but got {found.shape}")
    return found.reshape(shape).astype(dtype)


def _numbers(text: str | None) -> Any:
    try:
        return np.asarray(json.loads(text or ""), dtype=np.float32)
    except (ValueError, TypeError):
        return None


def decode(policy: Any, action: Any) -> Action | Mapping[str, Any] | str:
    """What the policy wants: its own `decode(action)`; else an integer chooses a move, and an array sets controls."""
    if callable(own := getattr(policy, "decode", None)):
        return own(action)  # type: ignore[no-any-return]
    if isinstance(action, (*ACTIONS, Mapping, str)):
        return action  # type: ignore[return-value]
    try:
        array = np.asarray(action)
        if array.size == 1 and np.issubdtype(array.dtype, np.integer):
            return Choose(index=int(array.item()) - int(getattr(getattr(policy, "action_space", None), "start", 0)))
        return Control(values=tuple(array.astype(float).ravel().tolist()))
    except (ValueError, TypeError) as error:
        raise AgentError(
            f"agent: {type(policy).__name__} gave {action!r}, which is neither a move nor controls ({error})"
        ) from None
