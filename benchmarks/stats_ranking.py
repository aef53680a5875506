"""Rankings: Bradley-Terry with its bootstrap beside choix, and the exact Kemeny order of a large leaderboard.

``python benchmarks/stats_ranking.py [--quick] [--json]``. choix 0.4.1 has no bootstrap: its row is one fit of the list of games,
against which ours is one fit from the list too; the row below it is a fit and 200 bootstraps of ours in all. The table for
Kemeny is drawn anew: one weak component of most of its systems, harder than GLUE's (52, 38, 5, 3). All are CPU times of the
process, which others on the same machine disturb least.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from measure import Row, arguments, row, show
from peer import Peer

from quintain.stats.kemeny import kemeny
from quintain.stats.pairwise import Games, bradley_terry, bradley_terry_intervals, win_matrix

SYSTEMS, GAMES = 100, 100_000


def spent(work: Callable[[], object]) -> float:
    """CPU milliseconds of this process."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def season() -> Games:
    draw = np.random.default_rng(0)
    truth = draw.normal(size=SYSTEMS)
    left = draw.integers(0, SYSTEMS, GAMES)
    right = (left + draw.integers(1, SYSTEMS, GAMES)) % SYSTEMS
    won = draw.random(GAMES) < 1 / (1 + np.exp(truth[right] - truth[left]))
    return Games(left, right, won.astype(np.float64))


def leaderboard() -> np.ndarray:
    """105 systems x 14 tasks, with ties."""
    draw = np.random.default_rng(0)
    return np.round(draw.normal(size=(105, 1)) + draw.normal(size=(105, 14)), 2)


def ranking_rows(quick: bool) -> Iterator[Row]:
    """Raises RuntimeError where choix and ours disagree by more than 1e-6."""
    repeats = 3 if quick else 9
    games = season()
    score = np.asarray(games.score)
    won, lost = np.where(score == 1, games.left, games.right), np.where(score == 1, games.right, games.left)
    pairs = np.stack([won, lost], axis=1).tolist()
    ours, theirs, whole = [], [], []
    with Peer("choix", "choix_peer.py", ["choix==0.4.1"]) as peer:
        for _ in range(repeats):
            ours.append(spent(lambda: bradley_terry(win_matrix(games, systems=SYSTEMS))))
            answer = peer.call("fit", systems=SYSTEMS, games=pairs)
            theirs.append(answer["ms"])
            whole.append(spent(lambda: bradley_terry_intervals(games, systems=SYSTEMS)) / 1000)
    fitted = bradley_terry(win_matrix(games, systems=SYSTEMS)).values
    if not np.abs(fitted - np.array(answer["strengths"])).max() < 1e-6:
        raise RuntimeError("stats_ranking: choix and ours do not agree on the strengths")
    yield row("Bradley-Terry, 100 systems, 100,000 games, a fit, CPU", ours, theirs, "ms")
    yield row("the same and 200 bootstraps, in all, CPU", whole, None, "s")
    scores = leaderboard()
    yield row(
        "exact Kemeny, 105 systems x 14 tasks, CPU", [spent(lambda: kemeny(scores)) / 1000 for _ in range(repeats)], None, "s"
    )


def main() -> None:
    flags = arguments("Bradley-Terry beside choix, and the exact Kemeny order.")
    show(ranking_rows(flags.quick), as_json=flags.json)


if __name__ == "__main__":
    sys.exit(main())
