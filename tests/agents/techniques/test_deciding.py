"""What holds for every technique of one decision."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import quintain
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.deciding import Fuse, Layers, Refine, Sampled
from quintain.core import EvaluatorSpec, Limits, Task
from quintain.registry import load
from quintain.testing import check_agent

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]

MODEL = f"scripted:{quiz.QUIZ}:knowing"
KNOWING = {"agent": f"{quiz.QUIZ}:Knowing", "config": {"p": 0.5}}
FIXED = [{"agent": f"{quiz.QUIZ}:Fixed", "config": {"index": index}} for index in range(3)]
LAYERS = [[{"type": "generator", "agent": each} for each in FIXED], [{"type": "ranker", "model": MODEL, "top_k": 1}]]
TASK = Task(
    id="quiz/three",
    env=f"{quiz.QUIZ}:QuizWorld",
    setup={"questions": 4, "moves": 3},
    evaluator=EvaluatorSpec(id=f"{quiz.QUIZ}:ShareRight", when="step"),
    limits=Limits(steps=9),
)
MADE = {
    "sampled": lambda: Sampled(KNOWING, 3),
    "refine": lambda: Refine(KNOWING, f"{Path(quiz.QUIZ).stem}:Teacher"),
    "fuse": lambda: Fuse(FIXED, MODEL),
    "layers": lambda: Layers(LAYERS),
    "nested": lambda: Sampled(lambda: Fuse([FIXED[0], {"agent": "sampled", "config": {"agent": KNOWING, "n": 2}}], MODEL), 2),
}


@pytest.mark.parametrize("name", MADE)
def test_conforms_and_repeats_under_its_seed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, Path(quiz.QUIZ).stem, quiz)
    check_agent(MADE[name], TASK, repeats=True)


def test_a_run_file_names_them_and_nests_them(tmp_path: Path) -> None:
    text = f"""
        [[agents]]
        name = "voted"
        agent = "sampled"
        config = {{ n = 3, agent = {{ agent = "fuse", config = {{ model = "{MODEL}", agents = [
            {{ agent = "{quiz.QUIZ}:Fixed", config = {{ index = 0 }} }},
            {{ agent = "{quiz.QUIZ}:Fixed", config = {{ index = 1 }} }},
        ] }} }} }}
    """
    agents = {each.pop("name"): each for each in tomllib.loads(text)["agents"]}
    agents["layers"] = {"agent": "layers", "config": {"layers": LAYERS}}
    run = quintain.evaluate(agents, TASK, episodes=1, workers=2, out=tmp_path / "run")
    assert {row["agent"]: row["score"] for row in run.results()} == {"voted": 1.0, "layers": 1.0}


async def test_an_objects_model_stays_open_and_a_named_one_is_closed() -> None:
    closed = []

    class Closing(ScriptedModel):
        async def close(self) -> None:
            closed.append(self)

    handed = Fuse(FIXED, Closing([]))
    await handed.close()
    assert closed == []
    named = Fuse(FIXED, MODEL)
    named.fuser.asker.model = Closing([])
    await named.close()
    assert len(closed) == 1
