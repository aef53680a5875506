"""BrowserGym's 35 primitives: their arguments, and the action that each stands for.

Names, arguments and defaults are those of BrowserGym 0.14 (``browsergym/core/action/functions.py``); bids are our integer refs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from quintain.spaces import (
    Action,
    Back,
    Button,
    Check,
    Click,
    CloseTab,
    Drag,
    FocusTab,
    Forward,
    Goto,
    Hover,
    Infeasible,
    Modifier,
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

Convert = Callable[[Any], Any]


class Parameter(NamedTuple):
    """One argument of a primitive."""

    name: str
    convert: Convert
    default: tuple[Any, ...] = ()
    """Empty where the argument must be given."""


class Primitive(NamedTuple):
    """One function of BrowserGym's action space."""

    parameters: tuple[Parameter, ...]
    build: Callable[..., Action]

    def signature(self, name: str) -> str:
        """How it is called, with its defaults."""
        return f"{name}({', '.join(p.name + ('=' + json.dumps(p.default[0]) if p.default else '') for p in self.parameters)})"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text in quotes")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (str, list, tuple)) or not all(isinstance(each, str) for each in value):
        raise TypeError("expected a text or a list of texts")
    return (value,) if isinstance(value, str) else tuple(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    try:
        return float(value)
    except OverflowError:
        raise TypeError("the number is too large") from None


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("expected a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected True or False")
    return value


def _ref(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError('expected the ref of an element, such as "12"')
    if re.fullmatch(r"[A-Za-z]+[0-9]*", str(value)):
        raise TypeError("refs are whole numbers here, without BrowserGym's frame prefix; take one that the observation shows")
    if not re.fullmatch(r"[0-9]{1,18}", str(value)):
        raise TypeError('expected the ref of an element, such as "12"')
    return int(value)


def _one_of(names: Sequence[str]) -> Convert:
    def convert(value: Any) -> str:
        if value not in names:
            raise TypeError(f"expected one of {', '.join(names)}")
        return str(value)

    return convert


_button = _one_of(get_args(Button))
_modifier = _one_of(get_args(Modifier))


def _modifiers(value: Any) -> tuple[str, ...]:
    return tuple(_modifier(each) for each in _texts(value))


def _primitive(build: Callable[..., Action], **parameters: Convert | tuple[Convert, Any]) -> Primitive:
    made = (
        Parameter(name, given[0], (given[1],)) if isinstance(given, tuple) else Parameter(name, given)
        for name, given in parameters.items()
    )
    return Primitive(tuple(made), build)


_BUTTON = (_button, "left")
_XY = {"x": _number, "y": _number}

PRIMITIVES: Mapping[str, Primitive] = {
    "send_msg_to_user": _primitive(lambda text: Say(text=text), text=_text),
    "report_infeasible": _primitive(lambda reason: Infeasible(reason=reason), reason=_text),
    "noop": _primitive(lambda wait_ms: Wait(seconds=wait_ms / 1000) if wait_ms else Noop(), wait_ms=(_number, 1000)),
    "scroll": _primitive(lambda delta_x, delta_y: Scroll(dx=delta_x, dy=delta_y), delta_x=_number, delta_y=_number),
    # Playwright's `fill` sets the value at once; ours types it, so that an autocomplete menu opens with and without the flag.
    "fill": _primitive(
        lambda bid, value, enable_autocomplete_menu: Type(text=value, target=bid, clear=True),
        bid=_ref, value=_text, enable_autocomplete_menu=(_flag, False),
    ),
    "select_option": _primitive(lambda bid, options: Select(target=bid, options=options), bid=_ref, options=_texts),
    "click": _primitive(
        lambda bid, button, modifiers: Click(target=bid, button=button, modifiers=modifiers),
        bid=_ref, button=_BUTTON, modifiers=(_modifiers, []),
    ),
    "dblclick": _primitive(
        lambda bid, button, modifiers: Click(target=bid, button=button, modifiers=modifiers, count=2),
        bid=_ref, button=_BUTTON, modifiers=(_modifiers, []),
    ),
    "hover": _primitive(lambda bid: Hover(target=bid), bid=_ref),
    "press": _primitive(lambda bid, key_comb: Press(keys=key_comb, target=bid), bid=_ref, key_comb=_text),
    "focus": _primitive(lambda bid: Type(text="", target=bid), bid=_ref),
    "clear": _primitive(lambda bid: Type(text="", target=bid, clear=True), bid=_ref),
    "drag_and_drop": _primitive(lambda from_bid, to_bid: Drag(target=from_bid, to=to_bid), from_bid=_ref, to_bid=_ref),
    "upload_file": _primitive(lambda bid, file: Upload(target=bid, files=file), bid=_ref, file=_texts),
    "check": _primitive(lambda bid: Check(target=bid), bid=_ref),
    "uncheck": _primitive(lambda bid: Check(target=bid, checked=False), bid=_ref),
    "scroll_at": _primitive(
        lambda x, y, dx, dy: Scroll(target=Point(x=x, y=y), dx=dx, dy=dy), **_XY, dx=_number, dy=_number
    ),
    "mouse_move": _primitive(lambda x, y: Hover(target=Point(x=x, y=y)), **_XY),
    "mouse_up": _primitive(lambda x, y, button: Click(target=Point(x=x, y=y), button=button, phase="up"), **_XY, button=_BUTTON),
    "mouse_down": _primitive(
        lambda x, y, button: Click(target=Point(x=x, y=y), button=button, phase="down"), **_XY, button=_BUTTON
    ),
    "mouse_click": _primitive(lambda x, y, button: Click(target=Point(x=x, y=y), button=button), **_XY, button=_BUTTON),
    "mouse_dblclick": _primitive(
        lambda x, y, button: Click(target=Point(x=x, y=y), button=button, count=2), **_XY, button=_BUTTON
    ),
    "mouse_drag_and_drop": _primitive(
        lambda from_x, from_y, to_x, to_y: Drag(target=Point(x=from_x, y=from_y), to=Point(x=to_x, y=to_y)),
        from_x=_number, from_y=_number, to_x=_number, to_y=_number,
    ),
    "mouse_upload_file": _primitive(lambda x, y, file: Upload(target=Point(x=x, y=y), files=file), **_XY, file=_texts),
    "keyboard_down": _primitive(lambda key: Press(keys=key, phase="down"), key=_text),
    "keyboard_up": _primitive(lambda key: Press(keys=key, phase="up"), key=_text),
    "keyboard_press": _primitive(lambda key: Press(keys=key), key=_text),
    "keyboard_type": _primitive(lambda text: Type(text=text), text=_text),
    "keyboard_insert_text": _primitive(lambda text: Type(text=text), text=_text),
    "goto": _primitive(lambda url: Goto(url=url), url=_text),
    "go_back": _primitive(Back),
    "go_forward": _primitive(Forward),
    "tab_close": _primitive(CloseTab),
    "tab_focus": _primitive(lambda index: FocusTab(index=index), index=_index),
    "new_tab": _primitive(NewTab),
}  # fmt: skip
