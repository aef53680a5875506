"""A run's configuration: from a file, from flags, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from quintain.config import RunConfig, available_cores, parse_settings
from quintain.errors import UsageError

RUN_TOML = """
agents = ["null", {agent = "my_agent.py:MyAgent", name = "mine", config = {greed = 0.5}}]
tasks = ["miniwob/click-*"]
episodes = 5
observe = ["elements"]
[limits]
steps = 7
[options]
mode = "virtual"
"""


def test_a_file_is_read_and_flags_override_it(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(RUN_TOML)
    config = RunConfig.read(path, episodes=2, seed=None, tasks=["miniwob/click-test"])
    assert [agent.label for agent in config.agents] == ["null", "mine"]
    assert config.agents[1].config == {"greed": 0.5}
    assert (config.episodes, config.seed, config.tasks, config.limits.steps) == (2, 0, ("miniwob/click-test",), 7)
    assert config.options == {"mode": "virtual"}
    assert config.workers == available_cores()


def test_a_configuration_survives_json() -> None:
    config = RunConfig.read(agents="null", tasks="a/*", out=Path("runs/x"), seed=2**64 - 1, trace="actions")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epsiodes": 3}, "unknown field 'epsiodes'; did you mean episodes"),
        ({"limits": {"step": 3}}, "unknown field 'limits.step'; did you mean steps"),
        ({"agents": [{"agent": "null", "confg": {}}]}, "did you mean config"),
        ({"agents": []}, "name one with --agent"),
        ({"tasks": ()}, "name some with --tasks"),
        ({"agents": ["null", "null"]}, "two agents are called 'null'"),
        ({"episodes": 0}, "episodes: "),
        ({"seed": -1}, "seed: "),
        ({"observe": "pixels"}, "observe"),
        ({"trace": "all"}, "trace: "),
    ],
)
def test_what_is_wrong_is_said_on_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        RunConfig.read(**{"agents": ["null"], "tasks": ["a/b"], **given})
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_malformed_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*none\.toml"):
        RunConfig.read(tmp_path / "none.toml")
    path = tmp_path / "run.toml"
    path.write_text("agents = [")
    with pytest.raises(UsageError, match=r"run\.toml: malformed TOML"):
        RunConfig.read(path)
    path.write_text("workers = 'many'\nagents = 'null'\ntasks = 'a/b'")
    with pytest.raises(UsageError, match=r"run\.toml: workers: "):
        RunConfig.read(path)


def test_settings_are_json_where_they_can_be_and_text_elsewhere() -> None:
    assert parse_settings(["a=0.5", "b=true", "c=gpt", 'd={"x": [1]}', "e=a=b", "f="]) == {
        "a": 0.5, "b": True, "c": "gpt", "d": {"x": [1]}, "e": "a=b", "f": "",
    }  # fmt: skip
    for wrong in ("novalue", "=3", "a b=3"):
        with pytest.raises(UsageError, match="key=value"):
            parse_settings([wrong])
