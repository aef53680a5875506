"""OSWorld's agents: what they are shown, and that they play a real page by pixels alone."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import quintain
from quintain import ledger
from quintain.agents.interop.accessibility_xml import accessibility_xml
from quintain.agents.interop.osworld import OSWorldAgent, osworld_observation
from quintain.core import Limits, Meta, TaskView
from quintain.elements import Elements
from quintain.errors import AgentError, UsageError
from quintain.ledger import Ledger, opened
from quintain.spaces import Click, Infeasible, Noop, Observation, Point, Submit, Wait

VIEW = TaskView(id="t/a", goal="", limits=Limits(), meta=Meta())
ST = "{https://accessibility.ubuntu.example.org/ns/state}"
CP = "{https://accessibility.ubuntu.example.org/ns/component}"


class Fixed:
    """Follows the interface of OSWorld's agents; answers the same each time."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0

    def predict(self, instruction: str, obs: dict[str, Any]) -> Any:
        self.asked += 1
        return self.answer

    def reset(self, _logger: Any = None, **kwargs: Any) -> None:
        self.asked = 0


def answers(answer: Any, count: int) -> list[Any]:
    agent = OSWorldAgent(Fixed(answer))
    agent.reset(VIEW, 0)
    return [agent.act(Observation(goal="g")) for _ in range(count)]


def test_the_observation_has_the_keys_of_osworld() -> None:
    screenshot = np.full((4, 6, 3), 7, np.uint8)
    seen = osworld_observation(Observation(goal="g", screenshot=screenshot, elements=Elements.of([{"name": "A"}])))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(seen["screenshot"]))), screenshot)
    assert (seen["instruction"], seen["terminal"]) == ("g", None)
    assert osworld_observation(Observation())["accessibility_tree"] is None


def test_the_tree_is_what_osworlds_agents_filter_and_read() -> None:
    shown = ("visible", "in_view", "clickable")
    text = accessibility_xml(
        Elements.of(
            [
                {"role": "window", "name": "Editor"},
                {"role": "button", "name": "Go \x00", "parent": 0, "box": (1.2, 2.6, 30, 40), "states": shown},
                {"role": "textbox", "value": "bob", "parent": 0, "states": (*shown, "editable", "disabled")},
                {"role": "window", "name": "Other"},
            ]
        )
    )
    root = ElementTree.fromstring(text)
    assert (root.tag, [each.tag for each in root.iter()][1:]) == ("desktop-frame", ["frame", "push-button", "entry", "frame"])
    button, entry = root[0]
    assert (button.get("name"), button.get(f"{CP}screencoord"), button.get(f"{CP}size")) == ("Go \ufffd", "(1, 3)", "(30, 40)")
    assert [button.get(f"{ST}{name}") for name in ("visible", "showing", "enabled")] == ["true"] * 3
    assert (entry.text, entry.get(f"{ST}enabled"), entry.get(f"{ST}editable")) == ("bob", None, "true")


def test_several_actions_are_done_one_a_step_before_it_is_asked_again() -> None:
    program = "import pyautogui\npyautogui.click(1, 2)\ntime.sleep(2)"
    clicked = Click(target=Point(x=1, y=2))
    assert answers(("I click.", [program, "WAIT"]), 4) == [clicked, Wait(seconds=2), Wait(seconds=1), clicked]


@pytest.mark.parametrize(
    ("answer", "action"),
    [
        (["DONE"], Submit()),
        (("", ["FAIL"], {"more": 1}), Infeasible(reason="the agent says that it cannot be done")),
        ("WAIT", Wait(seconds=1)),
        ([{"action_type": "DONE"}], Submit()),
        ([{"action_type": "CLICK", "parameters": {"x": 1, "y": 2}}], Click(target=Point(x=1, y=2))),
        ([], Noop()),
        (None, Noop()),
    ],
)
def test_each_kind_of_answer_is_read(answer: Any, action: Any) -> None:
    assert answers(answer, 1) == [action]


def test_what_cannot_be_read_does_nothing_and_is_noted() -> None:
    with opened(Ledger()) as book:
        assert answers(["__import__('os').system('ls')"], 1) == [Noop()]
    assert book.drain() == [
        ledger.Note(
            "unreadable",
            {"action": "__import__('os').system('ls')",
             "problem": "line 1: only calls of pyautogui and time.sleep are read: __import__('os').system('ls')"},
        )
    ]  # fmt: skip


def test_what_is_no_list_of_actions_is_the_agents_failure() -> None:
    with pytest.raises(AgentError, match="predict returned int"):
        answers(3, 1)
    with pytest.raises(UsageError, match=r"RandomAgent has no method predict\(instruction, obs\)"):
        OSWorldAgent("random")


class DarkestSpot:
    """Finds the button of the page in the screenshot alone: the pixels of its grey below the goal's yellow."""

    def predict(self, instruction: str, obs: dict[str, Any]) -> tuple[str, list[str]]:
        assert instruction == "Click the button."
        pixels = np.asarray(Image.open(io.BytesIO(obs["screenshot"]))).astype(int)
        grey = (np.ptp(pixels, axis=2) < 4) & (pixels.mean(axis=2) > 200) & (pixels.mean(axis=2) < 250)
        y, x = (int(np.median(places)) for places in np.nonzero(grey[52:]))
        return "the grey box", [f"import pyautogui\npyautogui.click({x}, {y + 52}, duration=0.5)", "DONE"]


@pytest.mark.usefixtures("real_browser")
def test_it_wins_on_a_real_page_by_pixels(tmp_path: Path) -> None:
    run = quintain.evaluate(
        {"pixels": DarkestSpot()}, "miniwob/click-test", episodes=3, workers=1, observe="screenshot", out=tmp_path / "run"
    )
    assert run.rows()["value"].tolist() == [1.0] * 3


class TreeReader:
    """Clicks the middle of the first button of the accessibility tree."""

    def predict(self, instruction: str, obs: dict[str, Any]) -> list[str]:
        button = next(ElementTree.fromstring(obs["accessibility_tree"]).iter("push-button"))
        places = re.findall(r"\d+", f"{button.get(f'{CP}screencoord')} {button.get(f'{CP}size')}")
        x, y, width, height = (int(each) for each in places)
        return [f"pyautogui.moveTo({x} + {width} / 2, {y} + {height} / 2)\npyautogui.click()"]


@pytest.mark.usefixtures("real_browser")
def test_it_wins_on_a_real_page_by_the_tree(tmp_path: Path) -> None:
    run = quintain.evaluate(TreeReader, "miniwob/click-test", workers=1, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0]
