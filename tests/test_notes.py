"""What agents note comes back from a trace exactly, and is written once."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintain.core import StepRecord
from quintain.errors import UsageError
from quintain.ledger import Note
from quintain.pixels import encode_png
from quintain.spaces import Observation
from quintain.trace import Blobs, TraceWriter, read_note, read_trace


def picture(shade: int, size: int = 32) -> str:
    noise = np.random.default_rng(shade).integers(0, 256, (size, size, 3), np.uint8)
    return "data:image/png;base64," + base64.b64encode(encode_png(noise)).decode()


def written(folder: Path, notes: list[Note], **options: Any) -> list[Note]:
    with TraceWriter(folder / "t.gz", Blobs(folder / "blobs"), **options) as writer:
        for note in notes:
            writer.noted(note)
            writer.acted(StepRecord(action=None))
    lines = list(read_trace(folder / "t.gz"))
    assert [line.step is None for line in lines] == [line.note is not None for line in lines]
    return [read_note(line.note, Blobs(folder / "blobs")) for line in lines if line.note]


def said(text: str, shade: int | None = None) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    if shade is not None:
        content.append({"type": "image_url", "image_url": {"url": picture(shade)}})
    return {"role": "user", "content": content}


AWKWARD: list[Any] = [
    {"seen": 0},
    {"seen": [{"seen": 1}]},
    {"seen": 0, "role": "user"},
    "blob:",
    "blob:" + "a" * 64,
    "blob:blob:" + "a" * 64,
    picture(1) + " and more",
    "data:image/png;base64,AAA",
    "data:image/png;base64,AB==",
    "half a pair \ud800",
    [1.5, None, True, {"nested": [picture(2), "x"]}],
    {"1": 1, "z": {}, "a": []},
    "",
    {"seen": 0},
]


@pytest.mark.parametrize("kind", ["model", "choice"])
def test_a_note_comes_back_as_it_was(tmp_path: Path, kind: str) -> None:
    notes = [
        Note(kind, {"messages": AWKWARD, "answer": AWKWARD}),
        Note(kind, {"messages": [*AWKWARD, "more", {"seen": 12}], "temperature": 0.1}),
        Note(kind, {"messages": {"not": "a list"}, "blob:x": "blob:x"}),
        Note(kind, {}),
    ]
    assert written(tmp_path, notes) == notes


def test_a_chat_that_is_sent_whole_each_time_is_written_once(tmp_path: Path) -> None:
    chat, notes, whole = list[Any](), list[Note](), 0
    for step in range(60):
        chat += [
            said(f"{step}: " + "".join(map(chr, range(33, 126))) * 5, shade=step),
            {"role": "assistant", "content": f"{step}"},
        ]
        notes.append(Note("model", {"messages": list(chat), "model": "m"}))
        whole = len(str(chat))
    assert written(tmp_path, notes) == notes
    plain = gzip.decompress((tmp_path / "t.gz").read_bytes())
    assert len(plain) < 60 * 1000 + sum(13 * len(note.data["messages"]) for note in notes)  # type: ignore[arg-type]
    assert whole > 60 * 3000
    assert len(list((tmp_path / "blobs").rglob("*.png"))) == 60


def test_level_actions_leaves_notes_out(tmp_path: Path) -> None:
    assert written(tmp_path, [Note("model", {"messages": [said("x", 1)]})], level="actions") == []
    assert not (tmp_path / "blobs").exists()


def test_what_is_no_json_is_told_and_costs_neither_the_trace_nor_later_notes(tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    good = Note("model", {"messages": ["b", "a"]})
    first, second, third = written(tmp_path, [Note("model", {"messages": ["a", "b", object()]}), Note("x", {"y": circle}), good])
    assert "not JSON serializable" in str(first.data["unwritable"])
    assert set(second.data) == {"unwritable"}
    assert third == good


def test_observations_steps_and_notes_keep_their_order_and_a_cut_keeps_what_was_before(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with TraceWriter(tmp_path / "t.gz", blobs) as writer:
        for step in range(3):
            writer.observed(Observation(text=str(step)))
            writer.noted(Note("model", {"messages": [f"m{each}" for each in range(step + 1)]}))
            writer.acted(StepRecord(action=step))
    kinds = ["observation" if line.observation else "note" if line.note else "step" for line in read_trace(tmp_path / "t.gz")]
    assert kinds == ["observation", "note", "step"] * 3
    data = (tmp_path / "t.gz").read_bytes()
    (tmp_path / "cut.gz").write_bytes(data[: len(data) * 2 // 3])
    found = [line.note for line in read_trace(tmp_path / "cut.gz") if line.note]
    assert 0 < len(found) < 3
    assert [note.data["messages"] for note in found] == [["m0"], ["m0", "m1"]][: len(found)]


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with TraceWriter(tmp_path / "t.gz", blobs) as writer:
        writer.noted(Note("seen", {"picture": picture(3)}))
    (line,) = read_trace(tmp_path / "t.gz")
    next((tmp_path / "blobs").rglob("*.png")).unlink()
    assert line.note is not None
    with pytest.raises(UsageError, match="missing from the run"):
        read_note(line.note, blobs)
