"""Programs of pyautogui are read as data: what is known becomes actions, all else is refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintain.agents.interop.pyautogui_calls import WHEEL_PX, PyAutoGui
from quintain.agents.interop.pyautogui_keys import key_name
from quintain.spaces import Click, Drag, Hover, Point, Press, Scroll, Type, Wait

HERE, THERE = Point(x=10, y=20), Point(x=30, y=40)
MEANINGS = {
    "pyautogui.click(10, 20)": [Click(target=HERE)],
    "pyautogui.click((10, 20))": [Click(target=HERE)],
    "pyautogui.click(x=10, y=20, clicks=2, interval=0.1, button='right')": [Click(target=HERE, count=2, button="right")],
    "pyautogui.moveTo(10, 20, 0.5, pyautogui.easeInQuad)": [Hover(target=HERE)],
    "pyautogui.moveTo(10, 20, duration=0.5); pyautogui.click()": [Hover(target=HERE), Click(target=HERE)],
    "pyautogui.moveTo(10, 20)\npyautogui.dragTo(30, 40, 1, button='left')": [Hover(target=HERE), Drag(target=HERE, to=THERE)],
    "pyautogui.moveTo(10, 20)\npyautogui.moveRel(20, 20)": [Hover(target=HERE), Hover(target=THERE)],
    "pyautogui.moveTo(10, 20)\npyautogui.drag(20, 20)": [Hover(target=HERE), Drag(target=HERE, to=THERE)],
    "pyautogui.doubleClick(10, 20)": [Click(target=HERE, count=2)],
    "pyautogui.tripleClick(10, 20)": [Click(target=HERE, count=3)],
    "pyautogui.rightClick(10, 20)": [Click(target=HERE, button="right")],
    "pyautogui.middleClick(10, 20)": [Click(target=HERE, button="middle")],
    "pyautogui.mouseDown(10, 20)\npyautogui.mouseUp(30, 40)": [
        Click(target=HERE, phase="down"), Click(target=THERE, phase="up"),
    ],
    "pyautogui.scroll(-3)": [Scroll(dy=3 * WHEEL_PX)],
    "pyautogui.scroll(2, x=10, y=20)": [Scroll(target=HERE, dy=-2 * WHEEL_PX)],
    "pyautogui.hscroll(1)": [Scroll(dx=WHEEL_PX)],
    "pyautogui.typewrite('hi there', interval=0.05)": [Type(text="hi there")],
    "pyautogui.write(['a', 'enter'])": [Press(keys="a"), Press(keys="Enter")],
    "pyautogui.press('pgdn', presses=2)": [Press(keys="PageDown")] * 2,
    "pyautogui.press(['left', 'f5'])": [Press(keys="ArrowLeft"), Press(keys="F5")],
    "pyautogui.hotkey('ctrl', 'shift', 't')": [Press(keys="Control+Shift+t")],
    "pyautogui.hotkey(['ctrl', 'c'])": [Press(keys="Control+c")],
    "pyautogui.keyDown('shift')\npyautogui.keyUp('shift')": [
        Press(keys="Shift", phase="down"), Press(keys="Shift", phase="up"),
    ],
    "time.sleep(0.5)": [Wait(seconds=0.5)],
    "import pyautogui as pag, time\npyautogui.PAUSE = 1\n": [],
    "import pyautogui as pag\npag.click(10, 20)": [Click(target=HERE)],
    "from time import sleep\nsleep(1)": [Wait(seconds=1)],
    "pyautogui.FAILSAFE = False\nx, y = 10, 40 / 2\npyautogui.click(x, y)": [Click(target=HERE)],
    "tag_1 = (10, 20)\npyautogui.click(*tag_1)": [Click(target=HERE)],
    "# nothing to do\npass": [],
}  # fmt: skip


@pytest.mark.parametrize("program", MEANINGS)
def test_programs_mean_what_pyautogui_does(program: str) -> None:
    assert PyAutoGui().read(program) == MEANINGS[program]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("pyautogui.click(", "line 1: not Python: '(' was never closed"),
        ("pyautogui.click(1, 2)\npyautogui.press('entr')", "line 2: unknown key 'entr': pyautogui.press('entr')"),
        ("pyautogui.click()", "line 1: where the pointer is, is not known"),
        ("pyautogui.click('button.png')", "a place is two numbers"),
        ("pyautogui.click(1, 2, clicks=9)", "less than or equal to 3"),
        ("pyautogui.press('a', presses=10000000)", "10000000 key presses in one call"),
        ("pyautogui.press('a', presses=9**9)", "neither a number nor a text"),
        ("pyautogui.click('a' * 3, 2)", "'a' is no number"),
        ("pyautogui.click(1 / 0, 2)", "division by zero"),
        ("pyautogui.click(1, 2, speed=3)", "unexpected keyword argument 'speed'"),
        ("pyautogui.screenshot('x.png')", "pyautogui.screenshot is not read; known: click, doubleClick"),
        ("import os", "only calls of pyautogui and time.sleep are read: import os"),
        ("open('/etc/passwd').read()", "only calls of pyautogui and time.sleep are read"),
        ("for i in range(3):\n    pyautogui.click(i, i)", "only calls of pyautogui and time.sleep are read"),
        ("pyautogui.click(len('ab'), 2)", "len('ab') is neither a number nor a text"),
        ("pyautogui.__class__('x')", "pyautogui.__class__ is not read"),
        ("time.sleep(99999)", "less than or equal to 3600"),
        ("-" * 100_000 + "1", "line 1"),
    ],
)
def test_all_else_is_refused_on_one_line(program: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\Aline \d") as caught:
        PyAutoGui().read(program)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for program in (
        f"open({str(marker)!r}, 'w')",
        f"pyautogui.click(open({str(marker)!r}, 'w'), 1)",
        f"x = open({str(marker)!r}, 'w')",
    ):
        with pytest.raises(ValueError, match="line 1"):
            PyAutoGui().read(program)
    assert not marker.exists()


@given(st.text(alphabet="pyautogi.clkwres(1,2)'\"\n =*[]x", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        PyAutoGui().read("pyautogui." + text)
    except ValueError as error:
        assert str(error).startswith("line ")


def test_dicts_of_osworld_are_read() -> None:
    reader = PyAutoGui()
    assert reader.read_action({"action_type": "MOVE_TO", "parameters": {"x": 10, "y": 20}}) == [Hover(target=HERE)]
    assert reader.read_action({"action_type": "CLICK", "num_clicks": 2}) == [Click(target=HERE, count=2)]
    assert reader.read_action({"action_type": "SCROLL", "dx": 0, "dy": -2}) == [Scroll(target=HERE, dy=2 * WHEEL_PX)]
    assert reader.read_action({"action_type": "TYPING", "parameters": {"text": "hi"}}) == [Type(text="hi")]
    assert reader.read_action({"action_type": "PRESS", "parameters": {"key": "enter"}}) == [Press(keys="Enter")]
    assert reader.read_action({"action_type": "KEY_DOWN", "key": "shift"}) == [Press(keys="Shift", phase="down")]
    assert reader.read_action({"action_type": "HOTKEY", "keys": ["ctrl", "a"]}) == [Press(keys="Control+a")]
    for wrong in ({"action_type": "JUMP"}, {"action_type": "CLICK", "speed": 1}, {"action_type": "SCROLL", "dy": "far"}, {}):
        with pytest.raises(ValueError, match="unknown action_type|unexpected keyword|bad operand"):
            reader.read_action(wrong)


@pytest.mark.parametrize(
    ("name", "key"),
    [("Enter", "Enter"), ("CTRL", "Control"), ("A", "A"), ("%", "%"), ("space", " "), ("num7", "7"), ("f12", "F12")],
)
def test_keys_are_those_of_the_web(name: str, key: str) -> None:
    assert key_name(name) == key
