"""A conversation with a model in plain text, with what it gives between tags."""

from __future__ import annotations

import re

from quintain.agents.llm.model import ChatMessage, Model, Request


class Dialogue:
    """Remembers what was said; each question is asked with all before it."""

    def __init__(
        self, model: Model, system: str, *, temperature: float | None = None, seed: int | None = None, max_tokens: int = 4096
    ) -> None:
        self.model, self.temperature, self.seed, self.max_tokens = model, temperature, seed, max_tokens
        self.messages = [ChatMessage(role="system", content=system)]

    async def ask(self, text: str) -> str:
        """What the model answers; raises as the model."""
        self.messages.append(ChatMessage(role="user", content=text))
        request = Request(messages=tuple(self.messages), temperature=self.temperature, seed=self.seed, max_tokens=self.max_tokens)
        answer = await self.model.answer(request)
        self.messages.append(ChatMessage(role="assistant", content=answer.text))
        return answer.text


def tagged(text: str, name: str) -> str | None:
    """What stands between the last ``<name>`` and ``</name>``, without the line breaks beside the tags."""
    before, closed, _ = text.rpartition(f"</{name}>")
    _, opened, inside = before.rpartition(f"<{name}>")
    return inside.removeprefix("\n").removesuffix("\n") if closed and opened else None


def all_tagged(text: str, name: str) -> list[str]:
    """Each ``<name>…</name>``, stripped."""
    return [each.strip() for each in re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)]


def clipped(text: str, limit: int) -> str:
    """Head and tail of a text that is longer."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"
