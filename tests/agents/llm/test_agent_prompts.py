"""Every part of the prompt is a switch, and what the model saw is in the trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counter_world import counter_task
from llm_worlds import shown

import quintain
from quintain.agents.llm.agent import LanguageAgent
from quintain.agents.llm.booking import shown as told
from quintain.agents.llm.model import Abilities, Answer, Picture, Request, ToolCall
from quintain.agents.llm.prompting.tokens import tokens
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.llm.switches import Switches
from quintain.core import Limits, Meta, TaskView
from quintain.elements import Elements
from quintain.ledger import Ledger, opened
from quintain.rollout import rollout
from quintain.spaces import Budget, Click, Message, Observation, Window
from quintain.trace import Blobs, TraceWriter, read_note, read_trace

ACTIVE = ("visible", "in_view", "clickable")
PAGE = Elements.of(
    [
        {"role": "document", "name": "Shop", "box": (0, 0, 60, 40)},
        {"role": "heading", "name": "Mugs", "parent": 0},
        {"role": "button", "name": "Buy", "parent": 0, "ref": 12, "box": (5, 5, 20, 10), "states": ACTIVE},
        {"role": "textbox", "name": "Email", "parent": 0, "ref": 13, "states": (*ACTIVE, "editable")},
    ]
)
SEEN = Observation(
    goal="Buy a mug.",
    text="$ ls\nmugs.txt",
    elements=PAGE,
    screenshot=np.full((40, 60, 3), 200, np.uint8),
    windows=(Window(title="Shop", url="https://shop.test", active=True),),
    messages=(Message(role="user", text="A blue one!"),),
    exit_code=3,
    error="nothing was there",
    step=2,
    budget=Budget(steps=5, usd=0.5),
)
VIEW = TaskView(id="t/a", goal="Buy a mug.", limits=Limits(), meta=Meta(), action_kinds=("click", "type", "bash", "submit"))


def call(name: str = "click", **fields: Any) -> Answer:
    return Answer(tool_calls=(ToolCall(id="a", name=name, arguments=json.dumps(fields)),))


async def asked(*seen: Observation, abilities: Abilities | None = None, answer: Any = None, **switches: Any) -> list[Request]:
    """What a model is asked that answers the same to each observation."""
    model = ScriptedModel([answer or call(target=12)] * len(seen), abilities=abilities)
    agent = LanguageAgent(model, **switches)
    agent.reset(VIEW, 0)
    for observation in seen:
        await agent.act(observation)
    return model.requests


async def text_of(**switches: Any) -> str:
    return shown((await asked(SEEN, **switches))[0])


PARTS = [
    ({"system": ""}, "You act in an environment"),
    ({"elements": "off"}, '[12] button "Buy"'),
    ({"text": False}, "mugs.txt"),
    ({"windows": False}, "https://shop.test (active)"),
    ({"messages": 0}, "user: A blue one!"),
    ({"budget": False}, "Step 3; left: 5 steps, 0.50 dollars."),
]


@pytest.mark.parametrize(("switch", "part"), PARTS)
async def test_each_part_can_be_switched_off_alone(switch: dict[str, Any], part: str):
    everything, without = await text_of(), await text_of(**switch)
    assert part in everything
    assert part not in without
    assert not [other for _, other in PARTS if other != part and other not in without]
    for text in (everything, without):
        assert "Goal: Buy a mug." in text
        assert "Error: nothing was there" in text
        assert "exit code 3" in text


async def test_elements_have_the_style_that_was_chosen():
    assert "[Buy" not in await text_of()
    assert '{button "Buy" #12}' in await text_of(elements="markdown")
    assert "<button" in (html := await text_of(elements="html")) or "ref=12" in html
    short = await text_of(elements="controls")
    assert '[12] button "Buy"' in short
    assert "Mugs" not in short


async def test_what_changed_is_told_where_the_switch_says_so():
    after = Elements.of([{"role": "document", "name": "Shop"}, {"role": "alert", "name": "Sold out", "parent": 0, "ref": 30}])
    later = SEEN.model_copy(update={"step": 3, "elements": after})
    first, second = await asked(SEEN, later, changes=True)
    assert "Changed" not in shown(first)
    assert '+ [30] alert "Sold out"' in shown(second)
    assert '- [12] button "Buy"' in shown(second)


def pictures(request: Request) -> list[list[bytes]]:
    found = [
        [part.png for part in message.content if isinstance(part, Picture)]
        for message in request.messages
        if not isinstance(message.content, str)
    ]
    return [each for each in found if each]


async def test_screenshots_and_marks_are_for_models_that_see():
    plain, marked, off, blind = [
        pictures((await asked(SEEN, **given))[0])
        for given in ({}, {"marks": True}, {"screenshot": False}, {"abilities": Abilities(pictures=False)})
    ]
    assert len(plain[0]) == len(marked[0]) == 1
    assert plain != marked
    assert off == blind == []


async def test_earlier_pictures_are_dropped_but_for_as_many_as_the_switch_says():
    seen = [SEEN.model_copy(update={"step": step}) for step in range(4)]
    assert len(pictures((await asked(*seen))[-1])) == 1
    assert len(pictures((await asked(*seen, history_pictures=2))[-1])) == 3


async def test_a_note_and_a_plan_stand_in_every_later_prompt_until_they_are_replaced():
    answers = [
        call(target=12, plan="1. buy", memory="price 5"),
        call(target=12),
        call(target=12, memory="price 6"),
        call(target=12),
    ]
    model = ScriptedModel(answers)
    agent = LanguageAgent(model, plan=True, memory=True, history="off")
    agent.reset(VIEW, 0)
    for step in range(4):
        await agent.act(SEEN.model_copy(update={"step": step}))
    texts = [shown(request) for request in model.requests]
    assert "Your" not in texts[0]
    assert all("Your plan:\n1. buy" in text for text in texts[1:])
    assert ["price 5" in text for text in texts] == [False, True, True, False]
    assert "price 6" in texts[3]
    needed = [request.tools[0].parameters["required"] for request in model.requests[:2]]
    assert needed == [["plan", "target"], ["target"]]


async def test_thoughts_come_before_the_action_and_are_what_the_agent_said():
    model = ScriptedModel(
        ['{"thought": "It is blue.", "action": {"kind": "click", "target": 12}}'], abilities=Abilities(tools=False)
    )
    agent = LanguageAgent(model, thought=True)
    agent.reset(VIEW, 0)
    assert await agent.act(SEEN) == Click(target=12)
    assert agent.said == "It is blue."
    schema = model.requests[0].answer_schema
    assert schema is not None
    assert list(schema["properties"]) == schema["required"] == ["thought", "action"]  # type: ignore[arg-type,call-overload]


async def test_the_prompt_is_cut_to_fit_and_says_so_but_keeps_the_goal():
    rows = [{"role": "button", "name": f"Button number {row}", "states": ACTIVE, "ref": row} for row in range(2000)]
    big = SEEN.model_copy(update={"elements": Elements.of(rows), "text": "line\n" * 5000})
    seen = [big.model_copy(update={"step": step}) for step in range(6)]
    with opened(Ledger()) as ledger:
        abilities = Abilities(pictures=False, context=3000)
        requests = await asked(*seen, abilities=abilities, max_tokens=200, elements_tokens=9000, text_tokens=9000)
        assert [note.kind for note in ledger.drain()].count("cut") == 6
    for request in requests:
        sizes = sum(tokens(str(message.content)) for message in request.messages)
        sizes += sum(tokens(json.dumps(tool.model_dump())) for tool in request.tools)
        assert sizes < 3000 - 200
        assert "Goal: Buy a mug." in shown(request)
        assert "Cut to fit into a context of 3000 tokens" in shown(request)
        assert "Button number" in shown(request)


def test_a_weak_model_gets_the_small_preset_unless_told_otherwise():
    weak = ScriptedModel([], abilities=Abilities(tools=False, pictures=False, context=4096))
    assert LanguageAgent(weak).switches == Switches.small()
    assert LanguageAgent(weak, preset="full").switches == Switches()
    assert LanguageAgent(weak, max_tokens=9).switches == Switches.small(max_tokens=9)
    assert LanguageAgent(ScriptedModel([])).switches == Switches()
    assert LanguageAgent(ScriptedModel([]), preset="small").switches == Switches.small()
    assert Switches.model_validate_json(Switches.small().model_dump_json()) == Switches.small()


def test_every_switch_is_described():
    lines = Path(quintain.agents.llm.switches.__file__).read_text("utf-8").splitlines()
    for name in Switches.model_fields:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"    {name}: "))
        assert lines[at + 1].startswith('    """'), name


async def test_what_the_model_saw_and_said_is_in_the_trace(tmp_path: Path):
    model = ScriptedModel([call("choose", index=0), call("choose", index=1), call("choose", index=0), call("choose", index=0)])
    path, blobs = tmp_path / "trace.gz", Blobs(tmp_path / "blobs")
    env = quintain.make_async(counter_task(target=2), observe=["text", "screenshot"])
    async with env:
        with TraceWriter(path, blobs) as trace:
            episode = await rollout(env, LanguageAgent(model), seed=0, recorder=trace)
    assert episode.reward == 1.0
    notes = [read_note(line.note, blobs) for line in read_trace(path) if line.note is not None]
    noted = [note.data for note in notes if note.kind == "model"]
    assert [note["messages"] for note in noted] == [[told(message) for message in request.messages] for request in model.requests]
    assert "data:image/png;base64," in str(noted[0]["messages"])
    assert [note["answer"]["tool_calls"][0]["arguments"] for note in noted] == [  # type: ignore[index,call-overload]
        '{"index": 0}', '{"index": 1}', '{"index": 0}', '{"index": 0}',
    ]  # fmt: skip
