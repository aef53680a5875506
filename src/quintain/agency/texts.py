"""Agents as people write them in one line: ``best=best-of-n(agent=llm(model=local:smollm2), n=4)``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_NAMED = re.compile(r"(?P<name>[\w.+-]+)\s*=\s*(?!=)")
_CALLED = re.compile(r"(?P<agent>[^()]*[^()\s])\s*\((?P<arguments>.*)\)\s*", re.DOTALL)
_AGENT = re.compile(r"([\w.+-]+\s*=\s*)?[\w.+:/~-]+\(.*\)", re.DOTALL)
"""What is taken for an agent among the arguments, where a sentence may have parentheses too."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Written(NamedTuple):
    """What one line says."""

    name: str
    agent: str
    config: dict[str, Any]


def read_agent(text: str) -> Written:
    """Read ``[NAME=]AGENT[(key=value, …)]``; a value is JSON, an agent with its own parentheses, or else text.

    Raises:
        ValueError: parentheses without their other half, or an argument without a key.
    """
    named = _NAMED.match(text)
    name, rest = (named["name"], text[named.end() :].strip()) if named else ("", text.strip())
    called = _CALLED.fullmatch(rest)
    if called is None:
        if "(" in rest or ")" in rest:
            raise ValueError(f"{text!r}: write an agent with its arguments as in llm(model=local:smollm2, temperature=0)")
        return Written(name, rest, {})
    config: dict[str, Any] = {}
    for argument in _parts(called["arguments"], text):
        key, equals, value = argument.partition("=")
        if not equals or not key.strip().isidentifier():
            raise ValueError(f"{text!r}: {argument.strip()!r} is no argument; write key=value")
        config[key.strip()] = read_value(value.strip())
    return Written(name, called["agent"], config)


def read_value(text: str) -> Any:
    """JSON as what it means, an agent with arguments as its mapping, a list in brackets of these, all else as text."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        if text.startswith("[") and text.endswith("]"):
            return [read_value(each.strip()) for each in _parts(text[1:-1], text)]
        if _AGENT.fullmatch(text):
            written = read_agent(text)
            return {"agent": written.agent, "config": written.config} | ({"name": written.name} if written.name else {})
    except ValueError:
        pass
    return text


def _parts(text: str, whole: str) -> Iterator[str]:
    """What stands between the commas that are in no brackets and no quotes."""
    start, at, quoted = 0, 0, False
    open_brackets: list[str] = []
    while at < len(text):
        here = text[at]
        if quoted:
            at += here == "\\"
            quoted = here != '"'
        elif here == '"':
            quoted = True
        elif here in _CLOSING:
            open_brackets.append(_CLOSING[here])
        elif open_brackets and here == open_brackets[-1]:
            open_brackets.pop()
        elif here in _CLOSING.values():
            raise ValueError(f"{whole!r}: {here!r} without its other half")
        elif here == "," and not open_brackets:
            yield text[start:at]
            start = at + 1
        at += 1
    if open_brackets or quoted:
        raise ValueError(f"{whole!r}: {open_brackets[-1] if open_brackets else chr(34)!r} is missing")
    if text[start:].strip():
        yield text[start:]


def models_in(config: Mapping[str, Any]) -> list[str]:
    """Names of the models that an agent is given, those of the agents in its arguments too."""
    found = [config["model"]] if isinstance(config.get("model"), str) else []
    for value in config.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping) and isinstance(each.get("agent"), str):
                found += models_in(each.get("config", {}))
    return found
