"""The collector against Chromium's own accessibility tree, over the MiniWoB pages."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from quintain.elements import Elements
from quintain.envs.browser.collect import parse, script

sync_api = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on the PATH")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

# Chromium's names of roles whose ARIA name differs (ax_enums.mojom), and those that it splits finer than ARIA does.
CHROMIUM_ROLES = {
    "StaticText": "text", "RootWebArea": "document", "SvgRoot": "image", "LabelText": "label", "image": "image", "img": "image",
    "DisclosureTriangle": "summary", "Canvas": "canvas", "Iframe": "iframe", "Legend": "legend", "Figcaption": "caption",
    "gridcell": "cell", "Date": "textbox", "DateTime": "textbox", "InputTime": "textbox", "ColorWell": "textbox",
    "LayoutTableCell": "cell",
}  # fmt: skip
COMPARED = {
    "text", "button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "listbox", "option", "tab", "menuitem",
    "slider", "spinbutton", "heading", "image", "cell", "columnheader", "rowheader", "listitem", "switch", "summary", "label",
}  # fmt: skip


@dataclass
class Agreement:
    """How many (role, name) pairs both trees have, and what only one has."""

    same: int = 0
    only_chromium: list[str] = field(default_factory=list)
    only_collector: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.same / max(1, self.same + len(self.only_chromium) + len(self.only_collector))


def pages() -> list[Path]:
    spec = importlib.util.find_spec("miniwob")
    if spec is None or not spec.submodule_search_locations:
        return []
    return sorted((Path(spec.submodule_search_locations[0]) / "html" / "miniwob").glob("*.html"))


def backend_ids(node: dict[str, Any], kind: int) -> Iterator[int]:
    """Backend node ids of all elements (1) or texts (3) of the page's own tree, in document order."""
    if node["nodeType"] == kind:
        yield node["backendNodeId"]
    for child in node.get("children", ()):
        yield from backend_ids(child, kind)


def squash(text: str) -> str:
    return re.sub(r"\s+", "", text)


def chromium_nodes(session: Any) -> dict[int, tuple[str, str]]:
    """(role, squashed name) of each node of the tree that is not ignored, by backend node id."""
    found = {}
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        role, name = node["role"]["value"], squash(node.get("name", {}).get("value", ""))
        if not node["ignored"] and "backendDOMNodeId" in node and (name or role != "StaticText"):
            found[node["backendDOMNodeId"]] = (CHROMIUM_ROLES.get(role, role), name)
    return found


# By design the collector keeps what is on the screen though the page hides it from assistive technology (aria-hidden), and the
# labels of checkboxes and radio buttons with their text, which Chromium folds into the control's name.
WORLD = """(() => { const raw = quintain.collect({}), rows = JSON.parse(raw), all = [...document.querySelectorAll('*')];
    const at = new Map(all.map((el, i) => [el, i])), text = rows.roles.indexOf('text');
    const nodes = rows.ref.map((ref) => quintain.node(ref));
    const folded = (el) => ['checkbox', 'radio'].includes(el.closest('label')?.control?.type);
    return [raw, nodes.map((el, i) => rows.role[i] === text ? -1 : at.get(el) ?? -1),
        nodes.map((el) => !!el.closest('[aria-hidden=true]') || folded(el))]; })()"""


def collected(session: Any) -> tuple[Elements, list[int], list[bool]]:
    """The collector's elements, for each row its place among all elements (-1: none), and whether it is kept by design."""
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "quintain"})["executionContextId"]
    session.send("Runtime.evaluate", {"expression": script(), "contextId": world})
    answer = session.send("Runtime.evaluate", {"expression": WORLD, "contextId": world, "returnByValue": True})
    raw, places, by_design = answer["result"]["value"]
    return parse(raw), places, by_design


def compare(session: Any) -> Agreement:
    """Elements are paired by node, texts by what they say; what Chromium makes up (parts of a date field) is left aside."""
    chromium, result = chromium_nodes(session), Agreement()
    elements, places, by_design = collected(session)
    root = session.send("DOM.getDocument", {"depth": -1})["root"]
    ids, texts = list(backend_ids(root, 1)), set(backend_ids(root, 3))
    ours = {
        ids[place]: (CHROMIUM_ROLES.get(element.role, element.role), squash(element.name), kept)
        for element, place, kept in zip(elements, places, by_design, strict=True)
        if place >= 0
    }
    for node in ids:
        role, name, kept = ours.get(node, ("", "", False))
        theirs = chromium.get(node)
        if (role, name) == theirs:
            result.same += role in COMPARED
        elif role in COMPARED and not (theirs is None and kept):
            result.only_collector.append(f"{role} {name!r} for {theirs}")
        elif theirs is not None and theirs[0] in COMPARED:
            result.only_chromium.append(f"{theirs} for {role} {name!r}")
    kept_rows = [each for each, kept in zip(elements, by_design, strict=True) if each.role == "text" and kept]
    kept_texts = Counter(squash(each.name) for each in kept_rows)
    mine = Counter(squash(each.name) for each in elements if each.role == "text")
    theirs_said = Counter(name for node, (role, name) in chromium.items() if role == "text" and node in texts)
    result.same += (mine & theirs_said).total()
    result.only_collector += [f"text {text!r}" for text in (mine - theirs_said - kept_texts).elements()]
    result.only_chromium += [f"text {text!r}" for text in (theirs_said - mine).elements()]
    return result


def test_roles_and_names_agree_with_chromium_on_all_miniwob_pages(record_property: Callable[[str, object], None]) -> None:
    paths = pages()
    if not paths:
        pytest.skip("the miniwob package is not installed")
    total = Agreement()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = browser.new_page(viewport={"width": 332, "height": 214})
        session = page.context.new_cdp_session(page)
        for path in paths:
            page.goto(path.as_uri())
            page.evaluate("Math.seedrandom('1'); core.startEpisodeReal()")
            found = compare(session)
            total.same += found.same
            total.only_chromium += [f"{path.stem}: {each}" for each in found.only_chromium]
            total.only_collector += [f"{path.stem}: {each}" for each in found.only_collector]
        browser.close()
    record_property("agreement", total.share)
    differences = total.only_chromium + total.only_collector
    assert total.share >= 0.97, f"{total.share:.3f} agree; differences begin with {differences[:10]}"
