"""What is recorded is replayed exactly; what was not is a clear miss. Whole runs are in `test_replayed_runs`."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.cassette import tapes
from quintain.agents.llm.cassette.cassette import CassetteMiss, Recorded, Replayed
from quintain.agents.llm.model import Answer, BadAnswer, ChatMessage, Model, ModelUnreachable, Picture, Request, Text
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.errors import BudgetSpent, InfrastructureError, UsageError
from quintain.ledger import Ledger, current, opened, purpose
from quintain.usage import Limits

EPISODE = "toy/sum 0 llm"


def question(text: str, **more: Any) -> Request:
    return Request(messages=(ChatMessage(role="system", content="You add."), ChatMessage(role="user", content=text)), **more)


def counting() -> ScriptedModel:
    """Never says the same twice."""
    said = iter(range(1000))
    return ScriptedModel(lambda request: f"answer {next(said)}", name="scripted:counting")


async def played(
    model: Model, texts: list[str], *, episode: str = EPISODE, limits: Limits | None = None
) -> tuple[list[str], Ledger]:
    with opened(Ledger(limits, key=episode)) as ledger:
        return [(await model.answer(question(text))).text for text in texts], ledger


async def test_an_episode_replays_with_its_answers_charges_and_notes_and_without_the_model(tmp_path: Path) -> None:
    texts = ["1 + 1", "2 + 2", "1 + 1"]
    answers, before = await played(Recorded(counting(), tmp_path), texts)
    assert answers == ["answer 0", "answer 1", "answer 2"]
    replayed, after = await played(Replayed(tmp_path), texts)
    assert replayed == answers
    assert after.charges == before.charges
    assert after.drain() == before.drain()


async def test_the_same_question_is_counted_within_an_attempt_at_an_episode(tmp_path: Path) -> None:
    recorder = Recorded(counting(), tmp_path)
    one, _ = await played(recorder, ["x", "x"], episode="toy/sum 1 llm")
    other, _ = await played(recorder, ["x", "x"], episode="toy/sum 2 llm")
    replay = Replayed(tmp_path)
    assert (await played(replay, ["x", "x"], episode="toy/sum 2 llm"))[0] == other
    assert (await played(replay, ["x", "x"], episode="toy/sum 1 llm"))[0] == one
    assert (await played(replay, ["x"], episode="toy/sum 1 llm"))[0] == one[:1]


async def test_the_last_attempt_at_an_episode_counts(tmp_path: Path) -> None:
    recorder = Recorded(counting(), tmp_path)
    await played(recorder, ["x", "y"])
    again, _ = await played(recorder, ["x"])
    assert (await played(Replayed(tmp_path), ["x"]))[0] == again == ["answer 2"]
    with pytest.raises(CassetteMiss):
        await played(Replayed(tmp_path), ["x", "y"])


async def test_many_episodes_at_once_in_threads_of_their_own_do_not_mix(tmp_path: Path) -> None:
    def one(number: int, model: Callable[[], Model]) -> list[str]:
        return asyncio.run(played(model(), ["x", "x", str(number % 3)], episode=f"toy/sum {number} llm"))[0]

    recorded = await asyncio.gather(*(asyncio.to_thread(one, n, lambda: Recorded(counting(), tmp_path)) for n in range(12)))
    replayed = await asyncio.gather(*(asyncio.to_thread(one, n, lambda: Replayed(tmp_path)) for n in range(12)))
    assert replayed == recorded
    assert len(list((tmp_path / "episodes").iterdir())) == 12


async def test_two_models_of_one_episode_share_its_file(tmp_path: Path) -> None:
    judge, writer = ScriptedModel(["yes"], name="judge"), ScriptedModel(["draft"], name="writer")

    async def both(first: Model, second: Model) -> list[str]:
        with opened(Ledger(key=EPISODE)):
            return [(await model.answer(question("x"))).text for model in (first, second)]

    assert await both(Recorded(writer, tmp_path), Recorded(judge, tmp_path)) == ["draft", "yes"]
    assert await both(Replayed(tmp_path, name="writer"), Replayed(tmp_path, name="judge")) == ["draft", "yes"]
    with pytest.raises(UsageError, match="holds several models; name one; there are judge, writer"):
        Replayed(tmp_path)


@pytest.mark.parametrize("failure", [BadAnswer("no JSON"), ModelUnreachable("all dead")])
async def test_a_failure_fails_again_and_costs_what_it_cost(tmp_path: Path, failure: Exception) -> None:
    def script(request: Request) -> str:
        current().charge(calls=1, input_tokens=7, output_tokens=None, usd=None, seconds=2.0)
        raise failure

    ledgers = []
    for made in (lambda: Recorded(ScriptedModel(script), tmp_path), lambda: Replayed(tmp_path)):
        with opened(Ledger(key=EPISODE)) as ledger, purpose("judge"), pytest.raises(type(failure), match=str(failure)):
            await made().answer(question("x"))
        ledgers.append(ledger)
    assert ledgers[0].charges == ledgers[1].charges
    assert ledgers[1].charges[0].what == "judge"


async def test_a_cancelled_call_waits_until_it_is_cancelled_again(tmp_path: Path) -> None:
    async def script(request: Request) -> str:
        return "quick" if "quick" in str(request) else await asyncio.Event().wait()  # type: ignore[return-value]

    async def race(model: Model) -> str:
        with opened(Ledger(key=EPISODE)):
            slow = asyncio.create_task(model.answer(question("slow")))
            await asyncio.sleep(0)
            won = (await model.answer(question("quick"))).text
            assert not slow.done()
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            return won

    assert await race(Recorded(ScriptedModel(script), tmp_path)) == "quick"
    assert await race(Replayed(tmp_path)) == "quick"


async def test_a_budget_is_spent_at_the_same_call(tmp_path: Path) -> None:
    model = ScriptedModel(lambda request: Answer(text="x", input_tokens=4, output_tokens=1))
    for made in (lambda: Recorded(model, tmp_path), lambda: Replayed(tmp_path)):
        with pytest.raises(BudgetSpent):
            await played(made(), ["a", "b"], limits=Limits(tokens=5))
    (file,) = (tmp_path / "episodes").iterdir()
    assert len(file.read_text().splitlines()) == 2


async def test_a_miss_names_the_nearest_call_and_what_differs(tmp_path: Path) -> None:
    await played(Recorded(counting(), tmp_path), ["Click the blue button", "Click nothing"])
    with pytest.raises(CassetteMiss, match=r"nearest is call 1, where message 2 differs from character \d+ on: .*blue.*green"):
        await played(Replayed(tmp_path), ["Click the green button"])
    with pytest.raises(CassetteMiss, match="was asked 1 times when it was recorded, and now once more"):
        await played(Replayed(tmp_path), ["Click nothing", "Click nothing"])
    with pytest.raises(CassetteMiss, match=r"nothing is recorded of 'toy/sum 9 llm'; there are toy_sum_0_llm-"):
        await played(Replayed(tmp_path), ["Click nothing"], episode="toy/sum 9 llm")
    with opened(Ledger(key=EPISODE)), pytest.raises(CassetteMiss, match="the messages are the same and seed, temperature differ"):
        await Replayed(tmp_path).answer(question("Click nothing", temperature=1.0, seed=3))


async def test_what_is_missing_is_asked_and_recorded_where_not_strict(tmp_path: Path) -> None:
    first, _ = await played(Recorded(counting(), tmp_path), ["a", "b"])
    fresh = ScriptedModel(["new"], name="scripted:counting")
    more, _ = await played(Replayed(tmp_path, model=fresh, strict=False), ["a", "c", "b"])
    assert more == [first[0], "new", first[1]]
    assert (await played(Replayed(tmp_path), ["a", "c", "b"]))[0] == more
    assert len(fresh.requests) == 1
    with pytest.raises(UsageError, match="needs the model"):
        Replayed(tmp_path, strict=False)


async def test_the_files_are_plain_and_pictures_are_kept_once(tmp_path: Path) -> None:
    png = b"\x89PNG" + bytes(5000)
    request = Request(messages=(ChatMessage(role="user", content=(Text(text="What is this?"), Picture(png=png))),))
    with opened(Ledger(key=EPISODE)):
        model = Recorded(counting(), tmp_path)
        await model.answer(request)
        await model.answer(request)
    (episode,) = (tmp_path / "episodes").iterdir()
    header, *calls = (json.loads(line) for line in episode.read_text().splitlines())
    assert header == {"cassette": tapes.FORMAT, "episode": EPISODE}
    assert [call["answer"]["text"] for call in calls] == ["answer 0", "answer 1"]
    (picture,) = (tmp_path / "pictures").iterdir()
    assert calls[0]["request"]["messages"][0]["content"][1] == {"kind": "picture", "png": f"sha256:{picture.stem}"}
    assert picture.read_bytes() == png
    assert episode.stat().st_size < len(png)
    with opened(Ledger(key=EPISODE)) as ledger:
        assert (await Replayed(tmp_path).answer(request)).text == "answer 0"
    assert "base64" in str(ledger.drain())


async def test_a_line_that_was_being_written_is_not_there_and_a_malformed_one_is_named(tmp_path: Path) -> None:
    answers, _ = await played(Recorded(counting(), tmp_path), ["a", "b"])
    (file,) = (tmp_path / "episodes").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-30])
    assert (await played(Replayed(tmp_path), ["a"]))[0] == answers[:1]
    with pytest.raises(CassetteMiss):
        await played(Replayed(tmp_path), ["a", "b"])
    file.write_bytes(whole.replace(b'"occurrence"', b'"occurence"').replace(b'"model"', b'"modell"', 1))
    with pytest.raises(InfrastructureError, match=r"\.1\.jsonl, line 2: "):
        await played(Replayed(tmp_path), ["a"])


async def test_a_copy_of_a_recorder_begins_a_file_of_its_own(tmp_path: Path) -> None:
    model = Recorded(ScriptedModel(["one", "two"]), tmp_path)
    await model.answer(question("x"))
    await pickle.loads(pickle.dumps(model)).answer(question("x"))
    assert len(list((tmp_path / "episodes").iterdir())) == 2


async def test_outside_of_episodes_calls_are_counted_by_model(tmp_path: Path) -> None:
    recorder = Recorded(counting(), tmp_path)
    said = [(await recorder.answer(question("x"))).text for _ in range(2)]
    replay = Replayed(tmp_path)
    assert [(await replay.answer(question("x"))).text for _ in range(2)] == said


def test_a_cassette_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no cassette at .*; record one with the option record="):
        Replayed(tmp_path / "nowhere")


async def test_a_model_that_was_not_recorded_is_refused_and_a_full_disk_is_no_agents_fault(tmp_path: Path) -> None:
    await played(Recorded(counting(), tmp_path), ["a"])
    with pytest.raises(UsageError, match="no recording of model 'openai:gpt-5'; there are scripted:counting"):
        Replayed(tmp_path, name="openai:gpt-5")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InfrastructureError, match="cannot be written"):
        await played(Recorded(counting(), tmp_path / "file"), ["a"])
