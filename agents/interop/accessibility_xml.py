"""Elements as the XML in which OSWorld hands the accessibility tree of its Ubuntu guest to agents."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from quintain.elements import Element, Elements

_NAMESPACES: Final = {
    "st": "https://accessibility.ubuntu.example.org/ns/state",
    "cp": "https://accessibility.ubuntu.example.org/ns/component",
    "val": "https://accessibility.ubuntu.example.org/ns/value",
}
"""Those of OSWorld's `desktop_env/server/main.py`."""
_TAGS: Final = {
    "button": "push-button", "checkbox": "check-box", "radio": "radio-button", "combobox": "combo-box", "textbox": "entry",
    "searchbox": "entry", "text": "static", "generic": "section", "document": "document-web", "listitem": "list-item",
    "listbox": "list-box", "option": "list-item", "cell": "table-cell", "gridcell": "table-cell", "row": "table-row",
    "columnheader": "table-column-header", "rowheader": "table-row-header", "menubar": "menu-bar", "menuitem": "menu-item",
    "menuitemcheckbox": "check-menu-item", "menuitemradio": "radio-menu-item", "tab": "page-tab", "tablist": "page-tab-list",
    "treeitem": "tree-item", "scrollbar": "scroll-bar", "progressbar": "progress-bar", "toolbar": "tool-bar",
    "tooltip": "tool-tip", "spinbutton": "spin-button", "switch": "toggle-button", "status": "status-bar", "window": "frame",
}  # fmt: skip
"""AT-SPI's names of roles where they differ from ARIA's."""
_STATES: Final = {
    "visible": "visible", "in_view": "showing", "editable": "editable", "focusable": "focusable", "focused": "focused",
    "checkable": "checkable", "checked": "checked", "selected": "selected", "expanded": "expanded", "required": "required",
    "pressed": "pressed", "modal": "modal", "multiline": "multi-line",
}  # fmt: skip
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def accessibility_xml(elements: Elements) -> str:
    """One ``desktop-frame`` with all elements below it; places are whole pixels, as OSWorld's agents read them."""
    root = ElementTree.Element("desktop-frame", {"name": "main"})
    made: list[ElementTree.Element] = []
    for each in elements:
        parent = int(elements.parent[each.row])
        made.append(_node(root if parent < 0 else made[parent], each))
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    return ElementTree.tostring(root, encoding="unicode")


def _node(parent: ElementTree.Element, element: Element) -> ElementTree.Element:
    x, y, width, height = (round(side) for side in element.box)
    node = ElementTree.SubElement(parent, _TAGS.get(element.role, element.role), {"name": _printable(element.name)})
    for ours, theirs in _STATES.items():
        if element.has(ours):
            node.set(f"{{{_NAMESPACES['st']}}}{theirs}", "true")
    if not element.has("disabled"):
        node.set(f"{{{_NAMESPACES['st']}}}enabled", "true")
    if element.has("expanded") or element.has("collapsed"):
        node.set(f"{{{_NAMESPACES['st']}}}expandable", "true")
    node.set(f"{{{_NAMESPACES['cp']}}}screencoord", f"({x}, {y})")
    node.set(f"{{{_NAMESPACES['cp']}}}size", f"({width}, {height})")
    node.text = _printable(element.value or (element.name if element.role == "text" else "")) or None
    return node


def _printable(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
