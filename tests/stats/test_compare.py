"""Paired comparison against scipy and statsmodels, the published fixture, and simulated error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintain.stats.compare import Scores, benjamini_hochberg, compare, compare_all, holm, mcnemar
from quintain.stats.intervals import t_quantile, wilson


def once(*scores: float) -> Scores:
    """One run of each task."""
    return Scores([f"t{k}" for k in range(len(scores))], [0] * len(scores), list(scores))


def grid(values: np.ndarray) -> Scores:
    """An array of tasks x runs."""
    tasks, runs = values.shape
    return Scores(np.repeat(np.arange(tasks), runs), np.tile(np.arange(runs), tasks), values.ravel())


def fixture() -> tuple[Scores, Scores]:
    """220 tasks: 120 passed by both, 30 by a only, 12 by b only."""
    a = [1.0] * 150 + [0.0] * 70
    b = [1.0] * 120 + [0.0] * 30 + [1.0] * 12 + [0.0] * 58
    return once(*a), once(*b)


def test_pairing_finds_what_an_unpaired_test_on_the_same_data_misses() -> None:
    stats, proportion = pytest.importorskip("scipy.stats"), pytest.importorskip("statsmodels.stats.proportion")
    a, b = fixture()
    found = compare(a, b)
    assert found.mcnemar is not None and found.mcnemar[:2] == (30, 12)
    assert found.mcnemar.exact == pytest.approx(stats.binomtest(12, 42).pvalue)
    assert found.p == found.mcnemar.mid_p
    # Published: paired .0052 to .0079 by the form of the test, unpaired .073.
    assert 0.0050 < found.mcnemar.mid_p < found.mcnemar.exact < 0.0081
    assert proportion.proportions_ztest([150, 132], [220, 220])[1] == pytest.approx(0.073, abs=1e-3)
    assert found.verdict.startswith("a is better than b on new tasks like these")
    assert "nothing can be said" in found.verdict


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 5), (6, 5), (30, 12), (3, 40), (900, 800)])
def test_mcnemar_is_that_of_statsmodels(b: int, c: int) -> None:
    stats, tables = pytest.importorskip("scipy.stats"), pytest.importorskip("statsmodels.stats.contingency_tables")
    found = mcnemar(b, c)
    exact = tables.mcnemar([[10, b], [c, 10]], exact=True).pvalue if b + c else 1.0
    assert found.exact == pytest.approx(exact)
    middle = 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(min(b, c), b + c, 0.5)
    assert found.mid_p == pytest.approx(min(1.0, middle))


def test_several_runs_have_the_paired_t_test_over_tasks() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(3)
    x, y = draw.random((20, 4)), draw.random((20, 3))
    found = compare(grid(x), grid(y))
    oracle = stats.ttest_rel(x.mean(axis=1), y.mean(axis=1))
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.new is not None and found.same is not None
    assert found.new[1:3] == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    error = math.sqrt(float((x.var(axis=1, ddof=1) / 4 + y.var(axis=1, ddof=1) / 3).sum())) / 20
    assert found.same.high - found.same.estimate == pytest.approx(t_quantile(0.975, 20 * 5) * error)
    assert (found.new.n, found.new.tasks, found.same.question) == (140, 20, "same tasks again")


def test_runs_that_are_the_same_ones_are_paired() -> None:
    draw = np.random.default_rng(4)
    base, luck = draw.random((12, 1)) / 4, draw.random((12, 6)) / 2
    x, y = base + luck + 0.01 * draw.random((12, 6)), base + luck
    same = compare(grid(x), grid(y)).same
    a, b = grid(x), grid(y)
    unpaired = compare(a, Scores(b.task, np.asarray(b.run) + 100, b.score)).same
    assert same is not None and unpaired is not None
    assert same.high - same.low < 0.1 * (unpaired.high - unpaired.low)
    spread = math.sqrt(float(((x - y).var(axis=1, ddof=1) / 6).sum())) / 12
    assert same.high - same.estimate == pytest.approx(t_quantile(0.975, 60) * spread)


def test_families_have_the_clustered_error() -> None:
    sm = pytest.importorskip("statsmodels.api")
    draw = np.random.default_rng(5)
    family = np.repeat(np.arange(8), [3, 5, 2, 4, 6, 3, 3, 4])
    d = np.clip(0.3 + 0.2 * draw.normal(size=8)[family] + 0.05 * draw.normal(size=30), -1, 1)
    found = compare(once(*np.maximum(d, 0)), once(*np.maximum(-d, 0)), families={f"t{k}": int(family[k]) for k in range(30)})
    fit = sm.OLS(d, np.ones(30)).fit(cov_type="cluster", cov_kwds={"groups": family, "df_correction": True}, use_t=True)
    assert found.new is not None
    # statsmodels also multiplies by (n - 1)/(n - k), which is 1 for a mean.
    assert (found.new.high - found.new.low) / 2 == pytest.approx(t_quantile(0.975, 7) * fit.bse[0])
    assert found.p == pytest.approx(fit.pvalues[0])


def test_the_probability_of_improvement_counts_ties_half() -> None:
    found = compare(grid(np.array([[1.0, 0.5], [0.0, 0.0]])), grid(np.array([[0.5, 0.0], [0.0, 0.0]])))
    assert found.improvement is not None
    # First task: 3 of 4 pairs above, 1 tied; second: all tied.
    assert found.improvement.estimate == pytest.approx((0.875 + 0.5) / 2)


def test_flips_are_the_tasks_that_one_agent_passes_and_the_other_does_not() -> None:
    found = compare(once(1, 1, 0, 0), once(1, 0, 1, 0))
    assert [flip[:] for flip in found.flips] == [("t1", 1.0, 0.0), ("t2", 0.0, 1.0)]
    assert "not separable on new tasks" in found.verdict


def test_only_common_tasks_count_and_the_others_are_said() -> None:
    a = Scores(["x", "y", "z"], [0, 0, 0], [1, 0, 1])
    b = Scores(["y", "z", "w", "v"], [0, 0, 0, 0], [0, 0, 1, 1])
    found = compare(a, b)
    assert (found.tasks, found.only_a, found.only_b, found.n) == (2, 1, 2, 4)
    assert found.new is not None and found.new.estimate == 0.5


def test_an_agent_is_not_separable_from_itself_and_that_is_no_certainty() -> None:
    agent = grid(np.ones((10, 3)))
    found = compare(agent, agent)
    assert found.p == 1.0 and found.effect == 0.0
    assert found.new is not None and found.same is not None
    assert found.new[1:3] == pytest.approx((-wilson(0, 10)[1], wilson(0, 10)[1]))
    assert found.same[1:3] == pytest.approx((-wilson(0, 30)[1], wilson(0, 30)[1]))


def test_differences_that_are_all_alike_have_a_sign_test() -> None:
    found = compare(once(*[0.75] * 8), once(*[0.5] * 8))
    assert found.p == pytest.approx(2 * 0.5**8)
    assert math.isinf(found.effect)
    assert found.new is not None and found.new.low < 0.25 < found.new.high


def test_one_common_task_says_nothing_of_others() -> None:
    found = compare(grid(np.array([[1.0, 1.0, 0.9]])), grid(np.array([[0.0, 0.1, 0.2]])))
    assert found.new is None and found.improvement is None and math.isnan(found.p)
    assert found.same is not None and found.same.low > 0
    assert "not separable" in found.verdict and "on the same tasks again a is better" in found.verdict


def test_unbounded_scores_need_no_bounds_and_have_no_flips() -> None:
    found = compare(once(120.0, 80.0, 300.0), once(100.0, 90.0, 250.0), bounds=None)
    assert found.new is not None and found.new.estimate == pytest.approx(20.0)
    assert found.flips == ()
    alike = compare(once(1.0, 2.0), once(0.0, 1.0), bounds=None).new
    assert alike is not None and (alike.low, alike.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("method", ["holm", "fdr_bh"])
def test_adjusted_p_values_are_those_of_statsmodels(method: str) -> None:
    multi = pytest.importorskip("statsmodels.stats.multitest")
    draw = np.random.default_rng(6)
    for size in (1, 2, 9, 40):
        p = np.round(draw.random(size) ** 3, 3)
        ours = holm(p) if method == "holm" else benjamini_hochberg(p)
        assert ours == pytest.approx(multi.multipletests(p, method=method)[1])


def test_many_pairs_are_adjusted_together() -> None:
    draw = np.random.default_rng(7)
    agents = {name: once(*(draw.random(60) < rate).astype(float)) for name, rate in (("x", 0.2), ("y", 0.5), ("z", 0.9))}
    found = compare_all(agents)
    assert [each.names for each in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [each.p_adjusted for each in found] == pytest.approx(holm([each.p for each in found]).tolist())
    assert all("holm" in each.verdict for each in found)
    plain = compare_all(agents, correction="none")
    assert [each.p_adjusted for each in plain] == [each.p for each in plain]


tables = st.integers(2, 8).flatmap(
    lambda tasks: st.tuples(
        *[st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=2), min_size=tasks, max_size=tasks)] * 2
    )
)


@given(tables, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_comparison_is_antisymmetric_and_blind_to_the_order_of_episodes(data: tuple[list, list], random: object) -> None:
    a, b = (grid(np.array(each)) for each in data)
    forth, back = compare(a, b), compare(b, a)
    assert forth.new is not None and back.new is not None and forth.same is not None and back.same is not None
    for one, other in ((forth.new, back.new), (forth.same, back.same)):
        assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))
    assert forth.p == pytest.approx(back.p)
    assert forth.effect == pytest.approx(-back.effect)
    assert forth.improvement is not None and back.improvement is not None
    assert forth.improvement.estimate == pytest.approx(1 - back.improvement.estimate)
    order = list(range(len(a.task)))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = Scores(*(np.asarray(column)[order] for column in a))
    assert compare(mixed, b) == forth


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_mcnemar_grows_surer_with_the_difference(b: int, c: int) -> None:
    found = mcnemar(b, c)
    assert 0 <= found.mid_p <= found.exact <= 1
    assert mcnemar(c, b)[2:] == found[2:]
    if b >= c:
        assert mcnemar(b + 1, c).exact <= found.exact + 1e-12


def test_equal_agents_are_called_different_as_seldom_as_promised() -> None:
    """Nominal 5 %; three standard errors of 600 studies are 2.7 points."""
    draw = np.random.default_rng(8)
    wrong = 0
    for _ in range(600):
        rates = draw.beta(0.6, 0.9, 60)
        wrong += compare(once(*(draw.random(60) < rates) * 1.0), once(*(draw.random(60) < rates) * 1.0)).p < 0.05
    assert wrong / 600 < 0.077


def test_what_cannot_be_compared_is_refused() -> None:
    good = once(0, 1, 1)
    for bad, message in (
        (Scores([], [], []), "no scores"),
        (once(0.0, math.nan), "unscored"),
        (once(0.0, 1.5), "within"),
        (Scores(["t0"], [0, 1], [1.0, 1.0]), "1 tasks, 2 runs and 2 scores"),
        (Scores(["t0", "t0"], [0, 0], [1.0, 1.0]), "'t0' run 0 twice"),
        (Scores(["elsewhere"], [0], [1.0]), "no task in common"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(good, bad)
    with pytest.raises(ValueError, match="no family"):
        compare(good, good, families={"t0": 1})
    with pytest.raises(ValueError, match="one family"):
        compare(good, good, families=dict.fromkeys(["t0", "t1", "t2"], 1))
    with pytest.raises(ValueError, match="level"):
        compare(good, good, level=1.0)
    with pytest.raises(ValueError, match="two agents"):
        compare_all({"a": good})
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)
    for function in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p values"):
            function([0.5, math.nan])
