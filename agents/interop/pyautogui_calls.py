"""Programs of pyautogui, such as ``pyautogui.click(10, 20)``, to actions; they are read as data, nothing is ever executed.

Functions, arguments and names of keys are those of pyautogui 0.9.54.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from quintain.agents.interop.pyautogui_keys import key_name
from quintain.spaces import Action, Button, Click, Drag, Hover, Phase, Point, Press, Scroll, Type, Wait

WHEEL_PX: Final = 53.0
"""How far Chromium scrolls for one notch of the wheel on Linux (`kWheelScrollAmount`, ``ui/events/x``)."""
MOST = 100
"""Repetitions that one call may ask for."""
_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}  # fmt: skip
_COMPUTER_13: Final = {
    "MOVE_TO": "moveTo", "CLICK": "click", "MOUSE_DOWN": "mouseDown", "MOUSE_UP": "mouseUp", "RIGHT_CLICK": "rightClick",
    "DOUBLE_CLICK": "doubleClick", "DRAG_TO": "dragTo", "TYPING": "write", "PRESS": "press", "KEY_DOWN": "keyDown",
    "KEY_UP": "keyUp",
}  # fmt: skip
"""Action types of OSWorld's *computer_13* space that are functions of pyautogui."""

_PROBLEMS = (ValidationError, TypeError, ValueError, ArithmeticError, RecursionError)


