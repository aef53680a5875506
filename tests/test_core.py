from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quintain.core import Episode, EvaluatorSpec, Evidence, Failure, Limits, Score, StepRecord, Task, Usage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, plain, max_size=3)
evidence = st.builds(Evidence, values=objects, files=st.dictionaries(texts, st.binary(max_size=20), max_size=2))
episodes = st.builds(
    Episode,
    task=texts,
    agent=texts,
    seed=st.integers(0, 2**64 - 1),
    steps=st.lists(st.builds(StepRecord, action=plain, reward=st.floats(-1, 1)), max_size=3).map(tuple),
    evidence=st.none() | evidence,
    answer=st.none() | texts,
    usage=st.builds(Usage, tokens=st.none() | st.integers(0, 10**9)),
    outcome=st.sampled_from(["ok", "agent_error", "env_error", "timeout", "cancelled"]),
)
tasks = st.builds(Task, id=st.just("a/b"), env=texts, goal=texts, setup=objects, reference=plain, limits=st.just(Limits(steps=3)))


@given(episodes | tasks)
def test_values_survive_json(value: Episode | Task) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value


def test_values_are_frozen_and_reject_unknown_fields() -> None:
    task = Task(id="a/b", env="x")
    with pytest.raises(ValidationError, match="frozen"):
        task.goal = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Task(id="a/b", env="x", colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["", "a", "/a", "a/", "a//b", "a b/c", "../a", "a/b\n"])
def test_ids_without_suite_or_with_odd_characters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Task(id=name, env="x")


def test_neither_agent_nor_world_sees_reference_and_evaluator() -> None:
    spec = EvaluatorSpec(id="answer", options={"secret": "hidden"})
    task = Task(id="a/b", env="x", reference="hidden", evaluator=spec)
    assert "hidden" not in task.view(("click",)).model_dump_json() + task.for_world().model_dump_json()
    assert task.suite == "a"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_score_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(ValidationError):
        Score(value=value)
    assert Score(value=None).value is None


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_fit_into_stores(seed: int) -> None:
    with pytest.raises(ValidationError):
        Episode(task="a/b", agent="x", seed=seed)


def test_an_environments_fault_is_not_scored_and_an_agents_is() -> None:
    def episode(outcome: str) -> Episode:
        return Episode.model_validate({"task": "a/b", "agent": "x", "outcome": outcome})

    assert [episode(each).scorable for each in ("ok", "agent_error", "timeout", "env_error", "cancelled")] == [1, 1, 1, 0, 0]
    assert Failure(owner="task", message="x").owner == "task"


def test_no_two_episodes_share_an_id() -> None:
    assert Episode(task="a/b", agent="x").id != Episode(task="a/b", agent="x").id
