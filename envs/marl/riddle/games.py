"""The riddles by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quintain.envs.marl.riddle.switch import SwitchRiddle
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {"switch_riddle": SwitchRiddle}
