"""Agents in one line: what the grammar reads, and that nothing breaks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintain.agency.texts import read_agent, read_value
from quintain.config import AgentConfig, RunConfig
from quintain.errors import UsageError

LLM = {"agent": "llm", "config": {"model": "local:smollm2"}}


@pytest.mark.parametrize(
    ("text", "name", "agent", "config"),
    [
        ("llm", "", "llm", {}),
        ("pkg.module:Class", "", "pkg.module:Class", {}),
        ("my files/a.py:Agent", "", "my files/a.py:Agent", {}),
        ("llm()", "", "llm", {}),
        ("llm(model=local:smollm2, temperature=0)", "", "llm", {"model": "local:smollm2", "temperature": 0}),
        ("cold = llm( temperature = 0.5 ,)", "cold", "llm", {"temperature": 0.5}),
        ("a.py:A(model=https://host/v1#m,n=null)", "", "a.py:A", {"model": "https://host/v1#m", "n": None}),
        ('a.py:A(text="a, (b", kinds=["x", "y"], more={"k": [1, 2]})', "", "a.py:A",
         {"text": "a, (b", "kinds": ["x", "y"], "more": {"k": [1, 2]}}),
        ("best-of-n(agent=llm(model=local:smollm2), n=4)", "", "best-of-n", {"agent": LLM, "n": 4}),
        ("fuse(agents=[llm(model=local:smollm2), random])", "", "fuse", {"agents": [LLM, "random"]}),
        ("x(agent=b=llm(model=local:smollm2))", "", "x", {"agent": LLM | {"name": "b"}}),
        ("x(say=do it (now))", "", "x", {"say": "do it (now)"}),
    ],
)  # fmt: skip
def test_lines_mean_what_they_say(text: str, name: str, agent: str, config: dict[str, Any]) -> None:
    assert read_agent(text) == (name, agent, config)


@pytest.mark.parametrize(
    "text", ["llm(", "llm)", "llm(model", "llm(model)", "llm(3=4)", "llm(a=[1)", "llm(a=1))", "llm(a=(1)", 'x(a="b)']
)
def test_malformed_lines_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write|without its other half|is missing") as caught:
        AgentConfig.parse(text)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet='ab=,()[]{}":1 ', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    json.dumps(read_value(text))
    try:
        read_agent(text)
    except ValueError as error:
        assert "\n" not in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), JSON))
def test_json_values_come_back(config: dict[str, Any]) -> None:
    text = f"x({', '.join(f'{key}={json.dumps(value)}' for key, value in config.items())})"
    assert read_agent(text).config == config


def test_an_agent_may_be_a_toml_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cold.toml").write_text(
        'agent = "llm"\nname = "cold"\n[config]\nmodel = "a"\ntemperature = 0\n[config.inner]\nagent = "random"\n'
    )
    found = AgentConfig.parse("cold.toml")
    assert (found.label, found.config) == ("cold", {"model": "a", "temperature": 0, "inner": {"agent": "random"}})
    assert AgentConfig.parse("warm=cold.toml(temperature=1)").config["temperature"] == 1
    assert RunConfig.read(None, agents=["cold.toml", "null"], tasks="x").agents[0] == found
    Path("wrong.toml").write_text('agnt = "llm"\n')
    with pytest.raises(UsageError, match="wrong.toml: unknown field 'agnt'; did you mean agent"):
        AgentConfig.parse("wrong.toml")
    Path("broken.toml").write_text("agent =\n")
    with pytest.raises(UsageError, match="broken.toml: malformed TOML"):
        AgentConfig.parse("broken.toml")


@pytest.mark.parametrize(
    ("config", "label"),
    [
        (AgentConfig(agent="llm", config={"model": "local:smollm2"}), "llm:local:smollm2"),
        (AgentConfig(agent="llm", config={"model": "local:smollm2"}, name="a"), "a"),
        (AgentConfig(agent="best-of-n", config={"agent": LLM}), "best-of-n:local:smollm2"),
        (AgentConfig(agent="fuse", config={"agents": [LLM, LLM]}), "fuse:local:smollm2"),
        (AgentConfig(agent="fuse", config={"agents": [LLM], "model": "other"}), "fuse"),
        (AgentConfig(agent="llm", config={"model": 3}), "llm"),
    ],
)
def test_the_name_says_which_model(config: AgentConfig, label: str) -> None:
    assert config.label == label
