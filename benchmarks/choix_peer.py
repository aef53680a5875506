"""choix fits the Bradley-Terry model to a list of games, driven by `peer.Peer`; runs under the peer's own Python."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import choix
from peer import serve


def fit(systems: int, games: list[list[int]]) -> dict[str, object]:
    """CPU milliseconds of one fit of (winner, loser) pairs, and the strengths."""
    pairs = [(winner, loser) for winner, loser in games]
    began = time.process_time()
    strengths = choix.ilsr_pairwise(systems, pairs)
    return {"ms": (time.process_time() - began) * 1000, "strengths": (strengths - strengths.mean()).tolist()}


serve({"fit": fit})
