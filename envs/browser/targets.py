"""From a ref or a point to a place that can be acted on, checked in one round trip; or the exact reason why not."""

from __future__ import annotations

from typing import Any, NamedTuple

from quintain.envs.browser.cdp import CdpError, ConnectionLost
from quintain.envs.browser.frame import Frame, ScriptError
from quintain.envs.browser.reader import Reader
from quintain.envs.browser.tab import Tab
from quintain.spaces import Point

REASONS = {
    "not_found": "no element has ref {ref}; take one from the newest elements",
    "stale": "{name} is gone from the page; take a ref from the newest elements",
    "hidden": "{name} is not visible",
    "out_of_view": "{name} cannot be scrolled into view",
    "covered": "{name} is covered by {by}; act on that first",
    "disabled": "{name} is disabled",
    "readonly": "{name} is read-only",
    "not_editable": "{name} takes no text",
    "not_focusable": "{name} cannot have the focus",
    "not_a_select": "{name} is no list of options",
    "not_multiple": "{name} takes one option only",
    "no_such_option": "{name} has no option {missing}; it has {options}",
    "invalid_value": "{name} does not take {value!r}",
    "at_end": "nothing scrolls further there",
}


class Refused(ValueError):
    """An action that the page does not allow; the message goes to the agent."""


class Found(NamedTuple):
    """An element that can be acted on."""

    ref: int
    frame: Frame
    x: float
    y: float
    facts: dict[str, Any]


def refuse(answer: dict[str, Any], **more: Any) -> Refused:
    """The reason in an answer of the collector, in words."""
    facts = {"name": f"element {answer.get('ref')}", **answer, **more}
    for key in ("missing", "options"):
        if isinstance(facts.get(key), list):
            facts[key] = _listed(facts[key])
    return Refused(REASONS.get(answer["status"], "{name}: {status}").format(**facts))


class Finder:
    """Resolves targets in the documents that the reader read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def find(self, tab: Tab, ref: int, *, hit: bool = True, enabled: bool = True) -> Found:
        """Scroll the element into view and check that an action reaches it. Raises Refused."""
        frame, x, y = await self._document(tab, ref, scroll=True)
        answer = await self.ask(frame, "resolve", ref, {"scroll": True, "hit": hit, "dx": x, "dy": y})
        if answer["status"] != "ok" and not (answer["status"] == "option" or (answer["status"] == "disabled" and not enabled)):
            raise refuse(answer)
        point = answer.get("point") or [x, y]
        return Found(ref, frame, point[0], point[1], answer)

    async def ask(self, frame: Frame, function: str, ref: int | None, *arguments: Any) -> dict[str, Any]:
        """An answer of the collector about an element of that document."""
        try:
            answer: dict[str, Any] = await self._reader.call(frame, function, ref, *arguments)
        except (CdpError, ScriptError, ConnectionLost) as error:
            if frame.parent_id is None and isinstance(error, ConnectionLost):
                raise
            return {"status": "stale", "ref": ref, "name": f"element {ref}"}
        return answer

    async def frame(self, tab: Tab, ref: int) -> Frame:
        """The document of a ref. Raises Refused."""
        return (await self._document(tab, ref, scroll=False))[0]

    async def point(self, tab: Tab, target: int | Point, *, hit: bool = True) -> tuple[float, float]:
        """Where to point at. Raises Refused when the element cannot be reached or the point is outside the view."""
        if isinstance(target, Point):
            width, height = await tab.evaluate("[innerWidth, innerHeight]", isolated=True)
            if not (0 <= target.x <= width and 0 <= target.y <= height):
                raise Refused(f"point ({target.x:g}, {target.y:g}) is outside the view of {width:g} x {height:g}")
            return target.x, target.y
        found = await self.find(tab, target, hit=hit)
        return found.x, found.y

    async def _document(self, tab: Tab, ref: int, *, scroll: bool) -> tuple[Frame, float, float]:
        """The document of a ref, and where it begins in the top-level viewport."""
        place = self._reader.place(ref)
        if place is None:
            raise refuse({"status": "not_found", "ref": ref})
        if place.parent is None:
            if place.frame is not tab.frames.main:
                raise Refused(f"element {ref} is in another tab; focus that tab first")
            return place.frame, 0.0, 0.0
        outer, x, y = await self._document(tab, place.ref, scroll=scroll)
        answer = await self.ask(outer, "resolve", place.ref, {"scroll": scroll, "hit": False, "dx": x, "dy": y})
        if answer["status"] not in ("ok", "disabled"):
            raise refuse(answer)
        inside = answer.get("content") or [x, y]
        return place.frame, inside[0], inside[1]


def _listed(values: list[Any]) -> str:
    names = [repr(value.get("label", value)) if isinstance(value, dict) else repr(value) for value in values]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
