import numpy as np
import pytest

from quintain.agents.random import WEIGHTS, RandomAgent
from quintain.core import Limits, Meta, TaskView
from quintain.elements import Elements
from quintain.spaces import KINDS, Click, Noop, Observation, Point, Read, Select, Type

PAGE = Elements.of(
    [
        {"role": "document", "box": (0, 0, 160, 210)},
        {"role": "button", "name": "Go", "parent": 0, "box": (10, 10, 20, 10), "states": ("visible", "in_view", "clickable")},
        {"role": "button", "name": "Off", "parent": 0, "states": ("visible", "in_view", "clickable", "disabled")},
        {"role": "button", "name": "Below", "parent": 0, "states": ("visible", "offscreen", "clickable")},
        {"role": "textbox", "parent": 0, "states": ("visible", "in_view", "clickable", "editable")},
        {"role": "combobox", "tag": "select", "parent": 0, "states": ("visible", "in_view", "clickable")},
        {"role": "option", "name": "Red", "parent": 5, "states": ("visible", "offscreen")},
    ]
)
SEEN = Observation(goal='Enter "bob" and press Go', goal_fields={"name": "bob"}, elements=PAGE)


def view(*kinds):
    return TaskView(id="t/a", goal="", limits=Limits(), meta=Meta(), action_kinds=kinds)


def actions(seed, observation=SEEN, kinds=tuple(KINDS), count=300):
    agent = RandomAgent()
    agent.reset(view(*kinds), seed)
    return [agent.act(observation) for _ in range(count)]


def test_same_seed_gives_the_same_actions():
    assert actions(2**64 - 1) == actions(2**64 - 1)
    assert actions(1) != actions(2)


def test_never_ends_the_episode_or_leaves_the_page():
    assert {action.kind for action in actions(0)} == set(WEIGHTS) - {"scroll"}  # nothing here can be scrolled


def test_targets_only_what_is_there_to_be_used():
    assert {action.target for action in actions(0) if isinstance(action, Click)} == {2, 5, 6}
    assert {action.target for action in actions(0) if isinstance(action, Type)} == {5}
    assert {(action.target, action.options) for action in actions(0) if isinstance(action, Select)} == {(6, ("Red",))}


def test_types_words_of_the_goal():
    texts = {action.text for action in actions(0) if isinstance(action, Type)}
    assert texts <= {"bob", "Enter", "and", "press", "Go"}
    assert "bob" in texts


def test_takes_only_kinds_of_the_environment():
    assert {action.kind for action in actions(0, kinds=("click", "bash", "submit"))} == {"click"}


def test_acts_by_pixels_where_there_are_no_elements():
    screen = Observation(screenshot=np.zeros((20, 30, 3), np.uint8))
    targets = [action.target for action in actions(0, screen) if isinstance(action, Click)]
    assert targets
    assert all(isinstance(target, Point) and 0 <= target.x < 30 and 0 <= target.y < 20 for target in targets)


def test_waits_where_there_is_nothing_to_act_on():
    assert set(map(type, actions(0, Observation(), ("click",)))) == {Noop}


@pytest.mark.parametrize("seed", [0, 2**63])
def test_draws_from_the_whole_space_of_other_families(seed):
    drawn = actions(seed, Observation(), ("read", "submit"), 5)
    assert all(isinstance(action, Read) for action in drawn)
    assert drawn == actions(seed, Observation(), ("read", "submit"), 5)
