"""One ledger an episode: what is charged, under which name, and when there is nothing left."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from quintain import ledger
from quintain.errors import BudgetSpent
from quintain.ledger import Ledger, Note, opened, purpose
from quintain.usage import Charge, Limits, Usage


def test_charges_are_kept_by_the_innermost_purpose() -> None:
    book = Ledger()
    book.charge(calls=1, input_tokens=10, output_tokens=2, usd=0.5)
    with purpose("judge"):
        book.charge(calls=1, input_tokens=3)
        with purpose("look again"):
            book.charge(steps=2)
        book.charge(calls=2, output_tokens=1, seconds=0.25)
    assert book.charges == (
        Charge(what="act", calls=1, input_tokens=10, output_tokens=2, usd=0.5),
        Charge(what="judge", calls=3, input_tokens=3, output_tokens=1, seconds=0.25),
        Charge(what="look again", steps=2),
    )
    assert book.usage() == Usage(tokens=16, usd=0.5, charges=book.charges)


def test_what_is_unknown_once_is_unknown_in_the_sum_and_still_known_at_least() -> None:
    book = Ledger(Limits(tokens=20))
    book.charge(input_tokens=15, output_tokens=1, usd=None)
    book.charge(input_tokens=None, output_tokens=3, usd=0.5)
    assert (book.total.tokens, book.total.usd, book.usage().tokens) == (None, None, None)
    assert book.known() == Usage(tokens=19, usd=0.5)
    book.check()
    book.charge(output_tokens=1)
    with pytest.raises(BudgetSpent, match="20 tokens are spent"):
        book.check()


def test_dollars_have_a_limit_too() -> None:
    book = Ledger(Limits(usd=0.3))
    book.charge(usd=0.2)
    book.check()
    book.charge(usd=0.2)
    with pytest.raises(BudgetSpent, match=r"0\.3 dollars are spent"):
        book.check()


def test_nothing_charged_is_unknown_and_not_zero() -> None:
    assert Ledger().usage() == Usage()


async def test_the_current_ledger_is_found_in_tasks_and_in_threads_with_the_context() -> None:
    book = Ledger()

    async def work(count: int) -> None:
        with purpose("side by side"):
            for _ in range(count):
                await asyncio.sleep(0)
                ledger.current().charge(calls=1)

    def charge() -> None:
        ledger.current().charge(calls=7)

    with opened(book):
        await asyncio.gather(*(work(10) for _ in range(5)))
        context = contextvars.copy_context()
        threads = [
            threading.Thread(target=context.copy().run, args=(lambda: ledger.current().charge(calls=7),)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ledger.current().charge(calls=1000)
    assert {each.what: each.calls for each in book.charges} == {"side by side": 50, "act": 28}


def test_notes_are_handed_over_once() -> None:
    book = Ledger()
    book.note("model", messages=["hello"])
    book.note("choice", best=1)
    assert book.drain() == [Note("model", {"messages": ["hello"]}), Note("choice", {"best": 1})]
    assert book.drain() == []
