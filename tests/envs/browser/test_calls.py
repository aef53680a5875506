"""BrowserGym's call text: what is read, what is refused and how, and the way back."""

from __future__ import annotations

import ast
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintain.envs.browser.calls import format_call, parse_calls
from quintain.envs.browser.literals import LiteralProblem, read_literal
from quintain.envs.browser.primitives import PRIMITIVES
from quintain.spaces import (
    Back,
    Bash,
    Check,
    Click,
    CloseTab,
    Drag,
    FocusTab,
    Forward,
    Goto,
    Hover,
    Infeasible,
    NewTab,
    Noop,
    Point,
    Press,
    Reload,
    Say,
    Scroll,
    Select,
    Submit,
    Type,
    Upload,
    Wait,
)

AT = Point(x=3, y=4.5)
MEANINGS = {
    'send_msg_to_user("hi")': Say(text="hi"),
    'report_infeasible(reason="no such page")': Infeasible(reason="no such page"),
    "noop()": Wait(seconds=1.0),
    "noop(250)": Wait(seconds=0.25),
    "noop(0)": Noop(),
    "scroll(0, -200.5)": Scroll(dx=0, dy=-200.5),
    'fill("12", "x", True)': Type(text="x", target=12, clear=True),
    'select_option("12", "red")': Select(target=12, options=("red",)),
    'select_option("12", ["red", "blue"])': Select(target=12, options=("red", "blue")),
    'click("12")': Click(target=12),
    'click(bid="12", button="right", modifiers=["Shift", "Alt"])': Click(target=12, button="right", modifiers=("Shift", "Alt")),
    'dblclick("12")': Click(target=12, count=2),
    'hover("12")': Hover(target=12),
    'press("12", "Control+a")': Press(keys="Control+a", target=12),
    'focus("12")': Type(text="", target=12),
    'clear("12")': Type(text="", target=12, clear=True),
    'drag_and_drop("1", "2")': Drag(target=1, to=2),
    'upload_file("12", "a.txt")': Upload(target=12, files=("a.txt",)),
    'check("12")': Check(target=12),
    'uncheck("12")': Check(target=12, checked=False),
    "scroll_at(3, 4.5, 0, 10)": Scroll(target=AT, dy=10),
    "mouse_move(3, 4.5)": Hover(target=AT),
    "mouse_up(3, 4.5)": Click(target=AT, phase="up"),
    'mouse_down(3, 4.5, "middle")': Click(target=AT, phase="down", button="middle"),
    "mouse_click(x=3, y=4.5)": Click(target=AT),
    "mouse_dblclick(3, 4.5)": Click(target=AT, count=2),
    "mouse_drag_and_drop(3, 4.5, 10, 20)": Drag(target=AT, to=Point(x=10, y=20)),
    'mouse_upload_file(3, 4.5, ["a", "b"])': Upload(target=AT, files=("a", "b")),
    'keyboard_down("Shift")': Press(keys="Shift", phase="down"),
    'keyboard_up("Shift")': Press(keys="Shift", phase="up"),
    'keyboard_press("Enter")': Press(keys="Enter"),
    'keyboard_type("abc")': Type(text="abc"),
    'keyboard_insert_text("abc")': Type(text="abc"),
    'goto("https://example.org")': Goto(url="https://example.org"),
    "go_back()": Back(),
    "go_forward()": Forward(),
    "tab_close()": CloseTab(),
    "tab_focus(2)": FocusTab(index=2),
    "new_tab()": NewTab(),
}


def test_each_of_the_35_primitives_has_its_meaning() -> None:
    assert len(PRIMITIVES) == 35
    assert {text.split("(")[0] for text in MEANINGS} == set(PRIMITIVES)
    for text, action in MEANINGS.items():
        assert parse_calls(text) == parse_calls(text, strict=True) == [action]


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"it\'s \"quoted\" \\ \n\t\x41\u00e9\U0001F600"', 'it\'s "quoted" \\ \n\tA\u00e9\U0001f600'),
        ("'''two\nlines'''", "two\nlines"),
        ('"""say "hi" """', 'say "hi" '),
        (r'r"C:\new"', r"C:\new"),
        (r'"\d+\N{BULLET}\101"', "\\d+\u2022A"),
        ('"side " \'by\' " side"', "side by side"),
        ('"a # b"', "a # b"),
        ('"a, b) c("', "a, b) c("),
        ('"back\\\nslash"', "backslash"),
        ('""', ""),
        (r'"\ud83d\ude00"', "\U0001f600"),
    ],
)
def test_strings_are_pythons(literal: str, text: str) -> None:
    assert parse_calls(f"keyboard_type({literal})") == [Type(text=text)]


