"""AgentLab's agents: what they are shown, and that they play real pages."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import quintain
from quintain import ledger
from quintain.agents.interop.agentlab import AgentLabAgent
from quintain.agents.interop.browsergym import browsergym_observation
from quintain.core import Limits, Meta, TaskView
from quintain.elements import Elements
from quintain.errors import AgentError, UsageError
from quintain.ledger import Ledger, opened
from quintain.spaces import Message, Observation, Submit, Window

VIEW = TaskView(id="t/a", goal="", limits=Limits(), meta=Meta())
PAGE = Elements.of(
    [
        {"role": "document", "tag": "html", "name": "Page", "box": (0, 0, 160, 210)},
        {"role": "button", "tag": "button", "name": "Go", "parent": 0, "box": (10, 10, 20, 10),
         "states": ("visible", "in_view", "clickable", "on_top", "focused")},
        {"role": "text", "name": "Go", "parent": 1},
        {"role": "checkbox", "tag": "input", "name": "Sure", "parent": 0, "attributes": {"type": "checkbox"},
         "states": ("visible", "offscreen", "checkable")},
        {"role": "textbox", "tag": "input", "value": "bob", "parent": 0},
    ]
)  # fmt: skip
SEEN = Observation(
    goal="Press Go",
    elements=PAGE,
    screenshot=np.zeros((210, 160, 3), np.uint8),
    windows=(Window(title="A", url="file:///a"), Window(title="B", url="file:///b", active=True)),
    messages=(Message(role="system", text="a dialog"),),
    error="no such element",
    elapsed_s=2.0,
)


@dataclass
class Info:
    """The fields of BrowserGym's `AgentInfo`."""

    think: str | None = None
    chat_messages: list[Any] = field(default_factory=list)
    stats: dict[str, float] = field(default_factory=dict)


class ButtonAgent:
    """Follows the interface of BrowserGym's `Agent`: presses the first button that it reads of."""

    action_set = None

    def __init__(self) -> None:
        self.seen: list[str] = []

    def obs_preprocessor(self, obs: dict[str, Any]) -> dict[str, Any]:
        return {**obs, "text": obs["axtree_txt"]}

    def get_action(self, obs: dict[str, Any]) -> tuple[str, Info]:
        self.seen.append(obs["last_action"])
        found = re.search(r"\[(\d+)\] button", obs["text"])
        stats = {"input_tokens": 10, "output_tokens": 2, "cost": 0.0}
        return (f'I press it.\n```\nclick("{found[1]}")\n```' if found else "noop()"), Info(think="a button", stats=stats)


@dataclass
class ButtonAgentArgs:
    """Follows the interface of AgentLab's `AgentArgs`."""

    agent_name: str = "button"
    calls: ClassVar[list[str]] = []

    def prepare(self) -> None:
        self.calls.append("prepare")

    def make_agent(self) -> ButtonAgent:
        self.calls.append("make_agent")
        return ButtonAgent()

    def close(self) -> None:
        self.calls.append("close")


def test_the_observation_has_the_keys_of_browsergym() -> None:
    seen = browsergym_observation(SEEN, 'click("2")')
    assert (seen["goal"], seen["goal_object"]) == ("Press Go", ({"type": "text", "text": "Press Go"},))
    assert (seen["open_pages_urls"], seen["open_pages_titles"]) == (("file:///a", "file:///b"), ("A", "B"))
    assert (seen["active_page_index"].tolist(), seen["url"]) == ([1], "file:///b")
    assert (seen["last_action"], seen["last_action_error"]) == ('click("2")', "no such element")
    assert [each["role"] for each in seen["chat_messages"]] == ["user", "info"]
    assert (seen["focused_element_bid"], seen["elapsed_time"].tolist()) == ("2", [2.0])
    assert seen["extra_element_properties"]["2"] == {
        "visibility": 1.0, "bbox": [10, 10, 20, 10], "clickable": True, "set_of_marks": True,
    }  # fmt: skip
    assert set(seen["extra_element_properties"]) == {"1", "2", "4", "5"}, "text has no bid"


def test_the_tree_is_that_of_the_devtools_protocol() -> None:
    nodes = browsergym_observation(SEEN)["axtree_object"]["nodes"]
    assert [(node["role"]["value"], node["name"]["value"], node["childIds"]) for node in nodes] == [
        ("RootWebArea", "Page", ["1", "3", "4"]), ("button", "Go", ["2"]), ("StaticText", "Go", []), ("checkbox", "Sure", []),
        ("textbox", "", []),
    ]  # fmt: skip
    assert [node.get("browsergym_id") for node in nodes] == ["1", "2", None, "4", "5"]
    assert nodes[3]["properties"] == [{"name": "checked", "value": {"type": "tristate", "value": "false"}}]
    assert nodes[4]["value"]["value"] == "bob"


