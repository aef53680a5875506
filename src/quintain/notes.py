"""Notes of agents in the form of a trace: pictures are stored once by their content, messages of a chat once a trace.

A chat is sent whole again at each step. In a note of the kind `model` a message that this trace holds already is written as
``{"seen": n}``, where n counts the distinct messages from 0; a message of that very form is ``{"seen": [message]}``. A text
that is a picture, ``data:image/png;base64,…``, is written as ``blob:`` and the SHA-256 of the PNG file; other texts that begin
with ``blob:`` get that word once more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import JsonValue

from .errors import one_line
from .ledger import Note

PICTURE, BLOB, SEEN = "data:image/png;base64,", "blob:", "seen"
_DIGEST = re.compile(r"blob:([0-9a-f]{64})")


class NoteWriter:
    """The notes of one trace as JSON; `put` stores a PNG file and returns its SHA-256."""

    def __init__(self, put: Callable[[bytes], str]) -> None:
        self._put = put
        self._known: dict[bytes, int] = {}

    def form(self, note: Note) -> str:
        """The JSON text of a note; one that is no JSON is told as such, because it is no reason to lose the trace."""
        known = len(self._known)
        try:
            data = {key: self._field(note.kind, key, value) for key, value in note.data.items()}
            return json.dumps({"kind": note.kind, "data": data})
        except (TypeError, ValueError, RecursionError) as error:
            while len(self._known) > known:
                self._known.popitem()
            return json.dumps({"kind": str(note.kind), "data": {"unwritable": one_line(error)}})

    def _field(self, kind: str, key: str, value: Any) -> Any:
        return [self._message(each) for each in value] if _is_chat(kind, key, value) else self._packed(value)

    def _message(self, message: Any) -> Any:
        whole = json.dumps(message).encode()
        key = hashlib.blake2b(whole, digest_size=16).digest()
        if key in self._known:
            return {SEEN: self._known[key]}
        packed = self._packed(message)
        self._known[key] = len(self._known)
        return {SEEN: [packed]} if isinstance(message, dict) and message.keys() == {SEEN} else packed

    def _packed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self._packed(each) for key, each in value.items()}
        return [self._packed(each) for each in value] if isinstance(value, (list, tuple)) else value

    def _text(self, text: str) -> str:
        if text.startswith(BLOB):
            return BLOB + text
        if not text.startswith(PICTURE):
            return text
        code = text.removeprefix(PICTURE)
        try:
            png = base64.b64decode(code, validate=True)
        except (binascii.Error, ValueError):
            return text
        return BLOB + self._put(png) if base64.b64encode(png).decode() == code else text


class NoteReader:
    """The notes of one trace, read in their order: messages are whole again, pictures are still digests."""

    def __init__(self) -> None:
        self._known: list[Any] = []

    def note(self, form: dict[str, Any]) -> Note:
        kind, data = form["kind"], form["data"]
        for key, value in data.items():
            if _is_chat(kind, key, value):
                data = data | {key: [self._message(each) for each in value]}
        return Note(kind, data)

    def _message(self, message: Any) -> Any:
        if isinstance(message, dict) and message.keys() == {SEEN}:
            if isinstance(number := message[SEEN], int):
                return self._known[number]
            (message,) = message[SEEN]
        self._known.append(message)
        return message


def _is_chat(kind: str, key: str, value: Any) -> bool:
    return kind == "model" and key == "messages" and isinstance(value, (list, tuple))


def unpacked(value: JsonValue, png: Callable[[str], bytes]) -> JsonValue:
    """What a trace holds of a note, with its pictures again; `png` gives the file with a SHA-256."""
    if isinstance(value, str):
        if found := _DIGEST.fullmatch(value):
            return PICTURE + base64.b64encode(png(found[1])).decode()
        return value.removeprefix(BLOB)
    if isinstance(value, dict):
        return {key: unpacked(each, png) for key, each in value.items()}
    return [unpacked(each, png) for each in value] if isinstance(value, list) else value