class PyAutoGui:
    """Reads one program after the other; knows where the pointer was left, on which ``click()`` without a place depends."""

    def __init__(self, pointer: Point | None = None) -> None:
        self.pointer = pointer

    def read(self, program: str) -> list[Action]:
        """The actions of a program: calls of pyautogui and `time.sleep`, numbers and texts in variables, and imports.

        Raises:
            ValueError: anything else; names the line, and what was wrong with it.
        """
        try:
            tree = ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"line {getattr(error, 'lineno', 1)}: not Python: {getattr(error, 'msg', error)}") from None
        found, values, modules = list[Action](), dict[str, Any](), {"pyautogui", "time"}
        for statement in tree.body:
            try:
                found += self._statement(statement, values, modules)
            except _PROBLEMS as problem:
                shown = " ".join(ast.unparse(statement).split())[:60]
                raise ValueError(f"line {statement.lineno}: {_said(problem)}: {shown}") from None
        return found

    def read_action(self, action: Mapping[str, Any]) -> list[Action]:
        """The actions of a dict of OSWorld's *computer_13* space, its arguments under `parameters` or beside `action_type`.

        Raises:
            ValueError: another type, or wrong arguments.
        """
        try:
            return self._action(action)
        except _PROBLEMS as problem:
            raise ValueError(_said(problem)) from None

    def _action(self, action: Mapping[str, Any]) -> list[Action]:
        kind = action.get("action_type")
        given: dict[str, Any] = dict(
            action.get("parameters") or {name: value for name, value in action.items() if name != "action_type"}
        )
        if kind == "SCROLL":
            return [Scroll(target=self.pointer, dx=given.get("dx", 0) * WHEEL_PX, dy=-given.get("dy", 0) * WHEEL_PX)]
        if kind == "HOTKEY":
            return self._call("hotkey", tuple(given.get("keys", ())), {})
        if kind not in _COMPUTER_13:
            raise ValueError(f"unknown action_type {kind!r}")
        names = {"num_clicks": "clicks", "text": "message", "key": "key" if kind in ("KEY_DOWN", "KEY_UP") else "keys"}
        renamed = {names.get(name, name): value for name, value in given.items()}
        return self._call(_COMPUTER_13[str(kind)], (), renamed)

    def _statement(self, statement: ast.stmt, values: dict[str, Any], modules: set[str]) -> list[Action]:
        match statement:
            case ast.Import(names=names) if all(each.name in ("pyautogui", "time") for each in names):
                modules.update(each.asname or each.name for each in names)
            case ast.ImportFrom(module="pyautogui" | "time") | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="pyautogui"), attr="PAUSE" | "FAILSAFE")]):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _value(value, values)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value) if all(isinstance(each, ast.Name) for each in names):
                values.update(zip((ast.unparse(each) for each in names), _value(value, values), strict=True))
            case ast.Expr(value=ast.Call() as call):
                positional, named = _arguments(call, values)
                return self._call(_function(call.func, modules), positional, named)
            case _:
                raise ValueError("only calls of pyautogui and time.sleep are read")
        return []

    def _call(self, function: str, positional: Sequence[Any], named: Mapping[str, Any]) -> list[Action]:
        method = _FUNCTIONS.get(function)
        if method is None:
            raise ValueError(f"pyautogui.{function} is not read; known: {', '.join(sorted(_FUNCTIONS))}")
        # How it would move there, and how long that would take, is the environment's affair.
        ignored = ("duration", "tween", "logScreenshot", "_pause", "interval", "mouseDownUp")
        kept = {name: value for name, value in named.items() if name not in ignored}
        signature = inspect.signature(method)
        many = any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values())
        bound = signature.bind(self, *(positional if many else positional[: len(signature.parameters) - 1]), **kept)
        return list(method(*bound.args, **bound.kwargs))

    def _to(self, x: Any, y: Any) -> Point:
        """The place that two numbers or one pair name, or where the pointer is; the pointer is there from then on."""
        if isinstance(x, (list, tuple)):
            x, y = x
        if isinstance(x, str) or isinstance(y, str):
            raise ValueError("a place is two numbers")
        if (x is None or y is None) and self.pointer is None:
            raise ValueError("where the pointer is, is not known; give x and y")
        x = self.pointer.x if x is None and self.pointer else x
        y = self.pointer.y if y is None and self.pointer else y
        self.pointer = Point(x=x, y=y)
        return self.pointer

    def click(self, x: Any = None, y: Any = None, clicks: int = 1, _: Any = 0, button: str = "left") -> Iterator[Action]:
        yield Click(target=self._to(x, y), count=clicks, button=_button(button))

    def double_click(self, x: Any = None, y: Any = None, _: Any = 0, button: str = "left") -> Iterator[Action]:
        yield Click(target=self._to(x, y), count=2, button=_button(button))

    def triple_click(self, x: Any = None, y: Any = None, _: Any = 0, button: str = "left") -> Iterator[Action]:
        yield Click(target=self._to(x, y), count=3, button=_button(button))

    def right_click(self, x: Any = None, y: Any = None) -> Iterator[Action]:
        yield Click(target=self._to(x, y), button="right")

    def middle_click(self, x: Any = None, y: Any = None) -> Iterator[Action]:
        yield Click(target=self._to(x, y), button="middle")

    def mouse_down(self, x: Any = None, y: Any = None, button: str = "left") -> Iterator[Action]:
        yield self._half(x, y, button, "down")

    def mouse_up(self, x: Any = None, y: Any = None, button: str = "left") -> Iterator[Action]:
        yield self._half(x, y, button, "up")

    def _half(self, x: Any, y: Any, button: str, phase: Phase) -> Action:
        return Click(target=self._to(x, y), button=_button(button), phase=phase)

    def move_to(self, x: Any = None, y: Any = None) -> Iterator[Action]:
        yield Hover(target=self._to(x, y))

    def move(self, xOffset: float = 0, yOffset: float = 0) -> Iterator[Action]:
        at = self._to(None, None)
        yield Hover(target=self._to(at.x + xOffset, at.y + yOffset))

    def drag_to(self, x: Any = None, y: Any = None, _: Any = 0, __: Any = None, button: str = "left") -> Iterator[Action]:
        yield Drag(target=self._to(None, None), to=self._to(x, y), button=_button(button))

    def drag(self, xOffset: float = 0, yOffset: float = 0, _: Any = 0, __: Any = None, button: str = "left") -> Iterator[Action]:
        at = self._to(None, None)
        yield Drag(target=at, to=self._to(at.x + xOffset, at.y + yOffset), button=_button(button))

    def scroll(self, clicks: float, x: Any = None, y: Any = None) -> Iterator[Action]:
        yield Scroll(target=self._wheel_at(x, y), dy=-clicks * WHEEL_PX)

    def hscroll(self, clicks: float, x: Any = None, y: Any = None) -> Iterator[Action]:
        yield Scroll(target=self._wheel_at(x, y), dx=clicks * WHEEL_PX)

    def _wheel_at(self, x: Any, y: Any) -> Point | None:
        return self.pointer if x is None and y is None else self._to(x, y)

    def write(self, message: str | Sequence[str]) -> Iterator[Action]:
        if isinstance(message, str):
            yield Type(text=message)
        else:
            yield from self.press(message)

    def press(self, keys: str | Sequence[str], presses: int = 1) -> Iterator[Action]:
        wanted = [keys] if isinstance(keys, str) else list(keys)
        if not 0 <= presses * len(wanted) <= MOST:
            raise ValueError(f"{presses * len(wanted)} key presses in one call")
        for _ in range(presses):
            yield from (Press(keys=key_name(each)) for each in wanted)

    def hotkey(self, *keys: Any) -> Iterator[Action]:
        wanted = keys[0] if len(keys) == 1 and isinstance(keys[0], (list, tuple)) else keys
        yield Press(keys="+".join(key_name(each) for each in wanted))

    def key_down(self, key: str) -> Iterator[Action]:
        yield Press(keys=key_name(key), phase="down")

    def key_up(self, key: str) -> Iterator[Action]:
        yield Press(keys=key_name(key), phase="up")

    def sleep(self, seconds: float) -> Iterator[Action]:
        yield Wait(seconds=seconds)


