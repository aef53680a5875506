"""A plan of layers as Archon writes it (arXiv 2409.15254; its published configurations are read as they are), and its rules.

A layer is a list of components; what one layer leaves is what the next one works on. The rules, checked before anything runs:

- generators come first and all in one layer; only a unit test generator may stand before them;
- several components of one layer are all generators or all fusers;
- a critic needs a later fuser, or ranker with `use_critiques`, before anything that drops its critiques;
- a unit test generator needs later generators, who are told the tests, or a later evaluator, which needs tests before it;
- the last layer leaves one candidate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveInt, ValidationError

from quintain.errors import UsageError
from quintain.values import Value

Kind = Literal["generator", "ranker", "fuser", "critic", "verifier", "unit_test_generator", "unit_test_evaluator"]


class Component(Value):
    """One component, with the names of Archon's fields; `agent` is ours."""

    type: Kind
    model: Any = None
    """A model's name, or a model."""
    model_type: str | None = None
    """Archon's name of who serves the model; without it, `model` says so itself."""
    agent: Any = None
    """Of a generator, in place of a model: anything that `quintain.lifting.build` takes."""
    samples: PositiveInt = 1
    """Of a generator: copies of it; of a fuser: how many actions it makes."""
    temperature: NonNegativeFloat | None = None
    max_tokens: PositiveInt = 1024
    top_k: PositiveInt | None = None
    """So many stay after a ranker (needed there) or a unit test evaluator; means nothing elsewhere."""
    first_k: PositiveInt | None = None
    """Of a verifier or a unit test evaluator: stop at so many that pass. Where fewer do, see `Plan`."""
    use_critiques: bool = False
    """Of a ranker: it is shown them; they go on in either case."""
    unit_test_cap: PositiveInt | None = None
    """Of a unit test generator: so many tests at most."""
    length_control: bool = False
    """Of a fuser: no longer than needed."""
    first_pass: bool = False
    """The same as `first_k` of 1."""

    @property
    def enough(self) -> int | None:
        return 1 if self.first_pass and self.first_k is None else self.first_k

    @property
    def named_model(self) -> Any:
        """The model, by a name that says who serves it."""
        return f"{SERVED_BY[self.model_type]}:{self.model}" if self.model_type else self.model


SERVED_BY = {
    "OpenAI_API": "openai",
    "Anthropic_API": "anthropic",
    "Google_API": "google",
    "Together_API": "together",
    "Groq_API": "groq",
    "vLLM": "vllm",
}
Plan = tuple[tuple[Component, ...], ...]
"""Layers from first to last.

What stays after each: a ranker's `top_k` best; of a verifier those that passed, up to `first_k`, and where none passed all, up
to `first_k`; of a unit test evaluator `first_k` that passed every test, or else the `top_k` that passed most.
"""
_WITHOUT_MEANING = ("ranker_batch_size", "remove_unit_tests_from_prompt", "batch_num", "checkpoint")
"""Fields of Archon's for what is not done here: pairwise rankers, tests that were written into the goal, batches, weights."""
_ONE_ALONE = ("ranker", "critic", "verifier", "unit_test_generator", "unit_test_evaluator")


def plan(layers: str | Mapping[str, Any] | Sequence[Any]) -> Plan:
    """A plan from a list of layers, from ``{"layers": [...]}``, or from a JSON file of either.

    Raises:
        UsageError: malformed, or against a rule; names the layer and the component, counted from 0.
    """
    given: Any = _read(layers) if isinstance(layers, str) else layers
    if isinstance(given, Mapping):
        unknown = sorted(set(given) - {"name", "layers"})
        if unknown or "layers" not in given:
            raise UsageError(f"layers: expected an object with `layers` and perhaps `name`, got {sorted(given)}")
        given = given["layers"]
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise UsageError(f"layers: expected a list of layers, got {given!r:.60}")
    made = tuple(_layer(index, layer) for index, layer in enumerate(given))
    _check_order(made)
    _check_critics(made)
    _check_tests(made)
    _check_end(made)
    return made


