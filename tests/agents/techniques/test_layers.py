"""All components of a plan at work, with a scripted model that knows the truth."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.model import Request
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.deciding import Layers
from quintain.errors import UsageError
from quintain.registry import load

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]


def fixed(*indices: int) -> list[dict[str, Any]]:
    """Generators that propose these moves."""
    return [{"type": "generator", "agent": {"agent": f"{quiz.QUIZ}:Fixed", "config": {"index": index}}} for index in indices]


SEED, MOVES = 5, 6
RIGHT = quiz.Random(SEED).randrange(MOVES)
ALL = fixed(*range(MOVES))


async def layered(layers: list[Any], script: Any = quiz.knowing, **options: Any) -> tuple[Any, ScriptedModel, Any]:
    """The one move of an episode of one question, the model, and the episode."""
    model = ScriptedModel(script)
    filled = [[each if each["type"] == "generator" else {**each, "model": model} for each in layer] for layer in layers]
    episode = await quiz.play(Layers(filled), moves=MOVES, seed=SEED, **options)
    assert episode.outcome == "ok", episode.failure
    return episode.steps[0].action["index"], model, episode


def purposes(episode: Any) -> dict[str, int]:
    return {each.what: each.calls for each in episode.usage.charges}


async def test_a_ranker_keeps_the_best_whatever_the_order_it_is_shown() -> None:
    move, model, episode = await layered([ALL, [{"type": "ranker", "top_k": 1}]])
    assert move == RIGHT and purposes(episode) == {"judge": 1}
    assert quiz.numbered(quiz.asked(model.requests[0])) != list(range(MOVES))


async def test_a_ranking_with_gaps_is_completed_in_the_order_of_the_proposals() -> None:
    def third_first(request: Request) -> str:
        return json.dumps({"ranking": [quiz.numbered(quiz.asked(request)).index(3) + 1, 99]})

    seen = []

    def script(request: Request) -> str:
        if "ranking" in request.answer_schema["properties"]:  # type: ignore[index,operator]
            return third_first(request)
        seen.append(quiz.numbered(quiz.asked(request)))
        return quiz.knowing(request)

    await layered([ALL, [{"type": "ranker", "top_k": 3}], [{"type": "fuser"}]], script)
    first, *rest = seen[0]
    assert first == 3 and len(rest) == 2 and 3 not in rest


async def test_critiques_reach_the_ranker_that_uses_them_and_the_fuser() -> None:
    ranker = {"type": "ranker", "top_k": 2, "use_critiques": True}
    move, model, episode = await layered([ALL, [{"type": "critic"}], [ranker], [{"type": "fuser", "length_control": True}]])
    assert move == RIGHT and purposes(episode) == {"critic": 1, "judge": 1, "fuse": 1}
    ranking, fusing = (quiz.asked(request) for request in model.requests[1:])
    for text in (ranking, fusing):
        for index, critique in re.findall(r'"index": (\d+).*\n\s+(right|off by \d+)', text):
            assert critique == ("right" if int(index) == RIGHT else f"off by {abs(int(index) - RIGHT)}")
    assert ranking.count("off by") == MOVES - 1 and fusing.count("off by") == 1
    assert "no longer than needed" in fusing


async def test_a_verifier_keeps_what_it_finds_right_and_stops_at_enough() -> None:
    move, _, episode = await layered([ALL, [{"type": "verifier", "first_k": 1}]])
    assert move == RIGHT and purposes(episode) == {"judge": 2 * (RIGHT + 1)}
    move, _, episode = await layered([ALL, [{"type": "verifier"}], [{"type": "ranker", "top_k": 1}]])
    assert move == RIGHT and purposes(episode) == {"judge": 2 * MOVES + 1}


async def test_where_nothing_is_verified_all_go_on() -> None:
    wrong = fixed(*(index for index in range(MOVES) if index != RIGHT))
    fuser = {"type": "fuser"}
    move, model, _ = await layered([wrong, [{"type": "verifier"}], [fuser]])
    assert len(quiz.numbered(quiz.asked(model.requests[-1]))) == MOVES - 1 and move == RIGHT


@pytest.mark.parametrize("tests_first", [True, False])
async def test_tests_are_written_told_to_generators_that_come_later_and_evaluated(tests_first: bool) -> None:
    writer = [{"type": "unit_test_generator", "unit_test_cap": 2}]
    before = [writer, ALL] if tests_first else [ALL, writer]
    agent_saw = []

    class Listening(quiz.Fixed):  # type: ignore[misc]
        async def act(self, observation: Any) -> Any:
            agent_saw.append(observation.messages)
            return await super().act(observation)

    before[before.index(ALL)] = [*ALL, {"type": "generator", "agent": Listening}]
    move, _, episode = await layered([*before, [{"type": "unit_test_evaluator", "top_k": 1}]])
    assert move == RIGHT and purposes(episode) == {"test": 1 + MOVES + 1}
    assert (f"the index is {RIGHT}" in agent_saw[0][-1].text) if tests_first else agent_saw == [()]


async def test_an_evaluator_stops_at_the_first_that_pass_all() -> None:
    writer, evaluator = {"type": "unit_test_generator"}, {"type": "unit_test_evaluator", "top_k": 1, "first_k": 1}
    move, _, episode = await layered([ALL, [writer], [evaluator]])
    assert move == RIGHT and purposes(episode) == {"test": 1 + RIGHT + 1}


async def test_all_components_in_one_plan_from_a_file(tmp_path: Path) -> None:
    def one(type: str, **fields: Any) -> list[dict[str, Any]]:
        return [{"type": type, "model": f"scripted:{quiz.QUIZ}:knowing", **fields}]

    layers = [
        one("unit_test_generator"),
        ALL,
        one("critic"),
        one("ranker", top_k=2, use_critiques=True),
        one("verifier"),
        one("unit_test_evaluator", top_k=3),
        one("critic"),
        one("fuser", samples=2),
        one("ranker", top_k=1),
    ]
    file = tmp_path / "layers.json"
    file.write_text(json.dumps({"name": "all", "layers": layers}))
    episode = await quiz.play(Layers(str(file)), moves=MOVES, seed=SEED)
    assert episode.reward == 1.0
    # Two candidates are verified, in two calls each; the right one is tested; two are fused and ranked.
    assert purposes(episode) == {"test": 2, "critic": 2, "judge": 1 + 4 + 1, "fuse": 2}


@pytest.mark.parametrize("kind", ["ranker", "critic", "verifier", "unit_test_generator", "unit_test_evaluator", "fuser"])
async def test_a_component_that_cannot_be_read_changes_nothing_and_is_noted(kind: str) -> None:
    keys = {"ranker": "ranking", "critic": "critiques", "verifier": "correct", "unit_test_generator": "tests"}
    key = keys | {"unit_test_evaluator": "passed", "fuser": "action"}

    def script(request: Request) -> str:
        return "hm" if key[kind] in request.answer_schema["properties"] else quiz.knowing(request)  # type: ignore[index,operator]

    layers = [
        ALL,
        [{"type": "unit_test_generator"}],
        [{"type": "unit_test_evaluator"}],
        [{"type": "verifier", **({"first_k": 2} if kind == "verifier" else {})}],
        [{"type": "critic"}],
        [{"type": "fuser"}],
    ]
    if kind == "ranker":
        layers.insert(3, [{"type": "ranker", "top_k": 6}])
    heard = quiz.Heard()
    move, _, _ = await layered(layers, script, heard=heard)
    assert {each["type"] for each in heard.of("layer failed")} == {kind}
    assert move == RIGHT


async def test_several_fusers_of_one_layer_go_on_together() -> None:
    layers = [ALL, [{"type": "fuser"}, {"type": "fuser", "samples": 2}], [{"type": "ranker", "top_k": 1}]]
    move, model, episode = await layered(layers)
    assert move == RIGHT and purposes(episode) == {"fuse": 3, "judge": 1}
    assert len({request.seed for request in model.requests}) == 4


async def test_a_budget_that_is_spent_leaves_the_first_candidate() -> None:
    heard = quiz.Heard()
    layers = [[*ALL, {"type": "generator", "agent": f"{quiz.QUIZ}:Paying"}], [{"type": "ranker", "top_k": 1}]]
    move, model, _ = await layered(layers, tokens=2, heard=heard)
    assert move == 0 and model.requests == [] and len(heard.of("layer unheard")) == 1


def test_a_generator_that_cannot_be_built_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown agent 'nul'"):
        Layers([[{"type": "generator", "agent": "nul"}]])
