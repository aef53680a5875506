"""The reading view of `Elements`: Markdown in which what can be acted on carries its ref."""

from __future__ import annotations

from .elements import Element, Elements
from .elements_outline import CLICKABLE_BY_NATURE, INLINE_TAGS, Line, Options, labelled_control, quoted, state_words

_NAMED_OPTIONS = 20
_CONTROLS = CLICKABLE_BY_NATURE - {"label"}


def markdown(elements: Elements, options: Options) -> list[Line]:
    """The lines of the view; they have no depth."""
    page = _Page(options)
    for element in elements:
        if element.parent is None:
            page.visit(element)
    page.end()
    return page.lines


class _Page:
    """Collects inline pieces into lines; a block begins and ends a line."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lines: list[Line] = []
        self.pieces: list[str] = []
        self.lead = ""
        self.row = 0
        self.lists = 0

    def visit(self, element: Element) -> None:
        role, shown = element.role, self.options.shows(element)
        if role == "text":
            if shown:
                self.put(element.name, element, glued=element.has("glued"))
        elif role == "row":
            self.table_row(element)
        elif role in ("treeitem", "listbox") and element.tag != "select":
            self.holder(element)
        elif role in _CONTROLS or element.has("editable"):
            if shown:
                self.put(self.control(element), element)
        elif role in ("image", "graphics-symbol"):
            if element.children and not element.name and role == "image":
                self.block(element, "")
            elif shown and (element.name or element.has("clickable")):
                self.put(f"![{_caption(element)}]" + (f"({self.ref(element)})" if element.has("clickable") else ""), element)
        elif element.tag in INLINE_TAGS and role != "list":
            self.inline(element, shown)
        else:
            self.lists += role == "list"
            self.block(element, self.prefix(element, shown))
            self.lists -= role == "list"

    def inline(self, element: Element, shown: bool) -> None:
        control = labelled_control(element)
        if control is not None:
            self.visit(control)
        elif shown and self.options.with_refs and element.has("clickable") and element.role != "label":
            self.put(f"[{element.text}]({self.ref(element)})", element)
        else:
            for child in element.children:
                self.visit(child)

    def block(self, element: Element, prefix: str) -> None:
        self.end()
        self.lead += prefix
        for child in element.children:
            self.visit(child)
        self.end()
        self.lead = ""

    def holder(self, element: Element) -> None:
        """A control on its own line, and then the controls in it."""
        self.end()
        if self.options.shows(element):
            self.put(self.control(element), element)
            self.end()
        for child in element.children:
            if child.role != "text":
                self.visit(child)

    def prefix(self, element: Element, shown: bool) -> str:
        ref = f"({self.ref(element)}) " if shown and self.options.with_refs and element.has("clickable") else ""
        if element.role == "heading":
            level = int(element.tag[1]) if element.tag[:1] == "h" and element.tag[1:].isdigit() else 2
            return "#" * level + " " + ref
        if element.role == "listitem":
            return "  " * max(0, self.lists - 1) + "- " + ref
        return ref

    def table_row(self, element: Element) -> None:
        self.end()
        cells = []
        for cell in element.children:
            if self.options.shows(cell):
                inner = _Page(self.options)
                inner.block(cell, "")
                cells.append(" ".join(line.head for line in inner.lines))
        if cells:
            self.put("| " + " | ".join(cells) + " |", element)
        self.end()

    def ref(self, element: Element) -> str:
        return f"#{element.ref}" if self.options.with_refs else element.attributes.get("href", "")

    def control(self, element: Element) -> str:
        if element.role == "link":
            return f"[{element.name or element.text}]({self.ref(element)})"
        ref = self.ref(element) if self.options.with_refs else ""
        value = f" = {quoted(element.value)}" if element.value and element.value != element.name else ""
        value += _choices(element)
        words = [element.role, quoted(element.name) if element.name else "", ref, *state_words(element, self.options)]
        return "{" + " ".join(word for word in words if word) + value + "}"

    def put(self, piece: str, element: Element, *, glued: bool = False) -> None:
        if not self.pieces:
            self.row = element.row
            self.pieces.append(self.lead)
            self.lead = ""
        elif not glued or self.pieces[-1].endswith("}"):
            self.pieces.append(" ")
        self.pieces.append(piece)

    def end(self) -> None:
        line = "".join(self.pieces).rstrip()
        if line:
            self.lines.append(Line(self.row, 0, -1, line))
        self.pieces = []


def _choices(element: Element) -> str:
    """The options of a drop-down or list, of which a long one names the first."""
    names = [each.name for each in element.descendants() if each.role == "option"] if element.tag == "select" else []
    more = f" | {len(names) - _NAMED_OPTIONS} more" if len(names) > _NAMED_OPTIONS else ""
    return f": {' | '.join(names[:_NAMED_OPTIONS])}{more}" if names else ""


def _caption(element: Element) -> str:
    attributes = element.attributes
    if element.role == "graphics-symbol":
        return " ".join(word for word in (element.text or element.tag, attributes.get("fill", "")) if word)
    return element.name or attributes.get("id") or attributes.get("class", "")