def test_several_roots_get_one_above_them() -> None:
    two = Elements.of([{"role": "window", "name": "A"}, {"role": "window", "name": "B"}])
    nodes = browsergym_observation(Observation(elements=two))["axtree_object"]["nodes"]
    assert (nodes[0]["role"]["value"], nodes[0]["childIds"], len(nodes)) == ("RootWebArea", ["0", "1"], 3)


def test_the_document_is_that_of_the_devtools_protocol() -> None:
    found = browsergym_observation(SEEN)["dom_object"]
    nodes, strings = found["documents"][0]["nodes"], found["strings"]
    assert [strings[name] for name in nodes["nodeName"]] == ["#document", "HTML", "BUTTON", "#text", "INPUT", "INPUT"]
    assert nodes["parentIndex"] == [-1, 0, 1, 2, 1, 1]
    assert [strings[part] for part in nodes["attributes"][4]] == ["bid", "4", "type", "checkbox", "aria-label", "Sure"]
    assert [strings[part] for part in nodes["attributes"][5]] == ["bid", "5", "value", "bob"]


def test_what_was_not_observed_is_said() -> None:
    seen = browsergym_observation(Observation(goal="g", elements=PAGE))
    with pytest.raises(AgentError, match="run it with --observe screenshot"):
        seen["screenshot"]
    with pytest.raises(AgentError, match="run it with --observe elements"):
        browsergym_observation(Observation())["axtree_txt"]
    with pytest.raises(KeyError):
        seen["nonsense"]


def test_spending_and_thoughts_are_booked_and_a_price_of_zero_is_unknown() -> None:
    agent = AgentLabAgent(ButtonAgent())
    agent.reset(VIEW, 0)
    with opened(Ledger()) as book:
        agent.act(SEEN)
    assert (book.total.tokens, book.total.usd) == (12, None)
    assert book.drain() == [ledger.Note("thought", {"text": "a button"})]


def test_an_agent_is_new_in_every_episode() -> None:
    plain = ButtonAgent()
    agent = AgentLabAgent(plain)
    for _ in range(2):
        agent.reset(VIEW, 0)
        agent.act(SEEN)
    assert plain.seen == []
    ButtonAgentArgs.calls.clear()
    made = AgentLabAgent(ButtonAgentArgs)
    for _ in range(2):
        made.reset(VIEW, 0)
    made.close()
    assert ButtonAgentArgs.calls == ["prepare", "make_agent", "make_agent", "close"]


class NoAction(ButtonAgent):
    def get_action(self, obs: dict[str, Any]) -> Any:
        return None, {}


def test_no_action_ends_the_episode() -> None:
    agent = AgentLabAgent(NoAction())
    agent.reset(VIEW, 0)
    assert agent.act(SEEN) == Submit()


def test_what_has_no_such_methods_is_refused() -> None:
    with pytest.raises(UsageError, match="RandomAgent has neither get_action"):
        AgentLabAgent("random")


@pytest.mark.usefixtures("real_browser")
@pytest.mark.parametrize("agent", [ButtonAgent, ButtonAgentArgs()], ids=["agent", "args"])
def test_it_wins_on_real_pages(agent: Any, tmp_path: Path) -> None:
    run = quintain.evaluate(agent, "miniwob/click-test", episodes=2, workers=1, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0, 1.0]


@pytest.mark.usefixtures("real_browser")
def test_agentlabs_own_generic_agent_wins_on_a_real_page(tmp_path: Path) -> None:
    if importlib.util.find_spec("agentlab") is None:
        pytest.skip("tried in environments that have AgentLab")
    from agentlab.agents.generic_agent.agent_configs import FLAGS_GPT_3_5
    from agentlab.agents.generic_agent.generic_agent import GenericAgentArgs
    from agentlab.llm.chat_api import CheatMiniWoBLLMArgs

    class UnmeasuredLLMArgs(CheatMiniWoBLLMArgs):  # type: ignore[misc]
        """Counting tokens would fetch a vocabulary from the network."""

        max_total_tokens = max_input_tokens = None

    flags = FLAGS_GPT_3_5.copy()
    flags.max_prompt_tokens = None
    args = GenericAgentArgs(chat_model_args=UnmeasuredLLMArgs(), flags=flags)
    seen = ("elements", "screenshot", "windows")
    run = quintain.evaluate({"generic": args}, "miniwob/click-test", workers=0, observe=seen, out=tmp_path / "run")
    assert run.rows()["value"].tolist() == [1.0]
