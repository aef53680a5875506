"""What happened in an episode, step by step: one gzip file of JSON lines, beside pictures that are stored once by their content.

Each line is an object with one key: ``{"observation": {...}}``, ``{"step": {...}}``, or ``{"note": {...}}`` for what an agent
noted before that step (`quintain.notes` has its form). A picture is the SHA-256 of its PNG file in the folder of blobs. Every
line is flushed on its own, so that the trace of a process that was killed can be read up to the cut.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .core import StepRecord
from .errors import InfrastructureError, UsageError
from .ledger import Note
from .notes import NoteReader, NoteWriter, unpacked
from .pixels import decode_png, encode_png
from .spaces import Observation

TraceLevel = Literal["full", "actions", "none"]
PICTURES = ("screenshot", "images")
GZIP = 31
"""zlib's `wbits` for the gzip format."""
COMPRESSION = 1
"""Flushing every line costs more than a higher level would gain."""


class Blobs:
    """PNG files by the SHA-256 of their bytes, each written once and atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.png"

    def put(self, png: bytes) -> str:
        """Store a PNG file; returns its SHA-256."""
        digest = hashlib.sha256(png).hexdigest()
        path = self.path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, png)
        return digest

    def get(self, digest: str) -> NDArray[np.uint8]:
        """H x W x 3 uint8 pixels; a missing file is a `UsageError`."""
        return decode_png(self.png(digest))

    def png(self, digest: str) -> bytes:
        """The file itself."""
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise UsageError(f"{self.path(digest)}: this picture is missing from the run") from None


class TraceWriter:
    """Records one episode while it is played: a `quintain.rollout.Recorder`; close it, or use it in a ``with`` block.

    With the level ``"actions"`` observations and notes are left out. A full disk raises `InfrastructureError`.
    """

    def __init__(self, path: Path, blobs: Blobs, *, level: TraceLevel = "full") -> None:
        self.path, self.blobs, self.level = path, blobs, level
        self._pack = zlib.compressobj(COMPRESSION, zlib.DEFLATED, GZIP)
        self._seen: dict[bytes, str] = {}
        self._notes = NoteWriter(blobs.put)
        with _full_disk(path):
            # Unbuffered: a line that was written survives the death of this process.
            self._file = path.open("wb", buffering=0)

    def observed(self, observation: Observation) -> None:
        if self.level != "full":
            return
        form = observation.model_dump_json(exclude=set(PICTURES), exclude_defaults=True)
        pictures: dict[str, Any] = {}
        with _full_disk(self.path):
            if observation.screenshot is not None:
                pictures["screenshot"] = self._picture(observation.screenshot)
            if observation.images:
                pictures["images"] = [self._picture(image) for image in observation.images]
        self._write("observation", _joined(form, json.dumps(pictures)) if pictures else form)

    def noted(self, note: Note) -> None:
        if self.level == "full":
            with _full_disk(self.path):
                form = self._notes.form(note)
            self._write("note", form)

    def acted(self, record: StepRecord) -> None:
        self._write("step", record.model_dump_json())

    def close(self) -> None:
        """End the file; safe to call twice."""
        if not self._file.closed:
            with _full_disk(self.path), self._file:
                self._file.write(self._pack.flush())

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, kind: str, form: str) -> None:
        line = f'{{"{kind}":{form}}}\n'.encode()
        with _full_disk(self.path):
            self._file.write(self._pack.compress(line) + self._pack.flush(zlib.Z_SYNC_FLUSH))

    def _picture(self, pixels: NDArray[np.uint8]) -> str:
        """A picture that did not change since the last observation is not encoded again."""
        key = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16, key=str(pixels.shape).encode()).digest()
        if key not in self._seen:
            self._seen = {key: self.blobs.put(encode_png(pixels))}
        return self._seen[key]


class TraceLine(NamedTuple):
    """One line of a trace; exactly one of the three is there."""

    observation: dict[str, Any] | None
    """The JSON form; pictures are digests."""
    step: StepRecord | None
    note: Note | None = None
    """Pictures are digests; see `read_note`."""


def read_trace(path: Path) -> Iterator[TraceLine]:
    """The lines of a trace in order, up to the cut where it was cut off; no file is a `UsageError`."""
    notes = NoteReader()
    for line in _lines(path):
        try:
            found = json.loads(line)
        except ValueError:
            return
        step, note = found.get("step"), found.get("note")
        yield TraceLine(
            found.get("observation"),
            None if step is None else StepRecord.model_validate(step),
            None if note is None else notes.note(note),
        )


def read_observation(form: dict[str, Any], blobs: Blobs) -> Observation:
    """The observation of a trace line, with its pictures as pixels."""
    pictures: dict[str, Any] = {}
    if "screenshot" in form:
        pictures["screenshot"] = blobs.get(form["screenshot"])
    if "images" in form:
        pictures["images"] = tuple(blobs.get(digest) for digest in form["images"])
    return Observation.model_validate({**form, **pictures})


def read_note(note: Note, blobs: Blobs) -> Note:
    """The note of a trace line as it was made, with its pictures."""
    return Note(note.kind, {key: unpacked(value, blobs.png) for key, value in note.data.items()})


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside, then rename: a reader sees all of it or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _lines(path: Path) -> Iterator[bytes]:
    """Whole lines only: what follows the last line end was cut."""
    unpack, rest = zlib.decompressobj(GZIP), b""
    try:
        with path.open("rb") as file:
            while data := file.read(1 << 16):
                try:
                    *lines, rest = (rest + unpack.decompress(data)).split(b"\n")
                except zlib.error:
                    return
                yield from lines
    except FileNotFoundError:
        raise UsageError(f"{path}: this episode has no trace") from None


def _joined(a: str, b: str) -> str:
    """Two JSON objects as one."""
    return b if a == "{}" else f"{a[:-1]},{b[1:]}"


class _full_disk:
    """Names the file when the disk under it fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise InfrastructureError(
                f"{self.path}: the trace cannot be written: {error.strerror}; make room, then resume the run"
            ) from error