def test_calls_are_found_in_prose_and_lists() -> None:
    text = """I'll first (if needed) look at the form. It's element 12.
    - click("12")
    Then: fill("13", "a (small) town"); press("13", "Enter").
    """
    town = Type(text="a (small) town", target=13, clear=True)
    assert parse_calls(text) == [Click(target=12), town, Press(keys="Enter", target=13)]


def test_only_fenced_code_counts_where_there_is_some() -> None:
    text = 'First I thought of click("1").\n```python\nclick("2")\n# click("3")\nnew_tab()\n```\nNot go_back().'
    assert parse_calls(text) == [Click(target=2), NewTab()]
    assert parse_calls('```click("2")```') == [Click(target=2)]


def test_comments_and_line_breaks_are_skipped() -> None:
    text = '# click("1")\nclick(  # the button\n  "2",\n)  # then click("3")\n\n;go_back()'
    assert parse_calls(text) == parse_calls(text, strict=True) == [Click(target=2), Back()]


def test_strict_takes_nothing_but_calls() -> None:
    with pytest.raises(ValueError, match="line 2: expected a call: and that is it"):
        parse_calls('click("1")\nand that is it', strict=True)
    with pytest.raises(ValueError, match="empty text"):
        parse_calls("  # nothing\n", strict=True)


