"""What becomes of answers: good ones, malformed ones, several at once, cut off ones, and those of a model that is not there."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest
from counter_world import counter_task
from llm_worlds import shown

import quintain
from quintain import lifting
from quintain.agents.llm.agent import LanguageAgent
from quintain.agents.llm.model import Abilities, Answer, ModelUnreachable, Request, ToolCall
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.core import Episode, Limits, Meta, TaskView
from quintain.errors import UsageError
from quintain.ledger import Ledger, opened
from quintain.rollout import rollout
from quintain.spaces import Choose, Noop, Observation

HELD = Abilities(tools=False)
PLAIN = Abilities(tools=False, answer_schema=False)


def call(arguments: str | dict[str, Any] = '{"index": 0}', name: str = "choose", id: str = "a") -> ToolCall:
    return ToolCall(id=id, name=name, arguments=arguments if isinstance(arguments, str) else json.dumps(arguments))


def calls(*made: ToolCall, text: str = "") -> Answer:
    return Answer(text=text, tool_calls=made)


UP = calls(call())


async def play(model: ScriptedModel, *, target: int = 1, limits: Limits | None = None, **switches: Any) -> Episode:
    agent = LanguageAgent(model, **switches)
    async with quintain.make_async(counter_task(target=target, limits=limits or Limits(steps=4))) as env:
        return await rollout(env, agent, seed=0)


def view(*kinds: str) -> TaskView:
    return TaskView(id="t/a", goal="Go.", limits=Limits(), meta=Meta(), action_kinds=kinds)


def ask(agent: LanguageAgent, *kinds: str) -> None:
    agent.reset(view(*(kinds or ("choose", "noop"))), 7)


MALFORMED = [
    (calls(call("{'index': 0}")), "arguments of 'choose': no JSON"),
    (calls(call("[0]")), "expected a JSON object"),
    (calls(call({"index": "up"})), "choose.index: Input should be a valid integer"),
    (calls(call({"index": 0, "why": "x"})), "choose.why: Extra inputs are not permitted"),
    (calls(call("{}")), "choose.index: Field required"),
    (calls(call("{}", name="fly")), "there is no 'fly' here; there are choose, message, submit, infeasible, wait, noop"),
    (Answer(text="I go up."), "there is no JSON object in 'I go up.'"),
    (Answer(text='{"index": 0}'), "it names no kind"),
    (Answer(), "the answer is empty"),
    (Answer(text='{"kind": "choo', ended="length"), "cut off at its limit of tokens"),
]


@pytest.mark.parametrize(("bad", "problem"), MALFORMED)
async def test_a_malformed_action_goes_back_once_with_what_is_wrong_with_it(bad: Answer, problem: str):
    model = ScriptedModel([bad, UP])
    episode = await play(model)
    assert [step.action for step in episode.steps] == [{"kind": "choose", "index": 0}]
    first, second = model.requests
    assert second.messages[: len(first.messages)] == first.messages
    said, wrong = second.messages[len(first.messages) :]
    assert problem in str(wrong.content)
    assert (said.role, wrong.role) == ("assistant", "tool" if bad.tool_calls else "user")
    assert [each.id for each in said.tool_calls] == ([wrong.answers] if bad.tool_calls else [])
    assert all(isinstance(json.loads(each.arguments), dict) for each in said.tool_calls)


@pytest.mark.parametrize(("bad", "problem"), MALFORMED)
async def test_a_second_one_counts_as_a_step_in_which_nothing_was_done_and_the_model_is_told(bad: Answer, problem: str):
    model = ScriptedModel([bad, bad, UP])
    agent = LanguageAgent(model)
    ask(agent, "choose", "message", "submit", "infeasible", "wait", "noop")
    ledger = Ledger()
    with opened(ledger):
        assert await agent.act(Observation(step=0)) == Noop()
        noted = [note.data for note in ledger.drain() if note.kind == "malformed"]
        assert await agent.act(Observation(step=1)) == Choose(index=0)
    assert [note["repaired"] for note in noted] == [True, False]
    assert problem in str(noted[1]["problem"])
    assert problem in str(model.requests[2].messages[-1].content)
    assert not [each for message in model.requests[2].messages for each in message.tool_calls]


async def test_the_model_is_told_too_where_its_history_is_short():
    for history in ("off", "last", "actions"):
        model = ScriptedModel([Answer(text="up!"), UP])
        agent = LanguageAgent(model, repairs=0, history=history)
        ask(agent)
        assert await agent.act(Observation(step=0)) == Noop()
        await agent.act(Observation(step=1))
        assert "no JSON object in 'up!'" in shown(model.requests[1])


async def test_of_several_calls_the_first_is_done_and_the_others_are_told():
    model = ScriptedModel([calls(call(id="a"), call(id="b"), call(id="c")), calls(call(id="d"))])
    episode = await play(model, target=2)
    assert len(episode.steps) == 2
    after = model.requests[1].messages[-3:]
    assert [message.answers for message in after] == ["a", "b", "c"]
    assert "1" in str(after[0].content)
    assert [message.content for message in after[1:]] == ["not done: one action at a time"] * 2


async def test_several_calls_are_done_in_their_order_where_the_switch_says_so():
    three = [call(id="a"), call({"index": 1}, id="b"), call(id="c")]
    model = ScriptedModel([calls(*three), calls(call(id="d"))])
    episode = await play(model, target=2, several=True)
    assert [step.action["index"] for step in episode.steps] == [0, 1, 0, 0]  # type: ignore[index,call-overload]
    assert len(model.requests) == 2
    after = model.requests[1].messages[-3:]
    assert [(message.answers, str(message.content)[:12]) for message in after] == [
        ("a", "system: at 1"),
        ("b", "system: at 0"),
        ("c", "system: at 1"),
    ]


async def test_what_follows_a_failed_call_is_not_done():
    model = ScriptedModel([calls(call({"index": 5}, id="a"), call(id="b")), UP])
    episode = await play(model, several=True)
    assert [step.action["index"] for step in episode.steps] == [5, 0]  # type: ignore[index,call-overload]
    failed, dropped = model.requests[1].messages[-2:]
    assert "there is no move 5" in str(failed.content)
    assert (dropped.answers, str(dropped.content)[:8]) == ("b", "not done")


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "choose", "index": 0}',
        '{"action": {"kind": "choose", "index": 0}}',
        'First {this}, then:\n```json\n{"kind": "choose", "index": 0}\n```\nDone.',
        'Not {"kind": "choose", "index": 1} but {"kind": "choose", "index": 0}!',
        '<tool_call>\n{"name": "choose", "arguments": {"index": 0}}\n</tool_call>',
    ],
)
async def test_json_is_found_in_whatever_text_a_model_writes(text: str):
    for abilities in (Abilities(), HELD, PLAIN):
        episode = await play(ScriptedModel([text], abilities=abilities))
        assert [step.action for step in episode.steps] == [{"kind": "choose", "index": 0}]


async def test_a_model_that_writes_braces_without_end_is_no_burden():
    episode = await play(ScriptedModel(["say {" + '{"a":' * 100_000] * 8), limits=Limits(steps=1))
    assert episode.outcome == "ok"


async def test_errors_of_models_pass_through():
    def gone(request: Request) -> Answer:
        raise ModelUnreachable("the model is away")

    episode = await play(ScriptedModel(gone))
    assert (episode.outcome, episode.failure and episode.failure.owner) == ("env_error", "infrastructure")
    episode = await play(ScriptedModel([calls(call({"index": 1}))]))
    assert (episode.outcome, episode.failure and episode.failure.owner) == ("agent_error", "agent")


async def test_a_spent_budget_ends_the_episode_and_is_no_failure():
    episode = await play(ScriptedModel([UP] * 9), target=9, limits=Limits(steps=9, tokens=400))
    assert episode.failure is None
    assert 0 < len(episode.steps) < 9


async def test_what_was_done_in_its_place_stands_in_the_history_as_its_own():
    for abilities in (Abilities(), HELD):
        model = ScriptedModel(['{"kind": "choose", "index": 3}'] * 2, abilities=abilities)
        agent = LanguageAgent(model)
        ask(agent)
        await agent.act(Observation(step=0, text="first"))
        agent.took(Choose(index=4))
        await agent.act(Observation(step=1, text="second"))
        said, seen = model.requests[1].messages[-2:]
        assert "4" in (said.tool_calls[0].arguments if said.tool_calls else str(said.content))
        assert "3" not in (said.tool_calls[0].arguments if said.tool_calls else str(said.content))
        assert seen.answers == (said.tool_calls[0].id if said.tool_calls else None)


async def test_a_step_may_be_thought_over_again_and_an_earlier_one_played_anew():
    model = ScriptedModel([UP] * 4)
    agent = LanguageAgent(model)
    ask(agent)
    for step in (0, 1, 1, 0):
        await agent.act(Observation(step=step, text=f"state {step}"))
    assert [len(request.messages) for request in model.requests] == [2, 4, 4, 2]
    assert len({request.seed for request in model.requests}) == 4


async def test_a_step_that_is_thought_over_again_is_asked_again_whatever_was_to_follow():
    model = ScriptedModel([calls(call({"index": 1}), call({"index": 2}, id="b"))] * 4)
    agent = LanguageAgent(model, several=True)
    ask(agent)
    found = await asyncio.gather(*(agent.act(Observation(step=0)) for _ in range(3)))
    assert found == [Choose(index=1)] * 3
    agent.took(Choose(index=1))
    assert await agent.act(Observation(step=1)) == Choose(index=1)
    assert [len(request.messages) for request in model.requests] == [2, 2, 2, 4]


async def test_the_same_seed_asks_the_same():
    asked = []
    for seed in (7, 7, 8):
        model = ScriptedModel([UP] * 2)
        agent = LanguageAgent(model)
        for _ in range(2):
            agent.reset(view("choose"), seed)
            await agent.act(Observation(step=0))
        assert model.requests[0] == model.requests[1]
        asked.append(model.requests[0].seed)
    assert asked[0] == asked[1] != asked[2]


def test_what_cannot_be_is_refused_when_the_agent_is_made():
    model = ScriptedModel([], abilities=PLAIN)
    for given, said in [
        ({"colour": 1}, "no switch is called 'colour'"),
        ({"history": "all"}, "switch history"),
        ({"max_tokens": 0}, "switch max_tokens"),
        ({"kinds": ["fly"]}, "there is no action 'fly'"),
        ({"preset": "tiny"}, "preset 'tiny' is unknown"),
        ({"actions": "tools"}, "cannot answer by tools"),
        ({"record": "x.jsonl"}, "is for a model that is named"),
    ]:
        with pytest.raises(UsageError, match=said) as caught:
            LanguageAgent(model, **given)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="none of the kinds"):
        ask(LanguageAgent(model, kinds=["click"]))


def test_an_unknown_switch_is_refused_before_the_agent_is_made():
    lifting.check("llm", model="scripted:none.jsonl", thought=True)
    with pytest.raises(UsageError, match=r"takes no argument 'thougt'.*thought"):
        lifting.check("llm", model="scripted:none.jsonl", thougt=True)
    with pytest.raises(UsageError, match="needs the argument 'model'"):
        lifting.check("llm")


def test_an_agent_of_a_named_model_travels_to_workers(tmp_path):
    (tmp_path / "answers.jsonl").write_text(json.dumps("hello"))
    agent = LanguageAgent(f"scripted:{tmp_path / 'answers.jsonl'}", max_tokens=5)
    again = pickle.loads(pickle.dumps(agent))
    assert again.switches == agent.switches
    assert again.model.name == agent.model.name
