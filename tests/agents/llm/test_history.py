from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quintain.agents.llm.model import ChatMessage, ToolCall
from quintain.agents.llm.prompting.history import History, Turn, written
from quintain.agents.llm.prompting.tokens import tokens
from quintain.elements import Elements
from quintain.spaces import Bash, Choose, Click, Noop, Observation, Type

OPENING = "Goal: win."


def answer(step: int, ids: Sequence[str]) -> ChatMessage:
    calls = tuple(ToolCall(id=each, name="choose", arguments='{"index": 0}') for each in ids)
    return ChatMessage(role="assistant", content=f"step {step}", tool_calls=calls)


def turn(step: int, said: ChatMessage | None, **fields: Any) -> Turn:
    known: dict[str, Any] = {"past": f"seen at {step} " + "x" * 400, "brief": f"(seen at {step})", "shown": ()}
    known |= {"call": None, "action": Choose(index=step % 7)}
    return Turn(observation=Observation(step=step), said=said, **(known | fields))


def called(steps: int) -> History:
    return History([turn(step, answer(step, [f"c{step}"]), call=f"c{step}") for step in range(steps)])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Answers by call, by several calls of which the first ones were done, in text, and of no use."""
    turns: list[Turn] = []
    for number in range(draw(st.integers(0, 12))):
        step = len(turns)
        ids = [f"{number}-{each}" for each in range(draw(st.integers(0, 3)))]
        size = draw(st.sampled_from([3, 400, 4000]))
        past = "y" * size
        if not ids:
            problem = draw(st.sampled_from([None, "no JSON"]))
            turns.append(turn(step, answer(step, []), past=past, problem=problem, action=Noop()))
            continue
        for place in range(draw(st.integers(1, len(ids)))):
            said = answer(step, ids) if place == 0 else None
            turns.append(turn(step + place, said, call=ids[place], past=past))
    return History(turns)


def check_pairs(messages: Sequence[ChatMessage]) -> None:
    """Each call is answered once, at once, and nothing is answered that was not called."""
    open_calls: list[str] = []
    for message in messages:
        if message.role == "tool":
            assert message.answers in open_calls
            open_calls.remove(message.answers)
        else:
            assert not open_calls
        open_calls += [call.id for call in message.tool_calls]
    assert not open_calls


@given(histories(), st.integers(0, 3000), st.booleans())
def test_calls_keep_their_answers_whatever_is_cut(history: History, budget: int, lines_only: bool):
    history.fit(budget, lines_only=lines_only)
    messages = history.messages(OPENING, "now", ())
    check_pairs(messages)
    assert messages[0].role == "user"
    assert str(messages[0].content).startswith(OPENING)
    assert str(messages[-1].content).endswith("now") or str(messages[-1].content).startswith("not done")
    sizes = sum(tokens(str(message.content)) for message in messages[1:])
    assert sizes <= budget + 30 + 12 * sum(turn.detail != "line" for turn in history.turns) or budget < 100


@given(histories(), st.integers(0, 3000))
def test_what_is_cut_once_stays_cut(history: History, budget: int):
    order = ("full", "brief", "line")
    history.fit(budget)
    before = [order.index(turn.detail) for turn in history.turns]
    history.fit(budget + 10_000)
    assert [order.index(turn.detail) for turn in history.turns] == before
    assert before == sorted(before, reverse=True) or not history.turns


def test_the_oldest_observations_become_a_line_and_answers_stay():
    history = called(10)
    history.fit(800)
    messages = history.messages(OPENING, "now", ())
    texts = [str(message.content) for message in messages]
    assert [message.content for message in messages if message.role == "assistant"] == [f"step {step}" for step in range(10)]
    assert texts[0] == f"{OPENING}\n\n(seen at 0)"
    assert texts[2] == "(seen at 1)"
    assert texts[-3].startswith("seen at 9 xxx")
    assert texts[-1] == "now"


def test_the_beginning_stays_the_same_for_some_steps_after_a_cut():
    history = History()
    beginnings = []
    for step in range(40):
        history.fit(1500)
        beginnings.append(json.dumps([message.model_dump() for message in history.messages(OPENING, "now", ())][:4]))
        history.turns.append(turn(step, answer(step, [f"c{step}"]), call=f"c{step}"))
    changes = sum(a != b for a, b in pairwise(beginnings[3:]))
    assert 0 < changes < 15


def test_the_oldest_turns_become_lines_of_which_the_oldest_are_dropped_last():
    history = called(200)
    history.fit(500)
    lines = history.lines(100).splitlines()
    assert lines[0] == f"({int(lines[1].split('.')[0]) - 1} earlier steps)"
    assert lines[1].endswith(f"choose(index={(int(lines[1].split('.')[0]) - 1) % 7})")
    assert history.turns[-1].detail == "brief"
    first_kept = next(turn for turn in history.turns if turn.detail != "line")
    assert int(lines[-1].split(".")[0]) == first_kept.observation.step
    assert sum(map(tokens, lines)) <= 110


def test_going_back_forgets_what_came_after():
    history = called(5)
    history.before(3)
    assert [turn.observation.step for turn in history.turns] == [0, 1, 2]
    history.before(9)
    assert len(history.turns) == 3


def test_a_line_names_what_was_acted_on():
    page = Elements.of([{"role": "button", "name": "Buy", "ref": 5}])
    seen = Observation(step=3, elements=page)
    done = Turn(seen, past="", brief="", shown=(), action=Click(target=5), said=None, call=None)
    assert done.line == '4. click(target=5) on "Buy"'
    assert replace(done, action=Click(target=6)).line == "4. click(target=6)"
    assert replace(done, problem="no\nJSON").line == "4. no action (no JSON)"


def test_actions_are_written_like_calls_on_one_line():
    assert written(Type(target=5, text="a\nb", clear=True)) == "type(text='a\\nb', target=5, clear=True)"
    assert written(Noop()) == "noop()"
    assert len(written(Bash(command="x" * 500))) == 100
