"""The agents of a run: named, told apart, checked, and shipped."""

from __future__ import annotations

import threading
from typing import Any

import cloudpickle
import pytest
import toy_world as toy

from quintain.config import AgentConfig
from quintain.errors import UsageError
from quintain.roster import roster
from quintain.spaces import Choose


def act(observation: Any) -> Choose:
    return Choose(index=toy.UP)


UP = f"{toy.TOY}:UpAgent"


@pytest.mark.parametrize(
    ("agents", "labels"),
    [
        ("null", ["null"]),
        (["null", "random"], ["null", "random"]),
        ({"a": "null", "b": "null"}, ["a", "b"]),
        ({"agent": "null"}, ["agent"]),
        ({"agent": "constant", "config": {"action": None}}, ["constant"]),
        ({"agent": "null", "config": {}, "name": "x"}, ["x"]),
        ([{"agent": "null", "name": "x"}, "null"], ["x", "null"]),
        ({"a": {"agent": "constant", "config": {"action": None}}}, ["a"]),
        (["x=null", "null"], ["x", "null"]),
        (AgentConfig(agent="null"), ["null"]),
        ([act, toy.UpAgent, toy.GiveUpAgent()], ["act", "UpAgent", "GiveUpAgent"]),
        (act, ["act"]),
        (toy.UpAgent, ["UpAgent"]),
    ],
)
def test_agents_have_names(agents: Any, labels: list[str]) -> None:
    assert [each.label for each in roster(agents)] == labels


@pytest.mark.parametrize("agent", [act, toy.UpAgent, toy.UpAgent(), UP, {"agent": UP, "config": {}}])
def test_each_arrives_at_a_worker(agent: Any) -> None:
    contestant = cloudpickle.loads(cloudpickle.dumps(roster(agent)[0]))
    assert contestant.build().act(None) == Choose(index=toy.UP)


def test_arguments_are_kept_with_the_results() -> None:
    found = roster(f"{toy.TOY}:MovesAgent(moves=[1, 2])")[0]
    assert (found.config.config, found.label) == ({"moves": [1, 2]}, f"{toy.TOY}:MovesAgent")
    assert found.build().moves == [1, 2]  # type: ignore[union-attr]


class Unpicklable(toy.UpAgent):
    def __init__(self) -> None:
        self.lock = threading.Lock()


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UsageError, match="'Unpicklable': cannot be sent to the workers .* build what cannot be pickled in"):
        roster(Unpicklable())


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ([], "no agent to evaluate"),
        (["null", "null"], "two agents are called 'null'"),
        ({"a": 42}, "agent 'a': agent 'int': has no method reset"),
        ({"a": "nul"}, "agent 'a': unknown agent 'nul'"),
        ([{"agent": "null", "config": {"x": 1}}], "agent 'null': takes no arguments"),
        ({"agent": "null", "config": {"x": 1}}, "agent 'null': takes no arguments"),
        ([{"config": {}}], "agent missing"),
    ],
)
def test_a_bad_one_is_refused_on_one_line(agents: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        roster(agents)
    assert said in str(caught.value) and "\n" not in str(caught.value)
