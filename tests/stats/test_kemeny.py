"""The exact Kemeny order against enumeration of all orders, a plain dynamic programme, and its own properties."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quintain.errors import InfrastructureError, Unavailable
from quintain.stats import kemeny as module
from quintain.stats.kemeny import kemeny, kemeny_of
from quintain.stats.matrix import majorities

boards = st.tuples(st.integers(2, 6), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
)


def cost_of(order: tuple[int, ...], wins: np.ndarray) -> float:
    return float(sum(wins[later, earlier] for earlier, later in itertools.combinations(order, 2)))


def enumerated(wins: np.ndarray) -> tuple[float, list[tuple[int, ...]]]:
    """Least cost and all orders that have it."""
    costs = {order: cost_of(order, wins) for order in itertools.permutations(range(len(wins)))}
    least = min(costs.values())
    return least, [order for order, cost in costs.items() if abs(cost - least) < 1e-9]


def programmed(wins: np.ndarray) -> tuple[float, int]:
    """Least cost and number of optima by the plain programme over all sets."""
    size = len(wins)
    best = [(0.0, 1)] + [(float("inf"), 0)] * (2**size - 1)
    for placed in range(2**size):
        cost, ways = best[placed]
        free = [j for j in range(size) if not placed >> j & 1]
        for j in free:
            reached = cost + float(wins[free, j].sum())
            old = best[placed | 1 << j]
            if reached < old[0] - 1e-9:
                best[placed | 1 << j] = (reached, ways)
            elif reached < old[0] + 1e-9:
                best[placed | 1 << j] = (old[0], old[1] + ways)
    return best[-1]


def tournament(size: int, seed: int, votes: int = 3) -> np.ndarray:
    above = np.triu(np.random.default_rng(seed).integers(0, votes + 1, (size, size)), 1)
    return (above + np.tril(votes - above.T, -1)).astype(float)


def classes(optima: list[tuple[int, ...]]) -> int:
    """Number of places at which all optimal orders can be cut with the same systems above, the end included."""
    size = len(optima[0])
    return sum(len({frozenset(order[:k]) for order in optima}) == 1 for k in range(1, size + 1))


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7])
def test_the_order_its_cost_and_the_number_of_optima_are_those_of_enumeration(size: int) -> None:
    for seed in range(12 if size < 7 else 4):
        scores = np.random.default_rng(seed).integers(0, 4, (size, 4)).astype(float)
        wins = majorities(scores)
        cost, optima = enumerated(wins)
        found = kemeny(scores)
        order = tuple(map(int, found.order))
        assert found.cost == cost == cost_of(order, wins)
        assert order in optima
        assert found.optimal_orders == len(optima)
        assert len(found.ties) == classes(optima)
        assert tuple(itertools.chain(*found.ties)) == found.order


@pytest.mark.parametrize(("size", "seed"), [(10, 1), (11, 2), (12, 3), (12, 4), (12, 7)])
def test_large_circles_have_the_cost_and_number_of_optima_of_the_dynamic_programme(size: int, seed: int) -> None:
    pytest.importorskip("scipy.optimize")
    wins = tournament(size, seed)
    found = kemeny_of(wins)
    assert max(found.components) > module.SMALL
    assert (found.cost, found.optimal_orders) == programmed(wins)


@pytest.mark.parametrize(("size", "seed"), [(10, 95), (11, 6), (12, 48)])
def test_circles_whose_relaxation_is_fractional_are_solved_too(size: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy.optimize")
    solve, whole = module._solve, []

    def watched(*arguments: object, **options: object) -> object:
        whole.append(options["whole"])
        return solve(*arguments, **options)

    monkeypatch.setattr(module, "_solve", watched)
    wins = tournament(size, seed)
    found = kemeny_of(wins)
    assert any(whole)
    assert (found.cost, found.optimal_orders) == programmed(wins)


def test_a_circle_of_three_has_three_optimal_orders_and_one_class() -> None:
    found = kemeny([[3, 1, 2], [2, 3, 1], [1, 2, 3]], names=["a", "b", "c"])
    assert (found.optimal_orders, len(found.ties), found.components) == (3, 1, (3,))
    assert (found.cost, found.n, found.tasks) == (4.0, 9, 3)


def test_systems_that_all_tasks_order_alike_have_one_order_and_no_cost() -> None:
    found = kemeny(np.arange(30)[:, None] + np.arange(4) / 10)
    assert found.order == tuple(str(k) for k in range(29, -1, -1))
    assert (found.cost, found.optimal_orders, len(found.ties)) == (0.0, 1, 30)


def test_too_many_optima_to_count_are_said_to_be_unknown() -> None:
    pytest.importorskip("scipy.optimize")
    found = kemeny(np.ones((24, 2)))
    assert found.optimal_orders is None
    assert found.cost == 24 * 23 / 2
    assert len(found.ties) == 1


def test_no_order_of_a_large_table_costs_less_than_the_exact_one() -> None:
    pytest.importorskip("scipy.optimize")
    draw = np.random.default_rng(1)
    scores = np.round(draw.normal(size=(60, 1)) + draw.normal(size=(60, 14)), 1)
    found, wins = kemeny(scores), majorities(scores)
    order = list(map(int, found.order))
    assert cost_of(tuple(order), wins) == pytest.approx(found.cost)
    # No system can be moved elsewhere for less, and the lower bound of pairs is kept.
    for k in range(60):
        rest = order[:k] + order[k + 1 :]
        for place in range(60):
            assert cost_of((*rest[:place], order[k], *rest[place:]), wins) >= found.cost - 1e-9
    assert found.cost >= float(np.triu(np.minimum(wins, wins.T), 1).sum())


@given(boards, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_cost_and_classes_do_not_depend_on_the_order_of_the_table(scores: np.ndarray, random: object) -> None:
    systems = list(range(len(scores)))
    random.shuffle(systems)  # type: ignore[attr-defined]
    plain = kemeny(scores)
    mixed = kemeny(scores[systems], names=[str(k) for k in systems])
    assert (mixed.cost, mixed.optimal_orders) == (plain.cost, plain.optimal_orders)
    assert [set(group) for group in mixed.ties] == [set(group) for group in plain.ties]
    turned = kemeny(-scores)
    assert (turned.cost, turned.optimal_orders) == (plain.cost, plain.optimal_orders)


@given(boards)
@settings(max_examples=40, deadline=None)
def test_a_system_that_beats_all_others_by_majority_is_first(scores: np.ndarray) -> None:
    wins = majorities(scores)
    winners = np.flatnonzero(((wins > wins.T) | np.eye(len(wins), dtype=bool)).all(axis=1))
    if len(winners):
        assert kemeny(scores).order[0] == str(winners[0])


def test_unmeasured_cells_are_refused_or_counted_pair_by_pair() -> None:
    scores = [[0.9, np.nan], [0.5, 0.4], [0.1, 0.9]]
    with pytest.raises(ValueError, match="unmeasured"):
        kemeny(scores)
    found = kemeny(scores, missing="available")
    assert found.order[0] == "0" and found.n == 5
    assert "available" in found.formula


def test_what_is_no_preference_table_is_refused() -> None:
    for bad in (np.zeros((2, 3)), np.zeros((1, 1)), [[0.0, -1.0], [1.0, 0.0]], [[0.0, np.nan], [1.0, 0.0]]):
        with pytest.raises(ValueError, match="kemeny"):
            kemeny_of(bad)


def test_without_scipy_small_circles_are_solved_and_large_ones_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert kemeny_of(tournament(8, 1)).cost == programmed(tournament(8, 1))[0]
    with pytest.raises(Unavailable, match=r"quintain\[stats\]"):
        kemeny_of(tournament(12, 3))


def test_a_limit_that_is_too_short_is_said() -> None:
    pytest.importorskip("scipy.optimize")
    draw = np.random.default_rng(2)
    with pytest.raises(InfrastructureError, match="limit_s"):
        kemeny(draw.normal(size=(60, 9)), limit_s=0.0)
