"""What an agent sees of a tab: its elements, and which document each of them belongs to."""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any, NamedTuple

from quintain.elements import Elements
from quintain.envs.browser.cdp import CdpError, ConnectionLost
from quintain.envs.browser.collect import FrameResult, loads, parse, script
from quintain.envs.browser.frame import Frame, FrameTree, ScriptError
from quintain.envs.browser.listeners import Listeners
from quintain.errors import EnvironmentFault

MISSING = "missing"
CLOSED_ROOT_ROUNDS = 3
FRAMES_READ = 64


class PageFacts(NamedTuple):
    """The main document as it was read."""

    url: str
    title: str
    width: float
    height: float


class Seen(NamedTuple):
    """One look at a tab."""

    elements: Elements
    page: PageFacts


class Place(NamedTuple):
    """Where a document is: `parent` holds the frame element `ref` that shows it, None for the main one."""

    frame: Frame
    parent: Frame | None = None
    ref: int = 0


class Reader:
    """Reads tabs and remembers where each ref came from; one for each episode, so that refs are unique over its tabs."""

    def __init__(self) -> None:
        self._next = 1
        self._starts: list[int] = []
        self._places: list[Place] = []
        self._listeners = Listeners()

    def place(self, ref: int) -> Place | None:
        """The document that `ref` was read in, None if it was never given out."""
        if not 1 <= ref < self._next:
            return None
        return self._places[bisect_right(self._starts, ref) - 1]

    async def read(self, frames: FrameTree) -> Seen:
        """The elements of all documents of a tab, in one tree.

        A document that goes away while it is read is left out; the main one raises `EnvironmentFault`.
        """
        raw = await self._collect(Place(frames.main))
        page = raw["page"]
        results = [FrameResult(raw)]
        pending = [(frames.main, entry) for entry in raw["frames"]]
        while pending and len(results) < FRAMES_READ:
            parent, entry = pending.pop(0)
            try:
                frame = await self._frame_at(frames, parent, entry["ref"])
                if frame is None:
                    continue
                raw = await self._collect(Place(frame, parent, entry["ref"]), dx=entry["dx"], dy=entry["dy"], clip=entry["clip"])
            except (CdpError, ScriptError, ConnectionLost):
                continue
            results.append(FrameResult(raw, entry["ref"]))
            pending += [(frame, inner) for inner in raw["frames"]]
        return Seen(parse(results), PageFacts(page["url"], page["title"], page["width"], page["height"]))

    async def call(self, frame: Frame, function: str, *arguments: Any) -> Any:
        """What ``quintain.FUNCTION(…)`` of the collector gives in a document."""
        return await self.run(frame, f"quintain.{function}({','.join(json.dumps(argument) for argument in arguments)})")

    async def run(self, frame: Frame, expression: str) -> Any:
        """The value of an expression beside the collector in a document, loading that script where it is missing."""
        result = await frame.evaluate(f"typeof quintain === 'undefined' ? '{MISSING}' : {expression}", isolated=True)
        if result == MISSING:
            result = await frame.evaluate(f"{script()}\n;{expression}", isolated=True)
        return result

    async def handle(self, frame: Frame, expression: str) -> str:
        """The CDP object id of a value in a document's isolated world."""
        world = await frame.world(isolated=True)
        reply = await frame.session.send("Runtime.evaluate", expression=expression, contextId=world)
        found = reply["result"].get("objectId")
        if found is None:
            raise EnvironmentFault(f"{expression} is no object of the page any more")
        return str(found)

    async def _collect(self, place: Place, **options: Any) -> dict[str, Any]:
        await self._listeners.tell(place.frame)
        for _ in range(CLOSED_ROOT_ROUNDS):
            text = await self.call(place.frame, "collect", {"next": self._next, **options})
            raw = loads(text)
            if raw["next"] > self._next:
                self._remember(place)
                self._next = raw["next"]
            if not raw["suspects"] or not await self._open_closed_roots(place.frame):
                break
        return raw

    def _remember(self, place: Place) -> None:
        if self._places and self._places[-1] == place:
            return
        self._starts.append(self._next)
        self._places.append(place)

    async def _frame_at(self, frames: FrameTree, parent: Frame, ref: int) -> Frame | None:
        handle = await self.handle(parent, f"quintain.node({ref})")
        described = await parent.session.send("DOM.describeNode", objectId=handle)
        return frames.get(described["node"].get("frameId", ""))

    async def _open_closed_roots(self, frame: Frame) -> bool:
        """Hand closed shadow roots to the collector, which cannot see them; whether there were any."""
        listed = await self.handle(frame, "quintain.suspects()")
        properties = await frame.session.send("Runtime.getProperties", objectId=listed, ownProperties=True)
        hosts = [each["value"]["objectId"] for each in properties["result"] if each["name"].isdigit()]
        world = await frame.world(isolated=True)
        roots = []
        for described in [await frame.session.send("DOM.describeNode", objectId=host, depth=0, pierce=True) for host in hosts]:
            for root in described["node"].get("shadowRoots", []):
                if root["shadowRootType"] == "closed":
                    resolved = await frame.session.send(
                        "DOM.resolveNode", backendNodeId=root["backendNodeId"], executionContextId=world
                    )
                    roots.append({"objectId": resolved["object"]["objectId"]})
        if roots:
            await frame.session.send(
                "Runtime.callFunctionOn",
                functionDeclaration="(...roots) => quintain.adopt(...roots)",
                executionContextId=world,
                arguments=roots,
            )
        return bool(roots)
