"""The collector on real pages of a real Chromium, driven through isolated worlds as the environment does."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quintain.elements import ROLES, STATES, Element, Elements
from quintain.envs.browser.collect import FrameResult, loads, parse, script

sync_api = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on the PATH")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


class World:
    """An isolated world of one frame."""

    def __init__(self, session: Any, frame: str) -> None:
        self.session = session
        created = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "quintain"})
        self.context = created["executionContextId"]
        self.evaluate(script())

    def evaluate(self, code: str, *, by_value: bool = True) -> Any:
        asked = {"expression": code, "contextId": self.context, "returnByValue": by_value}
        answer = self.session.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]["exception"].get("description")
        return answer["result"].get("value") if by_value else answer["result"].get("objectId")

    def call(self, function: str, *arguments: Any) -> Any:
        return self.evaluate(f"quintain.{function}({', '.join(map(json.dumps, arguments))})")

    def raw(self, **options: Any) -> dict[str, Any]:
        return loads(self.call("collect", options))

    def elements(self, **options: Any) -> Elements:
        return parse(self.raw(**options))


class Tab:
    """A Playwright page with a CDP session; `world()` is made anew after each load."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.session = page.context.new_cdp_session(page)

    def load(self, body: str) -> World:
        self.page.set_content(body)
        return self.world()

    def world(self) -> World:
        tree = self.session.send("Page.getFrameTree")["frameTree"]
        return World(self.session, tree["frame"]["id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Tab]:
    page = browser.new_page(viewport={"width": 400, "height": 300})
    yield Tab(page)
    page.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A folder and the loopback port that serves it."""
    folder = tmp_path_factory.mktemp("site")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, server.server_address[1]
        server.shutdown()
        thread.join(10)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def named(elements: Elements, role: str) -> list[str]:
    return [element.name for element in elements.find(role=role)]


NAMES = """
<title>T</title>
<label for=a>First name</label><input id=a value="Ann">
<label>Agree <input type=checkbox checked> please</label>
<input placeholder=City><input type=submit><input type=button value=Go>
<button aria-label="Close window">x</button><button><img alt=Save src=x> now</button>
<span id=l1>Total</span> <span id=l2>cost</span><input aria-labelledby="l1 l2" type=number value=3>
<a href=/x>Read <b>mo</b>re</a> <img alt="A cat" src=x> <div role=tab aria-selected=true>One</div>
<h2>Heading <i>two</i></h2>
<fieldset disabled><legend>Address</legend><select title=Country><option>NL<option selected>BE</select></fieldset>
<table><caption>Prices</caption><tr><th>Item<td>3 EUR</table><textarea aria-label=Note readonly>hi
there</textarea><div contenteditable aria-label=Editor>rich <b>text</b></div><progress value=.5></progress>
<details><summary>More</summary>hidden</details><div role=presentation tabindex=0>kept</div>
"""


def test_roles_names_and_values_follow_aria(tab: Tab) -> None:
    elements = tab.load(NAMES).elements()
    assert elements.row(0).role == "document" and elements.row(0).name == "T"
    assert elements.one(role="textbox", name="First name").value == "Ann"
    assert elements.one(role="checkbox").name == "Agree please"
    assert named(elements, "button") == ["Submit", "Go", "Close window", "Save now"]
    assert elements.one(role="spinbutton").name == "Total cost"
    assert elements.one(role="link").name == "Read more" == elements.one(role="link").text
    assert elements.one(role="heading").name == "Heading two"
    assert elements.one(role="group").name == "Address"
    assert elements.one(role="combobox").name == "Country" and elements.one(role="combobox").value == "BE"
    assert elements.one(role="table").name == "Prices"
    assert elements.one(role="textbox", name="Note").value == "hi\nthere"
    assert elements.one(role="textbox", name="City").attributes["placeholder"] == "City"
    assert "hidden" not in elements.row(0).text


def test_states_are_read_from_the_page(tab: Tab) -> None:
    elements = tab.load(NAMES + "<input id=f autofocus required>").elements()
    assert elements.one(role="checkbox").states >= {"checked", "checkable", "clickable", "focusable"}
    assert elements.one(role="tab").states >= {"selected", "clickable"}
    assert "disabled" in elements.one(role="combobox").states and "focusable" not in elements.one(role="combobox").states
    assert elements.one(name="Note").states >= {"readonly", "multiline"} and "editable" not in elements.one(name="Note").states
    assert elements.one(name="Editor").states >= {"editable", "multiline", "focusable"}
    assert "collapsed" in elements.one(tag="details").states
    assert elements.focused is not None and elements.focused.states >= {"required", "editable"}


def test_visibility_knows_hidden_scrolled_and_covered_elements(tab: Tab) -> None:
    elements = tab.load(
        """<button style="display:none">none</button><button style="visibility:hidden">invisible</button>
        <div style="opacity:0"><button>clear</button></div>
        <div style="height:30px;overflow:auto"><div style="height:90px">box</div><button>clipped</button></div>
        <button id=under style="position:fixed;left:200px;top:200px">under</button>
        <div style="position:fixed;left:190px;top:190px;width:200px;height:90px;background:red">cover</div>
        <div style="height:2000px"></div><button>far</button>"""
    ).elements()
    assert not elements.find(name="none", visible=None)
    assert [bool(elements.find(name=name)) for name in ("invisible", "clear", "clipped", "under", "far")] == [0, 0, 1, 1, 1]
    assert elements.one(name="clear", visible=None).has("clickable")
    assert elements.one(name="clipped").has("offscreen") and elements.one(name="far").has("offscreen")
    assert elements.one(name="under").has("in_view") and not elements.one(name="under").has("on_top")
    assert elements.one(tag="html").has("scrollable") and elements.find(states="scrollable", tag="div")


def test_text_glues_inline_pieces_and_separates_blocks(tab: Tab) -> None:
    elements = tab.load(
        "<p id=p>H<sub>2</sub>O is <b>wet</b>.</p><div>one</div><div>two<br>three</div><pre>a\n  b</pre>"
    ).elements()
    assert elements.one(tag="p").text == "H2O is wet."
    assert elements.one(tag="body").text == "H2O is wet. one two three a\n  b"


def test_nothing_is_written_into_the_page_and_refs_stay(tab: Tab) -> None:
    world = tab.load("<ul><li>a<li>b</ul>")
    before = tab.page.content()
    first = world.raw()
    tab.page.evaluate("document.querySelector('ul').prepend(Object.assign(document.createElement('li'), {textContent: 'new'}))")
    second = world.raw(next=first["next"])
    assert tab.page.evaluate("typeof quintain") == "undefined"
    assert tab.page.content() == before.replace("<ul>", "<ul><li>new</li>")
    old, new = parse(first), parse(second)
    assert new.one(role="listitem", text="b").ref == old.one(role="listitem", text="b").ref
    assert new.one(role="listitem", text="new").ref >= first["next"]
    assert "listitem: new" in new.diff(old) and new.diff(old).count("\n") == 0


def test_open_and_closed_shadow_roots_are_read(tab: Tab) -> None:
    world = tab.load(
        """<div id=open><i slot=s>slotted</i></div><div id=closed></div><my-card></my-card><script>
        const put = (host, mode, html) => { host.attachShadow({mode}).innerHTML = html; };
        put(document.getElementById('open'), 'open', '<button>inside</button><slot name=s></slot>');
        put(document.getElementById('closed'), 'closed', '<button>secret</button>');
        put(document.querySelector('my-card'), 'closed', '<input autofocus aria-label="card number">');</script>"""
    )
    raw = world.raw()
    assert raw["suspects"] == 2 and {"inside", "slotted"} <= set(raw["name"])
    adopt_closed_roots(world)
    raw = world.raw(next=raw["next"])
    elements = parse(raw)
    assert raw["suspects"] == 0
    assert elements.one(name="secret").has("on_top") and elements.find(name="card number")
    assert world.call("resolve", elements.one(name="secret").ref)["status"] == "ok"
    assert world.call("focus", elements.one(name="card number").ref)["status"] == "ok"
    assert world.elements().focused == world.elements().one(name="card number")


def adopt_closed_roots(world: World) -> None:
    listed = world.session.send(
        "Runtime.getProperties", {"objectId": world.evaluate("quintain.suspects()", by_value=False), "ownProperties": True}
    )
    for each in listed["result"]:
        if not each["name"].isdigit():
            continue
        node = world.session.send("DOM.describeNode", {"objectId": each["value"]["objectId"]})["node"]
        for root in node.get("shadowRoots", ()):
            place = {"backendNodeId": root["backendNodeId"], "executionContextId": world.context}
            handle = world.session.send("DOM.resolveNode", place)["object"]["objectId"]
            call = {"functionDeclaration": "function () { quintain.adopt(this); }", "objectId": handle}
            world.session.send("Runtime.callFunctionOn", call)


def test_frames_of_the_same_origin_are_walked_from_the_parent(tab: Tab) -> None:
    world = tab.load(
        """<p>outer</p><iframe style="border:5px solid;padding:3px;margin:0" srcdoc="<body style='margin:0'>
        <button style='margin:0'>inner</button><input autofocus>"></iframe>"""
    )
    tab.page.frames[1].wait_for_selector("input")
    tab.page.frames[1].focus("input")
    elements = world.elements()
    frame, inner = elements.one(tag="iframe"), elements.one(name="inner")
    assert inner.box[:2] == (frame.box[0] + 8, frame.box[1] + 8) and inner.has("on_top")
    assert elements.focused is not None and elements.focused.role == "textbox"
    x, y = world.call("resolve", inner.ref)["point"]
    tab.page.frames[1].evaluate("document.querySelector('button').onclick = () => { document.title = 'hit'; }")
    tab.page.mouse.click(x, y)
    assert tab.page.frames[1].title() == "hit"


def own_session(tab: Tab) -> Any:
    """The session of the second frame: its own where the browser isolates sites, else that of the page."""
    try:
        return tab.page.context.new_cdp_session(tab.page.frames[1])
    except sync_api.Error:
        return tab.session


def test_frames_of_another_origin_are_merged_by_parse(tab: Tab, site: tuple[Path, int]) -> None:
    folder, port = site
    folder.joinpath("outer.html").write_text(
        f"<h1>outer</h1><iframe width=200 height=100 src='http://localhost:{port}/inner.html'></iframe><p>after</p>"
    )
    folder.joinpath("inner.html").write_text(
        "<body style='margin:0'><button>inner</button><p style='height:900px'></p><a href=x>low</a>"
    )
    tab.page.goto(f"http://127.0.0.1:{port}/outer.html")
    world = tab.world()
    raw = world.raw()
    (hole,) = raw["frames"]
    described = tab.session.send(
        "DOM.describeNode", {"objectId": world.evaluate(f"quintain.node({hole['ref']})", by_value=False)}
    )
    inner = World(own_session(tab), described["node"]["frameId"])
    inner_raw = inner.raw(next=raw["next"], dx=hole["dx"], dy=hole["dy"], clip=hole["clip"])
    elements = parse([FrameResult(raw), FrameResult(inner_raw, parent_ref=hole["ref"])])
    assert len(set(elements.ref.tolist())) == len(elements)
    assert [each.name for each in elements if each.role == "text"] == ["outer", "inner", "low", "after"]
    button = elements.one(name="inner")
    assert button.box[:2] == pytest.approx((hole["dx"], hole["dy"]), abs=0.25)
    assert elements.one(role="link").has("offscreen")
    ancestors = []
    while (button := button.parent) is not None:  # type: ignore[assignment]
        ancestors.append(button.tag)
    assert ancestors == ["body", "html", "iframe", "body", "html"]
    point = inner.call("resolve", elements.one(name="inner").ref, {"dx": hole["dx"], "dy": hole["dy"]})["point"]
    assert point[0] > hole["dx"] and point[1] > hole["dy"]


ACTIONS = """<body style="margin:0"><button id=ok>OK</button><button disabled>Off</button>
<button style="display:none" id=gone>Gone</button>
<button id=under style="position:absolute;top:100px;left:0;width:50px;height:20px">Under</button>
<div id=veil role=button aria-label=Close style="position:absolute;top:90px;left:0;width:100px;height:50px"></div>
<div style="height:1500px"></div><button id=low>Low</button>
<select id=s><option value=r>Red</option><option value=b>Blue</option><option disabled>Grey</option></select>
<select id=m multiple><option>One<option>Two<option>Three</select>
<input id=t value=old><input id=d type=date><input id=r type=range>"""


def by_id(elements: Elements, name: str) -> Element:
    return next(each for each in elements if each.attributes.get("id") == name)


def test_resolve_says_why_an_element_cannot_be_acted_on(tab: Tab) -> None:
    tab.page.set_content(ACTIONS)
    world = tab.world()
    tab.page.evaluate("document.getElementById('gone').style.display = ''")
    elements = world.elements()
    tab.page.evaluate("document.getElementById('gone').style.display = 'none'")
    status = {each: world.call("resolve", by_id(elements, each).ref) for each in ("ok", "gone", "under", "low")}
    assert [status[each]["status"] for each in status] == ["ok", "hidden", "covered", "ok"]
    assert status["under"]["by"] == f"button 'Close' [{by_id(elements, 'veil').ref}]"
    assert 0 < status["low"]["point"][1] < 300
    assert world.call("resolve", elements.one(name="Off").ref)["status"] == "disabled"
    assert world.call("resolve", elements.one(role="option", name="Blue").ref)["select"] == by_id(elements, "s").ref
    assert world.call("resolve", 10_000)["status"] == "not_found"
    tab.page.evaluate("document.getElementById('ok').remove()")
    assert world.call("resolve", by_id(elements, "ok").ref)["status"] == "stale"
    world.elements(next=500)
    assert world.call("resolve", by_id(elements, "ok").ref)["status"] == "stale"


def test_a_resolved_point_hits_a_link_that_wraps_over_lines(tab: Tab) -> None:
    world = tab.load("<div style='width:120px;font:16px monospace'>aaaaaaaa <a href='#x'>bbb bbb</a> cc</div>")
    x, y = world.call("resolve", world.elements().one(role="link").ref)["point"]
    tab.page.mouse.click(x, y)
    assert tab.page.evaluate("location.hash") == "#x"


def test_forms_are_filled_in_one_call_each(tab: Tab) -> None:
    world = tab.load(ACTIONS)
    tab.page.evaluate(
        "window.seen = []; for (const type of ['input', 'change']) addEventListener(type, e => seen.push(type + e.target.id))"
    )
    elements = world.elements()
    ref = {each: by_id(elements, each).ref for each in ("s", "m", "t", "d", "r", "ok")}
    assert world.call("selectOption", ref["s"], ["blue"])["selected"] == ["Blue"]
    assert world.call("selectOption", ref["m"], ["One", "Three"])["selected"] == ["One", "Three"]
    missing = world.call("selectOption", ref["s"], ["Green"])
    assert missing["status"] == "no_such_option" and [each["label"] for each in missing["options"]] == ["Red", "Blue", "Grey"]
    assert world.call("selectOption", ref["s"], ["Grey"])["status"] == "disabled"
    assert world.call("selectOption", ref["ok"], ["x"])["status"] == "not_a_select"
    assert world.call("setValue", ref["d"], "2024-02-29")["value"] == "2024-02-29"
    assert world.call("setValue", ref["d"], "29 Feb")["status"] == "invalid_value"
    assert world.call("selectAllText", ref["t"]) | {"name": ""} == {"status": "ok", "ref": ref["t"], "name": "", "length": 3}
    tab.session.send("Input.insertText", {"text": "new"})
    assert tab.page.input_value("#t") == "new"
    assert world.call("selectAllText", ref["d"])["status"] == "settable"
    assert tab.page.evaluate("seen")[:4] == ["inputs", "changes", "inputm", "changem"]


def test_scroll_moves_the_nearest_box_that_can_and_says_where_it_ends(tab: Tab) -> None:
    world = tab.load(
        "<div id=b style='height:50px;overflow:auto'><p style='height:120px'>x</p></div><div style='height:900px'></div>"
    )
    inside = world.elements().one(tag="p").ref
    assert world.call("scroll", inside, 0, 500)["moved"][1] > 0
    assert tab.page.evaluate("[b.scrollTop > 0, scrollY]") == [True, 0]
    assert world.call("scroll", inside, 0, 100)["moved"] == [0, 100]
    assert tab.page.evaluate("scrollY") == 100
    world.call("scroll", None, 0, 5000)
    assert world.call("scroll", None, 0, 10) == {"status": "at_end", "ref": None, "moved": [0, 0]}


def test_listeners_that_the_caller_found_make_elements_clickable(tab: Tab) -> None:
    world = tab.load("<div id=a>x</div><div>y</div><script>a.addEventListener('click', () => {})</script>")
    assert not world.elements().find(states="clickable")
    world.evaluate("quintain.listens(document.querySelector('#a'))")
    assert [each.text for each in world.elements().find(states="clickable")] == ["x"]


def test_file_inputs_are_handed_out_for_cdp(tab: Tab, tmp_path: Path) -> None:
    world = tab.load("<input type=file aria-label=Photo>")
    path = tmp_path / "a.txt"
    path.write_text("x")
    handle = world.evaluate(f"quintain.node({world.elements().one(name='Photo').ref})", by_value=False)
    tab.session.send("DOM.setFileInputFiles", {"objectId": handle, "files": [str(path)]})
    assert world.elements().one(name="Photo").value == "a.txt"


def test_a_large_page_keeps_all_rows_and_its_parents_in_order(tab: Tab) -> None:
    row = "<tr><td><input type=checkbox><td><a href=#>Issue</a><td>open<td>ann<td><button>Edit</button></tr>"
    elements = tab.load(f"<table>{row * 600}</table>").elements()
    assert len(elements.find(role="row")) == 600 and len(elements) > 6000
    assert all(end > at for at, end in enumerate(elements.ends))
    assert len(elements.text(max_tokens=2000)) <= 8000


def test_the_script_and_the_package_name_the_same_roles_and_states(tab: Tab) -> None:
    raw = tab.load("<p>x").raw()
    assert tuple(raw["state_names"]) == STATES and set(raw["roles"]) <= set(ROLES)
