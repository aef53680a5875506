"""Rankings against scipy's ranks, hand-counted points and properties that hold for any table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quintain.stats.bootstrap import Resampling
from quintain.stats.matrix import components, majorities, ranks, table
from quintain.stats.rank import borda, mean_rank, mean_score, rank_intervals

NAN = math.nan
boards = st.tuples(st.integers(2, 6), st.integers(2, 7)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
)


@given(boards)
@settings(max_examples=60, deadline=None)
def test_average_ranks_are_those_of_scipy(scores: np.ndarray) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert ranks(scores, axis=0) == pytest.approx(stats.rankdata(-scores, axis=0))
    assert ranks(scores, axis=1) == pytest.approx(stats.rankdata(-scores, axis=1))


def test_ranks_leave_unmeasured_cells_out() -> None:
    assert ranks([3.0, NAN, 5.0, 3.0]) == pytest.approx([2.5, NAN, 1.0, 2.5], nan_ok=True)


def test_borda_counts_whom_a_system_beats_and_half_of_its_ties() -> None:
    found = borda([[3, 1, 1], [2, 1, 2], [1, 0, 3]], names=["x", "y", "z"])
    # x: 2 + 1.5 + 0, y: 1 + 1.5 + 1, z: 0 + 0 + 2.
    assert found.values == (3.5, 3.5, 2.0)
    assert found.ranks == (1.5, 1.5, 3.0)
    assert found.order() == ("x", "y", "z")
    assert "ties half" in found.formula


def test_two_levels_let_a_large_task_count_no_more_than_a_small_one() -> None:
    scores = [[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    one, two = borda(scores), borda(scores, tasks=["big"] * 4 + ["small", "other"])
    assert one.ranks == (1.0, 2.0)
    assert two.values == (1.0, 2.0) and two.ranks == (2.0, 1.0)
    assert two.tasks == 3 and "two levels" in two.formula


def test_mean_rank_and_borda_rank_full_tables_alike() -> None:
    scores = np.random.default_rng(1).random((7, 9))
    assert mean_rank(scores).ranks == borda(scores).ranks
    assert mean_rank(scores).values == pytest.approx(ranks(scores, axis=0).mean(axis=1).tolist())


@given(boards, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_ranking_follows_the_systems_and_is_blind_to_the_order_of_tasks(scores: np.ndarray, random: object) -> None:
    systems, tasks = list(range(scores.shape[0])), list(range(scores.shape[1]))
    random.shuffle(systems)  # type: ignore[attr-defined]
    random.shuffle(tasks)  # type: ignore[attr-defined]
    for method in (borda, mean_rank, mean_score):
        plain, mixed = method(scores), method(scores[systems][:, tasks])
        assert mixed.ranks == tuple(plain.ranks[k] for k in systems)
    assert sum(borda(scores).values) == pytest.approx(scores.shape[1] * len(scores) * (len(scores) - 1) / 2)


@given(boards)
@settings(max_examples=60, deadline=None)
def test_a_better_score_never_worsens_a_rank(scores: np.ndarray) -> None:
    better = scores.copy()
    better[0, 0] += 0.3
    for method in (borda, mean_rank, mean_score):
        assert method(better).ranks[0] <= method(scores).ranks[0]


def test_unmeasured_cells_are_refused_dropped_or_left_out_but_never_zero() -> None:
    scores = [[0.9, 0.2, NAN], [0.8, 0.1, 0.9], [0.1, 0.0, 0.1]]
    for method in (borda, mean_rank, mean_score):
        with pytest.raises(ValueError, match="1 cells are unmeasured"):
            method(scores)
    common = borda(scores, missing="common")
    assert (common.tasks, common.dropped, common.measured) == (2, 1, (2, 2, 2))
    assert common.ranks == (1.0, 2.0, 3.0)
    there = borda(scores, missing="available")
    assert (there.tasks, there.measured, there.n) == (3, (2, 3, 3), 8)
    # x has 2 points a column, y 1, 1 and 1 of 1, which is stretched to 2.
    assert there.values == pytest.approx((6.0, 4.0, 0.0))
    assert mean_score(scores, missing="available").values == pytest.approx((0.55, 0.6, 0.2 / 3))
    assert "available" in there.formula


def test_rank_intervals_are_wide_among_equals_and_narrow_among_unequals() -> None:
    draw = np.random.default_rng(2)
    scores = np.array([0.9, 0.5, 0.5, 0.1])[:, None] + 0.05 * draw.normal(size=(4, 40))
    best, one, other, worst = rank_intervals(scores, names=["a", "b", "c", "d"])
    assert (best.low, best.high, best.first) == (1.0, 1.0, 1.0)
    assert (worst.low, worst.high, worst.first) == (4.0, 4.0, 0.0)
    assert (one.low, one.high) == (other.low, other.high) == (2.0, 3.0)
    assert best.tasks == 40 and best.question == "new tasks like these"


def test_the_same_seed_gives_the_same_rank_intervals() -> None:
    scores = np.random.default_rng(3).random((6, 12))
    for method in ("borda", "mean", "mean rank"):
        one = rank_intervals(scores, method=method, how=Resampling(seed=4, replicates=500))
        assert one == rank_intervals(scores, method=method, how=Resampling(seed=4, replicates=500))
        assert sum(each.first for each in one) == pytest.approx(1)
    with pytest.raises(ValueError, match="one task"):
        rank_intervals([[1.0], [0.0]])
    with pytest.raises(ValueError, match="percentile"):
        rank_intervals(scores, how=Resampling(method="bca"))


def test_two_level_intervals_draw_whole_tasks() -> None:
    scores = np.array([[1.0] * 50 + [0.0] * 2, [0.0] * 50 + [1.0] * 2])
    found = rank_intervals(scores, tasks=["big"] * 50 + ["small", "other"])
    assert found[0].tasks == 3
    assert (found[0].low, found[0].high) == (1.0, 2.0)


def test_majorities_count_pairs_where_both_were_measured() -> None:
    found = majorities(np.array([[1.0, 0.5, NAN], [0.0, 0.5, 1.0]]))
    assert found.tolist() == [[0.0, 1.5], [0.5, 0.0]]


def test_components_come_in_the_order_in_which_they_reach_each_other() -> None:
    edges = np.zeros((5, 5), dtype=bool)
    edges[3, 1] = edges[1, 3] = edges[3, 0] = edges[0, 2] = edges[2, 4] = edges[4, 0] = True
    assert components(edges) == [[1, 3], [0, 2, 4]]


def test_what_is_no_table_is_refused() -> None:
    for bad, message in (
        ([1.0, 2.0], "table"),
        ([[1.0, 2.0]], "two systems"),
        (np.zeros((3, 0)), "one task"),
        ([[1.0], [math.inf]], "finite"),
        ([[1.0], [NAN]], "unmeasured"),
    ):
        with pytest.raises(ValueError, match=message):
            borda(bad)
    with pytest.raises(ValueError, match=r"systems \[1\] have no score"):
        table([[1.0, 0.5], [NAN, NAN]], what="x")
    with pytest.raises(ValueError, match="no task was measured on every system"):
        borda([[1.0, NAN], [NAN, 1.0]], missing="common")
    with pytest.raises(ValueError, match="share no task"):
        borda([[1.0, NAN], [NAN, 1.0]], missing="available")
    with pytest.raises(ValueError, match="distinct names"):
        borda([[1.0], [0.0]], names=["a", "a"])
    with pytest.raises(ValueError, match="its task"):
        borda([[1.0, 0.0], [0.0, 1.0]], tasks=["x"])
