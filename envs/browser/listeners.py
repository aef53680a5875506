"""Telling the collector which elements listen for clicks: scripts in an isolated world cannot see that."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from quintain.envs.browser.cdp import CdpError
from quintain.envs.browser.frame import Frame

TYPES = frozenset({"click", "dblclick", "mousedown", "mouseup", "pointerdown", "pointerup"})
GROUP = "quintain-listeners"
DOCUMENT = "typeof quintain !== 'undefined' && quintain.grown() ? document : null"


class Listeners:
    """Asks the debugger whenever a document has new elements, and tells the collector of each listening one once."""

    def __init__(self) -> None:
        self._told: WeakKeyDictionary[Frame, tuple[int, set[int]]] = WeakKeyDictionary()

    async def tell(self, frame: Frame) -> None:
        """Register new listeners of a document. One that goes away meanwhile is let go."""
        try:
            world = await frame.world(isolated=True)
            asked = await frame.session.send("Runtime.evaluate", expression=DOCUMENT, contextId=world, objectGroup=GROUP)
            document = asked["result"].get("objectId")
            if world is not None and document is not None:
                await self._tell(frame, world, document)
        except CdpError:
            self._told.pop(frame, None)

    async def _tell(self, frame: Frame, world: int, document: str) -> None:
        known, told = self._told.get(frame, (world, set()))
        if known != world:
            told = set()
        # With `pierce`, Chromium 156 crashes on some pages (an editor in a frame) after some twenty calls.
        found = await frame.session.send("DOMDebugger.getEventListeners", objectId=document, depth=-1)
        frame.session.post("Runtime.releaseObjectGroup", objectGroup=GROUP)
        nodes = {each["backendNodeId"] for each in found["listeners"] if each["type"] in TYPES and "backendNodeId" in each}
        fresh = sorted(nodes - told)
        self._told[frame] = (world, told | nodes)
        if fresh:
            await self._register(frame, world, fresh)

    async def _register(self, frame: Frame, world: int, nodes: list[int]) -> None:
        resolve = {"executionContextId": world, "objectGroup": GROUP}
        pending = [frame.session.post("DOM.resolveNode", backendNodeId=node, **resolve) for node in nodes]
        objects = []
        for future in pending:
            try:
                objects.append({"objectId": (await future)["object"]["objectId"]})
            except (CdpError, KeyError):
                continue  # the node went away between the two commands, or is of another frame
        await frame.session.send(
            "Runtime.callFunctionOn",
            functionDeclaration="(...nodes) => quintain.listens(...nodes)",
            executionContextId=world,
            arguments=objects,
        )
        frame.session.post("Runtime.releaseObjectGroup", objectGroup=GROUP)
