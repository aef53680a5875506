"""What the command line gives to all agents reaches those that take it, in their depths too."""

from __future__ import annotations

from typing import Any

import pytest
import toy_world as toy

from quintain.agency.equipping import equip
from quintain.config import AgentConfig
from quintain.errors import UsageError
from quintain.lifting import AgentLike

HERE = str(__file__)


class Asking(toy.UpAgent):
    def __init__(self, model: str, *, temperature: float = 1.0, record: str | None = None) -> None: ...


class Loose(toy.UpAgent):
    def __init__(self, **options: Any) -> None: ...


class Around(toy.UpAgent):
    def __init__(self, agent: AgentLike, n: int = 1) -> None: ...


ASKING, LOOSE, AROUND = (AgentConfig(agent=f"{HERE}:{name}") for name in ("Asking", "Loose", "Around"))
NULL = AgentConfig(agent="null")


def around(agent: Any) -> AgentConfig:
    return AROUND.model_copy(update={"config": {"agent": agent}})


def test_a_setting_goes_to_those_that_take_it() -> None:
    found = equip([ASKING, NULL, LOOSE], settings={"temperature": 0})
    assert [each.config for each in found] == [{"temperature": 0}, {}, {"temperature": 0}]
    with pytest.raises(UsageError, match="no agent takes an argument 'temprature'; did you mean temperature"):
        equip([ASKING, NULL], settings={"temprature": 0})
    with pytest.raises(UsageError, match="no agent takes an argument 'record'"):
        equip([NULL], settings={"record": "tape"})


def test_a_model_goes_to_those_that_name_one() -> None:
    found = equip([ASKING, NULL, LOOSE], models=["local:smollm2"])
    assert [each.label for each in found] == [f"{ASKING.agent}:local:smollm2", "null", LOOSE.agent]
    with pytest.raises(UsageError, match=r"--model x: none of the agents null takes a model; try llm"):
        equip([NULL], models=["x"])


def test_several_models_make_several_agents() -> None:
    called = ASKING.model_copy(update={"name": "mine"})
    found = equip([called, NULL], models=["a", "b"])
    assert [(each.label, each.config) for each in found] == [
        ("mine:a", {"model": "a"}), ("mine:b", {"model": "b"}), ("null", {}),
    ]  # fmt: skip
    assert [each.label for each in equip([called], models=["a"])] == ["mine"]


@pytest.mark.parametrize("inner", [ASKING.agent, {"agent": ASKING.agent}, f"{ASKING.agent}(temperature=0)"])
def test_the_agents_in_the_arguments_count(inner: Any) -> None:
    found = equip([around({"agent": AROUND.agent, "config": {"agent": inner}})], settings={"record": "tape"}, models=["m"])[0]
    innermost: Any = found.config["agent"]
    innermost = innermost["config"]["agent"]
    assert innermost["agent"] == ASKING.agent
    assert innermost["config"]["model"] == "m" and innermost["config"]["record"] == "tape"
    assert found.label == f"{AROUND.agent}:m"


def test_an_argument_of_the_technique_itself_comes_first() -> None:
    found = equip([around(ASKING.agent)], settings={"n": 3})[0]
    assert found.config == {"agent": ASKING.agent, "n": 3}


def test_an_agent_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match="unknown agent 'nul'; did you mean null"):
        equip([AgentConfig(agent="nul")], models=["m"])
