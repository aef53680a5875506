"""Agreement of judges against scikit-learn, the krippendorff package and Krippendorff's own example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.judges import calibration, cohen_kappa, flip_rate, judge_score, krippendorff_alpha, length_slope

NAN = math.nan
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section D: four observers, twelve units.
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
# PandaLM (WeOpenML/PandaLM, data/testset-v1.json): how often its annotators gave the labels (i, j, k), each of 0, 1, 2.
PANDALM = [
    85, 2, 2, 0, 0, 0, 4, 0, 4, 5, 11, 0, 10, 368, 10, 0, 12, 11, 7, 0, 4, 0, 11, 18, 2, 7, 426,
]  # fmt: skip


@pytest.mark.parametrize(("scale", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)])
def test_alpha_gives_the_published_values(scale: str, value: float) -> None:
    assert krippendorff_alpha(EXAMPLE, scale=scale) == pytest.approx(value, abs=5.1e-4)


def test_agreement_of_pandalms_annotators_is_the_known_one() -> None:
    labels = np.repeat(np.indices((3, 3, 3)).reshape(3, -1), PANDALM, axis=1)
    assert labels.shape == (3, 999)
    pairs = [cohen_kappa(labels[i], labels[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert pairs == pytest.approx([0.8520, 0.8789, 0.8617], abs=5.1e-5)
    assert krippendorff_alpha(labels) == pytest.approx(0.8642, abs=5.1e-5)


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_that_of_the_krippendorff_package(scale: str) -> None:
    oracle = pytest.importorskip("krippendorff")
    draw = np.random.default_rng(1)
    for _ in range(20):
        ratings = draw.integers(1, 5, (3, 30)).astype(float)
        ratings[draw.random(ratings.shape) < 0.3] = NAN
        assert krippendorff_alpha(ratings, scale=scale) == pytest.approx(
            oracle.alpha(reliability_data=ratings, level_of_measurement=scale)
        )


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(weights: str) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(2)
    for _ in range(20):
        a = draw.integers(0, 4, 60)
        b = np.where(draw.random(60) < 0.6, a, draw.integers(0, 4, 60))
        expected = oracle.cohen_kappa_score(a, b, weights=None if weights == "none" else weights)
        assert cohen_kappa(a, b, weights=weights) == pytest.approx(expected)


def test_calibration_is_that_of_scikit_learn() -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(3)
    human = draw.choice(["a", "b", "tie"], 80)
    judge = np.where(draw.random(80) < 0.7, human, draw.choice(["a", "b", "tie"], 80))
    found = calibration(judge, human)
    assert found.accuracy.estimate == pytest.approx(oracle.accuracy_score(human, judge))
    assert found.macro_f1 == pytest.approx(oracle.f1_score(human, judge, average="macro"))
    assert found.kappa == pytest.approx(oracle.cohen_kappa_score(human, judge))
    assert found.accuracy.low < found.accuracy.estimate < found.accuracy.high


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30))
@settings(max_examples=80, deadline=None)
def test_agreement_is_symmetric_blind_to_order_and_at_most_one(pairs: list[tuple[str, str]]) -> None:
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    if len({*a, *b}) < 2:
        with pytest.raises(ValueError, match="single label"):
            cohen_kappa(a, b)
        return
    if len(set(a)) == len(set(b)) == 1:
        return
    assert cohen_kappa(a, b) == pytest.approx(cohen_kappa(b, a))
    assert cohen_kappa(a, b) == pytest.approx(cohen_kappa(a[::-1], b[::-1]))
    assert cohen_kappa(a, b) <= 1
    assert cohen_kappa(a + b, a + b) == pytest.approx(1)


def test_a_judge_that_names_the_first_answer_always_flips() -> None:
    found = flip_rate([1, 1, 1, 1], [0, 0, 0, 0])
    assert (found.flips.estimate, found.first, found.n) == (1.0, 1.0, 4)
    steady = flip_rate([1, 0, 0.5, 1], [1, 0, 0.5, 1])
    assert (steady.flips.estimate, steady.first) == (0.0, 0.5)


def test_the_length_slope_is_that_of_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    draw = np.random.default_rng(4)
    length = draw.normal(20, 150, 200)
    wins = (draw.random(200) < 1 / (1 + np.exp(-length / 200))).astype(float)
    found = length_slope(wins, length)
    fit = sm.OLS(wins, sm.add_constant(length)).fit(cov_type="HC1", use_t=True)
    assert found.per_unit == pytest.approx(fit.params[1])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[1] * length.std(ddof=1)))
    assert found.low > 0


def test_a_judge_score_stands_beside_the_null_score_of_the_same_items() -> None:
    found = judge_score([1, 1, 0.5, 1, 0], [0, 1, 0.5, 0, 0])
    assert found.score.estimate == pytest.approx(0.7)
    assert found.null.estimate == pytest.approx(0.3)
    assert found.above_null.estimate == pytest.approx(0.4)
    assert found.above_null.low < 0.4 < found.above_null.high


def test_what_is_no_rating_is_refused() -> None:
    for a, b in (([], []), ([1], [1, 2]), ([1.0, NAN], [1.0, 2.0])):
        with pytest.raises(ValueError, match="cohen_kappa"):
            cohen_kappa(a, b)
    with pytest.raises(ValueError, match="two raters"):
        krippendorff_alpha([[1, 2, 3]])
    with pytest.raises(ValueError, match="no item"):
        krippendorff_alpha([[1, NAN], [NAN, 2]])
    with pytest.raises(ValueError, match="one label"):
        krippendorff_alpha([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="verdicts"):
        flip_rate([1, 2], [1, 0])
    with pytest.raises(ValueError, match="swapped"):
        flip_rate([1, 0], [1])
    with pytest.raises(ValueError, match="no slope"):
        length_slope([1, 0, 1], [5, 5, 5])
    with pytest.raises(ValueError, match="null score"):
        judge_score([1, 0], [1])
