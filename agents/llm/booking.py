"""Every model books its answers alike: charged to the ledger of the episode, and noted there for its trace."""

from __future__ import annotations

import base64
from collections.abc import Callable

from pydantic import JsonValue

from quintain.agents.llm.model import Answer, ChatMessage, Picture, Request
from quintain.ledger import current

NOTE = "model"
"""The kind of the notes: what a model was shown and what it said."""


def booked(name: str, request: Request, answer: Answer, *, tries: int = 1) -> Answer:
    """Charge one call to the ledger of the episode that is being played, note it there, and give the answer back.

    `name` is the model's, as it was asked for. `tries` counts the attempts that this answer took.
    """
    current().charge(
        calls=1,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        usd=answer.usd,
        seconds=answer.seconds,
    )
    return noted(name, request, answer, tries=tries)


def noted(name: str, request: Request, answer: Answer, *, tries: int = 1) -> Answer:
    """The same without the charge."""
    current().note(
        NOTE,
        model=name,
        messages=[shown(message) for message in request.messages],
        tools=[tool.name for tool in request.tools],
        answer=answer.model_dump(mode="json", exclude_defaults=True),
        seconds=answer.seconds,
        tries=tries,
    )
    return answer


def data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def shown(message: ChatMessage, picture: Callable[[bytes], str] = data_url) -> dict[str, JsonValue]:
    """The JSON of a message with a text in the place of each picture; a trace keeps each ``data:`` text once."""
    found = message.model_dump(mode="json", exclude_defaults=True, exclude={"content"})
    if isinstance(message.content, str):
        return {**found, "content": message.content}
    parts: list[JsonValue] = [
        {"kind": "picture", "png": picture(part.png)} if isinstance(part, Picture) else {"kind": "text", "text": part.text}
        for part in message.content
    ]
    return {**found, "content": parts}
