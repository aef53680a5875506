"""Each way in which an endpoint fails ends as what it is, soon, and with what it cost: over real sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from quintain.agents.llm.endpoint.endpoint import Endpoint
from quintain.agents.llm.endpoint.retrying import asked_wait, wait_s
from quintain.agents.llm.endpoint.slots import slots_of
from quintain.agents.llm.model import BadAnswer, ChatMessage, ModelRefused, ModelUnreachable, Request
from quintain.agents.llm.models import model
from quintain.errors import BudgetSpent
from quintain.ledger import Ledger, opened
from quintain.testing import ModelReply, ModelServer
from quintain.testing.model_server import closed_url
from quintain.usage import Limits

HELLO = Request(messages=(ChatMessage(role="user", content="hello"),))


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as serving:
        yield serving


def made(url: str, **options: Any) -> Endpoint:
    found = model(f"{url}#m", **{"first_wait_s": 0.01, "jitter_seed": 0, **options})
    assert isinstance(found, Endpoint)
    return found


async def asked(url: str, ledger: Ledger | None = None, **options: Any) -> str:
    asking = made(url, **options)
    try:
        with opened(ledger or Ledger()):
            return (await asking.answer(HELLO)).text
    finally:
        await asking.close()


@pytest.mark.parametrize(
    "faults",
    [
        [ModelReply.error(status) for status in (500, 502, 503, 504, 529, 408, 409)],
        [ModelReply.throttled("0"), ModelReply.throttled(), ModelReply.error(429, headers={"retry-after-ms": "1"})],
        [ModelReply(then="cut"), ModelReply(status=503, then="cut")],
        [ModelReply(body=b'{"choices": [{'), ModelReply(body=b"[]"), ModelReply(body=b"{}"), ModelReply(body=b"\xff")],
        [ModelReply(body=b'{"choices": []}'), ModelReply(ended="error"), ModelReply(message={"content": 5})],
        [ModelReply(body=b'{"error": {"message": "behind the router", "code": 503}}')],
        [ModelReply(then="hang"), ModelReply(then="drip"), ModelReply(wait_s=60)],
    ],
    ids=["errors", "throttled", "cut", "no JSON", "no answer", "an error in a 200", "never ends"],
)
async def test_a_passing_fault_is_outlasted(server: ModelServer, faults: list[ModelReply]) -> None:
    server.does(faults, otherwise=ModelReply(text="at last"))
    ledger = Ledger()
    assert await asked(server.url, ledger, timeout_s=0.2) == "at last"
    assert len(server.requests) == len(faults) + 1
    assert ledger.total.calls == 1 and ledger.total.tokens == 15, "tries that failed cost no tokens"


async def test_the_wait_that_was_asked_for_is_kept(server: ModelServer) -> None:
    # By a clock that is years behind ours.
    date = {"Date": "Sat, 01 Jan 2000 12:00:00 GMT", "Retry-After": "Sat, 01 Jan 2000 12:00:01 GMT"}
    server.does([ModelReply.throttled("0.3"), ModelReply.error(503, headers=date)])
    assert await asked(server.url) == "ok"
    first, second, third = server.times
    assert second - first >= 0.3 and third - second >= 1


def test_waits_are_read_in_each_notation() -> None:
    assert asked_wait({"retry-after": "7"}) == asked_wait({"retry-after-ms": "7000", "retry-after": "9"}) == 7
    assert asked_wait({"retry-after": "-1"}) == asked_wait({"retry-after": "Sat, 01 Jan 2000 12:00:00 GMT"}) == 0
    assert asked_wait({}) is asked_wait({"retry-after": "soon"}) is None


def test_waits_that_nobody_asked_for_double_up_to_a_minute_and_half_is_chance() -> None:
    jitter = Random(0)
    for tries, longest in ((1, 0.5), (2, 1.0), (4, 4.0), (12, 60.0)):
        waits = [wait_s(tries, None, first=0.5, jitter=jitter) for _ in range(200)]
        assert longest / 2 <= min(waits) < 0.6 * longest and 0.9 * longest < max(waits) <= longest
    assert all(9 <= wait_s(1, 9.0, first=0.5, jitter=jitter) <= 10 for _ in range(200))


async def test_a_wait_beyond_patience_is_not_begun(server: ModelServer) -> None:
    server.does(otherwise=ModelReply.throttled("3600"))
    with pytest.raises(ModelUnreachable, match="no answer in 1 try .* asks to wait 3600 s"):
        await asked(server.url)


async def test_after_the_last_try_the_error_says_who_and_how_often_and_why(server: ModelServer) -> None:
    server.does(otherwise=ModelReply.error(500, "the machine burns"))
    ledger = Ledger()
    with pytest.raises(ModelUnreachable) as caught:
        await asked(server.url, ledger, retries=2)
    assert len(server.requests) == 3
    for part in (f"{server.url}#m", "3 tries", "HTTP 500: the machine burns"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ledger.total.calls == 0 and ledger.total.tokens == 0 and ledger.total.seconds > 0


async def test_a_dead_endpoint_is_unreachable() -> None:
    with pytest.raises(ModelUnreachable, match="3 tries .*ConnectError"):
        await asked(closed_url(), retries=2)


@pytest.mark.parametrize("reply", [ModelReply(then="drip"), ModelReply(then="hang"), ModelReply(wait_s=60)])
async def test_an_answer_that_never_ends_is_cut(server: ModelServer, reply: ModelReply) -> None:
    server.does(otherwise=reply)
    with pytest.raises(ModelUnreachable, match=r"2 tries .*no whole answer within 0\.2 s"):
        await asked(server.url, timeout_s=0.2, retries=1)


async def test_ten_megabytes_are_a_bad_answer_of_unknown_cost(server: ModelServer) -> None:
    server.does(otherwise=ModelReply.huge(10_000_000))
    ledger = Ledger()
    with pytest.raises(BadAnswer, match="larger than 4194304 bytes; raise max_answer_bytes"):
        await asked(server.url, ledger)
    assert len(server.requests) == 1 and ledger.total.calls == 1
    assert ledger.total.tokens is None and ledger.total.usd is None
    assert len(await asked(server.url, max_answer_bytes=20_000_000)) == 10_000_000


async def test_a_refusal_stands(server: ModelServer) -> None:
    cases: list[tuple[ModelReply, type[Exception], str]] = [
        (ModelReply.error(400, "too long a context", code="context_length_exceeded"), ModelRefused, "too long a context"),
        (ModelReply.error(404, "no such model"), ModelRefused, "HTTP 404: no such model"),
        (ModelReply(status=422, body=b'{"detail": [{"msg": "bad"}]}'), ModelRefused, "bad"),
        (ModelReply(status=413, body=b"<html>too   large</html>"), ModelRefused, "<html>too large"),
        (ModelReply(status=400, body=b'[{"error": {"message": "as Google says"}}]'), ModelRefused, "HTTP 400: as Google says"),
        (ModelReply.error(403, "not for you"), ModelUnreachable, "HTTP 403: not for you"),
        (ModelReply.error(402, "pay"), ModelUnreachable, "no money left"),
        (ModelReply.error(429, "quota", code="insufficient_quota"), ModelUnreachable, "no money left"),
        (
            ModelReply(status=301, headers={"Location": "http://elsewhere"}, body=b"moved"),
            ModelUnreachable,
            "base URL is another",
        ),
    ]
    server.does([reply for reply, _, _ in cases])
    for at, (_, error, says) in enumerate(cases, 1):
        with pytest.raises(error, match=says):
            await asked(server.url)
        assert len(server.requests) == at


async def test_a_storm_of_429_is_ridden_out_by_asking_less(server: ModelServer) -> None:
    def plan(_: dict[str, Any]) -> ModelReply:
        return ModelReply.throttled() if server.open > 4 else ModelReply(wait_s=0.02)

    server.does(plan)
    asking = made(server.url, concurrency=32, retries=20)
    ledger = Ledger()
    with opened(ledger):
        answers = await asyncio.gather(*(asking.answer(HELLO) for _ in range(32)))
    await asking.close()
    slots = slots_of(f"{server.url}/chat/completions", None, 32)
    assert [answer.text for answer in answers] == ["ok"] * 32
    assert ledger.total.calls == 32 and ledger.total.tokens == 32 * 15
    assert slots.allowed < 24, "it learned that 32 are too many"
    assert len(server.requests) < 32 * 4


async def test_no_more_are_open_than_the_limit_whoever_asks(server: ModelServer) -> None:
    server.does(otherwise=ModelReply(wait_s=0.02))
    askers = [made(server.url, concurrency=4) for _ in range(3)]
    await asyncio.gather(*(asker.answer(HELLO) for asker in askers * 8))
    for asker in askers:
        await asker.close()
    assert server.most_open == 4


def test_one_endpoint_is_asked_from_loops_in_several_threads(server: ModelServer) -> None:
    server.does(otherwise=ModelReply(wait_s=0.01))
    asking, said = made(server.url, concurrency=3), []

    async def many() -> None:
        said.extend(await asyncio.gather(*(asking.answer(HELLO) for _ in range(6))))
        await asking.close()

    for _ in range(2):
        threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert [answer.text for answer in said] == ["ok"] * 36 and server.most_open == 3


async def test_an_exhausted_budget_asks_nothing(server: ModelServer) -> None:
    server.does()
    ledger = Ledger(Limits(tokens=30))
    asking = made(server.url)
    with opened(ledger):
        await asking.answer(HELLO)
        await asking.answer(HELLO)
        with pytest.raises(BudgetSpent, match="30 tokens"):
            await asking.answer(HELLO)
    await asking.close()
    assert len(server.requests) == 2 and ledger.total.tokens == 30


@pytest.mark.parametrize("reply", [ModelReply.throttled("30"), ModelReply(wait_s=60), ModelReply(then="drip")])
async def test_cancelling_ends_a_request_and_a_wait_at_once(server: ModelServer, reply: ModelReply) -> None:
    server.does(otherwise=reply)
    asking, ledger = made(server.url, concurrency=1), Ledger()
    with opened(ledger):
        tasks = [asyncio.create_task(asking.answer(HELLO)) for _ in range(3)]
    while not server.requests:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert time.monotonic() - began < 10
    assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    assert ledger.total.calls == 0 and ledger.total.seconds > 0
    # Its place is free again.
    assert await asyncio.wait_for(asyncio.shield(_slot_is_free(server.url)), 10)
    await asking.close()


async def _slot_is_free(url: str) -> bool:
    async with slots_of(f"{url}/chat/completions", None, 1).slot():
        return True
