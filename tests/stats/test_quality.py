"""Suite quality against scipy, hand-counted pairs, the formulas of Arena-Hard, and simulated suites."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.items import choose_subset, items, predict, redundant
from quintain.stats.quality import (
    benchmark_agreement,
    confident_agreement,
    correlation,
    mean_win_rate,
    pair_agreement,
    pair_rank_brier,
    separability,
)
from quintain.stats.tables import by_date, capabilities, drop, human_columns, improvement_over_random

NAN = math.nan
# Arena-Hard-Auto, leaderboard of 2024-07-31 with 60 systems (lmarena/arena-hard-auto at b00effb): 95 % limits of the scores.
ARENA_LOW = [
    80.75, 77.25, 77.42, 75.94, 74.84, 72.66, 69.62, 69.02, 68.11, 61.43, 61.28, 61.76, 59.82, 57.56, 55.11, 52.85, 53.83,
    51.13, 48.62, 50.0, 47.46, 44.57, 44.12, 43.84, 39.57, 35.6, 34.81, 34.21, 33.88, 31.26, 30.85, 29.66, 27.94, 25.4,
    22.54, 22.33, 21.71, 21.38, 21.67, 20.75, 20.81, 20.65, 19.71, 19.04, 18.82, 17.06, 16.57, 15.96, 16.12, 15.73, 13.94,
    13.05, 11.23, 11.05, 10.61, 10.02, 7.59, 6.5, 2.74, 2.33,
]  # fmt: skip
ARENA_HIGH = [
    84.6, 80.62, 80.71, 79.9, 78.74, 77.07, 74.62, 73.37, 72.43, 66.55, 66.19, 65.86, 64.72, 62.34, 60.12, 58.2, 58.16,
    56.66, 53.21, 50.0, 52.17, 49.29, 49.04, 49.18, 44.02, 40.36, 39.77, 38.55, 38.15, 35.14, 35.12, 34.31, 31.97, 29.09,
    26.29, 26.83, 25.65, 25.41, 25.27, 24.7, 24.66, 25.43, 23.09, 22.05, 22.61, 20.58, 20.06, 19.32, 19.27, 18.51, 17.02,
    16.82, 14.5, 14.11, 13.43, 13.01, 9.84, 8.6, 4.14, 3.67,
]  # fmt: skip
limits = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.4)), min_size=2, max_size=8)


def rasch(systems: int, tasks: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-np.subtract.outer(draw.normal(0, 1.2, systems), draw.normal(0, 1.2, tasks))))
    return (draw.random((systems, tasks)) < chance).astype(float)


def test_separability_is_the_share_of_pairs_with_disjoint_intervals() -> None:
    found = separability([0.0, 0.3, 0.35, 0.9], [0.2, 0.4, 0.5, 1.0])
    assert (found.value, found.counted, found.pairs) == (5 / 6, 5, 6)
    assert separability([0.0, 0.2], [0.2, 0.4]).value == 0.0


def test_separability_of_arena_hards_leaderboard_is_the_known_one() -> None:
    found = separability(ARENA_LOW, ARENA_HIGH)
    assert (found.counted, found.pairs) == (1598, 1770)


def test_agreement_counts_confident_pairs_only() -> None:
    a = ([0.0, 0.3, 0.6], [0.1, 0.4, 0.7])
    b = ([0.5, 0.3, 0.35], [0.6, 0.4, 0.45])
    # Pairs: opposite (both sure), opposite (both sure), unsure on b.
    found = confident_agreement(a, b)
    assert (found.value, found.counted) == (pytest.approx(-2 / 3), 2)
    assert confident_agreement(a, a).value == 1.0


@given(limits)
@settings(max_examples=50, deadline=None)
def test_agreement_with_itself_is_separability_and_wider_intervals_separate_less(pairs: list[tuple[float, float]]) -> None:
    low = np.array([start for start, _ in pairs])
    high = low + [width for _, width in pairs]
    found = separability(low, high)
    assert confident_agreement((low, high), (low, high)).value == pytest.approx(found.value)
    assert separability(low - 0.1, high + 0.1).value <= found.value
    assert separability(low[::-1], high[::-1]).value == pytest.approx(found.value)


def test_the_pair_rank_brier_score_is_the_squared_error_of_the_chances() -> None:
    above = np.array([[0, 0.9, 0.6], [0.1, 0, 0.5], [0.4, 0.5, 0]])
    assert pair_rank_brier(above, [3, 1, 2]).value == pytest.approx((0.1**2 + 0.4**2 + 0.5**2) / 3)
    assert pair_rank_brier(np.full((4, 4), 0.5), [4, 3, 2, 1]).value == pytest.approx(0.25)
    assert pair_rank_brier((np.arange(4)[:, None] < np.arange(4)) * 1.0, [4, 3, 2, 1]).value == 0.0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=15))
@settings(max_examples=80, deadline=None)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    if len(set(x)) < 2 or len(set(y)) < 2:
        with pytest.raises(ValueError, match="equal"):
            correlation(x, y)
        return
    assert correlation(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)
    assert correlation(x, y, kind="spearman") == pytest.approx(stats.spearmanr(x, y).statistic)
    assert correlation(x, y, kind="pearson") == pytest.approx(stats.pearsonr(x, y).statistic)


def test_the_reference_aggregate_is_the_mean_share_of_systems_beaten() -> None:
    assert mean_win_rate([[1, 3], [2, 2], [3, NAN]]) == pytest.approx([0.5, 0.25, 1.0])
    assert mean_win_rate([[1], [1]]) == pytest.approx([0.5, 0.5])


def boards(seed: int = 1) -> dict[str, dict[str, float]]:
    draw = np.random.default_rng(seed)
    skill = np.sort(draw.normal(size=24))
    board = {
        f"good{k}": {f"s{i}": float(skill[i] + 0.3 * draw.normal()) for i in range(24)} for k in range(4)
    }  # fmt: skip
    return board | {"odd": {f"s{i}": float(draw.normal()) for i in range(24)}}


def test_a_benchmark_that_disagrees_with_all_others_stands_out() -> None:
    found = {each.benchmark: each for each in benchmark_agreement(boards())}
    assert found["odd"].z < -1.5 and found["odd"].correlation < 0.4
    assert all(found[f"good{k}"].correlation > 0.5 for k in range(4))
    assert found["odd"].systems == 24 and found["odd"].subsets == 1
    assert sum(each.z for each in found.values()) == pytest.approx(0, abs=1e-9)


def test_agreement_over_few_similar_systems_is_lower_and_its_spread_is_shown() -> None:
    near = benchmark_agreement(boards(), subset="middle", size=6)
    drawn = benchmark_agreement(boards(), subset="random", size=6, seed=3)
    again = benchmark_agreement(boards(), subset="random", size=6, seed=3)
    assert [each.correlation for each in drawn] == [each.correlation for each in again]
    assert near[0].correlation < drawn[0].correlation
    assert drawn[0].sd > 0.05 and drawn[0].subsets == 200


def test_pairs_of_benchmarks_agree_over_the_systems_that_both_have() -> None:
    board = {"a": {"x": 1.0, "y": 2.0, "z": 3.0}, "b": {"x": 1.0, "y": 3.0, "z": 9.0, "w": 0.0}, "c": {"x": 1.0, "q": 2.0}}
    found = pair_agreement(board)
    assert found["a", "b"] == (1.0, 3)
    assert math.isnan(found["a", "c"][0]) and found["a", "c"][1] == 1


def test_items_have_their_difficulty_and_corrected_item_total_correlation() -> None:
    stats = pytest.importorskip("scipy.stats")
    scores = rasch(30, 8, seed=2)
    found = items(scores)
    for k, each in enumerate(found):
        rest = np.delete(scores, k, axis=1).mean(axis=1)
        assert each.difficulty == pytest.approx(1 - scores[:, k].mean())
        assert each.discrimination == pytest.approx(stats.pearsonr(scores[:, k], rest).statistic)
    constant = items([[1, 0], [1, 1], [1, 0]], names=["easy", "real"])
    assert constant[0].difficulty == 0.0 and math.isnan(constant[0].discrimination)
    assert items([[1, NAN, 0], [0, 1, 1], [1, 0, 0]])[1].systems == 2


def test_tasks_that_say_the_same_are_found() -> None:
    scores = rasch(40, 6, seed=3)
    scores = np.concatenate([scores, scores[:, :1], np.ones((40, 1))], axis=1)
    found = redundant(scores, names=[f"t{k}" for k in range(8)])
    assert [(each.first, each.second) for each in found] == [("t0", "t6")]
    assert found[0].correlation == pytest.approx(1) and found[0].systems == 40
    scores[:37, 6] = NAN
    assert redundant(scores) == ()
    with_gaps = rasch(40, 4, seed=4)
    with_gaps[:9, 1] = NAN
    low = redundant(with_gaps, threshold=1e-9)
    expected = {(i, j): np.corrcoef(with_gaps[9:, i], with_gaps[9:, j])[0, 1] for i, j in ((0, 1), (1, 2), (1, 3))}
    for each in low:
        if (key := (int(each.first), int(each.second))) in expected:
            assert each.correlation == pytest.approx(expected[key])


def test_a_chosen_subset_beats_a_random_one_on_systems_that_did_not_choose_it() -> None:
    found = choose_subset(rasch(40, 120, seed=5), 15)
    assert len(found.tasks) == 15
    assert found.fitted_error < found.predicted_error < found.random_error
    whole = choose_subset(rasch(10, 20, seed=6), 20)
    assert whole.predicted_error == whole.fitted_error == pytest.approx(0)
    assert whole.random_error == 0.0


def test_the_error_of_a_random_subset_is_the_expected_one() -> None:
    scores, draw = rasch(12, 100, seed=7), np.random.default_rng(8)
    errors = []
    for _ in range(2000):
        tasks = draw.choice(100, 20, replace=False)
        errors.append(np.abs(scores[:, tasks].mean(axis=1) - scores.mean(axis=1)).mean())
    assert choose_subset(scores, 20).random_error == pytest.approx(np.mean(errors), rel=0.06)


def test_unmeasured_systems_are_predicted_within_the_stated_error() -> None:
    scores = rasch(60, 80, seed=9)
    seen = scores.copy()
    hidden = np.random.default_rng(10).random(scores.shape) < 0.5
    seen[hidden] = NAN
    found = predict(seen)
    assert (found.values[~hidden] == scores[~hidden]).all()
    error = np.abs([found.values[k, hidden[k]].mean() - scores[k, hidden[k]].mean() for k in range(60)]).mean()
    # Held-out cells of a fold are a quarter of the hidden ones, so that their means are noisier.
    assert error < found.error < 0.2
    assert np.corrcoef(found.means, scores.mean(axis=1))[0, 1] > 0.9
    assert found.measured == int((~hidden).sum())
    assert predict(seen) is not found and predict(seen).error == found.error


def test_the_rasch_fit_is_that_of_a_general_optimiser() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    scores = rasch(6, 5, seed=11)

    def loss(x: np.ndarray) -> float:
        z = np.subtract.outer(x[:6], x[6:])
        return float((np.logaddexp(0, z) - scores * z).sum() + 0.2 * (x**2).sum())

    oracle = optimize.minimize(loss, np.zeros(11), method="BFGS", options={"gtol": 1e-9}).x
    found = predict(scores, penalty=0.2)
    shift = oracle[6:].mean()
    assert found.ability == pytest.approx(oracle[:6] - shift, abs=1e-5)
    assert found.difficulty == pytest.approx(oracle[6:] - shift, abs=1e-5)


def test_capability_cells_with_too_few_tasks_are_hidden() -> None:
    tags = {f"t{k}": ["plan", "web"] if k < 4 else ["web"] for k in range(12)}
    mine = {f"t{k}": float(k % 2) for k in range(12)}
    plan, web = capabilities({"agent": mine}, tags)
    assert (plan.tag, plan.hidden, plan.score, plan.tasks) == ("plan", True, None, 4)
    assert not web.hidden and web.score is not None and web.score.estimate == 0.5
    assert not capabilities({"agent": mine}, tags, least=4)[0].hidden
    with pytest.raises(ValueError, match="no tags"):
        capabilities({"agent": {"unknown": 1.0}}, tags)


def test_the_drop_to_variants_is_paired_and_relative_to_the_parents() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(12)
    parents = draw.random(40)
    variants = np.clip(parents - 0.2 - 0.1 * draw.random(40), 0, 1)
    found = drop(parents, variants)
    oracle = stats.ttest_rel(variants, parents).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(oracle))
    assert found.relative == pytest.approx(100 * (variants.mean() / parents.mean() - 1))
    assert math.isnan(drop([0, 0], [0, 1]).relative)


def test_decay_by_date_has_welchs_interval_at_the_cutoff() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(13)
    dates = [f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in (3, 9, 17, 25)]
    scores = np.clip(draw.random(24) * 0.5 + np.where(np.arange(24) < 12, 0.4, 0.0), 0, 1)
    found = by_date(dates, scores, cutoff="2026-03-31")
    oracle = stats.ttest_ind(scores[12:], scores[:12], equal_var=False).confidence_interval(0.95)
    assert (found.change.low, found.change.high) == pytest.approx(tuple(oracle))
    assert [each.period for each in found.periods] == [f"2026-{month:02}" for month in range(1, 7)]
    assert [each.after for each in found.periods] == [False] * 3 + [True] * 3
    assert found.change.high < 0
    with pytest.raises(ValueError, match="two tasks on either side"):
        by_date(dates, scores, cutoff="2027-01-01")
    with pytest.raises(ValueError, match="ISO"):
        by_date(["June"] * 24, scores, cutoff="2026-03-31")


def test_scores_stand_beside_the_random_agent_and_people() -> None:
    assert improvement_over_random([0.5, 0.25], [0.25, 0.25]) == pytest.approx([100.0, 0.0])
    with pytest.raises(ValueError, match="above 0"):
        improvement_over_random(0.5, 0.0)
    found = human_columns(0.6, [0.4, 0.8, 0.6])
    assert found[:4] == pytest.approx((0.6, 0.6, 0.8, 0.0))
    assert (found.share_of_average, found.share_of_top) == pytest.approx((100.0, 75.0))


def test_what_is_no_suite_is_refused() -> None:
    for function in (items, redundant, predict):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            function([[0.5, 1.5], [0.1, 0.2]])
        with pytest.raises(ValueError, match="measured on no system"):
            function([[0.5, NAN], [0.1, NAN]])
    for size in (0, 4):
        with pytest.raises(ValueError, match="size"):
            choose_subset(np.eye(3), size)
    with pytest.raises(ValueError, match="unmeasured"):
        choose_subset([[1, NAN], [0, 1], [1, 0]], 1)
    with pytest.raises(ValueError, match="penalty"):
        predict(np.eye(3), penalty=0)
    with pytest.raises(ValueError, match="low <= high"):
        separability([1, 0], [0, 1])
    with pytest.raises(ValueError, match="same systems"):
        confident_agreement(([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]))
    with pytest.raises(ValueError, match="chances"):
        pair_rank_brier(np.full((2, 2), 2.0), [1, 2])
    with pytest.raises(ValueError, match="three benchmarks"):
        benchmark_agreement({"a": {}, "b": {}})
    with pytest.raises(ValueError, match="3 <= size"):
        benchmark_agreement(boards(), subset="top", size=2)
    for bad in (([1, 2], [1]), ([1, NAN], [1, 2]), ([1], [1])):
        with pytest.raises(ValueError, match="correlation"):
            correlation(*bad)
    with pytest.raises(ValueError, match="drop"):
        drop([0.5], [0.5])
    with pytest.raises(ValueError, match="people"):
        human_columns(0.5, [])
