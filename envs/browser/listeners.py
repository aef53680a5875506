"""Telling the collector which elements listen for clicks: scripts in an isolated world cannot see that."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from quintain.envs.browser.cdp import CdpError
from quintain.envs.browser.frame import Frame

TYPES = frozenset({"click", "dblclick", "mousedown", "mouseup", "pointerdown", "pointerup"})


class _Known:
    """What was told to one isolated world."""

    def __init__(self, world: int, document: str) -> None:
        self.world, self.document = world, document
        self.nodes: set[int] = set()


class Listeners:
    """Asks the debugger once a look and tells each element once."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Frame, _Known] = WeakKeyDictionary()

    async def tell(self, frame: Frame) -> None:
        """Register new listeners of a document, whose collector is loaded. A document that goes away meanwhile is let go."""
        try:
            known = await self._current(frame)
            found = await frame.session.send("DOMDebugger.getEventListeners", objectId=known.document, depth=-1, pierce=True)
            nodes = {each["backendNodeId"] for each in found["listeners"] if each["type"] in TYPES and "backendNodeId" in each}
            if fresh := sorted(nodes - known.nodes):
                known.nodes |= nodes
                await self._register(frame, known.world, fresh)
        except CdpError:
            self._known.pop(frame, None)

    async def _current(self, frame: Frame) -> _Known:
        world = await frame.world(isolated=True)
        assert world is not None
        known = self._known.get(frame)
        if known is None or known.world != world:
            reply = await frame.session.send("Runtime.evaluate", expression="document", contextId=world)
            known = self._known[frame] = _Known(world, reply["result"]["objectId"])
        return known

    async def _register(self, frame: Frame, world: int, nodes: list[int]) -> None:
        pending = [frame.session.post("DOM.resolveNode", backendNodeId=node, executionContextId=world) for node in nodes]
        objects = []
        for future in pending:
            try:
                resolved = (await future)["object"]
            except CdpError:
                continue  # the node went away between the two commands
            if "objectId" in resolved:  # else it is of another frame, whose own turn comes
                objects.append({"objectId": resolved["objectId"]})
        await frame.session.send(
            "Runtime.callFunctionOn",
            functionDeclaration="(...nodes) => quintain.listens(...nodes)",
            executionContextId=world,
            arguments=objects,
        )
