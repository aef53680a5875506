"""`Elements` as a value: views, queries, and the ways in and out of JSON, pickle and pydantic."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from quintain.elements import ROLES, STATES, ElementNotFound, Elements, atspi_role, role_code
from quintain.errors import UsageError

SHOWN = ("visible", "in_view")
FORM: list[dict[str, Any]] = [
    {"role": "document", "name": "Shop", "tag": "html", "box": (0, 0, 400, 900)},
    {"parent": 0, "role": "heading", "name": "Buy", "tag": "h1"},
    {"parent": 1, "role": "text", "name": "Buy"},
    {"parent": 0, "role": "form", "tag": "form"},
    {"parent": 3, "role": "textbox", "name": "Mail", "value": "a@b", "tag": "input", "states": (*SHOWN, "editable", "focused")},
    {"parent": 3, "role": "checkbox", "name": "Gift", "tag": "input", "states": (*SHOWN, "checkable", "checked", "clickable")},
    {
        "parent": 3,
        "role": "button",
        "name": "Pay now",
        "tag": "button",
        "attributes": {"id": "pay"},
        "states": (*SHOWN, "clickable"),
    },
    {"parent": 6, "role": "text", "name": "Pay"},
    {"parent": 6, "role": "text", "name": "now"},
    {"parent": 0, "role": "button", "name": "Pay now", "tag": "button", "states": ("clickable",), "box": (5, 880, 40, 20)},
]


@pytest.fixture
def form() -> Elements:
    return Elements.of(FORM)


def test_rows_are_seen_as_a_tree(form: Elements) -> None:
    root = form.row(0)
    assert root.parent is None and [child.role for child in root.children] == ["heading", "form", "button"]
    pay = form[7]
    assert (pay.ref, pay.role, pay.name, pay.tag, dict(pay.attributes)) == (7, "button", "Pay now", "button", {"id": "pay"})
    assert pay.states == {"visible", "in_view", "clickable"} and pay.has("clickable") and not pay.has("checked")
    assert pay.parent == form[4] and list(pay.descendants()) == [form[8], form[9]]
    assert form[10].center == (25, 890)
    assert form.focused == form[5] and 7 in form and 70 not in form and len(form) == 10


def test_text_joins_pieces_that_touch(form: Elements) -> None:
    assert form.row(0).text == "Buy Pay now"
    glued = Elements.of(
        [{}, {"parent": 0, "role": "text", "name": "H"}, {"parent": 0, "role": "text", "name": "2", "states": ["glued"]}]
    )
    assert glued.row(0).text == "H2"
    assert form[5].text == "Mail"


def test_find_answers_to_all_conditions(form: Elements) -> None:
    assert [each.ref for each in form.find(role="button")] == [7]
    assert [each.ref for each in form.find(role="button", visible=None)] == [7, 10]
    assert [each.ref for each in form.find(role="button", visible=False)] == [10]
    assert [each.ref for each in form.find(role=("button", "checkbox"), states="clickable")] == [6, 7]
    assert [each.ref for each in form.find(name=re.compile("pay", re.I))] == [7]
    assert [each.ref for each in form.find(text="Pay now")] == [7]
    assert [each.ref for each in form.find(text="Buy", role="text")] == [3]
    assert form.find(tag=("h1", "h2")) == [form[2]]
    assert form.one(states={"checked"}).name == "Gift"


def test_what_is_not_there_is_named_with_what_is(form: Elements) -> None:
    with pytest.raises(ElementNotFound, match=r"no element has ref 99 in this observation of 10 elements with refs 1\.\.10"):
        form[99]
    with pytest.raises(ElementNotFound, match=r"no element answers to role='button', name='Sell'.*button 'Pay now' \[7\]"):
        form.one(role="button", name="Sell")
    with pytest.raises(ElementNotFound, match="2 elements answer to"):
        form.one(name="Pay now", visible=None)
    with pytest.raises(UsageError, match="unknown element state 'shiny'"):
        form.find(states="shiny")


def test_values_are_immutable_and_compared_by_content(form: Elements) -> None:
    with pytest.raises(ValueError, match="read-only"):
        form.ref[0] = 9
    same, other = Elements.of(FORM), Elements.of(FORM[:-1])
    assert form == same and hash(form) == hash(same) and form != other
    changed = Elements.of([*FORM[:-1], {**FORM[-1], "box": (6, 880, 40, 20)}])
    assert form != changed
    assert copy.deepcopy(form) == pickle.loads(pickle.dumps(form)) == form


def test_malformed_trees_are_refused() -> None:
    with pytest.raises(UsageError, match=r"differ in length: .*'parent': 1"):
        Elements(ref=[1, 2], parent=[-1], role=[0, 0], name=["", ""], value=[None] * 2, tag=["", ""])
    shuffled = Elements.of([{}, {"parent": 0}, {"parent": -1}, {"parent": 1}])
    with pytest.raises(UsageError, match="not in depth-first order: row 3 has parent 1"):
        shuffled.row(0).children  # noqa: B018
    for broken in ({}, {"ref": [1]}, Elements.of(FORM).to_jsonable() | {"role": [999] * 10}):
        with pytest.raises(UsageError, match="malformed elements"):
            Elements.from_jsonable(broken)


names = st.text(max_size=8)
nodes = st.fixed_dictionaries(
    {
        "role": st.sampled_from(ROLES),
        "name": names,
        "value": st.none() | names,
        "tag": st.sampled_from(["", "div", "a"]),
        "attributes": st.none() | st.dictionaries(names, names, min_size=1, max_size=2),
        "box": st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4),
        "states": st.sets(st.sampled_from(STATES)),
    }
)


@given(st.lists(nodes, max_size=6), st.data())
def test_json_and_pickle_lose_nothing(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    for row, node in enumerate(rows):
        node["parent"] = data.draw(st.integers(-1, row - 1))
    elements = Elements.of(rows)
    assert Elements.from_jsonable(json.loads(json.dumps(elements.to_jsonable()))) == elements
    assert pickle.loads(pickle.dumps(elements)) == elements


def test_stored_trees_outlive_a_change_of_the_role_and_state_tables(form: Elements) -> None:
    stored = form.to_jsonable()
    order = list(reversed(range(len(stored["roles"]))))
    stored["roles"] = [stored["roles"][code] for code in order]
    stored["role"] = [order.index(code) for code in stored["role"]]
    bits = list(reversed(range(len(stored["state_names"]))))
    stored["states"] = [sum(1 << bits.index(bit) for bit in bits if word >> bit & 1) for word in stored["states"]]
    stored["state_names"] = [stored["state_names"][bit] for bit in bits]
    assert Elements.from_jsonable(stored) == form


class Holder(BaseModel):
    elements: Elements | None = None


def test_pydantic_models_hold_elements(form: Elements) -> None:
    holder = Holder(elements=form)
    assert holder.elements is form and holder.model_dump()["elements"] is form
    assert Holder.model_validate_json(holder.model_dump_json()) == holder
    assert Holder.model_validate(holder.model_dump(mode="json")) == holder
    assert {"type": "object", "title": "Elements"} in Holder.model_json_schema()["properties"]["elements"]["anyOf"]
    with pytest.raises(ValidationError, match="malformed elements"):
        Holder.model_validate_json('{"elements": {"ref": [1]}}')
    with pytest.raises(ValidationError):
        Holder(elements="tree")  # type: ignore[arg-type]


def test_desktop_roles_have_aria_names() -> None:
    assert [atspi_role(each) for each in ("push button", "page tab", "entry", "slider", "no such role")] == [
        "button",
        "tab",
        "textbox",
        "slider",
        "generic",
    ]
    assert ROLES[role_code("img")] == "image" and ROLES[role_code("Presentation")] == "none"
    assert len(ROLES) <= 256 and len(STATES) <= 32 and len(set(ROLES)) == len(ROLES)


def test_an_empty_tree_is_a_value() -> None:
    empty = Elements()
    assert len(empty) == 0 and list(empty) == [] and empty.find() == [] and empty.focused is None
    assert empty.text() == empty.text("html") == empty.text("markdown") == empty.text(max_tokens=1) == ""
    assert Elements.from_jsonable(empty.to_jsonable()) == empty


def test_importing_elements_imports_neither_pydantic_nor_pillow() -> None:
    code = (
        "import sys; before = set(sys.modules); from quintain import elements; "
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} & {'pydantic', 'PIL', 'playwright'}))"
    )
    program = [sys.executable, "-c", "import quintain; " + code]
    assert subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout.strip() == "[]"


def test_a_box_is_kept_in_single_precision(form: Elements) -> None:
    assert form.box.dtype == np.float32 and form.box.shape == (10, 4) and form.states.dtype == np.uint32
