"""The documents of a tab (its main frame and iframes), and evaluation of JavaScript in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from quintain.envs.browser.cdp import CALL_TIMEOUT_S, CdpError, Params, Session
from quintain.errors import EnvironmentFault

ISOLATED_WORLD: Final = "quintain"


class ScriptError(EnvironmentFault):
    """JavaScript that was evaluated threw; the message holds the page's own."""


class Frame:
    """One frame of a tab. ``session`` is its tab's, unless the frame is in another process."""

    def __init__(self, frame_id: str, parent_id: str | None, session: Session) -> None:
        self.id, self.parent_id, self.session = frame_id, parent_id, session
        self.url = ""
        self.worlds: dict[bool, int] = {}

    async def evaluate(self, expression: str, *, isolated: bool = False, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """The JSON value of an expression, in one round trip; promises are awaited (a stopped clock delays what waits for time).

        ``isolated`` evaluates beside the page's scripts: same DOM, other globals. Raises ScriptError, CdpError (no such document
        any more), CallTimeout or ConnectionLost.
        """
        reply = await self.session.within(timeout_s, await self.post(expression, isolated=isolated), "evaluating JavaScript")
        return script_value(reply)

    async def call(self, function: str, *arguments: Any, isolated: bool = False, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """``evaluate`` of a function's source applied to JSON arguments."""
        expression = f"({function})({','.join(json.dumps(argument) for argument in arguments)})"
        return await self.evaluate(expression, isolated=isolated, timeout_s=timeout_s)

    async def set_files(self, expression: str, paths: Sequence[Path], *, isolated: bool = False) -> None:
        """Put files into the ``<input type=file>`` that the expression yields. Raises ScriptError when it yields no element."""
        reply = await self.session.send(
            "Runtime.evaluate", **await self._evaluation(expression, isolated=isolated, by_value=False)
        )
        script_value(reply)
        if "objectId" not in reply["result"]:
            raise ScriptError("the expression for a file input yields no element")
        await self.session.send(
            "DOM.setFileInputFiles", objectId=reply["result"]["objectId"], files=[str(path) for path in paths]
        )

    async def post(self, expression: str, *, isolated: bool) -> asyncio.Future[Params]:
        """Write the evaluation now and return the future of the browser's raw reply."""
        return self.session.post("Runtime.evaluate", **await self._evaluation(expression, isolated=isolated, by_value=True))

    async def _evaluation(self, expression: str, *, isolated: bool, by_value: bool) -> Params:
        world = await self.world(isolated=isolated)
        where = {} if world is None else {"contextId": world}
        return {"expression": expression, "returnByValue": by_value, "awaitPromise": by_value, **where}

    async def world(self, *, isolated: bool) -> int | None:
        """The id of this document's execution context; None means the session's default one."""
        world = self.worlds.get(isolated)
        if world is None and isolated:
            made = await self.session.send("Page.createIsolatedWorld", frameId=self.id, worldName=ISOLATED_WORLD)
            world = self.worlds[True] = made["executionContextId"]
        if world is None and self.parent_id is not None:
            raise CdpError("Runtime.evaluate", 0, f"frame {self.url or self.id} has no document yet; settle first")
        return world


def script_value(reply: Params) -> Any:
    """The value in a Runtime.evaluate reply. Raises ScriptError when the script threw."""
    failure = reply.get("exceptionDetails")
    if failure is not None:
        text = failure.get("exception", {}).get("description") or failure.get("text", "")
        raise ScriptError("JavaScript failed: " + " ".join(text.split())[:600])
    return reply["result"].get("value")


class FrameTree:
    """All frames of a tab, kept current from events of the tab's sessions."""

    def __init__(self, session: Session, main_id: str) -> None:
        self.main = Frame(main_id, None, session)
        self._frames = {main_id: self.main}
        self.watch(session)

    def all(self) -> list[Frame]:
        """The frames, the main one first, parents before children."""
        return list(self._frames.values())

    def get(self, frame_id: str) -> Frame | None:
        """The frame of that id, if it is still attached."""
        return self._frames.get(frame_id)

    def watch(self, session: Session) -> None:
        """Follow the frames that ``session`` reports; called again for each out-of-process iframe."""
        session.on("Page.frameAttached", lambda event: self._attached(session, event["frameId"], event.get("parentFrameId")))
        session.on("Page.frameNavigated", lambda event: self._navigated(session, event["frame"]))
        session.on("Page.navigatedWithinDocument", self._moved)
        session.on("Page.frameDetached", self._detached)
        session.on("Runtime.executionContextCreated", lambda event: self._world_created(session, event["context"]))
        session.on("Runtime.executionContextDestroyed", lambda event: self._world_gone(session, event.get("executionContextId")))
        session.on("Runtime.executionContextsCleared", lambda event: self._world_gone(session, None))

    def adopt(self, session: Session, frame_id: str, url: str) -> None:
        """An iframe has moved into its own process, reached by ``session``."""
        known = self._frames.get(frame_id)
        frame = Frame(frame_id, known.parent_id if known else self.main.id, session)
        frame.url = url
        self._frames[frame_id] = frame
        self.watch(session)

    def _attached(self, session: Session, frame_id: str, parent_id: str | None) -> None:
        known = self._frames.get(frame_id)
        if known is None or known.session.detached:
            self._frames[frame_id] = Frame(frame_id, parent_id or self.main.id, session)

    def _navigated(self, session: Session, description: Params) -> None:
        frame_id = description["id"]
        if frame_id not in self._frames:
            self._attached(session, frame_id, description.get("parentId"))
        frame = self._frames[frame_id]
        frame.url = description["url"] + description.get("urlFragment", "")

    def _moved(self, event: Params) -> None:
        frame = self._frames.get(event["frameId"])
        if frame is not None:
            frame.url = event["url"]

    def _detached(self, event: Params) -> None:
        # A frame that moves to another process is "swapped", not gone.
        if event.get("reason") == "swap" or event["frameId"] == self.main.id:
            return
        gone = {event["frameId"]}
        for frame in self.all():
            if frame.id in gone or frame.parent_id in gone:
                gone.add(frame.id)
                del self._frames[frame.id]

    def _world_created(self, session: Session, context: Params) -> None:
        details = context.get("auxData", {})
        frame = self._frames.get(details.get("frameId", ""))
        if frame is None or frame.session is not session:
            return
        if details.get("isDefault"):
            frame.worlds[False] = context["id"]
        elif context.get("name") == ISOLATED_WORLD:
            frame.worlds[True] = context["id"]

    def _world_gone(self, session: Session, world: int | None) -> None:
        for frame in self._frames.values():
            if frame.session is session:
                frame.worlds = {isolated: held for isolated, held in frame.worlds.items() if world is not None and held != world}
