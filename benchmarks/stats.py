"""Statistics beside rliable: 10 runs x 26 tasks (the Atari 100k shape), then the rows of comparisons and rankings.

``python benchmarks/stats.py [--quick] [--json]``. Points must agree to 1e-12, and the limits of the published form of the
bootstrap within its own noise, or the benchmark stops: what is compared in speed is the same computation. `--quick` takes a
tenth of the replicates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from measure import Row, arguments, row, show, timed
from numpy.typing import ArrayLike
from peer import Peer
from stats_ranking import ranking_rows

from quintain.stats.aggregates import improvement, performance_profile, summarize
from quintain.stats.bootstrap import Resampling

RLIABLE = ("rliable==1.2.0", "pandas<3", "arch<8")
RUNS, TASKS = 10, 26
THRESHOLDS = np.linspace(0, 2, 81)


class Found(NamedTuple):
    """Points and limits, (…) and (2, …)."""

    points: ArrayLike
    limits: ArrayLike


class Case(NamedTuple):
    name: str
    replicates: int
    ours: Callable[[Resampling], Found]
    op: str
    given: dict[str, Any]
    unit: str


def scores(seed: int) -> np.ndarray:
    """Skewed, of tasks that differ, some exactly 0: like normalised game scores."""
    draw = np.random.default_rng(seed)
    found = draw.gamma(1.0, 0.6, TASKS) * draw.gamma(1.5, 1 / 1.5, (RUNS, TASKS))
    return np.where(found < 0.05, 0.0, found)


def cases(*, quick: bool) -> list[Case]:
    x, y, share = scores(1), scores(2), 10 if quick else 1

    def aggregates(how: Resampling) -> Found:
        made = summarize(x, how=how).values()
        return Found([each.estimate for each in made], [[each.low for each in made], [each.high for each in made]])

    def better(how: Resampling) -> Found:
        made = improvement(x, y, how=how)
        return Found(made.estimate, [made.low, made.high])

    def above(how: Resampling) -> Found:
        made = performance_profile(x, THRESHOLDS, how=how)
        return Found(made.share, [made.low, made.high])

    one, both = {"x": x.tolist()}, {"x": x.tolist(), "y": y.tolist()}
    return [
        Case("4 aggregates", 50_000 // share, aggregates, "aggregates", one, "ms"),
        Case("probability of improvement", 2000 // share, better, "improvement", both, "ms"),
        Case("profile, 81 thresholds", 2000 // share, above, "profile", {**one, "thresholds": THRESHOLDS.tolist()}, "ms"),
    ]


def measured(peer: Peer, case: Case, *, repeats: int) -> Row:
    """Both sides in turn; ours several times for each of theirs, which takes seconds."""
    how, mine, theirs = Resampling(case.replicates), [], []
    case.ours(how)
    for _ in range(repeats):
        answer = peer.call(case.op, replicates=case.replicates, **case.given)
        theirs.append(answer["ms"])
        mine += [timed(lambda: case.ours(how)) for _ in range(3)]
    check(case, case.ours(how._replace(published=True)), Found(answer["points"], answer["limits"]))
    return row(f"{case.name}, {case.replicates:,} replicates", mine, theirs, case.unit)


def check(case: Case, ours: Found, peer: Found) -> None:
    points = np.max(np.abs(np.subtract(ours.points, peer.points)))
    low, high = np.asarray(peer.limits)
    apart = np.median(np.abs(np.subtract(ours.limits, peer.limits)) / np.maximum(high - low, 1e-9))
    if points > 1e-12 or apart > 0.2:
        sys.exit(f"{case.name}: points differ by {points}, limits by {apart:.1%} of their width; not the same computation")


def coverage(runs: int, *, studies: int, published: bool) -> float:
    """Percent of nominal 95 % intervals of a success rate on 50 tasks that hold it."""
    draw, held = np.random.default_rng(runs), []
    for seed in range(studies):
        rates = draw.beta(0.6, 0.9, 50)
        passed = (draw.random((runs, 50)) < rates).astype(float)
        found = summarize(passed, ("mean",), how=Resampling(1000, seed, published=published))["mean"]
        held.append(found.low <= rates.mean() <= found.high)
    return 100 * sum(held) / studies


def rows(*, quick: bool) -> Iterator[Row]:
    with Peer("rliable", "rliable_peer.py", RLIABLE) as peer:
        for case in cases(quick=quick):
            yield measured(peer, case, repeats=1 if quick else 3)
    studies = 200 if quick else 2000
    covered = [coverage(3, studies=studies, published=published) for published in (False, True)]
    yield row("coverage at 3 runs, beside n of n drawn", *covered, "% of 95")._replace(ratio=None)
    yield from ranking_rows(quick=quick)


def main() -> None:
    flags = arguments("Statistics beside rliable and others.")
    show(rows(quick=flags.quick), as_json=flags.json)


if __name__ == "__main__":
    main()
