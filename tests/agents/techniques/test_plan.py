"""Plans of layers: what is read, and what is refused at which place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.techniques.deciding.plan import plan
from quintain.errors import UsageError


def part(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "model": "scripted:answers.jsonl", **fields}


GENERATOR = [part("generator", samples=5)]
RANKER = [part("ranker", top_k=1)]
FUSER = [part("fuser")]
CRITIC = [part("critic")]
TESTS = [part("unit_test_generator", unit_test_cap=5)]
TESTED = [part("unit_test_evaluator", top_k=1)]


def test_a_published_configuration_is_read_as_it_is(tmp_path: Path) -> None:
    """The fields of ScalingIntelligence/Archon, archon/configs: tests before the generators, then evaluation, then a verifier."""
    served = {"model": "gpt-4o-2024-05-13", "model_type": "OpenAI_API", "temperature": 0.7, "max_tokens": 2048, "samples": 1}
    layers = [
        [{"type": "unit_test_generator", **served, "unit_test_cap": 5}],
        [{"type": "generator", **served, "top_k": 1, "samples": 5}],
        [{"type": "unit_test_evaluator", **served, "remove_unit_tests_from_prompt": True, "top_k": 1, "first_k": 3}],
        [{"type": "verifier", **served, "first_k": 1}],
    ]
    file = tmp_path / "archon.json"
    file.write_text(json.dumps({"name": "archon-gpt-4o", "layers": layers}))
    made = plan(str(file))
    assert [layer[0].type for layer in made] == ["unit_test_generator", "generator", "unit_test_evaluator", "verifier"]
    assert made[1][0].named_model == "openai:gpt-4o-2024-05-13" and made[1][0].samples == 5


@pytest.mark.parametrize(
    "layers",
    [
        [[part("generator")]],
        [GENERATOR, RANKER],
        [GENERATOR * 3, [part("ranker", top_k=5)], CRITIC, FUSER],
        [GENERATOR, CRITIC, [part("verifier")], FUSER],
        [GENERATOR, CRITIC, [part("ranker", top_k=1, use_critiques=True)]],
        [GENERATOR, FUSER * 4, FUSER],
        [GENERATOR, TESTS, TESTED],
        [TESTS, GENERATOR, TESTED],
        [TESTS, GENERATOR, FUSER],
        [TESTS, GENERATOR, [part("unit_test_evaluator", first_pass=True)]],
        [{"branches": 1, "models": GENERATOR}, {"branches": 1, "models": FUSER}],
        [GENERATOR, FUSER[0]],
    ],
)
def test_plans_within_the_rules_are_read(layers: Any) -> None:
    assert len(plan(layers)) == len(layers)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "expected a list of layers"),
        ({"layer": [GENERATOR]}, "expected an object with `layers`"),
        (["generator"], r"layers\[0\]: expected a list of components"),
        ([GENERATOR, []], r"layers\[1\]: expected a list of components"),
        ([[*GENERATOR, {"type": "oracle"}]], r"layers\[0\]\[1\]: type: Input should be 'generator'"),
        ([GENERATOR, [part("ranker", topk=1)]], r"layers\[1\]\[0\]: topk: Extra inputs are not permitted"),
        ([[part("generator", samples=0)]], r"layers\[0\]\[0\]: samples: "),
        ([[{"type": "generator"}]], r"layers\[0\]\[0\]: a generator needs either a model or an agent"),
        ([GENERATOR, [{"type": "fuser", "agent": "null"}]], r"layers\[1\]\[0\]: only a generator may be an agent"),
        ([[part("generator", model_type="Bedrock_API")]], r"layers\[0\]\[0\]: model_type 'Bedrock_API' is unknown"),
        ([GENERATOR, [part("ranker")]], r"layers\[1\]\[0\]: a ranker needs top_k"),
        ([GENERATOR, [part("ranker", top_k=1, samples=3)]], r"layers\[1\]\[0\]: a ranker has no samples"),
        ([[*GENERATOR, *FUSER]], r"layers\[0\]: fuser and generator in one layer"),
        ([GENERATOR, RANKER * 2], r"layers\[1\]: 2 components of type ranker"),
        ([FUSER], "there is no generator"),
        ([RANKER, GENERATOR], r"layers\[0\]: a ranker before the generators"),
        ([GENERATOR, GENERATOR, FUSER], r"layers\[1\]: generators after layer 0"),
        ([GENERATOR, RANKER, CRITIC], r"layers\[2\]: no fuser, nor ranker with use_critiques, comes after"),
        ([GENERATOR, CRITIC, RANKER], r"layers\[1\]: no fuser, nor ranker"),
        ([GENERATOR, TESTS, CRITIC, TESTED, FUSER], r"layers\[2\]: a unit_test_evaluator drops the critiques"),
        ([GENERATOR, TESTED], r"layers\[1\]: a unit_test_evaluator needs a unit_test_generator"),
        ([GENERATOR, TESTS, FUSER], r"layers\[1\]: no unit_test_evaluator comes after"),
        ([GENERATOR], r"layers\[0\]: the last layer may leave 5 candidates"),
        ([GENERATOR, [part("verifier", first_k=2)]], r"layers\[1\]: the last layer may leave 2 candidates"),
        ([TESTS, GENERATOR, [part("unit_test_evaluator", top_k=1, first_k=3)]], "may leave 3 candidates"),
        ("no/such/file.json", "cannot be read"),
    ],
)
def test_what_is_against_the_rules_is_refused_with_its_place(layers: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(layers)
