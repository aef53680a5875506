"""The browser as a user meets it: `quintain.make` on pages of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import Open

from quintain.spaces import (
    Back,
    Check,
    Click,
    CloseTab,
    Drag,
    FocusTab,
    Forward,
    Goto,
    Hover,
    NewTab,
    Noop,
    Point,
    Press,
    Reload,
    Scroll,
    Select,
    Type,
    Upload,
)  # fmt: skip


def test_a_form_is_filled_and_its_late_result_is_in_the_observation_of_the_click(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text("x")
    page = open_page(uploads=str(tmp_path))
    page.do(Type(target=page.ref("textbox", "Name"), text="Zoë <b> 漢 😀"))
    page.do(Select(target=page.ref("combobox", "City"), options=("Oslo",)))
    page.do(Type(target=page.ref("textbox", "Day"), text="2024-02-29"))
    page.do(Upload(target=page.ref("button", "File"), files=("photo.txt",)))
    seen = page.do(Click(target=page.ref("button", "Send")))
    assert seen.error is None
    assert "Zoë <b> 漢 😀,o,2024-02-29,1" in page.text()


def test_typing_appends_and_clear_replaces(open_page: Open) -> None:
    page = open_page()
    notes = page.ref("textbox", "Notes")
    page.do(Type(target=notes, text=" and new"))
    assert page.seen.elements is not None and page.seen.elements[notes].value == "old and new"
    page.do(Type(target=notes, text="fresh", clear=True))
    assert page.seen.elements[notes].value == "fresh"
    page.do(Type(target=notes, text="", clear=True))
    assert not page.seen.elements[notes].value


@pytest.mark.parametrize(
    ("role", "name", "kind", "reason"),
    [
        ("button", "Late", "click", "button 'Late' [{ref}] is disabled"),
        ("button", "Under", "click", "is covered by dialog 'Cookies'"),
        ("textbox", "Fixed", "type", "is read-only"),
        ("button", "Send", "type", "takes no text"),
        ("combobox", "City", "select", "has no option 'Paris'; it has 'Rome', 'Oslo', 'Nowhere'"),
        ("textbox", "Day", "type", "does not take 'tomorrow'"),
    ],
)
def test_what_cannot_be_done_is_said_exactly(open_page: Open, role: str, name: str, kind: str, reason: str) -> None:
    page = open_page()
    ref = page.ref(role, name)
    text = "tomorrow" if name == "Day" else "x"
    action = {"click": Click(target=ref), "type": Type(target=ref, text=text), "select": Select(target=ref, options=("Paris",))}[
        kind
    ]
    error = page.do(action).error
    assert error is not None and reason.format(ref=ref) in error


def test_check_is_idempotent_and_refuses_what_it_cannot_do(open_page: Open) -> None:
    html = """<label><input type=checkbox id=a>Box</label><label><input type=radio name=r>One</label>
    <span role=switch tabindex=0 aria-checked=false
    onclick="this.setAttribute('aria-checked', this.getAttribute('aria-checked') != 'true')">
    Lamp</span><button>Plain</button>"""
    page = open_page(html)

    def checked(role: str) -> bool:
        assert page.seen.elements is not None
        return page.seen.elements.one(role=role).has("checked")

    for role, name in (("checkbox", "Box"), ("switch", "Lamp"), ("radio", "One")):
        for _ in range(2):
            assert page.do(Check(target=page.ref(role, name))).error is None
            assert checked(role)
    page.do(Check(target=page.ref("checkbox", "Box"), checked=False))
    assert not checked("checkbox")
    assert "choose another one" in (page.do(Check(target=page.ref("radio", "One"), checked=False)).error or "")
    assert "no checkbox" in (page.do(Check(target=page.ref("button", "Plain"))).error or "")


def test_native_lists_and_pickers_stay_shut(open_page: Open) -> None:
    html = """<select aria-label=List id=s><option>a<option>b<option>c</select><input type=date aria-label=Day>
    <input type=color aria-label=Hue><button onclick="document.querySelector('[type=date]').showPicker()">Show</button>
    <p id=o></p>
    <script>s.onchange = () => o.textContent = 'chose ' + s.value</script>"""
    page = open_page(html, observe=("elements", "screenshot"))
    for name in ("List", "Day", "Hue", "Show"):
        assert page.seen.elements is not None
        x, y, width, height = page.seen.elements.one(name=name).box
        page.do(Click(target=Point(x=x + width - 8, y=y + height / 2)))
        assert page.do(Press(keys="Alt+ArrowDown")).error is None
    page.do(Click(target=page.ref("combobox", "List")))
    page.do(Press(keys="ArrowDown"))
    assert "chose b" in page.text()
    page.do(Click(target=page.ref("option", "c")))
    assert "chose c" in page.text()


def test_refs_that_are_unknown_or_gone_are_told_apart(open_page: Open) -> None:
    page = open_page()
    assert "no element has ref 9999" in (page.do(Click(target=9999)).error or "")
    ref = page.ref("button", "Vanish")
    assert page.do(Click(target=ref)).error is None
    assert "is gone from the page" in (page.do(Click(target=ref)).error or "")
    assert "outside the view" in (page.do(Click(target=Point(x=9999, y=5))).error or "")


def test_an_element_out_of_view_is_scrolled_to(open_page: Open) -> None:
    page = open_page()
    page.do(Click(target=page.ref("button", "Deep")))
    assert "deep" in page.text()
    assert page.do(Scroll(target=page.ref("button", "Deep"), dy=-500)).error is None
    assert "scrolls further" in (page.do(Scroll(dy=-500)).error or "")


def test_refs_stay_the_same_and_nothing_is_written_into_the_page(open_page: Open) -> None:
    html = """<button>A</button>
    <button onclick="this.title = document.documentElement.outerHTML === before ? 'same' : 'changed'">B</button>
    <script>let before; onload = () => before = document.documentElement.outerHTML</script>"""
    page = open_page(html)
    refs = page.ref("button", "A"), page.ref("button", "B")
    page.do(Noop())
    assert (page.ref("button", "A"), page.ref("button", "B")) == refs
    page.do(Click(target=refs[1]))
    assert page.seen.elements is not None
    assert (page.seen.elements[refs[1]].attributes or {})["title"] == "same"


def test_tabs_history_and_popups(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "two.html").write_text("<title>Two</title><p>second</p>")
    page = open_page("<title>One</title><a href=two.html>next</a> <a href=two.html target=_blank>pop</a>")
    page.do(Click(target=page.ref("link", "next")))
    assert page.seen.windows[0].title == "Two"
    assert page.do(Back()).windows[0].title == "One"
    assert page.do(Forward()).windows[0].title == "Two"
    assert "no page to go forward" in (page.do(Forward()).error or "")
    page.do(Goto(url="root:/index.html"))
    page.do(Click(target=page.ref("link", "pop")))
    assert [(w.title, w.active) for w in page.seen.windows] == [("One", False), ("Two", True)]
    assert "second" in page.text()
    page.do(FocusTab(index=0))
    assert page.seen.windows[0].active
    page.do(NewTab(url="root:/two.html"))
    assert len(page.seen.windows) == 3
    page.do(CloseTab())
    page.do(CloseTab(index=1))
    assert [w.title for w in page.seen.windows] == ["One"]
    assert page.do(CloseTab()).windows[0].url == "about:blank"
    assert "there is no tab 7" in (page.do(FocusTab(index=7)).error or "")
    assert page.do(Reload()).error is None


def test_a_popup_can_be_photographed(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "two.html").write_text("<body style='margin:0;background:rgb(0,0,255)'>")
    page = open_page("<a href=two.html target=_blank>pop</a>", observe=("elements", "screenshot"), viewport=[200, 100])
    seen = page.do(Click(target=page.ref("link", "pop")))
    assert seen.screenshot is not None and tuple(seen.screenshot[50, 50]) == (0, 0, 255)


def test_dialogs_and_downloads_are_told(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"x" * 100)
    page = open_page("<button onclick=\"alert('careful')\">Warn</button><a href=data.bin download>get</a>")
    messages = page.do(Click(target=page.ref("button", "Warn"))).messages
    assert "dialog (alert), which was accepted: 'careful'" in messages[-1].text
    page.do(Click(target=page.ref("link", "get")))
    assert any("download of 'data.bin'" in message.text for message in page.seen.messages)


def test_frames_and_closed_shadow_roots_are_read_and_acted_in(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "inner.html").write_text("<button onclick=\"this.textContent='pressed'\">Inner</button>")
    html = """<p style="height:40px">top<iframe src=inner.html style="width:200px;height:80px"></iframe><div id=host></div>
    <script>host.attachShadow({mode: 'closed'}).innerHTML =
    '<button onclick="this.textContent = `done`">Secret</button>'</script>"""
    page = open_page(html)
    page.do(Click(target=page.ref("button", "Inner")))
    page.do(Click(target=page.ref("button", "Secret")))
    assert page.seen.error is None
    assert "pressed" in page.text() and "done" in page.text()


def test_drag_hover_wheel_and_keys(open_page: Open) -> None:
    html = """<style>#h:hover::after{content:' warm'}</style><div id=h tabindex=0>spot</div>
    <div id=a style="position:absolute;left:20px;top:60px;width:40px;height:40px;background:red" role=img aria-label=Knob></div>
    <input aria-label=Field value=abc><p id=log></p><script>let at;
    a.onmousedown = e => at = e.clientX; onmouseup = e => { if (at) log.textContent = 'moved ' + (e.clientX - at); at = 0; };
    onkeydown = e => { if (e.ctrlKey) log.textContent = 'ctrl ' + e.key; };</script>"""
    page = open_page(html)
    knob = page.ref("image", "Knob")
    page.do(Drag(target=knob, to=Point(x=140, y=80)))
    assert "moved 100" in page.text()
    assert page.do(Hover(target=Point(x=20, y=15))).error is None
    page.do(Press(keys="Control+a", target=page.ref("textbox", "Field")))
    assert "ctrl a" in page.text()
    page.do(Type(text="Z"))
    assert page.seen.elements is not None and page.seen.elements.one(role="textbox").value == "Z"
    assert "no key is named" in (page.do(Press(keys="Hyperspace")).error or "")
