"""BrowserGym's call text, such as ``click("12")``, to actions and back; nothing is ever executed.

Bids are our integer refs, written as text; BrowserGym's frame prefixes (``a12``) are an error.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from pydantic import ValidationError

from quintain.envs.browser.literals import LiteralProblem, read_literal, skip_blank
from quintain.envs.browser.primitives import PRIMITIVES
from quintain.spaces import (
    Action,
    Back,
    Check,
    Click,
    CloseTab,
    Drag,
    FocusTab,
    Forward,
    Goto,
    Hover,
    Infeasible,
    NewTab,
    Noop,
    Point,
    Press,
    Say,
    Scroll,
    Select,
    Type,
    Upload,
    Wait,
)

_CALL = re.compile(r"(?<![\w.])([^\W\d]\w*)([ \t]*)\(")
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)
_NAMED = re.compile(r"([^\W\d]\w*)\s*=(?!=)")
_REST_OF_LINE = re.compile(r"[ \t]*;?[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
_BETWEEN = re.compile(r"(?:[\s;]|#[^\n]*)*")
_REMARK = re.compile(r"[ \t;]*#[^\n]*")
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_SHOWN = 60


def parse_calls(text: str, *, strict: bool = False) -> list[Action]:
    """The actions that the calls in `text` ask for, in their order; at least one.

    By default calls are found anywhere: in prose, and only inside of ``` fences where there are any. With `strict` the whole
    text must be calls and comments.

    Raises:
        ValueError: no call, an unknown function, or a malformed one; names the line and the offending text.
    """
    if strict:
        return list(_parse_all(text))
    blocks = list(_FENCE.finditer(text))
    spans = [block.span(1) for block in blocks] or [(0, len(text))]
    found: list[Action] = []
    problem: ValueError | None = None
    for start, end in spans:
        for result in _scan(text[:end], start, fenced=bool(blocks)):
            if isinstance(result, ValueError):
                problem = problem or result
            else:
                found.append(result)
    if not found:
        raise problem or ValueError(f'no call in {_shown(repr(text))}; write one such as click("12")')
    return found


def format_call(action: Action) -> str:
    """The call that `parse_calls` reads as this action (``Wait(seconds=0)`` is read as `Noop`, which it is).

    Raises:
        ValueError: BrowserGym has no call for it.
    """
    call = _point_call(action) or _element_call(action) or _other_call(action)
    if call is None:
        raise ValueError(f"BrowserGym has no call for {action!r}")
    name, arguments = call
    return f"{name}({', '.join(map(_literal, arguments))})"


_Written = tuple[str, Sequence[Any]] | None
_MOUSE = {("full", 1): "mouse_click", ("full", 2): "mouse_dblclick", ("down", 1): "mouse_down", ("up", 1): "mouse_up"}
_CLICKS = {("full", 1): "click", ("full", 2): "dblclick"}


def _point_call(action: Action) -> _Written:
    match action:
        case Click(target=Point(x=x, y=y), button=button, modifiers=(), phase=phase, count=count) if (phase, count) in _MOUSE:
            return _MOUSE[phase, count], (x, y, *_unless(button, "left"))
        case Hover(target=Point(x=x, y=y)):
            return "mouse_move", (x, y)
        case Drag(target=Point(x=x, y=y), to=Point(x=to_x, y=to_y), button="left"):
            return "mouse_drag_and_drop", (x, y, to_x, to_y)
        case Scroll(target=Point(x=x, y=y), dx=dx, dy=dy):
            return "scroll_at", (x, y, dx, dy)
        case Upload(target=Point(x=x, y=y), files=files):
            return "mouse_upload_file", (x, y, _one_or_list(files))
    return None


def _element_call(action: Action) -> _Written:
    match action:
        case Click(target=int(ref), button=button, modifiers=modifiers, phase=phase, count=count) if (phase, count) in _CLICKS:
            rest = (button, list(modifiers)) if modifiers else _unless(button, "left")
            return _CLICKS[phase, count], (str(ref), *rest)
        case Hover(target=int(ref)):
            return "hover", (str(ref),)
        case Drag(target=int(ref), to=int(to), button="left"):
            return "drag_and_drop", (str(ref), str(to))
        case Type(text=text, target=int(ref), clear=True):
            return ("fill", (str(ref), text)) if text else ("clear", (str(ref),))
        case Type(text="", target=int(ref)):
            return "focus", (str(ref),)
        case Press(keys=keys, target=int(ref), phase="full"):
            return "press", (str(ref), keys)
        case Select(target=int(ref), options=options):
            return "select_option", (str(ref), _one_or_list(options))
        case Check(target=int(ref), checked=checked):
            return ("check" if checked else "uncheck"), (str(ref),)
        case Upload(target=int(ref), files=files):
            return "upload_file", (str(ref), _one_or_list(files))
    return None


def _other_call(action: Action) -> _Written:
    match action:
        case Scroll(target=None, dx=dx, dy=dy):
            return "scroll", (dx, dy)
        case Type(text=text, target=None, clear=False):
            return "keyboard_type", (text,)
        case Press(keys=keys, target=None, phase=phase):
            return {"full": "keyboard_press", "down": "keyboard_down", "up": "keyboard_up"}[phase], (keys,)
        case Goto(url=url):
            return "goto", (url,)
        case Back():
            return "go_back", ()
        case Forward():
            return "go_forward", ()
        case NewTab(url=None):
            return "new_tab", ()
        case FocusTab(index=index):
            return "tab_focus", (index,)
        case CloseTab(index=None):
            return "tab_close", ()
        case Say(text=text):
            return "send_msg_to_user", (text,)
        case Infeasible(reason=reason):
            return "report_infeasible", (reason,)
        case Wait(seconds=seconds):
            return "noop", (_milliseconds(seconds),)
        case Noop():
            return "noop", (0,)
    return None


def _unless(value: Any, default: Any) -> tuple[Any, ...]:
    return () if value == default else (value,)


def _one_or_list(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _milliseconds(seconds: float) -> float:
    """The number whose thousandth is `seconds`, to the last bit."""
    near = seconds * 1000
    candidates = (round(near), near, math.nextafter(near, 0), math.nextafter(near, math.inf))
    return next((each for each in candidates if each / 1000 == seconds), near)


def _literal(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return json.dumps(value, ensure_ascii=False)


def _parse_all(text: str) -> Iterator[Action]:
    at = _skip_between(text, 0)
    if at == len(text):
        raise ValueError('no call in an empty text; write one such as click("12")')
    while at < len(text):
        match = _CALL.match(text, at)
        if match is None:
            _fail(text, at, "expected a call")
        action, at = _read_call(text, match)
        yield action
        at = _skip_between(text, at)


def _skip_between(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _scan(text: str, at: int, *, fenced: bool) -> Iterator[Action | ValueError]:
    """Calls from `at` on; what looks like a call in the middle of a sentence is yielded as a problem, not raised."""
    while match := _CALL.search(text, at):
        line_start = text.rfind("\n", 0, match.start()) + 1
        comment = _COMMENT.match(text, line_start)
        if comment is not None and comment.end() > match.start():
            at = comment.end()
            continue
        statement = fenced or not text[line_start : match.start()].strip(" \t`>*-;")
        at = match.end()
        if match[1] in PRIMITIVES:
            try:
                action, at = _read_call(text, match)
                if remark := _REMARK.match(text, at):
                    at = remark.end()
                yield action
            except ValueError as problem:
                if statement:
                    raise
                yield problem
        elif statement and not match[2] and _is_whole_line(text, match):
            _fail(text, match.start(), _unknown(match[1]))


