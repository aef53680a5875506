"""Replays the actions of a stored episode or trace."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from quintain.core import Episode, TaskView
from quintain.errors import UsageError
from quintain.spaces import Action, Infeasible, Observation, parse_action


class ReplayAgent:
    """Does the recorded actions in their order, then declares that the recording is over.

    `source` is an `Episode`, its actions, or a file: an episode as ``.json``, or a trace as JSON lines (``.jsonl``,
    ``.jsonl.gz``) whose objects hold an action under ``action``. Raises `UsageError` where the file holds none.
    """

    def __init__(self, source: str | Path | Episode | Iterable[object] = ()) -> None:
        if isinstance(source, Episode):
            recorded: Iterable[object] = (step.action for step in source.steps)
        elif isinstance(source, (str, Path)):
            recorded = _read(Path(source))
        else:
            recorded = source
        self.actions = [action for each in recorded for action in _actions(each)]

    def reset(self, task: TaskView, seed: int) -> None:
        self._next = 0

    def act(self, observation: Observation) -> Action:
        if self._next >= len(self.actions):
            return Infeasible(reason=f"the recording is over after {len(self.actions)} actions")
        self._next += 1
        return self.actions[self._next - 1]


def _actions(recorded: object) -> Iterator[Action]:
    """One step may hold several actions; what was no action did nothing and is left out."""
    for each in recorded if isinstance(recorded, list) else [recorded]:
        try:
            yield parse_action(each)
        except ValueError:
            continue


def _read(path: Path) -> list[object]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"replay: {path} cannot be read: {error}") from None
    try:
        if path.name.endswith((".jsonl", ".jsonl.gz")):
            found = [record["action"] for record in map(json.loads, filter(str.strip, text.splitlines())) if _holds(record)]
        else:
            episode: Any = json.loads(text)
            found = [step["action"] for step in episode["steps"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"replay: {path} is neither an episode nor a trace ({type(error).__name__}: {error})") from None
    if not found:
        raise UsageError(f"replay: {path} holds no action")
    return found


def _holds(record: object) -> bool:
    return isinstance(record, Mapping) and "action" in record
