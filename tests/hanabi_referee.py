"""Hanabi as OpenSpiel plays it, move by move beside ours, with the decks of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyspiel

NAMES = {"colours": "colors", "hand": "hand_size", "information": "max_information_tokens", "lives": "max_life_tokens"}


class Referee:
    """A game of OpenSpiel for each deck (columns of `decks`, codes in the order of dealing)."""

    def __init__(self, decks: np.ndarray, **sizes: int) -> None:
        self.game = pyspiel.load_game("hanabi", {NAMES.get(name, name): value for name, value in sizes.items()})
        self.decks, self.dealt = decks, [0] * decks.shape[1]
        self.states: list[Any] = [self.game.new_initial_state() for _ in self.dealt]
        for table in range(len(self.states)):
            self._deal(table)

    def seen(self, table: int) -> np.ndarray:
        """[players, features]"""
        return np.array([self.states[table].observation_tensor(player) for player in range(self.game.num_players())])

    def play(self, table: int, action: int) -> None:
        self.states[table].apply_action(action)
        self._deal(table)

    def _deal(self, table: int) -> None:
        while self.states[table].is_chance_node():
            self.states[table].apply_action(int(self.decks[self.dealt[table], table]))
            self.dealt[table] += 1
