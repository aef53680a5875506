"""STORM's matrix games by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from quintain.envs.marl.storm.storm import Payoffs, Storm
from quintain.functional import Game


def _alike(matrix: tuple[tuple[float, float], tuple[float, float]]) -> Payoffs:
    """Both play the same game: what the second gets is the transpose."""
    (both, lost), (won, neither) = matrix
    return matrix, ((both, won), (lost, neither))


PAYOFFS: Mapping[str, Payoffs] = {
    "prisoners_dilemma": _alike(((3, 0), (5, 1))),
    "chicken": _alike(((3, 2), (5, 0))),
    "stag_hunt": _alike(((4, 0), (2, 2))),
    "pure_coordination": _alike(((1, 0), (0, 1))),
    "rationalizable_coordination": _alike(((1, 0), (0, 2))),
    "bach_or_stravinsky": (((3, 0), (0, 2)), ((2, 0), (0, 3))),
    "matching_pennies": (((1, -1), (-1, 1)), ((-1, 1), (1, -1))),
}
"""The dilemma as in JaxMARL; chicken to Bach or Stravinsky as in Melting Pot's worlds "in the matrix" (Agapiou et al. 2022)."""

GAMES: Mapping[str, Callable[..., Game]] = {name: partial(Storm, payoffs=payoffs) for name, payoffs in PAYOFFS.items()}
