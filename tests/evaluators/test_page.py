import pytest

from quintain.core import Episode, Evidence, Task
from quintain.errors import TaskError
from quintain.evaluators.page import PageReward, PageState, at


def episode(values=None, **fields):
    evidence = None if values is None else Evidence(values=values, done=bool(values.get("done")))
    return Episode(id="e", task="t/a", agent="a", evidence=evidence, **fields)


def task(reference=None):
    return Task(id="t/a", env="e", reference=reference)


HALF_TIME = {"done": True, "raw": 1.0, "proportional": True, "elapsed_ms": 5000, "limit_ms": 10_000}


@pytest.mark.parametrize(
    ("options", "values", "value", "passed"),
    [
        ({}, HALF_TIME, 1.0, True),
        ({"reward": "discounted"}, HALF_TIME, 0.5, True),
        ({"reward": "discounted"}, {**HALF_TIME, "proportional": False}, 1.0, True),
        ({"reward": "discounted"}, {**HALF_TIME, "elapsed_ms": 20_000}, 0.0, True),
        ({}, {"done": True, "raw": 0.5}, 0.0, False),
        ({"reward": "raw"}, {"done": True, "raw": 0.5}, 0.5, False),
        ({"reward": "raw"}, {"done": True, "raw": -1}, 0.0, False),
        ({"full": 0.9}, {"done": True, "raw": 0.95}, 1.0, True),
        ({}, {"done": False, "raw": 1.0}, 0.0, False),
        ({}, {"done": True, "raw": 1 - 1e-9}, 1.0, True),
        ({}, {"done": True, "raw": "1"}, 0.0, False),
    ],
)
def test_page_reward(options, values, value, passed):
    score = PageReward(**options).score(task(), episode(values))
    assert (score.value, score.passed) == (value, passed)
    assert set(score.parts) == {"raw", "binary", "discounted"}


def test_page_reward_parts_keep_what_was_clipped():
    score = PageReward().score(task(), episode({"done": True, "raw": -1.0, "reason": "timed out"}))
    assert score.parts == {"binary": 0.0, "raw": -1.0, "discounted": -1.0}
    assert score.reason == "timed out"


def test_without_evidence_nothing_is_scored():
    assert PageReward().score(task(), episode()).value is None
    assert PageState().score(task({"a": 1}), episode()).value is None


def test_unknown_options_are_the_tasks_fault():
    with pytest.raises(TaskError, match="'median'"):
        PageReward(reward="median")
    with pytest.raises(TaskError, match="'most'"):
        PageState(match="most")


CART = {"cart": {"items": [{"name": "Tea"}, {"name": "Jam"}], "total": "€ 7.50"}, "page.title": "Shop"}


@pytest.mark.parametrize(
    ("path", "value"), [("cart.items.1.name", "Jam"), ("page.title", "Shop"), ("cart.items.2.name", None), ("cart.total.x", None)]
)
def test_paths(path, value):
    assert at(CART, path) == value


def test_page_state_all_any_and_partial():
    reference = {"cart.items.0.name": "Tea", "cart.total": {"number": 7.5}, "page.title": {"regex": "^Till$"}}
    everything = PageState().score(task(reference), episode(CART))
    assert (everything.value, everything.passed) == (0.0, False)
    assert "page.title is 'Shop', expected regex '^Till$'" in everything.reason
    partial = PageState(partial=True).score(task(reference), episode(CART))
    assert (partial.value, partial.passed) == (pytest.approx(2 / 3), False)
    assert partial.parts == {"cart.items.0.name": 1.0, "cart.total": 1.0, "page.title": 0.0}
    assert PageState(match="any").score(task(reference), episode(CART)).value == 1.0


def test_page_state_needs_a_reference():
    with pytest.raises(TaskError, match="t/a: reference"):
        PageState().score(task(), episode(CART))


def test_scores_repeat_byte_for_byte():
    first, second = (PageState().score(task({"page.title": "Shop"}), episode(CART)).model_dump_json() for _ in range(2))
    assert first == second
