"""The local model on simple web pages, between an oracle and chance; and what the agent layer itself costs a step.

``python benchmarks/language.py [--quick] [--json] [--episodes N] [--out FOLDER]``. Three agents play the same MiniWoB++ tasks
with the same seeds: the scripted oracle, ``llm`` with ``local:smollm2`` (a model of 135 million parameters), and random actions.
Asked is oracle > SmolLM2 >= random. The tables are those of ``quintain report``. Overhead is the CPU time of an `act` on a real
page with a model that answers at once, at most 2 ms; ``--quick`` measures only that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Row, arguments, row, show
from rich.console import Console

import quintain
from quintain.agents.llm.agent import LanguageAgent
from quintain.agents.llm.model import Abilities, Answer, Request, ToolCall
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.ledger import Ledger, opened
from quintain.reporting.tables import notes, screens
from quintain.runner import Progress, Run, evaluate
from quintain.store import Store
from quintain.studies.analysis import contrast, gather
from quintain.studies.summary import comparisons, summarize

TASKS = ("click-test", "click-test-2", "click-button", "click-link", "focus-text", "click-dialog", "click-tab", "enter-text")
ORACLE, SMALL, CHANCE = "scripted", "llm local:smollm2", "random"
MODELS: dict[str, Abilities] = {
    "tools": Abilities(pictures=False),
    "small": Abilities(tools=False, pictures=False, context=4096),
}
STEPS = 10


def played(folder: Path, episodes: int) -> Run:
    """Goes on where it was stopped."""

    def told(progress: Progress) -> None:
        print(f"\r{progress.done}/{progress.total}", end="", file=sys.stderr, flush=True)

    agents = {ORACLE: "scripted", SMALL: {"agent": "llm", "config": {"model": "local:smollm2"}}, CHANCE: "random"}
    tasks = [f"miniwob/{name}" for name in TASKS]
    return evaluate(agents, tasks, episodes=episodes, workers=1, out=folder, seconds=None, resume=True, progress=told)


def reported(run: Run) -> bool:
    """Print the run's tables; whether the order is as it should be."""
    with Store.open(run.path) as store:
        results, study = summarize(store), gather([store])
        for table in screens(results, comparisons(quintain.studies.analysis.read(store))):
            Console(width=160).print(table)
        for note in notes(results):
            print(note)
    above, below = (contrast(study, a, b).found for a, b in ((ORACLE, SMALL), (SMALL, CHANCE)))
    assert above.same is not None
    assert below.same is not None
    for found in (above, below):
        print(f"{found.verdict}; same tasks again: {found.same.low:+.3f} … {found.same.high:+.3f}")
    holds = above.same.low > 0 and below.same.high >= 0
    means = (above.same.estimate > 0, below.same.estimate >= 0)
    not_shown = f"NOT SHOWN by these intervals; the means are {'' if all(means) else 'not '}in that order"
    print(f"oracle > SmolLM2 >= random: {'holds' if holds else not_shown}")
    return holds


def answered(form: str) -> ScriptedModel:
    """Clicks the first element at once, in the form that the agent asks for."""

    def script(request: Request) -> Answer:
        if form == "tools":
            return Answer(tool_calls=(ToolCall(id="1", name="click", arguments='{"target": 0}'),), ended="tools")
        return Answer(text=json.dumps(first(request.answer_schema or {})))

    return ScriptedModel(script, abilities=MODELS[form])


def first(schema: dict[str, Any]) -> Any:
    """A value of the schema: of alternatives the first."""
    for some in ("anyOf", "oneOf", "enum"):
        if some in schema:
            return first(schema[some][0]) if some != "enum" else schema[some][0]
    if "const" in schema:
        return schema["const"]
    if "properties" in schema:
        return {name: first(schema["properties"][name]) for name in schema.get("required", schema["properties"])}
    return 0 if schema.get("type") in ("integer", "number") else "text"


async def act_ms(form: str, repeats: int) -> Iterator[float]:
    """CPU milliseconds of each `act` in episodes of `STEPS` steps on one page, past the first episode."""
    env = quintain.make("miniwob/click-tab", observe=("elements",))
    observation, _ = env.reset(seed=0)
    view = env.unwrapped.task.view(tuple(sorted(env.unwrapped.action_space.kinds)))
    env.close()
    agent, spent = LanguageAgent(answered(form)), []
    for _ in range(repeats + 1):
        agent.reset(view, 0)
        with opened(Ledger()):
            for step in range(STEPS):
                began = time.process_time()
                action = await agent.act(observation.model_copy(update={"step": step}))
                spent.append(1e3 * (time.process_time() - began))
                assert action.kind == "click", action
    return iter(spent[STEPS:])


def overhead(repeats: int) -> Iterator[Row]:
    for form in MODELS:
        yield row(f"an action, {form} preset, without the model, CPU", list(asyncio.run(act_ms(form, repeats))), None, "ms")


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--episodes", type=int, default=3, help="of each agent on each task")
    parser.add_argument("--out", type=Path, help="keep the run here, and go on with it")


def main() -> None:
    given = arguments("The local model on simple web pages, and what the agent layer costs.", flags)
    show(overhead(10 if given.quick else 50), as_json=given.json)
    if given.quick:
        return
    with tempfile.TemporaryDirectory() as folder:
        holds = reported(played(given.out or Path(folder) / "run", given.episodes))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
