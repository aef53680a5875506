"""Stored runs of agents that differ in how far they count, for what reads stored runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quintain.config import AgentConfig
from quintain.registry import load
from quintain.runner import evaluate

toy: Any = sys.modules[load(f"{Path(__file__).with_name('toy_world.py')}:CounterWorld", what="toy world").__module__]


def counts_to(number: int, name: str = "") -> AgentConfig:
    """Solves what asks for at most `number`, and comes near to the rest."""
    return AgentConfig(agent=f"{toy.TOY}:MovesAgent", config={"moves": [toy.UP] * number}, name=name or f"to-{number}")


def play(
    folder: Path, *numbers: int, tasks: int = 6, episodes: int = 3, seed: int = 0, first: int = 0, targets: Sequence[int] = ()
) -> Path:
    """A run of ``to-N`` for each number; targets follow from the episodes' seeds, 1 to 5, unless they are given."""
    goals = list(targets) or [0] * tasks
    asked = [toy.counter_task(f"toy/t{first + at:02}", target=goal) for at, goal in enumerate(goals)]
    agents = [counts_to(number) for number in numbers]
    evaluate(agents, asked, episodes=episodes, seed=seed, workers=0, out=folder, trace="none")
    return folder
