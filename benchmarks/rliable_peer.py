"""rliable, driven by `peer.Peer`; runs under the peer's own Python (pandas < 3: with 3 its library fails at import)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
from peer import serve
from rliable import library, metrics

Scores = list[list[float]]
AGGREGATES = (metrics.aggregate_mean, metrics.aggregate_median, metrics.aggregate_iqm, metrics.aggregate_optimality_gap)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return (time.perf_counter() - began) * 1000, found


def aggregates(x: Scores, replicates: int) -> dict[str, Any]:
    """Milliseconds, points and limits (2, 4) of the four aggregates."""

    def four(scores: np.ndarray) -> np.ndarray:
        return np.array([aggregate(scores) for aggregate in AGGREGATES])

    ms, (points, limits) = _timed(lambda: library.get_interval_estimates({"x": np.array(x)}, four, reps=replicates))
    return {"ms": ms, "points": points["x"].tolist(), "limits": limits["x"].tolist()}


def improvement(x: Scores, y: Scores, replicates: int) -> dict[str, Any]:
    pair = {"x,y": (np.array(x), np.array(y))}
    run = lambda: library.get_interval_estimates(pair, metrics.probability_of_improvement, reps=replicates)  # noqa: E731
    ms, (points, limits) = _timed(run)
    return {"ms": ms, "points": float(points["x,y"]), "limits": np.ravel(limits["x,y"]).tolist()}


def profile(x: Scores, thresholds: list[float], replicates: int) -> dict[str, Any]:
    run = lambda: library.create_performance_profile({"x": np.array(x)}, np.array(thresholds), reps=replicates)  # noqa: E731
    ms, (points, limits) = _timed(run)
    return {"ms": ms, "points": points["x"].tolist(), "limits": limits["x"].tolist()}


serve({"aggregates": aggregates, "improvement": improvement, "profile": profile})
