"""The standard error for new tasks where tasks hang together in families."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quintain.stats.aggregates import summarize
from quintain.stats.bootstrap import NEW, Resampling, by_task
from quintain.stats.intervals import new_tasks, t_quantile, wilson

VALUES = np.random.default_rng(1).random(40).tolist()
TASKS = np.repeat(np.arange(20), 2).tolist()


def test_families_of_one_task_change_nothing() -> None:
    assert new_tasks(VALUES, TASKS, families=TASKS)[:3] == pytest.approx(new_tasks(VALUES, TASKS)[:3])


def test_the_error_is_that_of_sums_over_families() -> None:
    found = new_tasks([0.1, 0.3, 0.8, 0.7, 0.5], list("abcde"), families=list("xxyyz"))
    sums = [0.4 - 2 * 0.48, 1.5 - 2 * 0.48, 0.5 - 0.48]
    error = math.sqrt(3 / 2 * sum(each**2 for each in sums)) / 5
    assert found.high == pytest.approx(min(1.0, 0.48 + t_quantile(0.975, 2) * error))
    assert found.formula.startswith("mean of task means ± t(F-1)")


def test_families_of_equal_size_are_as_many_means() -> None:
    families = np.repeat(np.arange(5), 8).tolist()
    means = np.array(VALUES).reshape(5, 8).mean(axis=1)
    found = new_tasks(VALUES, TASKS, families=families)
    assert found.high - found.estimate == pytest.approx(t_quantile(0.975, 4) * means.std(ddof=1) / math.sqrt(5))
    assert (found.n, found.tasks) == (40, 20)


def test_the_bootstrap_of_families_has_the_same_error() -> None:
    families = np.repeat(np.arange(10), 4).tolist()
    boot = summarize(by_task(VALUES, TASKS, families=families), ("mean",), question=NEW, how=Resampling(40_000))["mean"]
    found = new_tasks(VALUES, TASKS, families=families)
    error = (found.high - found.estimate) / t_quantile(0.975, 9)
    assert boot.high - boot.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_families_that_are_all_alike_have_wilsons_interval() -> None:
    assert new_tasks([0.5] * 6, list("abcdef"), families=list("xxyyzz"))[1:3] == pytest.approx(wilson(1.5, 3))


def test_families_that_do_not_fit_are_refused() -> None:
    for families, told in (
        (list("xy"), "each score needs the family"),
        (["x", "y"] * 20, "two families"),
        (["x"] * 40, "one family"),
    ):
        with pytest.raises(ValueError, match=told):
            new_tasks(VALUES, TASKS, families=families)
