"""Python's literals, read from the middle of a text: strings, numbers, lists, tuples, dicts, True, False and None.

Written by hand, because evaluating text that a model wrote is no option, and so that a problem knows its place. The grammar
is that of the Python language reference, section 2.4, without bytes, formatted strings, complex numbers and sets.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple, NoReturn

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_STRING = re.compile(
    r"""([rRuU]?)(?:'''((?:[^\\]|\\.)*?)'''|\"""((?:[^\\]|\\.)*?)\"""|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")""",
    re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])", re.ASCII)
_WORD = re.compile(r"[^\W\d]\w*")
_WORDS = {"True": True, "False": False, "None": None}
_ESCAPE = re.compile(r"\\(\r?\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}\n]*\}|.)", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_DEPTH = 20


class LiteralProblem(ValueError):
    """What is no literal, and the index in the text where it stands."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Read(NamedTuple):
    """A value and the index after it."""

    value: Any
    end: int


def skip_blank(text: str, at: int) -> int:
    """The index of the next character that is neither white space nor in a comment."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def read_literal(text: str, at: int, *, depth: int = 0) -> Read:
    """The literal that begins at `at`.

    Raises:
        LiteralProblem: there is none, or it is malformed.
    """
    if depth > _DEPTH:
        raise LiteralProblem(f"brackets nested deeper than {_DEPTH}", at)
    opening = text[at : at + 1]
    if opening in ("[", "("):
        return _read_sequence(text, at, depth)
    if opening == "{":
        return _read_dict(text, at, depth)
    if opening in ("'", '"') or _STRING.match(text, at):
        return _read_strings(text, at)
    if number := _NUMBER.match(text, at):
        return Read(_number(number[0], at), number.end())
    if word := _WORD.match(text, at):
        if word[0] in _WORDS:
            return Read(_WORDS[word[0]], word.end())
        raise LiteralProblem(f"{word[0]!r} is no literal; put a text in quotes", at)
    if not opening:
        raise LiteralProblem("the text ends where a value is expected", at)
    raise LiteralProblem("expected a text in quotes, a number, a list, a dict, True, False or None", at)


def _read_sequence(text: str, at: int, depth: int) -> Read:
    closing = "]" if text[at] == "[" else ")"
    items: list[Any] = []
    end, comma = skip_blank(text, at + 1), False
    while text[end : end + 1] != closing:
        value, end = read_literal(text, end, depth=depth + 1)
        items.append(value)
        end, comma = _separator(text, end, closing, opened=at)
    if closing == "]":
        return Read(items, end + 1)
    return Read(items[0] if len(items) == 1 and not comma else tuple(items), end + 1)


def _read_dict(text: str, at: int, depth: int) -> Read:
    items: dict[Any, Any] = {}
    end = skip_blank(text, at + 1)
    while text[end : end + 1] != "}":
        where = end
        key, end = read_literal(text, end, depth=depth + 1)
        end = skip_blank(text, end)
        if text[end : end + 1] != ":":
            raise LiteralProblem("expected ':' after a key", end)
        value, end = read_literal(text, skip_blank(text, end + 1), depth=depth + 1)
        try:
            items[key] = value
        except TypeError:
            raise LiteralProblem(f"a {type(key).__name__} cannot be a key", where) from None
        end, _ = _separator(text, end, "}", opened=at)
    return Read(items, end + 1)


def _separator(text: str, at: int, closing: str, *, opened: int) -> tuple[int, bool]:
    """The index of the next item or of `closing`, and whether there was a comma."""
    at = skip_blank(text, at)
    if text[at : at + 1] == ",":
        return skip_blank(text, at + 1), True
    if text[at : at + 1] == closing:
        return at, False
    if at == len(text):
        raise LiteralProblem(f"{text[opened]!r} is never closed", opened)
    raise LiteralProblem(f"expected ',' or {closing!r}", at)


def _read_strings(text: str, at: int) -> Read:
    """One string, or several side by side, which are one."""
    parts, end, following = [], at, at
    while match := _STRING.match(text, following):
        if text.startswith(('"""', "'''"), match.end(1)) and match[2] is None and match[3] is None:
            raise LiteralProblem("unbalanced quotes", following)
        body = next(group for group in match.groups()[1:] if group is not None)
        parts.append(body if match[1] in ("r", "R") else _unescape(body, match.start()))
        end, following = match.end(), skip_blank(text, match.end())
    if not parts:
        raise LiteralProblem("unbalanced quotes", at)
    try:
        # Models write JSON's surrogate pairs; one half alone is no text.
        return Read("".join(parts).encode("utf-16", "surrogatepass").decode("utf-16"), end)
    except UnicodeDecodeError:
        raise LiteralProblem("half of a surrogate pair is no text", at) from None


def _unescape(body: str, at: int) -> str:
    return _ESCAPE.sub(lambda match: _escaped(match, at), body) if "\\" in body else body


def _escaped(match: re.Match[str], at: int) -> str:
    code = match[1]
    if code in ("\n", "\r\n"):
        return ""
    if code in _SIMPLE:
        return _SIMPLE[code]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if len(code) == 1:
        if code in "xuUN":
            _malformed(match[0], at)
        return match[0]
    try:
        return unicodedata.lookup(code[2:-1]) if code[0] == "N" else chr(int(code[1:], 16))
    except (KeyError, ValueError, OverflowError):
        _malformed(match[0], at)


def _malformed(escape: str, at: int) -> NoReturn:
    raise LiteralProblem(f"malformed escape {escape!r}", at)


def _number(text: str, at: int) -> int | float:
    try:
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    except ValueError:
        raise LiteralProblem("not a number", at) from None