PROBLEMS = {
    "": "no call in ''",
    "I am done.": "no call in 'I am done.'",
    'clik("1")': r"line 1: unknown function 'clik'; did you mean click, .*: clik\(\"1\"\)",
    'new_tab()\nclik("1")': "line 2: unknown function 'clik'",
    'print("x")': "unknown function 'print'",
    'click("1"': r"line 1: click: the call is never closed",
    'new_tab()\nfill("1", "abc)': r'line 2: fill: unbalanced quotes: "abc\)',
    'fill("1", """abc)': "unbalanced quotes",
    "click()": r"argument 'bid' is missing; it is click\(bid, button=\"left\", modifiers=\[\]\)",
    'hover("1", "2")': r"2 arguments, but it is hover\(bid\)",
    'hover(bid="1", id="2")': "no argument 'id'",
    'hover("1", bid="1")': "argument 'bid' is given twice",
    'hover(bid="1", bid="1")': "argument 'bid' is given twice",
    'click(button="left", "1")': "a positional argument after a named one",
    'click("a12")': "argument 'bid': refs are whole numbers here, without BrowserGym's frame prefix.*got 'a12'",
    'click("-1")': "expected the ref of an element",
    "click(1.5)": "expected the ref of an element",
    "click(True)": "expected the ref of an element",
    'click("1", "lft")': "argument 'button': expected one of left, middle, right, got 'lft'",
    'click("1", "left", ["Ctrl"])': "argument 'modifiers': expected one of Alt, Control",
    'click("1", [])': "argument 'button'",
    'scroll(0, "x")': "argument 'delta_y': expected a number, got 'x'",
    "scroll(0, 1e999)": "dy: .*finite",
    "tab_focus(1.5)": "expected a whole number",
    "tab_focus(-1)": "index: .*greater than or equal to 0",
    "noop(99999999)": "seconds: .*less than or equal to 3600",
    'press("1", "")': "keys: ",
    "goto(url)": "goto: 'url' is no literal; put a text in quotes",
    "goto(1)": "argument 'url': expected a text in quotes, got 1",
    'goto("a" + "b")': r"expected ',' or '\)'",
    'keyboard_type("\\ud800")': "half of a surrogate pair",
    'keyboard_type("\\x4")': "malformed escape",
    "select_option('1', [[1]])": "expected a text or a list of texts",
    "select_option('1', " + "[" * 500 + ")": "nested deeper",
    "click(" + "9" * 5000 + ")": "not a number",
    'click("1", {[]: 1})': "a list cannot be a key",
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_problem_is_named_on_one_line_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=PROBLEMS[text]) as caught:
        parse_calls(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_one_malformed_statement_spoils_the_text_but_a_sentence_does_not() -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_calls('click("1")\nclick("2"')
    assert parse_calls('To click (or not)? Yes: click("1")') == [Click(target=1)]


def test_code_is_never_executed() -> None:
    for text in ('click(__import__("os").getcwd())', "click(open('x'))", 'eval("1")', 'click(f"{1}")', "click((lambda: 1)())"):
        with pytest.raises(ValueError):
            parse_calls(text)


texts = st.text(st.characters(exclude_categories=["Cs"]))
refs = st.integers(0, 10**6)
points = st.builds(Point, x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
deltas = st.floats(allow_nan=False, allow_infinity=False)
buttons = st.sampled_from(["left", "middle", "right"])
names = st.lists(texts, min_size=0, max_size=3).map(tuple)
modifiers = st.lists(st.sampled_from(["Alt", "Control", "ControlOrMeta", "Meta", "Shift"]), max_size=3).map(tuple)
expressible = st.one_of(
    st.builds(Click, target=refs, button=buttons, count=st.sampled_from([1, 2]), modifiers=modifiers),
    st.builds(Click, target=points, button=buttons, count=st.sampled_from([1, 2])),
    st.builds(Click, target=points, button=buttons, phase=st.sampled_from(["down", "up"])),
    st.builds(Hover, target=refs | points),
    st.builds(Drag, target=refs, to=refs) | st.builds(Drag, target=points, to=points),
    st.builds(Scroll, target=st.none() | points, dx=deltas, dy=deltas),
    st.builds(Type, text=texts) | st.builds(Type, text=texts, target=refs, clear=st.just(True)),
    st.builds(Type, text=st.just(""), target=refs),
    st.builds(Press, keys=texts.filter(bool), phase=st.sampled_from(["full", "down", "up"])),
    st.builds(Press, keys=texts.filter(bool), target=refs),
    st.builds(Select, target=refs, options=names) | st.builds(Upload, target=refs | points, files=names),
    st.builds(Check, target=refs, checked=st.booleans()),
    st.builds(Goto, url=texts) | st.builds(FocusTab, index=refs),
    st.builds(Say, text=texts) | st.builds(Infeasible, reason=texts),
    st.builds(Wait, seconds=st.floats(1e-6, 3600)),
    st.sampled_from([Back(), Forward(), NewTab(), CloseTab(), Noop()]),
)


@given(expressible)
def test_what_is_written_is_read_back(action: object) -> None:
    written = format_call(action)  # type: ignore[arg-type]
    assert parse_calls(written, strict=True) == parse_calls(written) == [action]


@given(st.lists(expressible, min_size=1, max_size=4))
def test_several_written_calls_are_read_back(actions: list[object]) -> None:
    written = "\n".join(map(format_call, actions))  # type: ignore[arg-type]
    assert parse_calls(written, strict=True) == actions


@pytest.mark.parametrize(
    "action",
    [
        Bash(command="ls"), Reload(), Submit(), Click(target=1, count=3), Type(text="x", target=AT), Type(text="x", target=1),
        Drag(target=1, to=AT), Drag(target=1, to=2, button="right"), NewTab(url="x"), CloseTab(index=0),
        Click(target=AT, modifiers=("Alt",)),
    ],
    ids=repr,
)  # fmt: skip
def test_what_browsergym_cannot_say_is_refused(action: object) -> None:
    with pytest.raises(ValueError, match="no call for"):
        format_call(action)  # type: ignore[arg-type]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_literals_are_read_as_python_reads_them(value: object) -> None:
    written = repr(value)
    read = read_literal(written, 0)
    assert read.value == ast.literal_eval(written) == value
    assert type(read.value) is type(value)
    assert read.end == len(written)


@given(st.text(alphabet="'\"\\nxu0{}[](),:= #\n12.aTrue") | st.text())
def test_any_text_is_read_or_refused_never_worse(text: str) -> None:
    for attempt in (lambda: read_literal(text, 0), lambda: parse_calls(text), lambda: parse_calls(f"click({text}", strict=True)):
        try:
            attempt()
        except (LiteralProblem, ValueError) as problem:
            assert str(problem)


def test_time_grows_with_the_length_not_with_its_square() -> None:
    dice = random.Random(0)
    noise = "".join(dice.choice(string.printable) for _ in range(1000))
    shapes = ["click(", 'click("', 'click("""', "click('''\\", "click(1,", "click((", "1" * 9, "a" * 9, "a ", "```\n", "#", noise]

    def seconds(text: str) -> float:
        began = time.perf_counter()
        for strict in (False, True):
            try:
                parse_calls(text, strict=strict)
            except ValueError:
                continue
        return time.perf_counter() - began

    for shape in shapes:
        short, long = ("click(" + shape * (size // len(shape)) for size in (20_000, 80_000))
        assert seconds(long) < 12 * max(min(seconds(short), seconds(short)), 0.02), shape[:20]