def _read(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"layers: {path!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"layers: {path!r} is no JSON: {error}") from None


def _layer(index: int, layer: Any) -> tuple[Component, ...]:
    # Two older forms, in which some configurations are published.
    if isinstance(layer, Mapping) and set(layer) <= {"models", "branches"}:
        layer = layer.get("models")
    if isinstance(layer, Mapping) and "type" in layer:
        layer = [layer]
    if isinstance(layer, (str, Mapping)) or not isinstance(layer, Sequence) or not layer:
        raise UsageError(f"layers[{index}]: expected a list of components, got {layer!r:.60}")
    made = tuple(_component(f"layers[{index}][{place}]", each) for place, each in enumerate(layer))
    kinds = sorted({each.type for each in made})
    if len(kinds) > 1:
        raise UsageError(f"layers[{index}]: {' and '.join(kinds)} in one layer; give each a layer of its own")
    if len(made) > 1 and kinds[0] in _ONE_ALONE:
        raise UsageError(f"layers[{index}]: {len(made)} components of type {kinds[0]}; there may be one in a layer")
    return made


def _component(where: str, given: Any) -> Component:
    known = dict(given) if isinstance(given, Mapping) else given
    for name in _WITHOUT_MEANING if isinstance(known, dict) else ():
        known.pop(name, None)
    try:
        made = Component.model_validate(known)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        raise UsageError(f"{where}{f': {field}' if field else ''}: {problem['msg']}, got {problem['input']!r:.60}") from None
    if (made.model is None) == (made.agent is None):
        raise UsageError(
            f"{where}: a {made.type} needs {'either a model or an agent' if made.type == 'generator' else 'a model'}"
        )
    if made.agent is not None and made.type != "generator":
        raise UsageError(f"{where}: only a generator may be an agent; a {made.type} needs a model")
    if made.model_type is not None and (made.model_type not in SERVED_BY or not isinstance(made.model, str)):
        raise UsageError(f"{where}: model_type {made.model_type!r} is unknown; name the model as 'provider:model' instead")
    if made.samples > 1 and made.type not in ("generator", "fuser"):
        raise UsageError(f"{where}: a {made.type} has no samples; leave it out or give 1")
    if made.type == "ranker" and made.top_k is None:
        raise UsageError(f"{where}: a ranker needs top_k, how many are to stay")
    return made


def _check_order(made: Plan) -> None:
    kinds = [layer[0].type for layer in made]
    if "generator" not in kinds:
        raise UsageError("layers: there is no generator; the first layer proposes")
    first = kinds.index("generator")
    for index, kind in enumerate(kinds):
        if index < first and kind != "unit_test_generator":
            raise UsageError(f"layers[{index}]: a {kind} before the generators has nothing to work on")
        if index > first and kind == "generator":
            raise UsageError(f"layers[{index}]: generators after layer {first}; all stand in one layer")


def _check_critics(made: Plan) -> None:
    for index, layer in enumerate(made):
        if layer[0].type != "critic":
            continue
        for later in (each[0] for each in made[index + 1 :]):
            if later.type == "fuser" or (later.type == "ranker" and later.use_critiques):
                break
            if later.type in ("critic", "unit_test_evaluator"):
                raise UsageError(f"layers[{index}]: a {later.type} drops the critiques before a fuser or ranker could use them")
        else:
            raise UsageError(
                f"layers[{index}]: no fuser, nor ranker with use_critiques, comes after the critic to use its critiques"
            )


def _check_tests(made: Plan) -> None:
    kinds = [layer[0].type for layer in made]
    for index, kind in enumerate(kinds):
        if kind == "unit_test_evaluator" and "unit_test_generator" not in kinds[:index]:
            raise UsageError(f"layers[{index}]: a unit_test_evaluator needs a unit_test_generator before it")
        if kind == "unit_test_generator" and not {"generator", "unit_test_evaluator"} & set(kinds[index + 1 :]):
            raise UsageError(f"layers[{index}]: no unit_test_evaluator comes after the unit_test_generator to use its tests")


def _check_end(made: Plan) -> None:
    most = 0
    for layer in made:
        first = layer[0]
        if first.type in ("generator", "fuser"):
            most = sum(each.samples for each in layer)
        elif first.type == "ranker":
            most = min(most, first.top_k or most)
        elif first.type == "verifier":
            most = min(most, first.enough or most)
        elif first.type == "unit_test_evaluator":
            most = min(most, max(first.enough or 0, first.top_k or first.enough or most))
    if most > 1:
        raise UsageError(
            f"layers[{len(made) - 1}]: the last layer may leave {most} candidates; end with one fuser or a ranker of top_k 1"
        )
