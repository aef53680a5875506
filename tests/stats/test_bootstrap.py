"""The resampling itself: draws, both questions, both limits, and what is refused."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.aggregates import iqm, mean
from quintain.stats.bootstrap import (
    NEW,
    SAME,
    Resampling,
    by_task,
    draw,
    interval,
    jackknife,
    limits,
    replicate,
    run_counts,
    run_draws,
    samples,
    table,
    task_draws,
)

SCORES = np.random.default_rng(3).gamma(1.5, 0.4, (5, 12))
FEW = Resampling(replicates=400)


def test_the_draws_of_a_seed_are_the_same_bytes_everywhere() -> None:
    drawn = np.concatenate(list(draw(np.array([3, 10, 7]), 2, how=Resampling(1000, seed=7))))
    assert drawn[:2].tolist() == [[[2, 6, 4], [2, 5, 5]], [[2, 2, 0], [0, 2, 6]]]
    assert hashlib.sha256(drawn.astype("<i8").tobytes()).hexdigest() == (
        "7f27b2acf63ce1ea98228e0b5c3b19eeac35cdcce2f695039a73b49d81c3d221"
    )


LIMITS = """
import numpy as np
from quintain.stats.aggregates import improvement, performance_profile, summarize
from quintain.stats.bootstrap import Resampling
from quintain.stats.curves import curve
x, y = (np.random.default_rng(seed).gamma(1.5, 0.4, (7, 23)) for seed in (3, 4))
for question in ("same tasks again", "new tasks like these"):
    for method in ("percentile", "bca"):
        print(summarize(x, question=question, how=Resampling(500, method=method)))
    print(improvement(x, y, question=question), curve(x, [1, 3], question=question))
    print([row.tobytes().hex() for row in performance_profile(x, [0.2, 0.9], question=question)[1:4]])
