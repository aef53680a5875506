"""The resampling on JAX gives numpy's replicates, draw for draw."""

from __future__ import annotations

import numpy as np
import pytest

from quintain.stats.aggregates import AGGREGATES, summarize
from quintain.stats.bootstrap import NEW, Resampling, ScoreTable, by_task, replicate, table

jax = pytest.importorskip("jax", reason="jax is not installed")

from quintain.stats.jax_bootstrap import NAMES, replicates  # noqa: E402

EQUAL = table(np.random.default_rng(3).gamma(1.5, 0.4, (10, 26)))
UNEQUAL = by_task([0.1, 0.9, 0.4, 1.3, 0.2, 0.2, 0.7, 0.0, 1.0, 0.6], list("aaabbbbccc"))


def numpys(scores: ScoreTable, how: Resampling) -> np.ndarray:
    return np.stack([replicate(scores, AGGREGATES[name], how=how) for name in NAMES], axis=-1)


@pytest.mark.parametrize("scores", [EQUAL, UNEQUAL], ids=["equal runs", "unequal runs"])
@pytest.mark.parametrize("published", [False, True])
def test_replicates_are_numpys_within_float_error(scores: ScoreTable, published: bool) -> None:
    how = Resampling(500, seed=4, published=published)
    assert replicates(scores, how=how, block=200) == pytest.approx(numpys(scores, how), abs=2e-6)


def test_replicates_are_numpys_to_double_precision_where_jax_is_set_to_it() -> None:
    jax.config.update("jax_enable_x64", True)
    try:
        how = Resampling(300, seed=4)
        assert replicates(EQUAL, how=how) == pytest.approx(numpys(EQUAL, how), abs=1e-14)
    finally:
        jax.config.update("jax_enable_x64", False)


def test_the_goal_of_the_optimality_gap_is_passed_on() -> None:
    wide = replicates(EQUAL, how=Resampling(50), goal=3.0)[:, 3]
    assert (wide > replicates(EQUAL, how=Resampling(50))[:, 3] + 1).all()


def test_one_run_is_refused_as_by_numpy() -> None:
    with pytest.raises(ValueError, match="one run"):
        replicates(np.ones((1, 4)))


@pytest.mark.parametrize("scores", [EQUAL, UNEQUAL], ids=["equal runs", "unequal runs"])
def test_intervals_are_the_same_by_either_engine(scores: ScoreTable) -> None:
    theirs = summarize(scores, how=Resampling(400, seed=2))
    ours = summarize(scores, how=Resampling(400, seed=2, engine="jax"))
    assert ours.keys() == theirs.keys() == set(NAMES)
    for name, each in ours.items():
        assert each[:3] == pytest.approx(theirs[name][:3], abs=2e-6) and each.formula == theirs[name].formula


def test_new_tasks_are_drawn_by_numpy_whatever_the_engine() -> None:
    how = Resampling(200)
    assert summarize(EQUAL, question=NEW, how=how._replace(engine="jax")) == summarize(EQUAL, question=NEW, how=how)
