"""Estimates of tokens, and texts cut to them. No tokenizer is asked: the models' own differ by more than this is wrong."""

from __future__ import annotations

import math

_CHARS_PER_TOKEN = 4
_PIXELS_PER_TOKEN = 750
"""Anthropic, "Vision", *Calculate image costs*: tokens = width x height / 750. Others' tiles come to about as much."""


def tokens(text: str) -> int:
    """Characters / 4, rounded up."""
    return -(-len(text) // _CHARS_PER_TOKEN)


def picture_tokens(width: int, height: int) -> int:
    return max(85, math.ceil(width * height / _PIXELS_PER_TOKEN))


def cut(text: str, limit: int) -> str:
    """The text within `limit` tokens: its beginning and its end, where programs say what they do and what went wrong."""
    room = limit * _CHARS_PER_TOKEN
    if len(text) <= room:
        return text
    room = max(0, room - 50)
    head = room * 2 // 5
    tail = room - head
    return f"{text[:head]}\n… {len(text) - head - tail:,} characters left out …\n{text[len(text) - tail :]}"


def short(text: str, characters: int) -> str:
    """The text on one line of at most so many characters."""
    line = " ".join(text[: 4 * characters].split())
    return line if len(line) <= characters else line[: characters - 1] + "…"