def _is_whole_line(text: str, match: re.Match[str]) -> bool:
    try:
        *_, end = _read_arguments(text, match.end() - 1)
    except LiteralProblem:
        return False
    return _REST_OF_LINE.match(text, end) is not None


def _read_call(text: str, match: re.Match[str]) -> tuple[Action, int]:
    name, start = match[1], match.start()
    if name not in PRIMITIVES:
        _fail(text, start, _unknown(name))
    try:
        positional, named, end = _read_arguments(text, match.end() - 1)
    except LiteralProblem as problem:
        _fail(text, problem.at, f"{name}: {problem}")
    try:
        return _build(name, positional, named), end
    except (TypeError, ValueError) as problem:
        _fail(text, start, str(problem))


def _read_arguments(text: str, at: int) -> tuple[list[Any], dict[str, Any], int]:
    """Positional and named arguments, and the index after the closing parenthesis."""
    opened, positional, named = at, [], {}
    at = skip_blank(text, at + 1)
    while text[at : at + 1] != ")":
        if key := _NAMED.match(text, at):
            if key[1] in named:
                raise LiteralProblem(f"argument {key[1]!r} is given twice", at)
            named[key[1]], at = read_literal(text, skip_blank(text, key.end()))
        elif named:
            raise LiteralProblem("a positional argument after a named one", at)
        else:
            value, at = read_literal(text, at)
            positional.append(value)
        at = skip_blank(text, at)
        if text[at : at + 1] == ",":
            at = skip_blank(text, at + 1)
        elif at == len(text):
            raise LiteralProblem("the call is never closed by ')'", opened)
        elif text[at] != ")":
            raise LiteralProblem("expected ',' or ')'", at)
    return positional, named, at + 1


def _build(name: str, positional: Sequence[Any], named: dict[str, Any]) -> Action:
    primitive = PRIMITIVES[name]
    names = [parameter.name for parameter in primitive.parameters]
    shape = primitive.signature(name)
    if len(positional) > len(names):
        raise TypeError(f"{len(positional)} arguments, but it is {shape}")
    values = dict(zip(names, positional, strict=False))
    for key in named:
        if key not in names:
            raise TypeError(f"no argument {key!r}; it is {shape}")
        if key in values:
            raise TypeError(f"argument {key!r} is given twice; it is {shape}")
    values |= named
    for parameter in primitive.parameters:
        if parameter.name not in values:
            if not parameter.default:
                raise TypeError(f"argument {parameter.name!r} is missing; it is {shape}")
            values[parameter.name] = parameter.default[0]
        try:
            values[parameter.name] = parameter.convert(values[parameter.name])
        except TypeError as problem:
            raise TypeError(f"argument {parameter.name!r}: {problem}, got {_shown(repr(values[parameter.name]))}") from None
    try:
        return primitive.build(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, PRIMITIVES, n=3, cutoff=0.5)
    return f"unknown function {name!r}" + (f"; did you mean {', '.join(near)}?" if near else "")


def _fail(text: str, at: int, message: str) -> NoReturn:
    line = text.count("\n", 0, at) + 1
    rest = text[at : at + 4 * _SHOWN].split("\n", 1)[0].strip()
    raise ValueError(f"line {line}: {message}: {_shown(rest)}" if rest else f"line {line}: {message}") from None


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
