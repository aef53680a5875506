"""Mouse and keyboard, at the level of the browser's own input events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from quintain.envs.browser.cdp import CallTimeout, Params, Session
from quintain.envs.browser.painter import Painter
from quintain.errors import UsageError

Button = Literal["left", "middle", "right"]
Modifier = Literal["Alt", "Control", "Meta", "Shift"]

INPUT_TIMEOUT_S: Final = 5.0
NUDGE_S: Final = 0.03
# Chromium hands these to the page together with the next frame, unless another input follows.
WAIT_FOR_A_FRAME: Final = ("mouseMoved", "mouseWheel")
BUTTON_BITS: Final = {"left": 1, "right": 2, "middle": 4}
MODIFIER_BITS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
ALIASES: Final = {
    "ctrl": "Control", "control": "Control", "cmd": "Meta", "command": "Meta", "win": "Meta", "super": "Meta", "meta": "Meta",
    "option": "Alt", "alt": "Alt", "shift": "Shift", "controlormeta": "Control", "esc": "Escape", "return": "Enter", "del":
    "Delete", "ins": "Insert", "up": "ArrowUp", "down": "ArrowDown", "left": "ArrowLeft", "right": "ArrowRight", "pgup":
    "PageUp", "pgdn": "PageDown", "page_up": "PageUp", "page_down": "PageDown", "spacebar": "Space", "plus": "+",
}  # fmt: skip
# Windows virtual-key codes, which Chromium uses on every platform.
NAMED_KEYS: Final = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Shift": 16, "Control": 17, "Alt": 18, "Pause": 19, "CapsLock": 20, "Escape": 27,
    "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    "Insert": 45, "Delete": 46, "Meta": 91, "ContextMenu": 93, **{f"F{number}": 111 + number for number in range(1, 13)},
}  # fmt: skip
# US layout: the key's own character, the one with Shift, its code's name, its virtual-key code.
PUNCTUATION: Final = (
    ("`", "~", "Backquote", 192), ("-", "_", "Minus", 189), ("=", "+", "Equal", 187), ("[", "{", "BracketLeft", 219),
    ("]", "}", "BracketRight", 221), ("\\", "|", "Backslash", 220), (";", ":", "Semicolon", 186), ("'", '"', "Quote", 222),
    (",", "<", "Comma", 188), (".", ">", "Period", 190), ("/", "?", "Slash", 191), (" ", " ", "Space", 32),
)  # fmt: skip
SHIFTED_DIGITS: Final = ")!@#$%^&*("
# What Chromium's own key bindings do on Linux; key events from the protocol carry no command by themselves.
COMMANDS: Final = {"a": "selectAll", "c": "copy", "x": "cut", "v": "paste", "z": "undo", "y": "redo"}


class Key(NamedTuple):
    """One key of a US keyboard: ``key`` and ``code`` as in KeyboardEvent, its virtual-key code, the text that it types."""

    key: str
    code: str
    number: int
    text: str
    shifted: bool = False


def find_key(name: str) -> Key:
    """The key of that KeyboardEvent name, common alias, or single character. Raises UsageError for an unknown name."""
    alias = ALIASES.get(name.lower(), name)
    if alias in NAMED_KEYS:
        code = {"Shift": "ShiftLeft", "Control": "ControlLeft", "Alt": "AltLeft", "Meta": "MetaLeft"}.get(alias, alias)
        return Key(alias, code, NAMED_KEYS[alias], {"Enter": "\r"}.get(alias, ""))
    if alias == "Space":
        alias = " "
    elif len(alias) == 4 and alias.startswith("Key"):
        alias = alias[3].lower()
    elif len(alias) == 6 and alias.startswith("Digit"):
        alias = alias[5]
    if len(alias) != 1:
        raise UsageError(f"no key is named {name!r}: use a KeyboardEvent.key name such as Enter or ArrowDown, or one character")
    return _character(alias)


def _character(character: str) -> Key:
    if character in "\r\n":
        return find_key("Enter")
    if character.isascii() and character.isalpha():
        return Key(character, "Key" + character.upper(), ord(character.upper()), character, character.isupper())
    if character.isascii() and character.isdigit():
        return Key(character, "Digit" + character, ord(character), character)
    if character in SHIFTED_DIGITS:
        digit = SHIFTED_DIGITS.index(character)
        return Key(character, f"Digit{digit}", ord("0") + digit, character, True)
    for plain, shifted, code, number in PUNCTUATION:
        if character in (plain, shifted):
            return Key(character, code, number, character, character != plain)
    return Key(character, "", 0, character)


class Input:
    """The mouse and keyboard of one tab. Each call returns when the page has handled the event; it does not settle the page."""

    def __init__(self, session: Session, painter: Painter) -> None:
        self._session, self._painter = session, painter
        self._dragged: Params | None = None
        self._held: dict[str, Key] = {}
        self._buttons = 0
        self.x = self.y = 0.0
        session.on("Input.dragIntercepted", self._drag_began)

    def use(self, painter: Painter) -> None:
        """Draw with another painter from now on."""
        self._painter = painter

    async def send(self, *events: tuple[str, Params]) -> None:
        """Send raw ``Input`` commands, all at once, and wait until the page has handled them, drawing the frames it waits for."""
        futures = [self._session.post("Input." + method, **params) for method, params in events]
        deadline = asyncio.get_running_loop().time() + INPUT_TIMEOUT_S
        if self._painter.commanded and events[-1][1].get("type") in WAIT_FOR_A_FRAME:
            await self._painter.draw()
        done, pending = await asyncio.wait(futures, timeout=NUDGE_S)
        while pending:
            if asyncio.get_running_loop().time() > deadline:
                raise CallTimeout(
                    f"the page did not handle {events[0][0]} within {INPUT_TIMEOUT_S:g} s; it may be in an endless loop"
                )
            await self._painter.draw()
            more, pending = await asyncio.wait(pending, timeout=NUDGE_S)
            done |= more
        for future in done:
            future.result()

    async def move(self, x: float, y: float, *, steps: int = 1) -> None:
        """Move the pointer to a point of the viewport, in CSS pixels, in ``steps`` equal parts."""
        from_x, from_y = self.x, self.y
        points = [(from_x + (x - from_x) * part / steps, from_y + (y - from_y) * part / steps) for part in range(1, steps + 1)]
        self.x, self.y = x, y
        if self._dragged is not None:
            await self._drag_to(x, y)
        else:
            for point in points:  # sent together they would reach the page as one
                await self.send(self._mouse("mouseMoved", *point))

    async def down(self, button: Button = "left", *, count: int = 1) -> None:
        """Press a mouse button where the pointer is."""
        self._buttons |= BUTTON_BITS[button]
        await self.send(self._mouse("mousePressed", self.x, self.y, button=button, clickCount=count))

    async def up(self, button: Button = "left", *, count: int = 1) -> None:
        """Release a mouse button; ends a drag."""
        self._buttons &= ~BUTTON_BITS[button]
        if self._dragged is not None:
            dragged, self._dragged = self._dragged, None
            await self.send(self._drag("drop", dragged))
        await self.send(self._mouse("mouseReleased", self.x, self.y, button=button, clickCount=count))

    async def click(
        self, x: float, y: float, *, button: Button = "left", count: int = 1, modifiers: Sequence[Modifier] = ()
    ) -> None:
        """Move to a point and click ``count`` times, as one message to the browser."""
        self.x, self.y = x, y
        bits = sum(MODIFIER_BITS[modifier] for modifier in modifiers)
        events = [self._mouse("mouseMoved", x, y, modifiers=bits)]
        for number in range(1, count + 1):
            for kind, held in (("mousePressed", BUTTON_BITS[button]), ("mouseReleased", 0)):
                events.append(self._mouse(kind, x, y, button=button, clickCount=number, buttons=held, modifiers=bits))
        await self.send(*events)

    async def drag(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 10) -> None:
        """Press at ``start``, move to ``end``, release; works for mouse-driven and for native (HTML5) drags."""
        await self.move(*start)
        await self._session.send("Input.setInterceptDrags", enabled=True)
        try:
            await self.down()
            await self.move(start[0] + (end[0] - start[0]) / steps, start[1] + (end[1] - start[1]) / steps)
            await self.move(*end, steps=steps)
            await self.move(*end)
            await self.up()
        finally:
            self._session.post("Input.setInterceptDrags", enabled=False)

    async def wheel(self, x: float, y: float, *, dx: float = 0.0, dy: float = 0.0) -> None:
        """Turn the wheel over a point; positive ``dy`` scrolls down."""
        self.x, self.y = x, y
        await self.send(self._mouse("mouseMoved", x, y), self._mouse("mouseWheel", x, y, deltaX=dx, deltaY=dy))

    async def key_down(self, name: str) -> None:
        """Press a key and hold it."""
        key = find_key(name)
        self._held[key.key] = key
        await self.send(self._key("keyDown", key))

    async def key_up(self, name: str) -> None:
        """Release a key."""
        key = find_key(name)
        self._held.pop(key.key, None)
        await self.send(self._key("keyUp", key))

    async def press(self, keys: str) -> None:
        """Press and release a key or a combination such as ``Control+a``."""
        names = [part or "+" for part in keys.replace("++", "+plus").split("+")] if len(keys) > 1 else [keys]
        held = [find_key(name) for name in names]
        events = []
        for key in held:
            self._held[key.key] = key
            events.append(self._key("keyDown", key))
        for key in reversed(held):
            self._held.pop(key.key, None)
            events.append(self._key("keyUp", key))
        await self.send(*events)

    async def type(self, text: str) -> None:
        """Type each character as a key press; characters that no key has are inserted."""
        events: list[tuple[str, Params]] = []
        for character in text.replace("\r\n", "\n"):
            key = _character(character)
            if key.number:
                events += [self._key("keyDown", key), self._key("keyUp", key)]
            else:
                events.append(("insertText", {"text": character}))
        if events:
            await self.send(*events)

    async def insert(self, text: str) -> None:
        """Insert text at the caret as one input event, without key events."""
        await self.send(("insertText", {"text": text}))

    def _modifiers(self) -> int:
        return sum(MODIFIER_BITS.get(key, 0) for key in self._held)

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> tuple[str, Params]:
        params = {"type": kind, "x": x, "y": y, "buttons": self._buttons, "modifiers": self._modifiers(), **more}
        if kind == "mouseMoved" and self._buttons and "button" not in more:
            params["button"] = next(name for name, bit in BUTTON_BITS.items() if self._buttons & bit)
        return "dispatchMouseEvent", params

    def _key(self, kind: str, key: Key) -> tuple[str, Params]:
        bits = self._modifiers() | (MODIFIER_BITS["Shift"] if key.shifted else 0)
        params: Params = {
            "type": kind, "key": key.key, "code": key.code, "windowsVirtualKeyCode": key.number, "modifiers": bits,
            "location": 1 if key.code.endswith("Left") and key.key in MODIFIER_BITS else 0,
        }  # fmt: skip
        commanding = bits & (MODIFIER_BITS["Control"] | MODIFIER_BITS["Meta"] | MODIFIER_BITS["Alt"])
        if kind == "keyDown":
            if key.text and not commanding:
                params["text"] = key.text
            elif bits & MODIFIER_BITS["Control"] and key.key.lower() in COMMANDS:
                params["commands"] = [COMMANDS[key.key.lower()]]
            if "text" not in params:
                params["type"] = "rawKeyDown"
        return "dispatchKeyEvent", params

    def _drag_began(self, event: Params) -> None:
        self._dragged = event["data"]

    async def _drag_to(self, x: float, y: float) -> None:
        assert self._dragged is not None
        await self.send(self._drag("dragEnter", self._dragged), self._drag("dragOver", self._dragged))

    def _drag(self, kind: str, data: Params) -> tuple[str, Params]:
        return "dispatchDragEvent", {"type": kind, "x": self.x, "y": self.y, "data": data, "modifiers": self._modifiers()}
