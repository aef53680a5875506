"""What is asked of a language model and what it answers: plain values, and the protocol that every model fulfils.

The chat-completions shape (messages, tools, JSON schema, images) without its accidents. `quintain.agents.llm.models.model(name)`
makes one: an OpenAI-compatible endpoint, the local model, a script, or a recording.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from pydantic import Field, JsonValue, NonNegativeFloat, NonNegativeInt, PositiveInt

from quintain.core import Blob
from quintain.errors import AgentError, InfrastructureError
from quintain.values import Value


class ModelUnreachable(InfrastructureError):
    """The model gave no answer for a reason that is not the agent's: no connection, refused keys, storms of 429 and 5xx."""


class ModelRefused(AgentError):
    """The endpoint understood the request and turned it down: too long a context, an unknown model, a forbidden content."""


class BadAnswer(AgentError):
    """The model's answer cannot be used: broken off, no JSON where JSON was asked for, larger than the limit."""


class Text(Value):
    kind: Literal["text"] = "text"
    text: str


class Picture(Value):
    """A PNG file."""

    kind: Literal["picture"] = "picture"
    png: Blob


class ToolCall(Value):
    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it, which may be malformed."""


class ChatMessage(Value):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | tuple[Text | Picture, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant."""
    answers: str | None = None
    """Of a tool: the id of the call."""


class Tool(Value):
    """A function that the model may call."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    """JSON schema of an object."""


class Request(Value):
    """One question to a model; equal requests have equal JSON."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    """The answer must call a tool."""
    answer_schema: dict[str, JsonValue] | None = None
    """The answer's text must be JSON of this schema."""
    temperature: NonNegativeFloat | None = None
    """None leaves the endpoint's own."""
    max_tokens: PositiveInt | None = 1024
    """Of the answer."""
    seed: int | None = None
    stop: tuple[str, ...] = ()


class Answer(Value):
    """What a model said, and what that cost."""

    text: str = ""
    thinking: str = ""
    """Reasoning that the endpoint shows apart."""
    tool_calls: tuple[ToolCall, ...] = ()
    ended: Literal["stop", "length", "tools", "filtered"] = "stop"
    """`length`: cut off at `max_tokens`."""
    model: str = ""
    """As the endpoint calls what answered."""
    input_tokens: NonNegativeInt | None = None
    """None is unknown, which is not zero."""
    output_tokens: NonNegativeInt | None = None
    usd: NonNegativeFloat | None = None
    seconds: NonNegativeFloat = 0.0


class Abilities(Value):
    """What a model can be asked for."""

    tools: bool = True
    answer_schema: bool = True
    pictures: bool = True
    context: PositiveInt = Field(default=128_000)
    """Tokens of question and answer together."""


@runtime_checkable
class Model(Protocol):
    """Answers requests; charges each to `quintain.ledger.current()` (after `check`) and notes it there. Many calls may be open
    at once. Cancelling the awaiting task ends the request."""

    name: str
    abilities: Abilities

    async def answer(self, request: Request) -> Answer:
        """
        Raises:
            BudgetSpent: the episode has no tokens or dollars left; nothing was asked.
            ModelUnreachable, ModelRefused, BadAnswer: see there.
        """
        ...

    async def close(self) -> None: ...
