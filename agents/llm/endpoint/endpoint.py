"""A language model behind an endpoint of the chat-completions shape."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt

from quintain.agents.llm.booking import booked
from quintain.agents.llm.endpoint.connections import Connections, TooLarge, require_httpx
from quintain.agents.llm.endpoint.prices import Prices, context_of, published
from quintain.agents.llm.endpoint.providers import key_in_environment
from quintain.agents.llm.endpoint.quirks import quirks_of
from quintain.agents.llm.endpoint.retrying import AskAgain, Reply, judged, message_of, wait_s
from quintain.agents.llm.endpoint.slots import slots_of
from quintain.agents.llm.endpoint.wire import Malformed, Spent, decoded, encoded
from quintain.agents.llm.model import Abilities, Answer, BadAnswer, ModelUnreachable, Request
from quintain.errors import UsageError, one_line
from quintain.ledger import current
from quintain.values import Value


class EndpointConfig(Value):
    """Where a model is and how it is asked. Holds the names of the variables that hold the key, never a key."""

    name: str
    """What the user calls it, for traces and errors."""
    model: str
    """What the endpoint calls it."""
    base_url: str
    keys: tuple[str, ...] = ()
    """Environment variables, the first that is set counts; none: no key is sent."""
    timeout_s: PositiveFloat = 120.0
    """For one try, from the first byte sent to the last byte read."""
    patience_s: PositiveFloat = 600.0
    """No try begins later than this after the first."""
    first_wait_s: PositiveFloat = 0.5
    """Before the second try, where the endpoint asks for no other; doubles with each."""
    retries: int = Field(default=8, ge=0)
    concurrency: PositiveInt = 16
    """Requests open at once, of all models of this process with the same base URL and key."""
    max_answer_bytes: PositiveInt = 4 * 1024 * 1024
    prices: Prices | None = None
    """In place of the published ones."""
    priced_by: str | None = None
    """Provider in genai-prices."""
    abilities: dict[str, JsonValue] = Field(default={})
    """In place of the provider's, by name."""
    assumed: Abilities = Abilities()
    """The provider's."""
    extra: dict[str, JsonValue] = Field(default={})
    """Further fields of each request's body, such as `reasoning_effort`."""
    jitter_seed: int | None = None
    """Of the chance in waiting times."""


class Endpoint:
    """Asks over HTTP; safe to be asked from several threads and event loops."""

    def __init__(self, config: EndpointConfig) -> None:
        """
        Raises:
            UsageError: the key's variable is not set.
            Unavailable: httpx is not installed.
        """
        require_httpx(config.name)
        key_in_environment(config.keys, config.name)
        self.config = config
        self.name = config.name
        self.abilities = _abilities(config)
        self._url = f"{config.base_url.rstrip('/')}/chat/completions"
        self._quirks = quirks_of(self._url, config.model)
        self._connections = Connections()
        self._jitter = random.Random(config.jitter_seed)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r} at {self.config.base_url})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Endpoint, (self.config,)

    async def answer(self, request: Request) -> Answer:
        """See `Model.answer`. Charged are the calls that were answered, and the seconds of all."""
        began, tries = time.monotonic(), 0
        try:
            while True:
                current().check()
                tries += 1
                try:
                    answer, spent = await self._try(request)
                    break
                except AskAgain as trouble:
                    await asyncio.sleep(self._wait(trouble, tries, time.monotonic() - began))
        except TooLarge as error:
            current().charge(calls=1, input_tokens=None, output_tokens=None, usd=None, seconds=time.monotonic() - began)
            raise BadAnswer(f"model {self.name!r}: {error}; raise max_answer_bytes, or lower max_tokens") from None
        except BaseException:
            if tries:
                current().charge(seconds=time.monotonic() - began)
            raise
        cost = {"usd": self._usd(spent, answer.model), "seconds": time.monotonic() - began}
        return booked(self.name, request, answer.model_copy(update=cost), tries=tries)

    async def close(self) -> None:
        """Close the connections of the calling event loop; another question opens them again."""
        await self._connections.close()

    async def _try(self, request: Request) -> tuple[Answer, Spent]:
        key = self._key()
        slots = slots_of(self._url, key, self.config.concurrency)
        async with slots.slot() as turn:
            try:
                reply = await self._accepted(encoded(request, self.config.model) | self.config.extra, key)
                body = judged(reply, model=self.name, keys=self.config.keys)
            except AskAgain as trouble:
                if trouble.throttled:
                    slots.throttled(turn)
                raise
            slots.went_well()
        try:
            return decoded(body)
        except Malformed as error:
            raise AskAgain(f"the answer has another shape: {error}") from None

    async def _accepted(self, body: dict[str, Any], key: str | None) -> Reply:
        """The reply; a field that the model does not take is left out from here on."""
        while True:
            sent = self._quirks.applied(body)
            reply = await self._post(sent, key)
            if reply.status not in (400, 422) or not self._quirks.learn(message_of(reply.body, limit=2000), sent):
                return reply

    async def _post(self, body: dict[str, Any], key: str | None) -> Reply:
        import httpx

        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        config = self.config
        try:
            async with asyncio.timeout(config.timeout_s):
                reply = await self._connections.post(self._url, data, headers=headers, limit=config.max_answer_bytes)
        except TimeoutError:
            raise AskAgain(f"no whole answer within {config.timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise AskAgain(one_line(error)) from None
        # An endpoint may repeat the key that it was sent; nothing that is kept may.
        return reply._replace(body=reply.body.replace(key.encode(), b"[key]")) if key and len(key) >= 8 else reply

    def _wait(self, trouble: AskAgain, tries: int, passed_s: float) -> float:
        """Seconds until the next try, if there is one."""
        wait = wait_s(tries, trouble.after_s, first=self.config.first_wait_s, jitter=self._jitter)
        if tries <= self.config.retries and passed_s + wait <= self.config.patience_s:
            return wait
        asked = f", which asks to wait {trouble.after_s:.0f} s" if trouble.after_s and trouble.after_s >= 1 else ""
        raise ModelUnreachable(
            f"model {self.name!r} at {self.config.base_url}: no answer in {tries} {'try' if tries == 1 else 'tries'} "
            f"and {passed_s:.0f} s; the last: {trouble}{asked}"
        )

    def _key(self) -> str | None:
        try:
            return key_in_environment(self.config.keys, self.name)
        except UsageError as error:
            # It was there when this was made, so another process plays than the one that was checked.
            raise ModelUnreachable(str(error)) from None

    def _usd(self, spent: Spent, answered: str) -> float | None:
        config = self.config
        if config.prices is not None:
            return config.prices.of(spent)
        if config.priced_by == "openrouter" and spent.usd is not None:
            return spent.usd
        if config.priced_by is None:
            return None
        named = published(spent, answered, provider=config.priced_by) if answered else None
        return published(spent, config.model, provider=config.priced_by) if named is None else named


def _abilities(config: EndpointConfig) -> Abilities:
    """The context that is published, the provider's defaults for the rest, and what the caller knows better."""
    context = context_of(config.model, provider=config.priced_by) if config.priced_by else None
    return config.assumed.model_copy(update={**({"context": context} if context else {}), **config.abilities})
