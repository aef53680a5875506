"""The files of a cassette: plain folders and JSON lines, one file for each attempt at each episode.

::

    CASSETTE/models/local_smollm2-91b0….json             what the recorded model can be asked for
    CASSETTE/episodes/miniwob_click-test_0_llm-3f2a….1.jsonl  a call a line; the attempt with the highest number counts
    CASSETTE/pictures/<sha256>.png                       each once

A file has one writer, so that any number of processes may record into one cassette. A line is written when its call is over.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue, ValidationError

from quintain.agents.llm.booking import shown
from quintain.agents.llm.model import Abilities, Answer, Picture, Request
from quintain.errors import InfrastructureError, one_line
from quintain.usage import Charge
from quintain.values import Value

FORMAT = 1


class Raised(Value):
    """A call that failed, and how."""

    kind: Literal["ModelUnreachable", "ModelRefused", "BadAnswer"]
    message: str


class Recording(Value):
    """One call of an episode; one with neither an answer nor an error was cancelled by who asked."""

    key: str
    """SHA-256 of the model's name and the request."""
    occurrence: int
    """How often the same was asked before in this episode."""
    model: str
    request: dict[str, JsonValue]
    """Its pictures are ``sha256:…``, the names of files."""
    answer: Answer | None = None
    raised: Raised | None = None
    spent: Charge
    """What the model charged for this call, a failed one too."""


class Call(NamedTuple):
    """A request as a cassette knows it."""

    key: str
    occurrence: int
    model: str
    request: dict[str, JsonValue]
    pictures: tuple[bytes, ...]

    def ended(self, spent: Charge, *, answer: Answer | None = None, raised: Raised | None = None) -> Recording:
        return Recording(
            key=self.key,
            occurrence=self.occurrence,
            model=self.model,
            request=self.request,
            answer=answer,
            raised=raised,
            spent=spent,
        )


class Calls:
    """The requests of one attempt at an episode, counted in the order in which they begin."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def begun(self, model: str, request: Request) -> Call:
        plain: dict[str, JsonValue] = {
            "messages": [shown(message, lambda png: f"sha256:{_digest(png)}") for message in request.messages],
            **request.model_dump(mode="json", exclude_defaults=True, exclude={"messages"}),
        }
        canonical = json.dumps({"model": model, "request": plain}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        key = _digest(canonical.encode("utf-8"))
        occurrence, self._seen[key] = self._seen[key], self._seen[key] + 1
        return Call(key, occurrence, model, plain, tuple(_pictures(request)))


class Tape:
    """The file of one attempt at an episode; it comes into being with the first call."""

    def __init__(self, cassette: Path, episode: str) -> None:
        self._cassette, self._episode = cassette, episode
        self._file: Path | None = None

    def write(self, recording: Recording, pictures: tuple[bytes, ...] = ()) -> None:
        """
        Raises:
            InfrastructureError: the disk is full, or the folder cannot be written.
        """
        try:
            for png in pictures:
                _put(self._cassette / "pictures" / f"{_digest(png)}.png", png)
            if self._file is None:
                self._file = self._begun()
            _append(self._file, recording.model_dump(mode="json", exclude_defaults=True))
        except OSError as error:
            raise InfrastructureError(f"cassette {self._cassette}: cannot be written: {one_line(error)}") from error

    def _begun(self) -> Path:
        folder = self._cassette / "episodes"
        folder.mkdir(parents=True, exist_ok=True)
        number = max(_attempts(self._cassette, self._episode), default=0)
        while True:
            number += 1
            path = folder / f"{slug(self._episode)}.{number}.jsonl"
            try:
                path.open("x").close()
            except FileExistsError:
                continue  # Another process took the number.
            _append(path, {"cassette": FORMAT, "episode": self._episode})
            return path


def read(cassette: Path, episode: str) -> list[Recording]:
    """The calls of the last attempt at that episode; none if it was not recorded.

    Raises:
        InfrastructureError: a line is malformed; the last may be cut off, by the end of its process.
    """
    number = max(_attempts(cassette, episode), default=0)
    if not number:
        return []
    path = cassette / "episodes" / f"{slug(episode)}.{number}.jsonl"
    lines = path.read_text("utf-8").split("\n")
    whole = lines[:-1]  # After the last line break stands nothing, or what was being written.
    found = []
    for index, line in enumerate(whole[1:], 2):
        try:
            found.append(Recording.model_validate_json(line))
        except ValidationError as error:
            raise InfrastructureError(f"cassette {path}, line {index}: {one_line(error, limit=200)}") from None
    return found


def write_model(cassette: Path, name: str, abilities: Abilities) -> None:
    """Say which model is recorded here, so that it can be replayed without it."""
    described = {"cassette": FORMAT, "name": name, "abilities": abilities.model_dump(mode="json")}
    try:
        _put(cassette / "models" / f"{slug(name)}.json", json.dumps(described, indent=2).encode())
    except OSError as error:
        raise InfrastructureError(f"cassette {cassette}: cannot be written: {one_line(error)}") from error


def read_models(cassette: Path) -> dict[str, Abilities]:
    """The recorded models by name.

    Raises:
        InfrastructureError: a description is malformed.
    """
    found = {}
    for path in sorted((cassette / "models").glob("*.json")):
        try:
            described = json.loads(path.read_bytes())
            found[str(described["name"])] = Abilities.model_validate(described["abilities"])
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"cassette {path}: {one_line(error, limit=200)}") from None
    return found


def recorded_episodes(cassette: Path) -> list[str]:
    """The names of the recorded episodes, without the numbers of their attempts."""
    return sorted({path.name.rsplit(".", 2)[0] for path in (cassette / "episodes").glob("*.jsonl")})


def slug(text: str) -> str:
    """A file name that people can read and that is no other text's."""
    return f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', text)[:100]}-{_digest(text.encode())[:8]}"


def _attempts(cassette: Path, episode: str) -> Iterator[int]:
    for path in (cassette / "episodes").glob(f"{slug(episode)}.*.jsonl"):
        number = path.name.rsplit(".", 2)[1]
        if number.isdecimal():
            yield int(number)


def _pictures(request: Request) -> Iterator[bytes]:
    for message in request.messages:
        if not isinstance(message.content, str):
            yield from (part.png for part in message.content if isinstance(part, Picture))


def _append(path: Path, line: dict[str, JsonValue]) -> None:
    with path.open("ab") as file:
        file.write(json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n")


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all, whoever else puts the same."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
