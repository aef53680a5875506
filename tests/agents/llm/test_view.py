from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quintain.agents.llm.prompting.controls import control_lines
from quintain.agents.llm.prompting.tokens import cut, picture_tokens, short, tokens
from quintain.agents.llm.prompting.view import moves, past, pictures, present, summary
from quintain.agents.llm.switches import Switches
from quintain.elements import Elements
from quintain.pixels import decode_png
from quintain.spaces import Message, Observation, Window

SWITCHES = Switches()
ACTIVE = ("visible", "in_view", "clickable")


def buttons(*names: str, **fields: object) -> Elements:
    return Elements.of({"role": "button", "name": name, "states": ACTIVE, **fields} for name in names)


@given(st.text(max_size=3000), st.integers(20, 500))
def test_a_text_is_cut_in_its_middle_to_the_limit(text: str, limit: int):
    found = cut(text, limit)
    assert tokens(found) <= limit
    assert (found == text) == (tokens(text) <= limit)
    if found != text:
        head, note, tail = found.partition("\n… ")
        assert text.startswith(head)
        assert text.endswith(tail.split("left out …\n", 1)[1])
        assert note


@given(st.text(), st.integers(2, 40))
def test_a_line_is_one_line(text: str, limit: int):
    assert len(short(text, limit)) <= limit
    assert "\n" not in short(text, limit)


def test_long_output_keeps_how_it_began_and_how_it_ended():
    seen = Observation(text="\n".join(f"line {number}" for number in range(9000)), exit_code=1)
    text = present(seen, SWITCHES)
    assert text.startswith("line 0\nline 1\n")
    assert "characters left out" in text
    assert "line 8999\n\nexit code 1" in text
    assert tokens(text) < SWITCHES.text_tokens + 30
    assert tokens(present(seen, SWITCHES, share=0.1)) < SWITCHES.text_tokens * 0.1 + 30


def test_the_goal_is_not_told_twice():
    seen = Observation(goal="Count the files.", text="Count the files.\n\n/workspace:\n  a.txt")
    assert present(seen, SWITCHES).startswith("/workspace:\n  a.txt\n\nStep 1.")


def test_only_what_was_said_since_is_told_again():
    said = [Message(role="user", text=f"word {number}") for number in range(60)]
    first, later = (Observation(messages=tuple(said[number : number + 50])) for number in (0, 2))
    assert "word 49" in present(first, SWITCHES)
    assert "word 39" not in present(first, SWITCHES)
    text = present(later, SWITCHES, before=first)
    assert "user: word 50\nuser: word 51" in text
    assert "word 49" not in text


def test_a_message_that_was_put_there_for_once_brings_no_old_one_back():
    said = [Message(role="user", text=f"word {number}") for number in range(4)]
    before = Observation(messages=(*said[:3], Message(role="system", text="Is that right?")))
    text = present(Observation(messages=tuple(said)), SWITCHES, before=before)
    assert "user: word 3" in text
    assert "word 2" not in text


def test_past_observations_keep_what_was_printed_and_lose_their_elements():
    seen = Observation(text="done", elements=buttons("Buy"), error="it was covered", windows=(Window(title="A", active=True),))
    text = past(seen, SWITCHES)
    assert "Error: it was covered" in text
    assert "done" in text
    assert "Buy" not in text
    assert "(1 elements, as they were then)" in text
    assert past(Observation(), SWITCHES) == "(nothing to see)"


def test_a_summary_is_one_line():
    seen = Observation(
        text="a\n" * 50, exit_code=2, error="no such file", windows=(Window(title="x", url="http://x/y", active=True),)
    )
    line = summary(seen)
    assert "\n" not in line
    for part in ("error: no such file", "exit code 2", "51 lines", "at http://x/y"):
        assert part in line


def test_moves_are_the_numbers_at_the_beginning_of_lines():
    text = "Score 3: 4\n0: left\n [1] right\n2) up\n3. stay\n2) up again\n12:30 o'clock\nThen 7: no"
    assert moves(Observation(text=text)) == (0, 1, 2, 3)
    assert moves(Observation()) == ()


def test_controls_are_what_can_be_used_now_within_a_budget():
    elements = Elements.of(
        [
            {"role": "heading", "name": "Title"},
            {"role": "button", "name": "Go", "states": ACTIVE},
            {"role": "checkbox", "name": "Agree", "states": (*ACTIVE, "checkable")},
            {"role": "textbox", "value": "x", "states": (*ACTIVE, "editable", "focused")},
            {"role": "button", "name": "Hidden", "states": ("clickable",)},
            {"role": "button", "name": "Dead", "states": (*ACTIVE, "disabled")},
        ]
    )
    assert control_lines(elements, 1000).splitlines() == [
        '[2] button "Go"',
        '[3] checkbox "Agree" unchecked',
        '[4] textbox "textbox" value="x" focused',
    ]
    many = control_lines(buttons(*(f"Number {number}" for number in range(500))), 100)
    assert tokens(many) <= 110
    assert many.splitlines()[-1] == f"… {500 - len(many.splitlines()) + 1} more"


def test_pictures_are_png_files_of_what_was_seen_and_count_by_their_size():
    screen, image = np.full((300, 400, 3), 7, np.uint8), np.full((5, 5, 3), 9, np.uint8)
    found = pictures(Observation(screenshot=screen, images=(image,)), SWITCHES)
    assert [decode_png(each.picture.png).tolist() for each in found] == [screen.tolist(), image.tolist()]
    assert [each.tokens for each in found] == [160, 85]
    assert picture_tokens(1280, 720) == 1229
    assert len(pictures(Observation(screenshot=screen, images=(image,)), Switches(images=False))) == 1
