"""Requests and answers as endpoints of the chat-completions shape write them.

https://platform.openai.com/docs/api-reference/chat, with the fields of others where they have become common: reasoning apart
(`reasoning_content` of DeepSeek and vLLM, `reasoning` of OpenRouter and Groq, parts of kind `thinking` of Mistral).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from quintain.agents.llm.endpoint.strictness import strict
from quintain.agents.llm.model import Answer, ChatMessage, Picture, Request, Text, ToolCall

Ended = Literal["stop", "length", "tools", "filtered"]
_ENDED: Mapping[str, Ended] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filtered",
}


class Malformed(ValueError):
    """The envelope is none: no choice, no message, a field of another type."""


class Spent(NamedTuple):
    """The tokens that an endpoint counts; None is unknown."""

    input: int | None
    output: int | None
    cached: int = 0
    """Of the input, read from a cache."""
    usd: float | None = None
    """Where the endpoint says so itself."""


def encoded(request: Request, model: str) -> dict[str, Any]:
    """The body of a request."""
    body: dict[str, Any] = {"model": model, "messages": list(_messages(request.messages))}
    if request.tools:
        body["tools"] = [{"type": "function", "function": tool.model_dump()} for tool in request.tools]
        if request.must_call:
            body["tool_choice"] = "required"
    if request.answer_schema is not None:
        schema = {"name": "answer", "schema": request.answer_schema, "strict": strict(request.answer_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    for field in ("temperature", "max_tokens", "seed"):
        if (value := getattr(request, field)) is not None:
            body[field] = value
    if request.stop:
        body["stop"] = list(request.stop)
    return body


def _messages(messages: tuple[ChatMessage, ...]) -> Iterator[dict[str, Any]]:
    """A tool can answer in text only, so the user shows its pictures, once all calls are answered."""
    shown: list[Picture] = []
    for message in messages:
        if message.role == "tool":
            parts = () if isinstance(message.content, str) else message.content
            shown += [part for part in parts if isinstance(part, Picture)]
            yield {"role": "tool", "tool_call_id": message.answers or "", "content": _text(message.content)}
            continue
        if shown:
            yield {"role": "user", "content": [_part(picture) for picture in shown]}
            shown = []
        yield _message(message)
    if shown:
        yield {"role": "user", "content": [_part(picture) for picture in shown]}


def _message(message: ChatMessage) -> dict[str, Any]:
    pictures = not isinstance(message.content, str) and any(isinstance(part, Picture) for part in message.content)
    content: Any = [_part(part) for part in message.content] if pictures else _text(message.content)  # type: ignore[arg-type]
    if not message.tool_calls:
        return {"role": message.role, "content": content}
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.tool_calls
    ]
    # An empty text beside calls is refused by some.
    return {"role": message.role, "content": content or None, "tool_calls": calls}


def _text(content: str | tuple[Text | Picture, ...]) -> str:
    """Plain text, which every endpoint takes, where there is nothing else."""
    return content if isinstance(content, str) else "\n".join(part.text for part in content if isinstance(part, Text))


def _part(part: Text | Picture) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(part.png).decode('ascii')}"}}


def decoded(body: Mapping[str, Any]) -> tuple[Answer, Spent]:
    """What was said, and the tokens that it took.

    Raises:
        Malformed: says what is missing.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Malformed("no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise Malformed("a choice without a message")
    reason = choices[0].get("finish_reason")
    if reason == "error":
        raise Malformed("the choice ended in an error")
    calls = tuple(_calls(message.get("tool_calls")))
    text, thinking = _said(message.get("content"))
    refusal = message.get("refusal")
    ended = "filtered" if refusal else _ENDED.get(str(reason), "stop")
    if calls and ended == "stop":
        ended = "tools"
    said = body.get("model")
    spent = _spent(body.get("usage"))
    answer = Answer(
        text=text or (refusal if isinstance(refusal, str) else ""),
        thinking=thinking or next((message[key] for key in _REASONING if isinstance(message.get(key), str)), ""),
        tool_calls=calls,
        ended=ended,
        model=said if isinstance(said, str) else "",
        input_tokens=spent.input,
        output_tokens=spent.output,
    )
    return answer, spent


_REASONING = ("reasoning_content", "reasoning")


def _said(content: JsonValue) -> tuple[str, str]:
    """Text, and thinking where it stands among the parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if not isinstance(content, list):
        raise Malformed(f"content is a {type(content).__name__}")
    text, thinking = [], []
    for part in content:
        if isinstance(part, dict) and part.get("type") == "thinking":
            thinking.append(_said(part.get("thinking"))[0])
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            text.append(str(part["text"]))
    return "".join(text), "".join(thinking)


def _calls(calls: JsonValue) -> Iterator[ToolCall]:
    if calls is not None and not isinstance(calls, list):
        raise Malformed("tool_calls is no list")
    for at, call in enumerate(calls or ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Malformed("a tool call without a name")
        arguments = function.get("arguments")
        # Some servers write the object itself instead of its text.
        text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
        yield ToolCall(id=str(call.get("id") or f"call_{at}"), name=str(function["name"]), arguments=text)


def _spent(usage: JsonValue) -> Spent:
    if not isinstance(usage, dict):
        return Spent(None, None)
    details, usd = usage.get("prompt_tokens_details"), usage.get("cost")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else _count(usage.get("prompt_cache_hit_tokens"))
    return Spent(
        input=_count(usage.get("prompt_tokens")),
        output=_count(usage.get("completion_tokens")),
        cached=cached or 0,
        usd=float(usd) if isinstance(usd, int | float) and not isinstance(usd, bool) and usd >= 0 else None,
    )


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
