"""Techniques across attempts and branches: loop agents that play several futures of an episode and adopt one of them.

Each refuses, when it begins to play, a world that lacks what it needs: fresh attempts need `copies`, branches `snapshot`, or
`replay` with `copies`.
"""

from quintain.agents.techniques.searching.beam import Beam
from quintain.agents.techniques.searching.best_of_n import BestOfN
from quintain.agents.techniques.searching.code_monkeys import CodeMonkeys
from quintain.agents.techniques.searching.lingma import Lingma
from quintain.agents.techniques.searching.mcts import MCTS
from quintain.agents.techniques.searching.serial_retry import SerialRetry

__all__ = ["MCTS", "Beam", "BestOfN", "CodeMonkeys", "Lingma", "SerialRetry"]
