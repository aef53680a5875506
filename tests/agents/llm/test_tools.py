from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from quintain.agents.llm.choices import choices
from quintain.agents.llm.tools import Offer, described, fields, listed, schema, tools
from quintain.elements import Elements
from quintain.model_space import ModelSpace
from quintain.spaces import KINDS, Choose, Click, Observation, Select, Type, parse_action

ALL = tuple(KINDS)


def admits(form: dict[str, Any], value: Any) -> bool:
    return not list(jsonschema.Draft202012Validator(form).iter_errors(value))


def simplified(action: Any) -> dict[str, Any]:
    """An action as a model would write it: half clicks are not for models, and what is not meant is left out."""
    given = action.model_dump(mode="json", exclude_defaults=True)
    given.pop("phase", None)
    return {"kind": action.kind, **given}


@pytest.mark.parametrize("kind", ALL)
def test_every_action_that_the_schema_admits_is_one_and_every_one_is_admitted(kind: str):
    offer = Offer(ALL, points=True)
    space = ModelSpace(KINDS[kind], seed=3)
    for _ in range(60):
        given = simplified(space.sample())
        assert parse_action(given).kind == kind
        assert admits(schema(offer), {"action": given}), given
        del given["kind"]
        assert admits(fields(kind, offer), given)
    assert not admits(fields(kind, offer), {**given, "phase": "down"})
    assert not admits(fields(kind, offer), {**given, "unheard": 1})
    for name in fields(kind, offer)["required"]:
        assert not admits(fields(kind, offer), {key: value for key, value in given.items() if key != name})


def test_there_is_a_tool_for_each_kind_and_each_says_what_it_does():
    made = tools(Offer(ALL))
    assert [tool.name for tool in made] == list(ALL)
    assert all(tool.description.endswith(".") and tool.description != tool.name for tool in made)
    text = json.dumps([tool.parameters for tool in made])
    assert not [noise for noise in ("title", "$ref", "$defs", "null", "discriminator", '"kind"') if noise in text]


def test_points_are_offered_only_where_they_can_be_seen():
    assert admits(fields("click", Offer(ALL)), {"target": 3})
    assert not admits(fields("click", Offer(ALL)), {"target": {"x": 1, "y": 2}})
    assert admits(fields("drag", Offer(ALL, points=True)), {"target": 3, "to": {"x": 1, "y": 2}})
    assert not admits(fields("click", Offer(ALL, refs=False, points=True)), {"target": 3})


def test_targets_and_moves_can_be_held_to_what_there_is():
    offer = Offer(("click", "choose"), only=(4, 5), moves=(0, 2))
    assert admits(schema(offer), {"action": {"kind": "click", "target": 5}})
    assert not admits(schema(offer), {"action": {"kind": "click", "target": 6}})
    assert [admits(fields("choose", offer), {"index": index}) for index in range(3)] == [True, False, True]


def test_fields_beside_the_action_come_first():
    offer = Offer(("click",), extras=("memory", "thought"), needed=("thought",))
    assert list(schema(offer)["properties"]) == ["thought", "memory", "action"]
    assert schema(offer)["required"] == ["thought", "action"]
    parameters = tools(offer)[0].parameters
    assert list(parameters["properties"])[:2] == ["thought", "memory"]  # type: ignore[arg-type]
    assert parameters["required"] == ["thought", "target"]


def test_actions_are_listed_in_words():
    lines = listed(Offer(ALL, points=True)).splitlines()
    assert len(lines) == len(ALL)
    assert lines[ALL.index("hover")] == '{"kind": "hover", "target": integer or {x: number, y: number}} ' + described("hover")
    assert '"button"?: left|middle|right' in lines[0]


ACTIVE = ("visible", "in_view", "clickable")
FORM = Observation(
    elements=Elements.of(
        [
            {"role": "document"},
            {"role": "tab", "name": "One", "parent": 0, "states": ACTIVE},
            {"role": "link", "name": "One", "parent": 1, "states": ACTIVE},
            {"role": "button", "name": "Go", "parent": 0, "states": ACTIVE},
            {"role": "button", "name": "Go", "parent": 0, "states": ACTIVE},
            {"role": "button", "name": "Off", "parent": 0, "states": (*ACTIVE, "disabled")},
            {"role": "textbox", "parent": 0, "states": (*ACTIVE, "editable"), "attributes": {"placeholder": "Your name"}},
            {"role": "combobox", "name": "Colour", "tag": "select", "parent": 0, "states": ACTIVE},
            {"role": "option", "name": "Red", "parent": 7, "states": ("visible",)},
            {"role": "option", "name": "Blue", "parent": 7, "states": ("visible",)},
        ]
    )
)


def test_the_compact_form_offers_what_this_page_has_a_use_for():
    found = choices(FORM, ALL)
    assert found.targets == {"click": ("One", "Go", "Go (2)", "Your name"), "type": ("Your name",)}
    assert found.lists == {"Colour": ("Red", "Blue")}
    assert found.listed == "- One\n- Go\n- Go (2)\n- Your name\n- Colour: Red, Blue"
    for given, meant in [
        ({"kind": "click", "target": "Go (2)"}, Click(target=5)),
        ({"kind": "type", "target": "Your name", "text": "Ada"}, Type(target=7, text="Ada", clear=True)),
        ({"kind": "select", "target": "Colour", "text": "Blue"}, Select(target=8, options=("Blue",))),
    ]:
        assert admits(found.schema, given)
        assert parse_action(found.read(given)) == meant
    for wrong in (
        {"kind": "click", "target": "Off"},
        {"kind": "select", "target": "Colour", "text": "Green"},
        {"kind": "submit"},
    ):
        assert not admits(found.schema, wrong)


def test_the_compact_form_has_moves_and_commands():
    game = choices(Observation(text="Your move.\n0: left\n[3] right\n12) stay\nat 7: nothing"), ("choose", "submit"))
    assert game.moves == (0, 3, 12)
    assert parse_action(game.read({"kind": "choose", "target": 12})) == Choose(index=12)
    shell = choices(Observation(text="$"), ("bash", "submit", "noop"))
    assert [admits(shell.schema, {"kind": kind, "text": "ls"}) for kind in ("bash", "submit", "noop")] == [True, True, False]
    assert shell.read({"kind": "bash", "text": "ls"}) == {"kind": "bash", "command": "ls"}
    assert choices(Observation(), ("wait",)).schema["properties"] == {"kind": {"const": "noop"}}


def test_examples_are_of_the_form_that_is_asked_for():
    found = choices(FORM, ALL)
    messages = found.examples(flat=False)
    assert [message.role for message in messages] == ["user", "assistant"] * 3
    for question, answer in zip(messages[::2], messages[1::2], strict=True):
        action = json.loads(str(answer.content))["action"]
        assert f"- {action['target']}\n" in str(question.content)
    assert choices(Observation(text="$"), ("bash",)).examples(flat=True) == []
