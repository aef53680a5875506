"""A model without a model: answers that were written beforehand, or a function."""

from __future__ import annotations

import inspect
import json
import runpy
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from quintain.agents.llm.booking import booked
from quintain.agents.llm.model import Abilities, Answer, ModelRefused, Request, Text
from quintain.errors import UsageError, one_line
from quintain.ledger import current

Said = Answer | str
Script = Callable[[Request], Said | Awaitable[Said]]
CHARACTERS_A_TOKEN = 4


class ScriptedModel:
    """Gives its answers one after the other, whoever asks, or what a function says to each request.

    Deterministic and free of charge. Tokens, where an answer does not say them, are counted as a fourth of the characters,
    rounded up: of all texts of the messages, and of what the answer says. That is a convention, no tokenizer.
    """

    def __init__(self, answers: Iterable[Said] | Script, *, name: str = "scripted", abilities: Abilities | None = None) -> None:
        self.name = name
        self.abilities = abilities or Abilities()
        self.requests: list[Request] = []
        """All that was asked."""
        self._script = answers if callable(answers) else None
        self._answers = () if callable(answers) else tuple(answers)
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    @classmethod
    def load(cls, where: str, *, abilities: Mapping[str, Any] | None = None) -> ScriptedModel:
        """From ``file.py:function``, or from a file with one JSON a line: a text, or an object with fields of `Answer`.

        Raises:
            UsageError: there is no such file or function, or a line is no answer.
        """
        place, _, function = where.rpartition(":")
        name = f"scripted:{where}"
        can = Abilities.model_validate(abilities or {})
        if place.endswith(".py"):
            return cls(_function(Path(place), function, name), name=name, abilities=can)
        return cls(_lines(Path(where), name), name=name, abilities=can)

    async def answer(self, request: Request) -> Answer:
        """See `Model.answer`. Raises `ModelRefused` where there are no answers left."""
        current().check()
        with self._lock:
            at = len(self.requests)
            self.requests.append(request)
        if self._script is not None:
            said = self._script(request)
            said = await said if inspect.isawaitable(said) else said
        elif at < len(self._answers):
            said = self._answers[at]
        else:
            raise ModelRefused(f"model {self.name!r}: no answer left, of {len(self._answers)}")
        return booked(self.name, request, self._whole(Answer(text=said) if isinstance(said, str) else said, request))

    async def close(self) -> None:
        pass

    def _whole(self, answer: Answer, request: Request) -> Answer:
        counted = {
            "model": answer.model or self.name,
            "ended": "tools" if answer.tool_calls and answer.ended == "stop" else answer.ended,
            "input_tokens": _tokens(_shown(request)) if answer.input_tokens is None else answer.input_tokens,
            "output_tokens": _tokens(_said(answer)) if answer.output_tokens is None else answer.output_tokens,
            "usd": answer.usd or 0.0,
        }
        return answer.model_copy(update=counted)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)


def _shown(request: Request) -> int:
    contents = [message.content for message in request.messages]
    texts = [
        content if isinstance(content, str) else "".join(p.text for p in content if isinstance(p, Text)) for content in contents
    ]
    return sum(map(len, texts))


def _said(answer: Answer) -> int:
    return len(answer.text) + len(answer.thinking) + sum(len(call.arguments) for call in answer.tool_calls)


def _function(path: Path, function: str, name: str) -> Script:
    try:
        found = runpy.run_path(str(path)).get(function)
    except FileNotFoundError:
        raise UsageError(f"model {name!r}: no file {str(path)!r}") from None
    except Exception as error:
        raise UsageError(f"model {name!r}: running {path.name} failed: {one_line(error)}") from error
    if not callable(found):
        raise UsageError(f"model {name!r}: {path.name} has no function {function!r}")
    return found  # type: ignore[no-any-return]


def _lines(path: Path, name: str) -> list[Said]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"model {name!r}: cannot be read: {one_line(error)}") from None
    return [_line(line, f"model {name!r}: line {at}") for at, line in enumerate(lines, 1) if line.strip()]


def _line(line: str, where: str) -> Said:
    try:
        found = json.loads(line)
        return found if isinstance(found, str) else Answer.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{where}: {'.'.join(map(str, first['loc'])) or 'not an answer'}: {first['msg']}") from None
    except ValueError as error:
        raise UsageError(f"{where}: no JSON ({error}); a text stands in quotes") from None
