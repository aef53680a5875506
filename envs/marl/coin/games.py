"""The coin game by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quintain.envs.marl.coin.coin_game import CoinGame
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {"coin_game": CoinGame}
