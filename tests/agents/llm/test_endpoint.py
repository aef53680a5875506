"""What goes over the wire, and what becomes of what comes back: against a real server on the loopback."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from quintain.agents.llm.endpoint.strictness import strict
from quintain.agents.llm.model import Answer, ChatMessage, ModelRefused, Picture, Request, Text, Tool, ToolCall
from quintain.agents.llm.models import model
from quintain.ledger import Ledger, opened
from quintain.testing import ModelReply, ModelServer

PNG = b"\x89PNG not really"
HELLO = Request(messages=(ChatMessage(role="user", content="hello"),))
CLICK = Tool(name="click", description="Click.", parameters={"type": "object", "properties": {"ref": {"type": "string"}}})


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as serving:
        yield serving


async def asked(server: ModelServer, *requests: Request, ledger: Ledger | None = None, **options: Any) -> list[Answer]:
    asking = model(f"{server.url}#m", first_wait_s=0.01, **options)
    try:
        with opened(ledger or Ledger()):
            return [await asking.answer(request) for request in requests]
    finally:
        await asking.close()


async def sent(server: ModelServer, request: Request, **options: Any) -> dict[str, Any]:
    server.does()
    await asked(server, request, **options)
    return server.requests[0]


async def test_text_tokens_and_name_come_back(server: ModelServer) -> None:
    server.does([ModelReply(text="fine", usage={"prompt_tokens": 7, "completion_tokens": 3})])
    (answer,) = await asked(server, HELLO)
    assert (answer.text, answer.ended, answer.model) == ("fine", "stop", "m")
    assert (answer.input_tokens, answer.output_tokens, answer.usd) == (7, 3, None)
    assert answer.seconds > 0


async def test_only_what_was_asked_for_is_sent(server: ModelServer) -> None:
    assert await sent(server, Request(messages=HELLO.messages, max_tokens=None)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
    }
    everything = Request(messages=HELLO.messages, temperature=0.5, max_tokens=9, seed=3, stop=("END",))
    body = await sent(server, everything, extra={"reasoning_effort": "low"})
    assert {name: body[name] for name in ("temperature", "max_tokens", "seed", "stop", "reasoning_effort")} == {
        "temperature": 0.5, "max_tokens": 9, "seed": 3, "stop": ["END"], "reasoning_effort": "low",
    }  # fmt: skip


async def test_tools_are_offered_and_called(server: ModelServer) -> None:
    request = Request(messages=HELLO.messages, tools=(CLICK,), must_call=True)
    server.does([ModelReply(calls=(("click", '{"ref": "a1"}'), ("click", '{"ref": ')))])
    (answer,) = await asked(server, request)
    body = server.requests[0]
    assert body["tools"] == [{"type": "function", "function": CLICK.model_dump()}] and body["tool_choice"] == "required"
    assert answer.ended == "tools"
    assert answer.tool_calls[0] == ToolCall(id="call_0", name="click", arguments='{"ref": "a1"}')
    assert answer.tool_calls[1].arguments == '{"ref": ', "malformed arguments reach whoever can ask again"


async def test_a_schema_goes_along_and_is_strict_where_it_can_be(server: ModelServer) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    body = await sent(server, Request(messages=HELLO.messages, answer_schema=schema))
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


@pytest.mark.parametrize(
    "changed",
    [
        {"additionalProperties": True},
        {"required": []},
        {"type": ["object", "null"]},
        {"anyOf": [{"type": "object"}]},
        {"allOf": []},
        {"properties": {"a": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "object", "properties": {}}]}}},
        {"properties": {"a": {"type": "array", "items": {"oneOf": []}}}},
        {"$defs": {"b": {"type": "object", "properties": {"c": {}}}}},
    ],
)
def test_a_schema_with_what_strict_decoding_cannot_do_is_not_strict(changed: dict[str, Any]) -> None:
    parts: dict[str, Any] = {"a": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}}}
    closed = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": parts, "$defs": {"b": {}}}
    assert strict(closed)
    assert not strict(closed | changed)


async def test_a_conversation_with_pictures_and_tools_is_written_as_endpoints_want_it(server: ModelServer) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    calls = (ToolCall(id="1", name="click", arguments="{}"), ToolCall(id="2", name="click", arguments="{}"))
    messages = (
        ChatMessage(role="system", content=(Text(text="one"), Text(text="two"))),
        ChatMessage(role="user", content=(Text(text="look"), Picture(png=PNG))),
        ChatMessage(role="assistant", tool_calls=calls),
        ChatMessage(role="tool", answers="1", content=(Text(text="done"), Picture(png=PNG))),
        ChatMessage(role="tool", answers="2", content="done too"),
    )
    picture = {"type": "image_url", "image_url": {"url": url}}
    assert (await sent(server, Request(messages=messages)))["messages"] == [
        {"role": "system", "content": "one\ntwo"},
        {"role": "user", "content": [{"type": "text", "text": "look"}, picture]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": i, "type": "function", "function": {"name": "click", "arguments": "{}"}} for i in ("1", "2")],
        },
        {"role": "tool", "tool_call_id": "1", "content": "done"},
        {"role": "tool", "tool_call_id": "2", "content": "done too"},
        {"role": "user", "content": [picture]},
    ]


async def test_dialects_are_understood(server: ModelServer) -> None:
    cases: list[tuple[ModelReply, dict[str, Any]]] = [
        (ModelReply(message={"reasoning_content": "hm"}), {"text": "ok", "thinking": "hm"}),
        (ModelReply(message={"reasoning": "hm"}), {"text": "ok", "thinking": "hm"}),
        (
            ModelReply(message={"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "so"}]}),
            {"text": "so", "thinking": "hm"},
        ),
        (ModelReply(ended="length"), {"text": "ok", "ended": "length"}),
        (ModelReply(ended="content_filter"), {"ended": "filtered"}),
        (ModelReply(message={"content": None, "refusal": "no"}), {"text": "no", "ended": "filtered"}),
        (ModelReply(message={"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}), {"ended": "tools"}),
        (ModelReply(usage=None), {"input_tokens": None, "output_tokens": None}),
    ]
    server.does([said for said, _ in cases])
    answers = await asked(server, *[HELLO] * len(cases))
    for (_, expected), answer in zip(cases, answers, strict=True):
        assert {name: getattr(answer, name) for name in expected} == expected


def refusing(name: str, message: str) -> Any:
    def plan(body: dict[str, Any]) -> ModelReply:
        return ModelReply.error(400, message, param=name, code="unsupported_parameter") if name in body else ModelReply()

    return plan


@pytest.mark.parametrize(
    "name, message, instead",
    [
        (
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported; use 'max_completion_tokens'",
            "max_completion_tokens",
        ),
        ("temperature", "'temperature' does not support 0.7 with this model. Only the default (1) value is supported.", None),
        ("seed", "Extra inputs are not permitted: seed", None),
    ],
)
async def test_a_field_that_the_model_does_not_take_is_left_out_from_then_on(
    name: str, message: str, instead: str | None
) -> None:
    request = Request(messages=HELLO.messages, temperature=0.7, seed=1, max_tokens=9)
    with ModelServer(refusing(name, message)) as server:
        first = await asked(server, request, request)
        asking = model(f"{server.url}#m")
        together: Sequence[Answer] = await asyncio.gather(*(asking.answer(request) for _ in range(4)))
        await asking.close()
        assert [answer.text for answer in [*first, *together]] == ["ok"] * 6
        assert [name in body for body in server.requests] == [True] + [False] * 6, "one refusal in all"
        assert instead is None or all(body[instead] == 9 for body in server.requests[1:])


async def test_many_at_once_learn_of_a_field_together() -> None:
    request = Request(messages=HELLO.messages, temperature=0.7)
    with ModelServer(refusing("temperature", "temperature is not supported")) as server:
        asking = model(f"{server.url}#m", concurrency=8)
        answers = await asyncio.gather(*(asking.answer(request) for _ in range(8)))
        await asking.close()
        assert [answer.text for answer in answers] == ["ok"] * 8


async def test_a_value_that_is_out_of_range_is_told_and_not_taken_away(server: ModelServer) -> None:
    server.does([ModelReply.error(400, "max_tokens is too large: 9. This model supports at most 8.")])
    with pytest.raises(ModelRefused, match="HTTP 400: max_tokens is too large"):
        await asked(server, HELLO)
    assert len(server.requests) == 1


async def test_an_answer_is_charged_and_noted_as_it_was_seen(server: ModelServer) -> None:
    ledger = Ledger()
    request = Request(messages=(ChatMessage(role="user", content=(Text(text="look"), Picture(png=PNG))),), tools=(CLICK,))
    server.does([ModelReply.throttled("0"), ModelReply(text="seen")])
    (answer,) = await asked(server, request, ledger=ledger, prices={"input": 2.0, "output": 4.0})
    (charge,) = ledger.charges
    assert (charge.calls, charge.input_tokens, charge.output_tokens) == (1, 10, 5)
    assert charge.usd == answer.usd == pytest.approx((10 * 2 + 5 * 4) / 1e6)
    assert charge.seconds == answer.seconds > 0
    note = next(note for note in ledger.drain() if note.kind == "model")
    assert note.data["model"] == f"{server.url}#m" and note.data["tries"] == 2
    assert base64.b64encode(PNG).decode() in str(note.data["messages"]) and "look" in str(note.data["messages"])
    assert "seen" in str(note.data["answer"])


async def test_connections_are_kept(server: ModelServer) -> None:
    server.does()
    await asked(server, *[HELLO] * 5)
    assert len(server.connections) == 1
