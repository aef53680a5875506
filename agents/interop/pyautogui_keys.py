"""Names of keys: pyautogui's (``KEYBOARD_KEYS``) to those of the W3C `KeyboardEvent.key`."""

from __future__ import annotations

from typing import Final

_PAIRS: Final = """
    enter=Enter return=Enter tab=Tab esc=Escape escape=Escape backspace=Backspace delete=Delete del=Delete
    insert=Insert home=Home end=End pageup=PageUp pgup=PageUp pagedown=PageDown pgdn=PageDown up=ArrowUp down=ArrowDown
    left=ArrowLeft right=ArrowRight ctrl=Control ctrlleft=Control ctrlright=Control control=Control alt=Alt altleft=Alt
    altright=Alt option=Alt shift=Shift shiftleft=Shift shiftright=Shift win=Meta winleft=Meta winright=Meta command=Meta
    super=Meta capslock=CapsLock numlock=NumLock scrolllock=ScrollLock pause=Pause apps=ContextMenu printscreen=PrintScreen
    prtsc=PrintScreen prntscrn=PrintScreen add=+ subtract=- multiply=* divide=/ decimal=.
    volumeup=AudioVolumeUp volumedown=AudioVolumeDown volumemute=AudioVolumeMute"""
_NAMED: Final = dict(pair.split("=") for pair in _PAIRS.split())
_TYPED: Final = {"space": " ", "\t": "Tab", "\n": "Enter", "\r": "Enter"}
_FUNCTION_KEYS: Final = frozenset(f"f{number}" for number in range(1, 25))


def key_name(name: object) -> str:
    """The key that pyautogui calls so, in any case of letters; raises ValueError for another name."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"{name!r} is no name of a key")
    lower = name.lower()
    if name in _TYPED or lower in _TYPED:
        return _TYPED.get(name) or _TYPED[lower]
    if lower in _NAMED:
        return _NAMED[lower]
    if len(name) == 1:
        return name
    if lower in _FUNCTION_KEYS:
        return lower.upper()
    if lower.startswith("num") and lower[3:].isdigit() and len(lower) == 4:
        return lower[3:]
    raise ValueError(f"unknown key {name!r}")
