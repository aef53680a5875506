"""Doing an action in a tab. What the page does not allow is `Refused`, with the reason that the agent is told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from quintain.envs.browser.input import find_key
from quintain.envs.browser.reader import Reader
from quintain.envs.browser.tab import Tab
from quintain.envs.browser.targets import Finder, Found, Refused, refuse
from quintain.errors import UsageError
from quintain.spaces import Check, Click, Drag, Hover, Point, Press, Scroll, Select, Type, Upload

LONG_TEXT: Final = 2000
"""Longer text is inserted at once instead of key by key."""
CARET_TO_END: Final = """(e => {
  if (e.isContentEditable) { const s = e.ownerDocument.getSelection(); s.selectAllChildren(e); s.collapseToEnd(); }
  else if (e.value !== undefined) { try { e.setSelectionRange(e.value.length, e.value.length); } catch { } }
})"""


class Hands:
    """The pointer and keyboard actions of one episode."""

    def __init__(self, reader: Reader, *, uploads: Path | None) -> None:
        self._reader, self._find, self._uploads = reader, Finder(reader), uploads

    async def click(self, tab: Tab, action: Click) -> None:
        modifiers = tuple("Control" if name == "ControlOrMeta" else name for name in action.modifiers)
        if isinstance(action.target, int) and action.phase != "up":
            found = await self._find.find(tab, action.target)
            if found.facts["status"] == "option":
                await self._choose_option(found)
                return
            x, y = found.x, found.y
        else:
            x, y = await self._find.point(tab, action.target, hit=action.phase != "up")
        if action.phase == "full":
            await tab.click(x, y, button=action.button, count=action.count, modifiers=modifiers)
            return
        await tab.input.move(x, y)
        await (tab.input.down if action.phase == "down" else tab.input.up)(action.button, count=action.count)

    async def hover(self, tab: Tab, action: Hover) -> None:
        x, y = await self._find.point(tab, action.target)
        await tab.input.move(x, y)

    async def drag(self, tab: Tab, action: Drag) -> None:
        start = await self._find.point(tab, action.target)
        end = await self._find.point(tab, action.to, hit=False)
        if isinstance(action.target, int):
            again = await self._find.find(tab, action.target)  # finding the end may have scrolled
            start = (again.x, again.y)
        await tab.input.drag(start, end)

    async def scroll(self, tab: Tab, action: Scroll) -> None:
        if isinstance(action.target, Point):
            x, y = await self._find.point(tab, action.target)
            await tab.input.wheel(x, y, dx=action.dx, dy=action.dy)
            return
        frame = tab.frames.main if action.target is None else await self._find.frame(tab, action.target)
        answer = await self._find.ask(frame, "scroll", action.target, action.dx, action.dy)
        if answer["status"] != "ok":
            raise refuse(answer)

    async def type(self, tab: Tab, action: Type) -> None:
        if action.target is not None and await self._aim(tab, action):
            return
        if len(action.text) > LONG_TEXT:
            await tab.input.insert(action.text)
        elif action.text:
            await tab.input.type(action.text)

    async def press(self, tab: Tab, action: Press) -> None:
        if isinstance(action.target, int):
            await self._focus(tab, action.target)
        elif action.target is not None:
            await tab.click(*await self._find.point(tab, action.target))
        try:
            if action.phase == "full":
                await tab.input.press(action.keys)
            else:
                find_key(action.keys)
                await (tab.input.key_down if action.phase == "down" else tab.input.key_up)(action.keys)
        except UsageError as error:
            raise Refused(str(error)) from None

    async def select(self, tab: Tab, action: Select) -> None:
        if not isinstance(action.target, int):
            raise Refused("select takes the ref of a list, not a point")
        frame = await self._find.frame(tab, action.target)
        answer = await self._find.ask(frame, "selectOption", action.target, list(action.options))
        if answer["status"] != "ok":
            raise refuse(answer)

    async def check(self, tab: Tab, action: Check) -> None:
        if not isinstance(action.target, int):
            raise Refused("check takes the ref of a checkbox, radio button or switch, not a point")
        found = await self._find.find(tab, action.target)
        facts = found.facts
        if facts.get("checked") is None:
            raise Refused(f"{facts['name']} is no checkbox, radio button or switch")
        if facts["checked"] is action.checked:
            return
        if facts.get("role") == "radio" and not action.checked:
            raise Refused(f"{facts['name']} is a radio button: choose another one of its group instead")
        await tab.click(found.x, found.y)

    async def upload(self, tab: Tab, action: Upload) -> None:
        if not isinstance(action.target, int):
            raise Refused("upload takes the ref of a file input, not a point")
        paths = [self._file(name) for name in action.files]
        found = await self._find.find(tab, action.target, hit=False)
        if found.facts.get("tag") != "input" or found.facts.get("type") != "file":
            raise Refused(f"{found.facts['name']} is no file input")
        await found.frame.set_files(f"quintain.node({action.target})", paths, isolated=True)

    async def _aim(self, tab: Tab, action: Type) -> bool:
        """Put the caret where the text goes; whether the element took the text as a whole (a date, a colour)."""
        if isinstance(action.target, Point):
            await tab.click(*await self._find.point(tab, action.target), count=3 if action.clear else 1)
            if action.clear and not action.text:
                await tab.input.press("Delete")
            return False
        assert action.target is not None
        if not action.text and not action.clear:
            await self._focus(tab, action.target)
            return True
        found = await self._find.find(tab, action.target, hit=False)
        if found.facts.get("settable"):
            answer = await self._find.ask(found.frame, "setValue", action.target, action.text)
            if answer["status"] != "ok":
                raise refuse(answer, value=action.text)
            return True
        if not found.facts.get("editable"):
            raise refuse({**found.facts, "status": "readonly" if found.facts.get("readonly") else "not_editable"})
        answer = await self._find.ask(found.frame, "selectAllText", action.target)
        if answer["status"] != "ok":
            raise refuse(answer)
        if not action.clear:
            await self._reader.run(found.frame, f"{CARET_TO_END}(quintain.node({action.target}))")
        elif not action.text:
            await tab.input.press("Delete")
        return False

    async def _focus(self, tab: Tab, ref: int) -> None:
        frame = await self._find.frame(tab, ref)
        answer = await self._find.ask(frame, "focus", ref)
        if answer["status"] not in ("ok", "not_focusable"):
            raise refuse(answer)

    async def _choose_option(self, found: Found) -> None:
        ref = found.ref
        answer = await self._reader.run(found.frame, f"quintain.selectOption({ref},[quintain.node({ref}).value])")
        if answer["status"] != "ok":
            raise refuse(answer)

    def _file(self, name: str) -> Path:
        if self._uploads is None:
            raise Refused("this task has no folder to upload files from")
        path = (self._uploads / name).resolve()
        if not path.is_relative_to(self._uploads):
            raise Refused(f"{name!r} is outside the task's folder")
        if not path.is_file():
            there = ", ".join(sorted(p.name for p in self._uploads.iterdir() if p.is_file())[:20])
            raise Refused(f"no file {name!r} in the task's folder; it has {there or 'none'}")
        return path
