"""The scenarios by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quintain.envs.marl.mpe.spread import Spread
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {"simple_spread_v3": Spread}
