"""Hanabi by name: the sizes that the Hanabi Learning Environment names (`rl_env.py`); each argument can be given."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from quintain.envs.marl.hanabi.game import Hanabi
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {
    "full": Hanabi,
    "small": functools.partial(Hanabi, colours=2, hand=2, information=3, lives=1),
    "very_small": functools.partial(Hanabi, colours=1, hand=2, information=3, lives=1),
}
