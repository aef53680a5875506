"""Whole runs on real pages, recorded in two workers and replayed without the model: the episodes are identical."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quintain.runner import Run, evaluate
from quintain.spaces import VOLATILE
from quintain.store import Store
from quintain.trace import read_trace

UNPREDICTABLE = """
import json, os

def any_of(options):
    return options[os.urandom(1)[0] % len(options)]

def value(schema):
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return value(any_of(schema[name]))
    if "enum" in schema:
        return any_of(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "properties" in schema:
        return {name: value(each) for name, each in schema["properties"].items()}
    return os.urandom(2).hex()

def answer(request):
    return json.dumps(value(request.answer_schema))
"""
TASKS = ["miniwob/click-button", "miniwob/click-tab", "miniwob/enter-text"]


def run(out: Path, model: str, tasks: list[str], *, episodes: int, steps: int, **tape: str) -> Run:
    agent = {"agent": "llm", "config": {"model": model, "preset": "small", "actions": "schema", **tape}}
    return evaluate({"llm": agent}, tasks, episodes=episodes, workers=2, out=out, limits={"steps": steps})


def told(run: Run) -> dict[tuple[str, int], Any]:
    """All of every episode that is no time."""
    found = {}
    with Store.open(run.path) as store:
        for episode in store.episodes():
            usage = episode.usage
            trace = [
                {name: value for name, value in (line.observation or {}).items() if name not in VOLATILE}
                if line.step is None
                else line.step.action
                for line in read_trace(store.trace_path(episode.id))
                if line.note is None
            ]
            notes = [line.note for line in read_trace(store.trace_path(episode.id)) if line.note is not None]
            assert notes
            found[episode.task, episode.seed] = (
                episode.outcome, episode.failure, trace, notes, episode.evidence, store.score(episode.id),
                usage.tokens, usage.usd, usage.charges,
            )  # fmt: skip
    return found


@pytest.mark.usefixtures("real_browser")
def test_a_recorded_run_replays_to_identical_episodes(tmp_path: Path) -> None:
    script = tmp_path / "unpredictable.py"
    script.write_text(UNPREDICTABLE)
    model = f"scripted:{script}:answer"
    cassette = str(tmp_path / "cassette")
    # A scripted model says that it is able to all; the prompt of this run asks it for a schema.
    first = told(run(tmp_path / "first", model, TASKS, episodes=3, steps=4, record=cassette))
    other = told(run(tmp_path / "other", model, TASKS, episodes=3, steps=4))
    assert len(first) == 9
    assert first != other
    script.unlink()
    assert told(run(tmp_path / "again", model, TASKS, episodes=3, steps=4, replay=cassette)) == first


@pytest.mark.usefixtures("real_browser")
def test_a_page_that_changed_is_a_miss_and_leaves_the_episode_unscored(tmp_path: Path) -> None:
    script = tmp_path / "unpredictable.py"
    script.write_text(UNPREDICTABLE)
    model = f"scripted:{script}:answer"
    cassette = tmp_path / "cassette"
    run(tmp_path / "first", model, TASKS[:1], episodes=1, steps=2, record=str(cassette))
    (tape,) = (cassette / "episodes").iterdir()
    header, *calls = tape.read_text().splitlines()
    changed = [json.loads(call) for call in calls]
    for call in changed:
        call["key"] = "0" * 64
        call["request"]["messages"][-1]["content"] += "!"
    tape.write_text("\n".join([header, *map(json.dumps, changed), ""]))
    (episode,) = run(tmp_path / "again", model, TASKS[:1], episodes=1, steps=2, replay=str(cassette)).episodes()
    assert episode.outcome == "env_error"
    assert not episode.scorable
    assert episode.failure is not None
    assert episode.failure.owner == "infrastructure"
    assert "nearest is call 1, where message" in episode.failure.message


@pytest.mark.slow
@pytest.mark.usefixtures("real_browser")
def test_a_run_of_the_local_model_replays_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp")
    cassette = str(tmp_path / "cassette")
    tasks = ["miniwob/click-test", "miniwob/click-button"]
    first = told(run(tmp_path / "first", "local:smollm2", tasks, episodes=1, steps=2, record=cassette))
    assert all(usage[-3] > 0 and usage[-2] == 0.0 for usage in first.values())
    # Without the engine: workers find a package of that name which cannot be imported.
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "xllamacpp.py").write_text("raise ImportError('not here')")
    monkeypatch.syspath_prepend(str(broken))
    assert told(run(tmp_path / "again", "local:smollm2", tasks, episodes=1, steps=2, replay=cassette)) == first