"""


def test_limits_are_the_same_bytes_on_a_processor_that_can_do_less() -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    if not found:
        pytest.skip("numpy takes no extension of this processor that could be left out")
    command = [sys.executable, "-c", LIMITS]
    printed = [
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env={**os.environ, **less}).stdout
        for less in ({}, {"NPY_DISABLE_CPU_FEATURES": " ".join(found)})
    ]
    assert printed[0] == printed[1]
    assert len(printed[0]) > 1000


def test_fewer_replicates_are_the_first_of_more_and_blocks_change_nothing() -> None:
    sizes = np.array([4, 9, 2])
    more = np.concatenate(list(draw(sizes, 3, how=Resampling(500))))
    assert (np.concatenate(list(draw(sizes, 3, how=Resampling(70)))) == more[:70]).all()
    assert (np.concatenate(list(draw(sizes, 3, how=Resampling(500), block=7))) == more).all()
    assert (np.concatenate(list(draw(sizes, 3, how=Resampling(500, seed=1)))) != more).any()
    assert (np.concatenate(list(draw(sizes, 3, how=Resampling(500), stream=1))) != more).any()


def test_draws_are_uniform() -> None:
    drawn = np.concatenate(list(draw(np.array([10, 3]), 4, how=Resampling(20_000))))
    for column, size in ((0, 10), (1, 3)):
        counts = np.bincount(drawn[:, :, column].ravel(), minlength=size)
        assert len(counts) == size
        # Chi-squared with size - 1 degrees of freedom; 5 of its standard deviations above its mean.
        expected = drawn.shape[0] * 4 / size
        assert ((counts - expected) ** 2 / expected).sum() < size - 1 + 5 * math.sqrt(2 * (size - 1))


def test_counts_are_those_of_the_draws() -> None:
    held = by_task([1.0, 2.0, 3.0, 4.0, 5.0], list("aaabb"))
    drawn, counts = (np.concatenate(list(each(held, how=FEW))) for each in (run_draws, run_counts))
    for run, task in itertools.product(range(3), range(2)):
        assert (counts[:, task, run] == (drawn[:, :, task] == run).sum(axis=1)).all()
    assert (counts.sum(axis=2) == [2, 1]).all()


def test_runs_stay_in_their_task_and_one_fewer_is_drawn_unless_the_published_form_is_asked_for() -> None:
    scores = np.arange(12.0).reshape(4, 3)
    for published, runs in ((False, 3), (True, 4)):
        block = np.concatenate(list(samples(table(scores), how=FEW._replace(published=published))))
        assert block.shape == (400, runs, 3)
        assert (block % 3 == np.arange(3)).all()


def test_tasks_are_drawn_with_all_their_runs() -> None:
    scores = np.arange(12.0).reshape(4, 3)
    block = np.concatenate(list(samples(table(scores), question=NEW, how=FEW)))
    assert block.shape == (400, 4, 2)
    assert {tuple(column) for column in block.swapaxes(1, 2).reshape(-1, 4)} == {tuple(column) for column in scores.T}


def test_families_are_drawn_whole() -> None:
    held = table(SCORES, families=list("aaabbbbccddd"))
    drawn = np.concatenate(list(task_draws(held, how=FEW)))
    assert drawn.shape == (400, 3 * 4)
    for row in drawn[:50]:
        counts = np.bincount(row[row >= 0], minlength=12)
        assert all(len(set(counts[members])) == 1 for members in (range(3), range(3, 7), range(7, 9), range(9, 12)))


def test_the_spread_of_the_mean_is_the_standard_error_of_its_question() -> None:
    how = Resampling(40_000)
    same, new = (replicate(table(SCORES), mean, question=question, how=how) for question in (SAME, NEW))
    assert np.std(same) == pytest.approx(math.sqrt((SCORES.var(axis=0, ddof=1) / 5).sum()) / 12, rel=0.02)
    assert np.std(new) == pytest.approx(SCORES.mean(axis=0).std(ddof=1) / math.sqrt(12), rel=0.02)
    published = replicate(table(SCORES), mean, how=how._replace(published=True))
    assert np.var(published) / np.var(same) == pytest.approx(4 / 5, rel=0.04)


def test_small_samples_have_the_exact_distribution_of_all_resamples() -> None:
    scores = np.array([[0.0, 0.2], [0.5, 0.3], [1.0, 0.9]])
    found = replicate(table(scores), mean, how=Resampling(60_000, published=True))
    every = [
        (a.mean() + b.mean()) / 2
        for a, b in itertools.product(*(map(np.array, itertools.product(column, repeat=3)) for column in scores.T))
    ]
    for p in (0.025, 0.1, 0.5, 0.9, 0.975):
        assert np.quantile(found, p) == pytest.approx(np.quantile(every, p), abs=0.012)


def test_percentile_limits_are_interpolated_linearly() -> None:
    found = np.random.default_rng(0).random(999)
    assert limits(found, level=0.9) == pytest.approx(tuple(np.quantile(found, [0.05, 0.95])))
    assert limits(np.array([1.0, 2.0, 3.0, math.inf]), level=0.5) == (1.75, math.inf)
    assert limits(np.array([-math.inf, 2.0, 3.0, 4.0]), level=0.5) == (-math.inf, 3.25)


def test_bca_limits_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle of this test")
    values = np.random.default_rng(4).gamma(0.8, 1.0, 25)
    # One run of each task: drawing tasks is drawing scores.
    ours = interval(values[None], mean, question=NEW, how=Resampling(60_000, method="bca", published=True))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=60_000, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.02 * width)
    assert "BCa" in ours.formula


def test_the_acceleration_of_a_mean_is_a_sixth_of_its_skewness_over_root_n() -> None:
    values = np.random.default_rng(4).gamma(0.8, 1.0, 25)
    from_mean = values - values.mean()
    expected = (from_mean**3).sum() / (6 * (from_mean**2).sum() ** 1.5)
    assert jackknife(table(values[None]), mean, question=NEW).acceleration() == pytest.approx(expected)
    assert jackknife(table(values[:, None]), mean).acceleration() == pytest.approx(expected)


def test_bca_limits_keep_to_the_replicates_however_skewed() -> None:
    values = np.array([0.0] * 9 + [100.0])[:, None]
    found = interval(values, mean, how=Resampling(500, method="bca"))
    assert 0 <= found.low <= found.high <= 100


def test_an_interval_says_how_it_came_about() -> None:
    found = interval(SCORES, iqm, how=Resampling(200, seed=9))
    assert found.low < found.estimate < found.high
    assert found.estimate == float(iqm(SCORES))
    assert (found.n, found.tasks, found.question, found.seed, found.replicates) == (60, 12, SAME, 9, 200)
    assert found.formula == "iqm, bootstrap of runs within tasks, n-1 of n drawn, percentile (linear)"
    published = interval(SCORES, iqm, name="IQM", question=NEW, how=Resampling(200, published=True))
    assert published.formula == "IQM, bootstrap of tasks, n of n drawn, percentile (linear)"


def test_replicates_that_are_all_alike_are_not_taken_for_certainty() -> None:
    assert "no certainty" in interval(np.ones((3, 4)), iqm, how=FEW).formula


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 100))
def test_the_order_of_runs_changes_no_byte(order: list[int], seed: int) -> None:
    how = Resampling(50, seed=seed)
    assert interval(SCORES[order], iqm, how=how) == interval(SCORES, iqm, how=how)


def test_scores_by_task_are_the_matrix_in_whatever_order_they_come() -> None:
    runs, tasks = SCORES.shape
    flat, names = SCORES.ravel(), np.tile([f"t{at:02}" for at in range(tasks)], runs)
    order = np.random.default_rng(0).permutation(len(flat))
    held = by_task(flat[order], names[order].tolist())
    assert (held.values == table(SCORES).values).all()
    assert interval(held, iqm, how=FEW) == interval(SCORES, iqm, how=FEW)


def test_unequal_runs_are_drawn_by_the_size_of_their_task() -> None:
    held = by_task([1.0, 2.0, 3.0, 4.0, 10.0, 20.0], list("aaaabb"))
    block = np.concatenate(list(samples(held, how=FEW)))
    assert np.isnan(block[:, 1:, 1]).all()
    assert set(block[:, 0, 1]) == {10.0, 20.0}
    assert not np.isnan(block[:, :, 0]).any()


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([], "shape"),
        (np.empty((0, 3)), "shape"),
        ([1.0, 2.0], "shape"),
        ([[1.0, float("nan")]], "finite"),
        ([[1.0, float("inf")]], "finite"),
        ([[1.0, 2.0], [3.0]], "by_task"),
    ],
)
def test_a_matrix_that_is_none_is_refused(scores: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        interval(scores, mean)  # type: ignore[arg-type]


def test_flat_scores_that_do_not_fit_are_refused() -> None:
    for values, tasks, families, told in (
        ([], [], None, "no scores"),
        ([1.0], ["a", "b"], None, "1 scores but 2 tasks"),
        ([1.0, float("nan")], ["a", "b"], None, "finite"),
        ([1.0, 2.0], ["a", "a"], ["x", "y"], "two families"),
    ):
        with pytest.raises(ValueError, match=told):
            by_task(values, tasks, families=families)
    with pytest.raises(ValueError, match="families"):
        table(SCORES, families=["a"])


def test_what_cannot_be_known_is_refused() -> None:
    with pytest.raises(ValueError, match="one run tells nothing of its noise"):
        interval(SCORES[:1], mean)
    with pytest.raises(ValueError, match="one task says nothing"):
        interval(SCORES[:, :1], mean, question=NEW)
    with pytest.raises(ValueError, match="one family says nothing"):
        interval(table(SCORES, families=["a"] * 12), mean, question=NEW)


@pytest.mark.parametrize("how", [Resampling(0), Resampling(seed=-1), Resampling(level=1.0)])
def test_a_resampling_that_is_none_is_refused(how: Resampling) -> None:
    with pytest.raises(ValueError, match="resampling needs"):
        interval(SCORES, mean, how=how)


def test_a_statistic_that_gives_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no finite number"):
        interval(SCORES, lambda block: np.full(len(block), np.nan), how=FEW)


def test_bca_of_too_many_scores_is_refused_before_it_takes_for_ever() -> None:
    with pytest.raises(ValueError, match="percentile"):
        interval(np.zeros((3, 7000)) + np.arange(3)[:, None], mean, how=Resampling(2, method="bca"))
