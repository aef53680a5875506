"""The outline of `Elements` (an indented accessibility tree) and its pruned HTML, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from .elements import Element, Elements
from .roles import STATE_BITS, role_code

_INTERACTIVE = STATE_BITS["clickable"] | STATE_BITS["editable"] | STATE_BITS["focused"] | STATE_BITS["scrollable"]
_SHOWN_STATES = (
    *("focused", "checked", "mixed", "pressed", "selected", "disabled", "required", "readonly"),
    *("expanded", "collapsed", "multiline", "invalid", "modal", "scrollable", "offscreen"),
)
CLICKABLE_BY_NATURE = frozenset(
    {"button", "checkbox", "combobox", "link", "listbox", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio"}
    | {"searchbox", "slider", "spinbutton", "switch", "tab", "textbox", "treeitem", "summary", "label"}
)
_STRUCTURE = frozenset({"generic", "none", "rowgroup", "strong", "emphasis", "code", "mark", "legend", "caption"})
_EMPTY_SAYS_NOTHING = frozenset({"status", "log", "alert", "tooltip", "region", "group", "paragraph", "list", "form", "label"})
INLINE_TAGS = frozenset(
    {"", "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "kbd", "label", "mark", "q", "s", "samp"}
    | {"small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"}
)
_SHAPES = frozenset({"circle", "ellipse", "line", "path", "polygon", "polyline", "rect"})
_LOOKS = ("fill", "background-color")
_VOID_TAGS = frozenset({"area", "embed", "hr", "img", "input"})
_HTML_ATTRIBUTES = (
    *("id", "class", "type", "name", "for", "href", "placeholder", "title", "alt", "min", "max"),
    *("fill", "background-color"),
)


@dataclass(slots=True)
class Line:
    """A line of a view: its row, its depth, the line above it in the tree, and what closes it below its children."""

    row: int
    depth: int
    parent: int
    head: str
    tail: str = ""
    is_text: bool = False
    block: int = -1
    bare: bool = False
    """Says nothing by itself: worth its room only with something below it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a view shows of each element."""

    only_visible: bool
    with_boxes: bool
    with_refs: bool

    def shows(self, element: Element) -> bool:
        return not self.only_visible or element.has("visible")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _box(element: Element) -> str:
    return "box=" + ",".join(f"{number:g}" for number in element.box)


# ---- outline ----


def labelled_control(element: Element) -> Element | None:
    """The control that a label wraps and that already bears its text as a name."""
    if element.role != "label":
        return None
    controls = (each for each in element.descendants() if each.role in CLICKABLE_BY_NATURE and each.has("visible"))
    control = next(controls, None)
    return control if control is not None and control.name == element.text else None


def _decorates(element: Element, holder: Element) -> bool:
    """Whether the element is a picture on a control that says the same."""
    if element.role not in ("image", "graphics-symbol") or holder.role not in CLICKABLE_BY_NATURE or _is_active(element):
        return False
    return bool(holder.name) and element.name in holder.name


def _is_active(element: Element) -> bool:
    return bool(int(element.elements.states[element.row]) & _INTERACTIVE)


def _is_structure(element: Element) -> bool:
    """Whether the outline passes over the element to what is in it."""
    if element.role == "text" or element.tag in _SHAPES:
        return False
    if element.role not in _STRUCTURE:
        return False
    named = element.name and element.role in ("generic", "none")
    return element.tag in ("body", "html") or not (_is_active(element) or named)


def _label(element: Element, options: Options) -> str:
    role, name = element.role, element.name
    kind = element.tag if element.tag and role in ("generic", "none", "graphics-symbol") else role
    parts = [f"[{element.ref}] {kind}" if options.with_refs else kind]
    if name:
        parts.append(quoted(name))
    if element.value and element.value != name:
        parts.append(f"value={quoted(element.value)}")
    attributes = element.attributes
    if role in ("textbox", "slider", "spinbutton") and attributes.get("type", "text") not in ("text", "number", "range"):
        parts.append(f"type={attributes['type']}")
    if attributes.get("placeholder", name) != name:
        parts.append(f"placeholder={quoted(attributes['placeholder'])}")
    parts += [f"{key}={attributes[key]}" for key in _LOOKS if key in attributes]
    if (kind == element.tag or role == "image") and not name and not element.text:
        parts += [f"{key}={quoted(attributes[key])}" for key in ("id", "class") if key in attributes]
    parts += state_words(element, options)
    if options.with_boxes:
        parts.append(_box(element))
    return " ".join(parts)


def state_words(element: Element, options: Options) -> Iterator[str]:
    states = element.states
    if "clickable" in states and element.role not in CLICKABLE_BY_NATURE:
        yield "clickable"
    for state in _SHOWN_STATES:
        if state in states and not (state == "offscreen" and element.role == "option"):
            yield state
    if "checkable" in states and not states & {"checked", "mixed", "pressed"}:
        yield "unchecked" if element.role != "button" else "unpressed"
    if not options.only_visible and "visible" not in states:
        yield "hidden"


def outline(elements: Elements, options: Options) -> list[Line]:
    lines: list[Line] = []

    def visit(element: Element, depth: int, parent: int, block: int) -> None:
        shown = options.shows(element)
        if element.role == "text":
            if shown:
                _add_text(lines, element, depth, parent, block)
            return
        control = labelled_control(element)
        if shown and control is not None:
            visit(control, depth, parent, block)
            return
        inner = block if element.tag in INLINE_TAGS and _is_structure(element) else element.row
        if not shown or _is_structure(element):
            for child in element.children:
                visit(child, depth, parent, inner)
            return
        if parent >= 0 and _decorates(element, elements.row(lines[parent].row)):
            return
        own = len(lines)
        lines.append(Line(element.row, depth, parent, _label(element, options), bare=not (element.name or element.value)))
        for child in element.children:
            visit(child, depth + 1, own, element.row)
        _fold(lines, own, element)
        if lines[own].bare and own == len(lines) - 1 and element.role in _EMPTY_SAYS_NOTHING and not _is_active(element):
            del lines[own]

    for element in elements:
        if element.parent is None:
            visit(element, 0, -1, -1)
    for line in lines:
        if line.is_text:
            line.head = f"text {quoted(line.head)}"
    return lines


def _add_text(lines: list[Line], element: Element, depth: int, parent: int, block: int) -> None:
    last = lines[-1] if lines else None
    if last is not None and last.is_text and last.parent == parent and last.block == block:
        last.head += ("" if element.has("glued") else " ") + element.name
    else:
        lines.append(Line(element.row, depth, parent, element.name, is_text=True, block=block))


def _fold(lines: list[Line], own: int, element: Element) -> None:
    """Drop text that repeats the name; put a lone text behind an element without a name, a lone element in its cell's place."""
    below = lines[own + 1 :]
    if len(below) == 1 and not below[0].is_text and element.role in ("cell", "gridcell") and not _is_active(element):
        below[0].depth, below[0].parent = lines[own].depth, lines[own].parent
        lines[own:] = below
        return
    if not below or not all(line.is_text for line in below):
        return
    said = " ".join(line.head for line in below)
    if said.split() == element.name.split() or said == (element.value or ""):
        del lines[own + 1 :]
    elif len(below) == 1 and not element.name:
        lines[own].head += f": {said}"
        lines[own].bare = False
        del lines[own + 1 :]


