import gzip
import json

import pytest

from quintain.agents.replay import ReplayAgent
from quintain.core import Episode, Limits, Meta, StepRecord, TaskView
from quintain.errors import UsageError
from quintain.spaces import Click, Infeasible, Observation, Type

VIEW = TaskView(id="t/a", goal="", limits=Limits(), meta=Meta())
STEPS = ({"kind": "click", "target": 3}, [{"kind": "type", "text": "a"}, {"kind": "click", "target": 4}], "nonsense")
EXPECTED = [Click(target=3), Type(text="a"), Click(target=4)]


def episode():
    return Episode(task="t/a", agent="x", steps=tuple(StepRecord(action=action) for action in STEPS))


def replayed(agent):
    agent.reset(VIEW, 0)
    return [agent.act(Observation()) for _ in range(4)]


def check(agent):
    *actions, end = replayed(agent)
    assert actions == EXPECTED
    assert isinstance(end, Infeasible)
    assert replayed(agent)[:3] == EXPECTED


def test_replays_an_episode_again_and_again():
    check(ReplayAgent(episode()))


def test_replays_actions():
    check(ReplayAgent(STEPS))


def test_replays_an_episode_file(tmp_path):
    path = tmp_path / "episode.json"
    path.write_text(episode().model_dump_json())
    check(ReplayAgent(path))


def test_replays_a_trace(tmp_path):
    lines = [json.dumps({"observation": {}})] + [json.dumps({"action": action}) for action in STEPS]
    path = tmp_path / "trace.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    check(ReplayAgent(str(path)))


@pytest.mark.parametrize(
    ("name", "data"), [("a.json", b"{}"), ("a.json", b"{"), ("a.jsonl", b'{"step": 1}'), ("a.jsonl.gz", b"x")]
)
def test_a_file_without_actions_is_named(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=rf"{name}"):
        ReplayAgent(tmp_path / name)


def test_an_empty_recording_is_over_at_once():
    agent = ReplayAgent()
    agent.reset(VIEW, 0)
    assert isinstance(agent.act(Observation()), Infeasible)
