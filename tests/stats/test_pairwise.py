"""Bradley-Terry, Plackett-Luce, Elo and contest ratings against choix, scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.bootstrap import Resampling
from quintain.stats.elo import contest_rating, elo
from quintain.stats.matrix import components
from quintain.stats.pairwise import Games, bradley_terry, bradley_terry_intervals, win_matrix
from quintain.stats.plackett_luce import plackett_luce

NAN = math.nan


def season(systems: int, games: int, seed: int = 0, ties: float = 0.0) -> tuple[Games, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=systems)
    left = draw.integers(0, systems, games)
    right = (left + draw.integers(1, systems, games)) % systems
    score = (draw.random(games) < 1 / (1 + np.exp(truth[right] - truth[left]))).astype(float)
    score[draw.random(games) < ties] = 0.5
    return Games(left, right, score), truth - truth.mean()


def test_strengths_are_those_of_choix() -> None:
    choix = pytest.importorskip("choix")
    games, truth = season(20, 4000)
    won = np.where(np.asarray(games.score) == 1, games.left, games.right)
    lost = np.where(np.asarray(games.score) == 1, games.right, games.left)
    found = bradley_terry(win_matrix(games, systems=20))
    oracle = choix.ilsr_pairwise(20, list(zip(won.tolist(), lost.tolist(), strict=True)))
    assert found.values == pytest.approx(oracle - oracle.mean(), abs=1e-7)
    assert found.values == pytest.approx(truth, abs=0.4)
    assert found.n == 4000


def test_a_penalised_fit_is_that_of_a_general_optimiser() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    wins = np.array([[0.0, 3.0, 2.0], [0.0, 0.0, 1.5], [0.0, 2.5, 0.0]])

    def loss(theta: np.ndarray) -> float:
        return float((wins * np.logaddexp(0, theta[None, :] - theta[:, None])).sum() + 0.3 * (theta**2).sum())

    oracle = optimize.minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    assert bradley_terry(wins, penalty=0.3).values == pytest.approx(oracle, abs=1e-6)


def test_two_systems_have_the_log_odds_and_ties_count_half() -> None:
    found = bradley_terry([[0, 30], [10, 0]], names=["x", "y"])
    assert found.values[0] - found.values[1] == pytest.approx(math.log(3))
    assert found.chances()[0, 1] == pytest.approx(0.75)
    assert found.elo()[0] - found.elo()[1] == pytest.approx(400 * math.log10(3))
    games = Games([0, 0, 1, 0], [1, 1, 0, 1], [1.0, 0.5, 0.0, 0.5])
    assert win_matrix(games, systems=2).tolist() == [[0.0, 3.0], [1.0, 0.0]]
    assert win_matrix(games, systems=2, weights=[3, 1, 1, 1]).tolist() == [[0.0, 5.0], [1.0, 0.0]]


def test_the_fit_reproduces_every_systems_number_of_wins() -> None:
    wins = win_matrix(season(15, 900, seed=3, ties=0.2)[0], systems=15)
    expected = (wins + wins.T) * bradley_terry(wins).chances()
    assert expected.sum(axis=1) == pytest.approx(wins.sum(axis=1), abs=1e-7)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_every_table_that_has_a_fit_is_fitted_however_uneven(seed: int) -> None:
    draw = np.random.default_rng(seed)
    systems = int(draw.integers(2, 10))
    wins = draw.poisson(0.5, (systems, systems)) * 10.0 ** draw.integers(0, 4, (systems, systems))
    np.fill_diagonal(wins, 0)
    if len(components(wins > 0)) == 1:
        expected = (wins + wins.T) * bradley_terry(wins).chances()
        assert expected.sum(axis=1) == pytest.approx(wins.sum(axis=1), rel=1e-6, abs=1e-6)


@given(st.integers(0, 1000), st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_strengths_follow_the_systems_turn_with_the_results_and_ignore_scale(seed: int, order: list[int]) -> None:
    wins = np.random.default_rng(seed).integers(1, 9, (6, 6)).astype(float)
    plain = bradley_terry(wins).values
    assert bradley_terry(wins[np.ix_(order, order)]).values == pytest.approx(plain[order], abs=1e-8)
    assert bradley_terry(wins.T).values == pytest.approx(-plain, abs=1e-8)
    assert bradley_terry(7 * wins).values == pytest.approx(plain, abs=1e-8)
    more = wins.copy()
    more[0, 1:] += 1
    assert bradley_terry(more).values[0] > plain[0]


def test_systems_without_a_finite_strength_are_named() -> None:
    unbeaten = np.array([[0, 5, 5], [0, 0, 2], [0, 2, 0]], dtype=float)
    with pytest.raises(ValueError, match="champion never lost to any other system"):
        bradley_terry(unbeaten, names=["champion", "b", "c"])
    with pytest.raises(ValueError, match="loser never beat any other system"):
        bradley_terry(unbeaten.T, names=["loser", "b", "c"])
    apart = np.kron(np.eye(2), np.array([[0, 1], [1, 0]]))
    with pytest.raises(ValueError, match="a, b never met any other system"):
        bradley_terry(apart, names=["a", "b", "c", "d"])
    assert np.isfinite(bradley_terry(unbeaten, penalty=0.1).values).all()


def test_bootstrap_intervals_cover_the_truth_and_repeat_under_a_seed() -> None:
    games, truth = season(12, 3000, seed=4)
    found = bradley_terry_intervals(games, systems=12)
    assert found.lost == 0 and found.replicates == 200
    assert (found.low <= found.fit.values).all() and (found.fit.values <= found.high).all()
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.7
    assert (found.rank_low <= found.rank_high).all() and found.rank_low.min() == 1
    assert found.above + found.above.T == pytest.approx(1 - np.eye(12))
    again = bradley_terry_intervals(games, systems=12)
    assert again.low.tobytes() == found.low.tobytes() and again.high.tobytes() == found.high.tobytes()


def test_every_replicate_is_fitted_to_its_own_games() -> None:
    from quintain.stats import pairwise

    for games, systems in ((season(8, 5000, seed=5)[0], 8), (season(5, 60, seed=6, ties=0.5)[0], 5)):
        drawn = pairwise._resampled(games, systems, how=Resampling(replicates=30))
        assert drawn.sum(axis=(1, 2)) == pytest.approx(len(games.left) - 1)
        drawn = drawn[pairwise._connected(drawn > 0)]
        fit = bradley_terry(win_matrix(games, systems=systems)).values
        for wins, values in zip(drawn, pairwise._near(drawn, fit, 0.0), strict=True):
            assert values == pytest.approx(bradley_terry(wins).values, abs=1e-7)


def test_resamples_without_a_fit_are_counted_and_refused_when_they_are_many() -> None:
    few = Games([0, 1, 0, 1], [1, 0, 1, 0], [1.0, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="replicates have no fit"):
        bradley_terry_intervals(few, systems=2)
    assert np.isfinite(bradley_terry_intervals(few, systems=2, penalty=0.5).low).all()
    with pytest.raises(ValueError, match="percentile"):
        bradley_terry_intervals(few, systems=2, how=Resampling(method="bca"))


def test_full_rankings_have_the_strengths_of_choix() -> None:
    choix = pytest.importorskip("choix")
    draw = np.random.default_rng(7)
    truth = draw.normal(size=6)
    scores = truth[:, None] + draw.gumbel(size=(6, 80))
    rankings = [np.argsort(-column).tolist() for column in scores.T]
    oracle = choix.ilsr_rankings(6, rankings)
    found = plackett_luce(scores)
    assert found.values == pytest.approx(oracle - oracle.mean(), abs=1e-7)
    assert found.n == 80 * 5


def test_sparse_pass_or_fail_samples_have_the_strengths_of_choix() -> None:
    choix = pytest.importorskip("choix")
    draw = np.random.default_rng(8)
    scores = (draw.random((7, 300)) < np.linspace(0.3, 0.7, 7)[:, None]).astype(float)
    scores[draw.random(scores.shape) < 0.5] = NAN
    choices = [
        (int(winner), np.flatnonzero(column == 0).tolist())
        for column in scores.T for winner in np.flatnonzero(column == 1) if (column == 0).any()
    ]  # fmt: skip
    oracle = choix.ilsr_top1(7, choices)
    found = plackett_luce(scores)
    assert found.values == pytest.approx(oracle - oracle.mean(), abs=1e-7)
    assert found.n == len(choices)


def test_pairs_make_plackett_luce_and_bradley_terry_one_model() -> None:
    games, _ = season(6, 300, seed=9)
    scores = np.full((6, 300), NAN)
    scores[games.left, np.arange(300)], scores[games.right, np.arange(300)] = games.score, 1 - np.asarray(games.score)
    assert plackett_luce(scores).values == pytest.approx(bradley_terry(win_matrix(games, systems=6)).values, abs=1e-8)


def test_strengths_survive_the_loss_of_most_measurements() -> None:
    draw = np.random.default_rng(10)
    truth = np.sort(draw.normal(size=20))
    truth -= truth.mean()
    scores = truth[:, None] + draw.gumbel(size=(20, 4000))
    scores[draw.random(scores.shape) < 0.9] = NAN
    assert plackett_luce(scores).values == pytest.approx(truth, abs=0.25)


def test_partial_rankings_without_a_fit_name_the_systems() -> None:
    with pytest.raises(ValueError, match="best never lost"):
        plackett_luce([[1, 1, 1], [0, 1, 0], [0, 0, 1]], names=["best", "b", "c"])
    assert np.isfinite(plackett_luce([[1, 1, 1], [0, 1, 0], [0, 0, 1]], penalty=0.01).values).all()
    with pytest.raises(ValueError, match="tells any two systems apart"):
        plackett_luce([[1, 0], [1, 0]])


def test_elo_moves_as_its_rule_says_and_keeps_the_sum() -> None:
    found = elo(Games([0, 0], [1, 1], [1.0, 1.0]), systems=2, k=32)
    first = 1016.0
    expected = first + 32 * (1 - 1 / (1 + 10 ** ((984 - first) / 400)))
    assert found.given.tolist() == pytest.approx([expected, 2000 - expected])
    # The games are alike: no order can matter.
    assert found.sd == pytest.approx([0.0, 0.0], abs=1e-9)


def test_elo_depends_on_the_order_and_says_how_much() -> None:
    games, _ = season(5, 400, seed=11)
    found = elo(games, systems=5, k=24)
    assert (found.sd > 5).all()
    strengths = bradley_terry(win_matrix(games, systems=5)).values
    assert np.corrcoef(found.mean, strengths)[0, 1] > 0.95
    assert found.mean.sum() == pytest.approx(5000)


def test_a_contest_rating_is_the_one_at_which_the_place_was_expected() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    field = np.random.default_rng(12).normal(1500, 300, 200)

    def surplus(rating: float) -> float:
        return 1 + float((1 / (1 + 10 ** ((rating - field) / 400))).sum()) - 37

    found = contest_rating([(field, 37)])
    assert found.rating == pytest.approx(optimize.brentq(surplus, 0, 4000))
    assert math.isnan(found.error)
    # Against one equal opponent the expected place is 1.5.
    assert contest_rating([([1200.0], 1.5)]).rating == pytest.approx(1200)
    both = contest_rating([([1200.0], 1.5), ([1600.0], 1.5)])
    assert (both.rating, both.n) == (pytest.approx(1400), 2)
    assert both.error == pytest.approx(200)


@given(st.lists(st.floats(800, 2800), min_size=2, max_size=30), st.data())
@settings(max_examples=40, deadline=None)
def test_a_better_place_has_a_higher_rating(field: list[float], data: st.DataObject) -> None:
    place = data.draw(st.floats(1.01, len(field) - 0.01))
    assert contest_rating([(field, place)]).rating > contest_rating([(field, place + 0.5)]).rating


def test_what_is_no_game_is_refused() -> None:
    for bad, message in (
        (Games([], [], []), "non-empty"),
        (Games([0, 1], [1], [1.0]), "one length"),
        (Games([0], [0], [1.0]), "two different"),
        (Games([0], [3], [1.0]), "positions"),
        (Games([0], [1], [0.7]), "1, 0.5 or 0"),
        (Games([0], [1], [NAN]), "1, 0.5 or 0"),
        (Games(np.array([0.0]), np.array([1.0]), [1.0]), "whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            win_matrix(bad, systems=3)
    for wins in (np.zeros((2, 3)), [[0, -1], [1, 0]], [[0, NAN], [1, 0]]):
        with pytest.raises(ValueError, match="bradley_terry"):
            bradley_terry(wins)
    with pytest.raises(ValueError, match="penalty"):
        bradley_terry([[0, 1], [1, 0]], penalty=-1)
    with pytest.raises(ValueError, match="permutations"):
        elo(Games([0], [1], [1.0]), systems=2, permutations=1)
    for contests in ([], [([], 1.5)], [([1500.0], 1)], [([1500.0], 2)]):
        with pytest.raises(ValueError, match="contest"):
            contest_rating(contests)
