"""The Kemeny order: of all orders the one that contradicts the fewest pairwise preferences, found exactly.

A preference is one column on which one system beats another; a tie counts half against either order. The optimum is often
not unique, so that the number of optimal orders is part of the answer.

Method: the weak-majority relation falls apart into strongly connected components whose order is settled (the extended
Condorcet criterion, Truchon 1998). Within a component a dynamic programme over sets finds the cost and counts the optima.
For large ones a linear programme comes first, to which violated triangle inequalities are added as they turn up (Grötschel,
Jünger and Reinelt 1984), then, if its optimum is fractional, the mixed-integer one. Reduced costs above the gap between the
two settle pairs for every optimal order, which leaves few sets to go through.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintain.errors import InfrastructureError, Unavailable

from .matrix import Floats, Missing, components, majorities, named, table

SMALL = 9
"""Components up to this size need no linear programme."""
STATES = 200_000
"""Sets after which counting is given up; the order and its cost stay exact."""
CLOSE = 1e-6


class Kemeny(NamedTuple):
    """An optimal order and how far it is the only one."""

    order: tuple[str, ...]
    """Best first; one of the optimal orders."""
    cost: float
    """Preferences that the order contradicts, a tie counting half."""
    optimal_orders: int | None
    """How many orders have this cost; None where they were too many to count."""
    ties: tuple[tuple[str, ...], ...]
    """Classes in their order: systems of one class are not settled against each other, of two classes always are. Where
    the optima could not be counted, classes may be larger than they need be."""
    components: tuple[int, ...]
    """Sizes of the weak-majority components."""
    n: int
    tasks: int
    formula: str


def kemeny(
    scores: ArrayLike, *, names: Sequence[str] | None = None, missing: Missing = "refuse", limit_s: float = 60.0
) -> Kemeny:
    """The exact Kemeny order of systems over the columns of a table.

    Args:
        scores: systems x tasks, higher is better; NaN where unmeasured.
        missing: with "available" a pair counts on the columns that both have.
        limit_s: seconds after which the search is given up.

    Raises:
        ValueError: a malformed table, unmeasured cells where they are refused.
        Unavailable: a component of more than nine systems, and no scipy.
        InfrastructureError: the optimum was not proven within the limit.
    """
    values = table(scores, what="kemeny", missing=missing)
    found = kemeny_of(majorities(values), names=names, limit_s=limit_s)
    formula = f"{found.formula}; unmeasured cells: {missing}"
    return found._replace(n=int((~np.isnan(values)).sum()), tasks=values.shape[1], formula=formula)


def kemeny_of(wins: ArrayLike, *, names: Sequence[str] | None = None, limit_s: float = 60.0) -> Kemeny:
    """As `kemeny`, from how often each row was preferred to each column (ties half); `n` and `tasks` are 0, being unknown."""
    prefer = np.array(wins, dtype=np.float64)
    if prefer.ndim != 2 or prefer.shape[0] != prefer.shape[1] or len(prefer) < 2:
        raise ValueError(f"kemeny: needs a square table of at least two systems, got shape {prefer.shape}")
    if not np.isfinite(prefer).all() or (prefer < 0).any():
        raise ValueError("kemeny: preferences must be finite and not negative")
    labels = named(names, len(prefer), what="kemeny")
    np.fill_diagonal(prefer, 0.0)
    deadline = time.monotonic() + limit_s
    order: list[int] = []
    ties: list[tuple[str, ...]] = []
    sizes, count = [], 1
    for part in components((prefer >= prefer.T) & ~np.eye(len(prefer), dtype=bool)):
        best = _component(prefer[np.ix_(part, part)], deadline=deadline)
        order += [part[k] for k in best.order]
        ties += [tuple(labels[part[k]] for k in group) for group in best.ties]
        sizes.append(len(part))
        count = 0 if best.ways is None else count * best.ways
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    cost = float(prefer[place[:, None] > place[None, :]].sum())
    formula = "Kemeny, exact, ties half a disagreement"
    return Kemeny(tuple(labels[k] for k in order), cost, count or None, tuple(ties), tuple(sizes), 0, 0, formula)


class _Best(NamedTuple):
    order: list[int]
    ways: int | None
    ties: list[list[int]]


def _component(prefer: Floats, *, deadline: float) -> _Best:
    size = len(prefer)
    if size == 1:
        return _Best([0], 1, [[0]])
    settled = np.zeros((size, size), dtype=bool)
    order: list[int] | None = None
    if size > SMALL:
        order, settled = _programme(prefer, deadline=deadline)
    counted = _count(prefer, settled)
    if counted is not None:
        return counted
    assert order is not None
    return _Best(order, None, _classes(order, settled))


def _classes(order: Sequence[int], before: NDArray[np.bool_]) -> list[list[int]]:
    """Cut the order wherever all that stands above a place is settled against all that stands below it."""
    arranged = before[np.ix_(order, order)]
    cuts = [k for k in range(1, len(order)) if arranged[:k, k:].all()]
    return [list(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def _count(prefer: Floats, settled: NDArray[np.bool_]) -> _Best | None:
    """Least cost and number of optimal orders, by size of the set that stands first; None beyond `STATES` sets.

    `settled[i, j]`: i stands before j in every optimal order. Costs are doubled, so that ties stay whole numbers and costs that
    are equal compare equal; weights that are not halves are rounded to 1e-6.
    """
    size = len(prefer)
    loose: list[int] = []
    for k in range(size):
        if not (settled[k, loose].any() or settled[loose, k].any()):
            loose.append(k)
    if 1 << len(loose) > STATES:  # every set of these may stand first
        return None
    doubled = np.round(2 * prefer * 1_000_000).astype(np.int64).tolist()
    needs = [sum(1 << i for i in np.flatnonzero(settled[:, j]).tolist()) for j in range(size)]
    layers: list[dict[int, tuple[int, int]]] = [{0: (0, 1)}]
    states = 0
    for _ in range(size):
        following: dict[int, tuple[int, int]] = {}
        for placed, (cost, ways) in layers[-1].items():
            free = [j for j in range(size) if not placed >> j & 1]
            for j in free:
                if needs[j] & ~placed:
                    continue
                # What now stands after j, but was preferred to it, is contradicted.
                reached = cost + sum(doubled[i][j] for i in free)
                old = following.get(placed | 1 << j)
                if old is None or reached < old[0]:
                    following[placed | 1 << j] = (reached, ways)
                elif reached == old[0]:
                    following[placed | 1 << j] = (reached, old[1] + ways)
        states += len(following)
        if states > STATES:
            return None
        layers.append(following)
    return _walk_back(layers, doubled)


def _walk_back(layers: Sequence[dict[int, tuple[int, int]]], doubled: Sequence[Sequence[int]]) -> _Best:
    """One optimal order, and from all of them which pairs are never turned round."""
    size = len(doubled)

    def steps(placed: int) -> Iterator[tuple[int, int]]:
        """Systems that may stand last in an optimal order of a set, each with the set before it."""
        earlier = layers[placed.bit_count() - 1]
        for j in (k for k in range(size) if placed >> k & 1):
            start = placed & ~(1 << j)
            if start in earlier:
                added = sum(doubled[i][j] for i in range(size) if not start >> i & 1)
                if earlier[start][0] + added == layers[placed.bit_count()][placed][0]:
                    yield j, start

    full = (1 << size) - 1
    before = np.zeros((size, size), dtype=bool)
    on_path = {full}
    for _ in range(size):
        found = [step for placed in on_path for step in steps(placed)]
        for j, start in found:
            before[[i for i in range(size) if start >> i & 1], j] = True
        on_path = {start for _, start in found}
    order, placed = [], full
    while placed:
        last, placed = next(steps(placed))
        order.append(last)
    order.reverse()
    return _Best(order, layers[-1][full][1], _classes(order, before & ~before.T))


def _programme(prefer: Floats, *, deadline: float) -> tuple[list[int], NDArray[np.bool_]]:
    """An optimal order of a component, and the pairs that stand so in every optimal order.

    Variable x_ij for i < j is 1 where i stands first; its cost is prefer[j, i] - prefer[i, j], up to a constant.
    """
    size = len(prefer)
    left, right = np.triu_indices(size, 1)
    cost = prefer[right, left] - prefer[left, right]
    triples, rows = _Triples.of(size), np.zeros((0, 4), dtype=np.int64)
    x, relaxed, whole = (cost < 0).astype(float), None, False
    while True:
        cuts = triples.violated(x)
        if len(cuts):
            rows = np.concatenate([rows, cuts])
        elif not whole and np.abs(x - np.round(x)).max() > CLOSE:
            whole = True
        else:
            break
        found = _solve(cost, rows, whole=whole, limit=deadline - time.monotonic())
        x, relaxed = np.asarray(found.x), relaxed if whole else found
    x = np.round(x)
    first = np.zeros((size, size), dtype=bool)
    first[left, right], first[right, left] = x > 0.5, x < 0.5
    order = np.argsort(-first.sum(axis=1), kind="stable").tolist()
    settled = np.zeros((size, size), dtype=bool)
    if relaxed is not None:
        # Reduced-cost fixing: to turn round a pair whose reduced cost exceeds the gap would cost more than the optimum.
        gap = float(cost @ x) - float(relaxed.fun) + CLOSE
        ones, zeros = -np.asarray(relaxed.upper.marginals) > gap, np.asarray(relaxed.lower.marginals) > gap
        settled[left[ones], right[ones]] = True
        settled[right[zeros], left[zeros]] = True
    for k in range(size):
        settled |= np.outer(settled[:, k], settled[k])
    return order, settled


def _solve(cost: Floats, rows: NDArray[np.int64], *, whole: bool, limit: float) -> Any:
    """Least cost under the inequalities found so far, of x in [0, 1], or in {0, 1} where `whole`."""
    try:
        optimize, sparse = import_module("scipy.optimize"), import_module("scipy.sparse")
    except ImportError as error:
        raise Unavailable("kemeny: a circle of more than nine systems needs scipy: pip install 'quintain[stats]'") from error
    index = np.repeat(np.arange(len(rows)), 3)
    weights = (rows[:, 3:] * np.array([1.0, 1.0, -1.0])).ravel()
    matrix = sparse.csr_array((weights, (index, rows[:, :3].ravel())), shape=(len(rows), len(cost)))
    above = (rows[:, 3] > 0).astype(np.float64)
    options = {"time_limit": max(limit, 0.001)}
    if whole:
        found = optimize.milp(
            cost, constraints=optimize.LinearConstraint(matrix, -np.inf, above), bounds=(0, 1), integrality=np.ones(len(cost)),
            options={**options, "mip_rel_gap": 0.0},
        )  # fmt: skip
    else:
        found = optimize.linprog(cost, A_ub=matrix, b_ub=above, bounds=(0, 1), method="highs", options=options)
    if found.status != 0:
        raise InfrastructureError("kemeny: the optimum could not be proven in time; raise limit_s, or compare fewer systems")
    return found


class _Triples(NamedTuple):
    """Variables of the three pairs of each i < j < k."""

    ij: NDArray[np.int64]
    jk: NDArray[np.int64]
    ik: NDArray[np.int64]

    @classmethod
    def of(cls, size: int) -> _Triples:
        left, right = np.triu_indices(size, 1)
        number = np.zeros((size, size), dtype=np.int64)
        number[left, right] = np.arange(len(left))
        i, j, k = np.nonzero(np.tri(size, size, -1, dtype=bool).T[:, :, None] & np.tri(size, size, -1, dtype=bool).T)
        return cls(number[i, j], number[j, k], number[i, k])

    def violated(self, x: Floats) -> NDArray[np.int64]:
        """Rows (ij, jk, ik, sign) of sign (x_ij + x_jk - x_ik) <= 1 or 0 that x breaks."""
        value = x[self.ij] + x[self.jk] - x[self.ik]
        return np.concatenate([
            np.stack([self.ij[bad], self.jk[bad], self.ik[bad], np.full(int(bad.sum()), sign)], axis=1)
            for bad, sign in ((value > 1 + CLOSE, 1), (value < -CLOSE, -1))
        ])  # fmt: skip
