"""The text views of `Elements`, their budget, and the set-of-marks overlay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quintain.elements import Elements

SHOWN = ("visible", "in_view")
PAGE: list[dict[str, Any]] = [
    {"role": "document", "name": "Shop", "tag": "html"},
    {"parent": 0, "tag": "div"},
    {"parent": 1, "role": "heading", "name": "Buy", "tag": "h1"},
    {"parent": 2, "role": "text", "name": "Buy"},
    {"parent": 1, "role": "paragraph", "tag": "p"},
    {"parent": 4, "role": "text", "name": "H"},
    {"parent": 4, "tag": "sub", "role": "subscript"},
    {"parent": 6, "role": "text", "name": "2", "states": (*SHOWN, "glued")},
    {"parent": 4, "role": "text", "name": "O costs", "states": (*SHOWN, "glued")},
    {"parent": 4, "role": "link", "name": 'a "lot"', "tag": "a", "attributes": {"href": "/lot"}, "states": (*SHOWN, "clickable")},
    {"parent": 9, "role": "text", "name": 'a "lot"'},
    {"parent": 1, "role": "textbox", "name": "Mail", "value": "a@b", "tag": "input", "states": (*SHOWN, "editable", "focused")},
    {"parent": 1, "role": "checkbox", "name": "Gift", "tag": "input", "states": (*SHOWN, "checkable", "clickable")},
    {"parent": 1, "tag": "div", "attributes": {"class": "icon"}, "states": (*SHOWN, "clickable"), "box": (5, 6, 7, 8)},
    {"parent": 1, "role": "button", "name": "Gone", "tag": "button", "states": ("clickable",)},
    {"parent": 1, "role": "graphics-symbol", "tag": "circle", "attributes": {"fill": "red"}},
]


def test_the_outline_says_each_thing_once() -> None:
    assert Elements.of(PAGE).text() == "\n".join(
        [
            '[1] document "Shop"',
            ' [3] heading "Buy"',
            " [5] paragraph",
            '  text "H"',
            "  [7] subscript: 2",
            '  text "O costs"',
            '  [10] link "a \\"lot\\""',
            ' [12] textbox "Mail" value="a@b" focused',
            ' [13] checkbox "Gift" unchecked',
            ' [14] div class="icon" clickable',
            " [16] circle fill=red",
        ]
    )


def test_the_outline_takes_options() -> None:
    elements = Elements.of(PAGE)
    assert '[15] button "Gone" hidden' in elements.text(only_visible=False)
    assert "box=5,6,7,8" in elements.text(with_boxes=True)
    assert "[" not in elements.text(with_refs=False)


def test_html_keeps_tags_and_attributes() -> None:
    lines = Elements.of(PAGE).text("html").splitlines()
    assert lines[0] == '<html ref=1 aria-label="Shop">' and lines[-1] == "</html>"
    assert '  <a ref=10 href="/lot">a "lot"</a>' in lines
    assert ' <input ref=12 aria-label="Mail" value="a@b" focused>' in lines
    assert ' <circle ref=16 fill="red"></circle>' in lines


def test_markdown_reads_as_prose() -> None:
    assert Elements.of(PAGE).text("markdown").splitlines()[:3] == [
        "# Buy",
        'H2O costs [a "lot"](#10)',
        '{textbox "Mail" #12 focused = "a@b"} {checkbox "Gift" #13 unchecked}',
    ]


def tall(count: int, focus: int | None = None) -> Elements:
    """Rows of 20 pixels with a button each; the first ten are in view."""
    nodes: list[dict[str, Any]] = [{"role": "list", "tag": "ul", "box": (0, 0, 100, 20 * count)}]
    for row in range(count):
        states = ("visible", "in_view" if row < 10 else "offscreen", *(("focused",) if row == focus else ()))
        nodes.append({"parent": 0, "role": "listitem", "tag": "li", "box": (0, 20 * row, 100, 20), "states": states})
        nodes.append(
            {"parent": len(nodes) - 1, "role": "button", "name": f"Item {row}", "box": (0, 20 * row, 50, 20), "states": states}
        )
    return Elements.of(nodes)


@pytest.mark.parametrize("style", ["axtree", "html"])
@pytest.mark.parametrize("tokens", [40, 100, 400])
def test_a_budget_leaves_out_what_is_far_from_the_view_and_says_so(style: Any, tokens: int) -> None:
    text = tall(200).text(style, max_tokens=tokens)
    assert len(text) <= 4 * tokens
    assert "Item 0" in text and "Item 199" not in text
    assert "of 401 elements left out, far from the view" in text.splitlines()[-1]
    assert tall(200).text(style, max_tokens=100_000).count("Item ") == 200


def test_a_budget_keeps_the_focus_even_out_of_view() -> None:
    assert "Item 150" in tall(200, focus=150).text(max_tokens=100)


def test_diff_tells_what_appeared_went_and_changed() -> None:
    before = Elements.of(PAGE)
    after = [{**node, "ref": row + 1} for row, node in enumerate(PAGE)]
    after[12] = {**after[12], "states": (*SHOWN, "checkable", "checked", "clickable")}
    after[11] = {**after[11], "value": "c@d"}
    after[-1] = {"parent": 1, "role": "button", "name": "New", "tag": "button", "ref": 77}
    assert before.diff(before) == ""
    assert Elements.of(after).diff(before).splitlines() == [
        "- [16] circle fill=red",
        '~ [12] textbox "Mail" value="c@d" focused (was: textbox "Mail" value="a@b" focused)',
        '~ [13] checkbox "Gift" checked (was: checkbox "Gift" unchecked)',
        '+ [77] button "New"',
    ]
    assert "left out" in Elements.of(after).diff(before, max_tokens=30)


def test_marks_draw_on_a_copy_around_what_can_be_acted_on() -> None:
    states = ("visible", "in_view", "clickable")
    elements = Elements.of(
        [
            {"role": "button", "box": (10, 10, 40, 20), "states": states},
            {"role": "button", "box": (60, 10, 40, 20), "states": states},
            {"role": "heading", "box": (10, 60, 40, 20)},
        ]
    )
    blank = np.full((100, 120, 3), 255, np.uint8)
    marked = elements.marks(blank)
    assert marked.shape == blank.shape and marked.dtype == np.uint8 and (blank == 255).all()
    changed = (marked != 255).any(axis=2)
    assert changed[10, 10:50].all() and changed[10:30, 60].all() and not changed[60:, :].any()
    assert (elements.marks(np.full((200, 240, 3), 255, np.uint8), scale=2)[20, 20:100] != 255).any(axis=1).all()
    assert (elements.marks(blank, refs=[3]) != 255).any(axis=2)[60, 10:50].all()
