"""An observation as BrowserGym 0.14 gives it (``browsergym/core/env.py``), from our elements; bids are our refs as text."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import numpy as np

from quintain.elements import Element, Elements
from quintain.errors import AgentError
from quintain.pixels import encode_png
from quintain.spaces import Observation

_ROLES: Final = {
    "text": "StaticText", "document": "RootWebArea", "label": "LabelText", "iframe": "Iframe", "legend": "Legend",
    "canvas": "Canvas", "video": "Video", "audio": "Audio", "details": "Details", "summary": "DisclosureTriangle",
}  # fmt: skip
"""Chromium's names of roles where they differ from ARIA's."""
_FLAGS: Final = ("focused", "disabled", "required", "readonly", "selected", "multiline", "modal")
_OBSERVED: Final = {
    "screenshot": "screenshot", "axtree_object": "elements", "dom_object": "elements", "extra_element_properties": "elements",
    "axtree_txt": "elements", "dom_txt": "elements", "pruned_html": "elements",
}  # fmt: skip
_MARK_AREA = 20.0
"""Pixels below which BrowserGym puts no mark on an element."""


class BrowserGymObservation(dict[str, Any]):
    """The keys of BrowserGym; text views are made when they are asked for, and what was not observed is an `AgentError`."""

    elements: Elements | None = None

    def __missing__(self, key: str) -> Any:
        if self.elements is not None and key in ("axtree_txt", "dom_txt", "pruned_html"):
            return self.elements.text("axtree" if key == "axtree_txt" else "html")
        if key in _OBSERVED:
            _not_observed(key)
        raise KeyError(key)


def browsergym_observation(observation: Observation, last_action: str = "") -> BrowserGymObservation:
    """What a BrowserGym agent sees; the screenshot and the boxes are unscaled."""
    windows = observation.windows
    active = next((index for index, window in enumerate(windows) if window.active), 0)
    chat = [{"role": "user", "timestamp": 0.0, "message": observation.goal}]
    for said in observation.messages:
        role = "info" if said.role == "system" else said.role
        chat.append({"role": role, "timestamp": observation.elapsed_s, "message": said.text})
    found = BrowserGymObservation(
        chat_messages=tuple(chat),
        goal=observation.goal,
        goal_object=tuple(_goal_parts(observation)),
        open_pages_urls=tuple(window.url or "" for window in windows),
        open_pages_titles=tuple(window.title for window in windows),
        active_page_index=np.array([active]),
        url=(windows[active].url or "") if windows else "",
        last_action=last_action,
        last_action_error=observation.error or "",
        elapsed_time=np.array([observation.elapsed_s]),
    )
    if observation.screenshot is not None:
        found["screenshot"] = observation.screenshot
    if observation.elements is not None:
        focused = observation.elements.focused
        found.elements = observation.elements
        found["axtree_object"] = axtree(observation.elements)
        found["dom_object"] = dom_snapshot(observation.elements)
        found["extra_element_properties"] = {str(each.ref): _properties(each) for each in observation.elements if _has_bid(each)}
        found["focused_element_bid"] = str(focused.ref) if focused is not None else ""
    return found


def _not_observed(key: str) -> NoReturn:
    wanted = _OBSERVED[key]
    raise AgentError(f"agent: asks for {key!r}, which needs {wanted} to be observed; run it with --observe {wanted}")


def _goal_parts(observation: Observation) -> Iterator[dict[str, Any]]:
    """In the shape of OpenAI's message parts."""
    yield {"type": "text", "text": observation.goal}
    for image in observation.images:
        data = base64.b64encode(encode_png(image)).decode("ascii")
        yield {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _has_bid(element: Element) -> bool:
    return element.role != "text"


def _properties(element: Element) -> dict[str, Any]:
    box = list(element.box)
    acts = element.has("clickable") or element.has("editable")
    return {
        "visibility": float(element.has("in_view")),
        "bbox": box if element.has("visible") else None,
        "clickable": element.has("clickable"),
        "set_of_marks": acts and element.has("on_top") and box[2] * box[3] >= _MARK_AREA,
    }


def axtree(elements: Elements) -> dict[str, Any]:
    """In the shape of ``Accessibility.getFullAXTree`` of the Chrome DevTools protocol, with `browsergym_id` on elements."""
    children: list[list[str]] = [[] for _ in range(len(elements) + 1)]
    for row, parent in enumerate(elements.parent.tolist()):
        children[parent + 1].append(str(row))
    nodes = [_ax_node(each, children[each.row + 1]) for each in elements]
    if len(children[0]) != 1:  # BrowserGym's text view begins at the first node.
        root = {"value": "RootWebArea"}
        nodes.insert(0, {"nodeId": "root", "ignored": False, "role": root, "name": {"value": ""}, "childIds": children[0]})
    return {"nodes": nodes}


def _ax_node(element: Element, children: list[str]) -> dict[str, Any]:
    node: dict[str, Any] = {
        "nodeId": str(element.row),
        "ignored": False,
        "role": {"type": "role", "value": _ROLES.get(element.role, element.role)},
        "name": {"type": "computedString", "value": element.name},
        "properties": list(_ax_properties(element)),
        "childIds": children,
    }
    if element.value is not None:
        node["value"] = {"type": "string", "value": element.value}
    if _has_bid(element):
        node["browsergym_id"] = str(element.ref)
    return node


def _ax_properties(element: Element) -> Iterator[dict[str, Any]]:
    for name in _FLAGS:
        if element.has(name):
            yield {"name": name, "value": {"type": "boolean", "value": True}}
    if element.has("expanded") or element.has("collapsed"):
        yield {"name": "expanded", "value": {"type": "booleanOrUndefined", "value": element.has("expanded")}}
    if element.has("checkable") or element.has("checked") or element.has("mixed"):
        state = "mixed" if element.has("mixed") else str(element.has("checked")).lower()
        yield {"name": "checked", "value": {"type": "tristate", "value": state}}
    if element.has("pressed"):
        yield {"name": "pressed", "value": {"type": "tristate", "value": "true"}}


def dom_snapshot(elements: Elements) -> dict[str, Any]:
    """In the shape of ``DOMSnapshot.captureSnapshot``, as far as BrowserGym's text view of it reads: one document of the elements
    that were observed."""
    strings: dict[str, int] = {}

    def at(text: str) -> int:
        return strings.setdefault(text, len(strings))

    parents, types, names, values = [-1], [9], [at("#document")], [-1]
    attributes: list[list[int]] = [[]]
    for each in elements:
        is_text = each.role == "text"
        parents.append(int(elements.parent[each.row]) + 1)
        types.append(3 if is_text else 1)
        names.append(at("#text" if is_text else (each.tag or each.role).upper()))
        values.append(at(each.name) if is_text else -1)
        attributes.append([] if is_text else [at(part) for pair in _attributes(each) for part in pair])
    nodes = {
        "parentIndex": parents, "nodeType": types, "nodeName": names, "nodeValue": values, "attributes": attributes,
        "contentDocumentIndex": {"index": [], "value": []},
    }  # fmt: skip
    return {"documents": [{"nodes": nodes}], "strings": list(strings)}


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    yield "bid", str(element.ref)
    yield from element.attributes.items()
    if element.value is not None and "value" not in element.attributes:
        yield "value", element.value
    # The text of an element without any below it is its name.
    told = bool(element.children) and element.name in element.text
    if element.name and not told and "aria-label" not in element.attributes:
        yield "aria-label", element.name
    for state in ("checked", "disabled", "selected"):
        if element.has(state) and state not in element.attributes:
            yield state, ""