# ---- HTML ----


def html(elements: Elements, options: Options) -> list[Line]:
    lines: list[Line] = []

    def visit(element: Element, depth: int, parent: int) -> None:
        shown, attributes = options.shows(element), element.attributes
        if element.role == "text":
            if shown:
                _add_text(lines, element, depth, parent, int(elements.parent[element.row]))
            return
        if not shown or (_is_structure(element) and not ("id" in attributes or "class" in attributes)):
            for child in element.children:
                visit(child, depth, parent)
            return
        own, tag = len(lines), element.tag or element.role
        lines.append(Line(element.row, depth, parent, _open_tag(element, tag, options), bare=True))
        for child in element.children:
            visit(child, depth + 1, own)
        below = lines[own + 1 :]
        if not below or (len(below) == 1 and below[0].is_text):
            inner = below[0].head if below else element.value or _spoken(element)
            lines[own].head += "" if tag in _VOID_TAGS else f"{escape(inner, quote=False)}</{tag}>"
            lines[own].bare = not inner
            del lines[own + 1 :]
        else:
            lines[own].tail = f"</{tag}>"

    for element in elements:
        if element.parent is None:
            visit(element, 0, -1)
    for line in lines:
        if line.is_text:
            line.head = escape(line.head, quote=False)
    return lines


def _spoken(element: Element) -> str:
    """The name, where it is not what the texts below say."""
    elements, row = element.elements, element.row
    has_text = bool((elements.role[row : elements.ends[row]] == role_code("text")).any())
    return "" if has_text and element.name == element.text else element.name


def _open_tag(element: Element, tag: str, options: Options) -> str:
    attributes, states = element.attributes, element.states
    parts = [tag]
    if options.with_refs:
        parts.append(f"ref={element.ref}")
    parts += [f'{key}="{escape(attributes[key])}"' for key in _HTML_ATTRIBUTES if key in attributes]
    inside = tag not in _VOID_TAGS and not element.value and not element.children
    if not inside and _spoken(element) and element.name not in attributes.values():
        parts.append(f'aria-label="{escape(element.name)}"')
    if element.value is not None and (tag in _VOID_TAGS or element.children):
        parts.append(f'value="{escape(element.value)}"')
    parts += [state for state in _SHOWN_STATES if state in states and not (state == "offscreen" and tag == "option")]
    if options.with_boxes:
        parts.append(_box(element))
    return f"<{' '.join(parts)}>"
