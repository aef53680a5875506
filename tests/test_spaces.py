from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quintain.model_space import ModelSpace
from quintain.spaces import (
    ACTIONS,
    FORMS,
    KEYBOARD,
    KINDS,
    POINTER,
    TALK,
    VOLATILE,
    WEB,
    Action,
    ActionAdapter,
    Check,
    Click,
    Observation,
    Point,
    Say,
    Scroll,
    Wait,
    parse_action,
)


@given(st.integers(0, 2**32), st.sampled_from(ACTIONS))
def test_every_action_survives_json(seed: int, model: type) -> None:
    action: Action = ModelSpace[Action](model, seed=seed).sample()
    assert parse_action(action.model_dump_json()) == action
    assert parse_action(json.loads(action.model_dump_json(exclude_defaults=True)) | {"kind": action.kind}) == action
    assert ActionAdapter.validate_json(ActionAdapter.dump_json(action)) == action
    assert parse_action(action) is action


def test_the_groups_name_kinds() -> None:
    assert len(KINDS) == len(ACTIONS)
    assert set(KINDS) > POINTER | KEYBOARD | FORMS | WEB | TALK


PROBLEMS = {
    "x": "is no JSON",
    "[" * 100_000: "is no JSON",
    "[]": "got list",
    "null": "got NoneType",
    '{"kind": "clik"}': "clik",
    '{"kind": "click"}': "click.target",
    '{"kind": "click", "target": 1, "colour": 1}': "click.colour: Extra inputs are not permitted",
    '{"kind": "click", "target": 1, "count": 9, "button": "x"}': "and 1 more",
    '{"kind": "scroll", "dy": NaN}': "finite",
    '{"kind": "wait", "seconds": Infinity}': "finite|less than or equal",
    '{"kind": "hover", "target": [1, Infinity]}': "hover.target",
}


@pytest.mark.parametrize("text", PROBLEMS, ids=lambda text: text[:40])
def test_what_is_no_action_is_named_on_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=PROBLEMS[text]) as caught:
        parse_action(text)
    assert str(caught.value).startswith("not an action: ")
    assert "\n" not in str(caught.value)


def test_a_pair_is_a_point() -> None:
    assert parse_action({"kind": "click", "target": [3, 4]}) == Click(target=Point(x=3, y=4))
    assert Click(target=(3, 4.5)).target == Point(x=3, y=4.5)  # type: ignore[arg-type]


def test_numbers_that_json_lacks_are_refused() -> None:
    for make in (lambda x: Scroll(dy=x), lambda x: Point(x=x, y=0), lambda x: Wait(seconds=x)):
        with pytest.raises(ValidationError):
            make(float("nan"))


def test_check_is_a_state_not_a_toggle() -> None:
    assert Check(target=1) == Check(target=1, checked=True) != Check(target=1, checked=False)


def test_observations_are_equal_apart_from_times() -> None:
    one = Observation(goal="x", screenshot=np.zeros((2, 2, 3), np.uint8), elapsed_s=1.0)
    assert one.model_copy(update={"elapsed_s": 2.0}) == one
    assert one != one.model_copy(update={"screenshot": np.ones((2, 2, 3), np.uint8)})
    assert one != one.model_copy(update={"screenshot": None})
    assert one != one.model_copy(update={"images": (np.ones((2, 2, 3), np.uint8),)})
    assert set(Observation.model_fields) > VOLATILE
    with pytest.raises(TypeError):
        hash(one)


def test_pictures_travel_as_png() -> None:
    rng = np.random.default_rng(0)
    seen = Observation(screenshot=rng.integers(0, 255, (5, 7, 3), np.uint8), images=(np.zeros((1, 1, 3), np.uint8),))
    assert Observation.model_validate_json(seen.model_dump_json()) == seen
    for wrong in (np.zeros((5, 7), np.uint8), np.zeros((5, 7, 3), np.float32), "no PNG", 3):
        with pytest.raises(ValidationError):
            Observation(screenshot=wrong)  # type: ignore[arg-type]


def test_a_language_model_is_given_one_schema_an_action() -> None:
    schema = ModelSpace[Action](Click, Say).json_schema()
    assert [each["properties"]["kind"]["const"] for each in schema["oneOf"]] == ["click", "message"]
    json.dumps(ModelSpace[Observation](Observation).json_schema())
