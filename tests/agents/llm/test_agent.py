"""One agent class in every family. The models are scripts that know nothing but the prompt that they are sent."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from llm_worlds import nim_task, screen_task, shown

import quintain
from quintain.agents.llm.agent import LanguageAgent
from quintain.agents.llm.model import Abilities, Answer, Picture, Request, ToolCall
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.core import Episode, Task
from quintain.pixels import decode_png
from quintain.rollout import rollout

PLAIN = Abilities(tools=False, answer_schema=False, pictures=False)
HELD = Abilities(tools=False)
SMALL = Abilities(tools=False, pictures=False, context=4096)


async def play(task: str | Task, agent: LanguageAgent, *, seed: int = 0) -> Episode:
    async with quintain.make_async(task) as env:
        episode = await rollout(env, agent, seed=seed)
    assert episode.failure is None, episode.failure.message
    return episode


def say(request: Request, kind: str, **fields: object) -> Answer:
    """The answer in the form that was asked for, as a model of that ability gives it."""
    if request.tools:
        tool = next(tool for tool in request.tools if tool.name == kind)
        assert set(fields) <= set(tool.parameters["properties"])  # type: ignore[arg-type]
        return Answer(tool_calls=(ToolCall(id=f"c{len(request.messages)}", name=kind, arguments=json.dumps(fields)),))
    if request.answer_schema is not None:
        return Answer(text=json.dumps({"action": {"kind": kind, **fields}}))
    return Answer(text=f"I will do this.\n```json\n{json.dumps({'kind': kind, **fields})}\n```\n")


def nim_player(request: Request) -> Answer:
    """Leaves four or none where that is possible."""
    text = shown(request)
    stones = int(re.findall(r"There are (\d+) stones", text)[-1])
    moves = {int(count): int(index) for index, count in re.findall(r"^(\d): take (\d)", text[text.rindex("There are") :], re.M)}
    wanted = stones if stones <= 3 else (stones % 4 if stones % 4 in moves else 1)
    return say(request, "choose", index=moves[wanted])


@pytest.mark.parametrize("abilities", [Abilities(), HELD, PLAIN])
async def test_a_seat_in_a_game_is_played_from_its_text(abilities: Abilities):
    for seed in (0, 1):
        model = ScriptedModel(nim_player, abilities=abilities)
        episode = await play(nim_task(), LanguageAgent(model), seed=seed)
        assert episode.reward == 1.0
        assert not [step.error for step in episode.steps if step.error]
        assert episode.usage.charges[0].calls == len(episode.steps) > 1


async def test_a_small_model_is_held_to_the_moves_that_are_listed():
    def first(request: Request) -> str:
        assert request.answer_schema is not None
        target = request.answer_schema["properties"]["target"]  # type: ignore[index,call-overload]
        return json.dumps({"kind": "choose", "target": target["enum"][-1]})  # type: ignore[index,call-overload]

    model = ScriptedModel(first, abilities=SMALL)
    episode = await play(nim_task(stones=4), LanguageAgent(model))
    assert [step.action for step in episode.steps] == [{"kind": "choose", "index": 2}, {"kind": "choose", "index": 1}]
    assert episode.reward == 0.0  # The other player took the last one.


def screen_user(request: Request) -> Answer:
    """Types the name into the box; then looks where it is red."""
    text = shown(request)
    assert "1: Editor (active)" in text
    assert "system: The file has no name." in text
    if len(request.messages) == 2:
        ref = re.search(r'\[(\d+)\] textbox "Name"', text)
        name = re.search(r'as "(.*?)"', text)
        assert ref and name
        return say(request, "type", target=int(ref[1]), text=name[1], clear=True)
    assert 'value="plan b.txt"' in text
    last = request.messages[-1].content
    pictures = [part.png for part in last if isinstance(part, Picture)]  # type: ignore[union-attr]
    assert len(pictures) == 1
    y, x = np.argwhere((decode_png(pictures[0]) == (220, 20, 20)).all(-1)).mean(0)
    return say(request, "click", target={"x": float(x), "y": float(y)})


async def test_a_screen_is_read_and_looked_at():
    for abilities in (Abilities(), HELD):
        episode = await play(screen_task(), LanguageAgent(ScriptedModel(screen_user, abilities=abilities)), seed=3)
        assert (episode.reward, len(episode.steps)) == (1.0, 2)


async def test_a_model_without_eyes_gets_no_picture_and_no_points():
    seen: list[Request] = []

    def look(request: Request) -> Answer:
        seen.append(request)
        return say(request, "wait")

    await play(screen_task(), LanguageAgent(ScriptedModel(look, abilities=Abilities(pictures=False))))
    assert not [part for message in seen[0].messages for part in message.content if isinstance(part, Picture)]
    click = next(tool for tool in seen[0].tools if tool.name == "click")
    assert click.parameters["properties"]["target"] == {"type": "integer", "description": "The number of an element."}  # type: ignore[index,call-overload]


def link_clicker(request: Request) -> Answer:
    """Finds the element by the text that the goal quotes."""
    text = shown(request)
    wanted = re.search(r'the link "(.*?)"', text)
    assert wanted
    if request.tools:
        ref = re.search(rf"\[(\d+)\] span clickable: {re.escape(wanted[1])}\n", text)
        assert ref, text
        return say(request, "click", target=int(ref[1]))
    assert f"- {wanted[1]}\n" in text
    return Answer(text=json.dumps({"kind": "click", "target": wanted[1]}))


@pytest.mark.usefixtures("real_browser")
@pytest.mark.parametrize("abilities", [Abilities(), SMALL])
async def test_a_web_page_is_read_and_clicked(abilities: Abilities):
    agent = LanguageAgent(ScriptedModel(link_clicker, abilities=abilities))
    for seed in (1, 2):
        episode = await play("miniwob/click-link", agent, seed=seed)
        assert (episode.reward, len(episode.steps)) == (1.0, 1)


MEASURES = {
    "path length": "mean_path_length",
    "betweenness": "max_betweenness",
    "algebraic": "algebraic_connectivity",
    "greedy": "greedy_modularity",
    "weighted": "split_modularity_weighted",
}


def student(request: Request) -> Answer:
    """Prints the results, answers the questions of the goal with what was printed, and submits."""
    text = shown(request)
    if len(request.messages) == 2:
        folder = re.search(r"(/workspace/capsule-\d+/results)", text)
        assert folder
        return say(request, "bash", command=f"cd {folder[1]}; cat measures.csv; cut -d, -f1 communities.csv | sort | uniq -c")
    if "report written" in text:
        return say(request, "submit")
    assert request.messages[-1].role == "tool"
    values = dict(re.findall(r"^(\w+),([\d.-]+)\r?$", text, re.M))
    sizes = sorted((int(count) for count in re.findall(r"^ +(\d+) \d$", text, re.M)), reverse=True)
    asked = re.findall(r"^- (Report .*)$", text, re.M)
    assert len(asked) == 6
    report = {
        question: sizes
        if "sizes" in question
        else float(next(values[name] for word, name in MEASURES.items() if word in question.replace("unweighted", "")))
        for question in asked
    }
    command = f"cat > /workspace/report.json <<'END'\n{json.dumps(report)}\nEND\necho report written"
    return say(request, "bash", command=command)


@pytest.mark.slow
async def test_a_study_is_read_in_the_shell_and_its_report_is_submitted():
    episode = await play("corebench-builtin/karate_network.easy", LanguageAgent(ScriptedModel(student)))
    assert [step.action["kind"] for step in episode.steps] == ["bash", "bash", "submit"]  # type: ignore[index,call-overload]
    assert episode.reward == 1.0