_FUNCTIONS: Final[Mapping[str, Callable[..., Iterator[Action]]]] = {
    "click": PyAutoGui.click, "leftClick": PyAutoGui.click, "doubleClick": PyAutoGui.double_click,
    "tripleClick": PyAutoGui.triple_click, "rightClick": PyAutoGui.right_click, "middleClick": PyAutoGui.middle_click,
    "mouseDown": PyAutoGui.mouse_down, "mouseUp": PyAutoGui.mouse_up, "moveTo": PyAutoGui.move_to, "move": PyAutoGui.move,
    "moveRel": PyAutoGui.move, "dragTo": PyAutoGui.drag_to, "drag": PyAutoGui.drag, "dragRel": PyAutoGui.drag,
    "scroll": PyAutoGui.scroll, "vscroll": PyAutoGui.scroll, "hscroll": PyAutoGui.hscroll, "write": PyAutoGui.write,
    "typewrite": PyAutoGui.write, "press": PyAutoGui.press, "hotkey": PyAutoGui.hotkey, "keyDown": PyAutoGui.key_down,
    "keyUp": PyAutoGui.key_up, "sleep": PyAutoGui.sleep,
}  # fmt: skip


def _said(problem: Exception) -> str:
    return problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else str(problem)


def _button(name: str) -> Button:
    buttons: dict[str, Button] = {"left": "left", "primary": "left", "middle": "middle", "right": "right", "secondary": "right"}
    if name not in buttons:
        raise ValueError(f"unknown button {name!r}")
    return buttons[name]


def _function(node: ast.expr, modules: set[str]) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules:
            return name
        case ast.Name(id=name) if name in _FUNCTIONS:
            return name
    raise ValueError("only calls of pyautogui and time.sleep are read")


def _arguments(call: ast.Call, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    for each in call.args:
        if isinstance(each, ast.Starred):
            positional += _value(each.value, values)
        else:
            positional.append(_value(each, values))
    return positional, {each.arg or "": _value(each.value, values) for each in call.keywords}


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Attribute(value=ast.Name(id="pyautogui"), attr=name) if name.startswith(("ease", "linear")):
            return None
        case ast.List(elts=each) | ast.Tuple(elts=each):
            return [_value(one, values) for one in each]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, values)
        case ast.BinOp(left=left, op=what, right=right) if type(what) in _OPERATORS:
            return _OPERATORS[type(what)](_number(left, values), _number(right, values))
    raise ValueError(f"{ast.unparse(node)[:40]} is neither a number nor a text")


def _number(node: ast.expr, values: Mapping[str, Any]) -> int | float:
    value = _value(node, values)
    if not isinstance(value, (int, float)):
        raise ValueError(f"{ast.unparse(node)[:40]} is no number")
    return value
