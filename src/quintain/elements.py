"""The accessibility tree of a page, a window or a desktop: one value over arrays, whose nodes are light views.

Rows are in document order (depth first), so that a subtree is a contiguous range of rows. A row is known to agents by its
`ref`, which stays the same for as long as the thing it names lives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UsageError
from .roles import ROLES, STATE_BITS, STATES, atspi_role, role_code, state_bits

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "ROLES",
    "STATES",
    "STATE_BITS",
    "Element",
    "ElementNotFound",
    "Elements",
    "Style",
    "atspi_role",
    "role_code",
    "state_bits",
]
_TEXT = role_code("text")
_NOTHING: Mapping[str, str] = MappingProxyType({})
Style = Literal["axtree", "html", "markdown"]
Pattern = str | re.Pattern[str]


class ElementNotFound(LookupError):
    """No element, or more than one, answers to what was asked for; the message lists what there is."""


class Element:
    """One row of `Elements`, made on access."""

    __slots__ = ("elements", "row")

    def __init__(self, elements: Elements, row: int) -> None:
        self.elements = elements
        self.row = row

    @property
    def ref(self) -> int:
        return int(self.elements.ref[self.row])

    @property
    def role(self) -> str:
        return ROLES[int(self.elements.role[self.row])]

    @property
    def name(self) -> str:
        return self.elements.name[self.row]

    @property
    def value(self) -> str | None:
        return self.elements.value[self.row]

    @property
    def tag(self) -> str:
        return self.elements.tag[self.row]

    @property
    def attributes(self) -> Mapping[str, str]:
        return self.elements.attributes[self.row] or _NOTHING

    @property
    def states(self) -> frozenset[str]:
        bits = int(self.elements.states[self.row])
        return frozenset(name for name, bit in STATE_BITS.items() if bits & bit)

    def has(self, state: str) -> bool:
        """Whether a state is set."""
        return bool(int(self.elements.states[self.row]) & STATE_BITS[state])

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x, y, width, height in pixels of the unscaled viewport or screen."""
        x, y, width, height = self.elements.box[self.row].tolist()
        return x, y, width, height

    @property
    def center(self) -> tuple[float, float]:
        x, y, width, height = self.box
        return x + width / 2, y + height / 2

    @property
    def parent(self) -> Element | None:
        row = int(self.elements.parent[self.row])
        return Element(self.elements, row) if row >= 0 else None

    @property
    def children(self) -> list[Element]:
        ends = self.elements.ends
        rows, row = [], self.row + 1
        while row < ends[self.row]:
            rows.append(Element(self.elements, row))
            row = ends[row]
        return rows

    def descendants(self) -> Iterator[Element]:
        """All rows below this one, in document order."""
        for row in range(self.row + 1, self.elements.ends[self.row]):
            yield Element(self.elements, row)

    @property
    def text(self) -> str:
        """The text of the subtree, with single spaces between pieces that do not touch; without any, the name."""
        return self.elements.text_of(self.row)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self.row == other.row and (self.elements is other.elements or self.elements == other.elements)

    def __hash__(self) -> int:
        return hash((self.ref, self.row))

    def __repr__(self) -> str:
        name = self.name if len(self.name) <= 60 else self.name[:59] + "…"
        return f"{self.role} {name!r} [{self.ref}]"


class Elements:
    """An accessibility tree of n rows; immutable, compared by value.

    `ref` int32[n]; `parent` int32[n], the row of the parent, -1 for a root; `role` uint8[n], positions in `roles.ROLES`; `name`,
    `value` and `tag` (of HTML, else empty) tuples; `attributes` a tuple of small mappings or None; `box` float32[n, 4]: x, y,
    width, height in pixels of the unscaled viewport or screen; `states` uint32[n], bits of `roles.STATES`. Raises `UsageError`
    where lengths differ.
    """

    def __init__(
        self,
        *,
        ref: ArrayLike = (),
        parent: ArrayLike = (),
        role: ArrayLike = (),
        name: Iterable[str] = (),
        value: Iterable[str | None] = (),
        tag: Iterable[str] = (),
        attributes: Iterable[Mapping[str, str] | None] = (),
        box: ArrayLike = (),
        states: ArrayLike = (),
    ) -> None:
        self.ref: NDArray[np.int32] = _frozen(ref, np.int32)
        self.parent: NDArray[np.int32] = _frozen(parent, np.int32)
        self.role: NDArray[np.uint8] = _frozen(role, np.uint8)
        self.states: NDArray[np.uint32] = _frozen(states, np.uint32)
        self.box: NDArray[np.float32] = _frozen(np.asarray(box, np.float32).reshape(-1, 4), np.float32)
        self.name, self.value, self.tag = tuple(name), tuple(value), tuple(tag)
        self.attributes = tuple(attributes)
        lengths = {column: len(getattr(self, column)) for column in _COLUMNS}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"columns of elements differ in length: {lengths}")

    @classmethod
    def of(cls, nodes: Iterable[Mapping[str, Any]]) -> Elements:
        """From one mapping for each row, whose keys are columns, all optional.

        The role is an ARIA name, the states are names, the parent is a row; a missing `ref` is the row number + 1, a missing
        `parent` is -1, missing `states` are visible and in_view.
        """
        rows = list(nodes)
        return cls(
            ref=[node.get("ref", row + 1) for row, node in enumerate(rows)],
            parent=[node.get("parent", -1) for node in rows],
            role=[role_code(node.get("role", "generic")) for node in rows],
            name=[node.get("name", "") for node in rows],
            value=[node.get("value") for node in rows],
            tag=[node.get("tag", "") for node in rows],
            attributes=[dict(node["attributes"]) if node.get("attributes") else None for node in rows],
            box=[node.get("box", (0, 0, 0, 0)) for node in rows],
            states=[state_bits(node.get("states", ("visible", "in_view"))) for node in rows],
        )

    def __len__(self) -> int:
        return len(self.ref)

    def __iter__(self) -> Iterator[Element]:
        return (Element(self, row) for row in range(len(self)))

    def __contains__(self, ref: object) -> bool:
        return ref in self._rows

    def __getitem__(self, ref: int) -> Element:
        row = self._rows.get(ref)
        if row is None:
            raise ElementNotFound(f"no element has ref {ref!r} in this observation of {len(self)} elements{self._range()}")
        return Element(self, row)

    def row(self, row: int) -> Element:
        """The element of a row (0 .. n-1)."""
        return Element(self, range(len(self))[row])

    @cached_property
    def ends(self) -> list[int]:
        """For each row, the row after the last of its subtree."""
        parents: list[int] = self.parent.tolist()
        stack: list[int] = []
        ends = [len(parents)] * len(parents)
        for row, parent in enumerate(parents):
            while stack and stack[-1] != parent:
                ends[stack.pop()] = row
            if parent != -1 and not stack:
                raise UsageError(f"elements are not in depth-first order: row {row} has parent {parent}")
            stack.append(row)
        return ends

    @cached_property
    def focused(self) -> Element | None:
        """The innermost focused element."""
        rows = np.flatnonzero(self.states & np.uint32(STATE_BITS["focused"]))
        return Element(self, int(rows[-1])) if len(rows) else None

    def text_of(self, row: int) -> str:
        """See `Element.text`."""
        text_role, glued = _TEXT, STATE_BITS["glued"]
        rows = row + np.flatnonzero(self.role[row : self.ends[row]] == text_role)
        if not len(rows):
            return self.name[row]
        parts: list[str] = []
        for each in rows.tolist():
            if parts and not int(self.states[each]) & glued:
                parts.append(" ")
            parts.append(self.name[each])
        return "".join(parts).strip()

    def find(
        self,
        *,
        role: str | Iterable[str] | None = None,
        name: Pattern | None = None,
        text: Pattern | None = None,
        tag: str | Iterable[str] | None = None,
        states: str | Iterable[str] = (),
        visible: bool | None = True,
    ) -> list[Element]:
        """The elements that answer to all conditions, in document order; rows of role `text` only where `role` asks for them.

        `name` and `text` are equal to a string, or searched by a compiled pattern; with `text` only the innermost elements that
        answer are returned. `visible=None` also finds what is not shown, `visible=False` only that.
        """
        keep = np.ones(len(self), np.bool_)
        if role is not None:
            keep &= np.isin(self.role, [role_code(each) for each in ([role] if isinstance(role, str) else role)])
        else:
            keep &= self.role != _TEXT
        bits = np.uint32(state_bits([states] if isinstance(states, str) else states))
        keep &= (self.states & bits) == bits
        if visible is not None:
            keep &= ((self.states & np.uint32(STATE_BITS["visible"])) != 0) == visible
        rows: list[int] = np.flatnonzero(keep).tolist()
        if tag is not None:
            tags = {tag} if isinstance(tag, str) else set(tag)
            rows = [row for row in rows if self.tag[row] in tags]
        if name is not None:
            rows = [row for row in rows if _matches(name, self.name[row])]
        if text is not None:
            rows = self._innermost([row for row in rows if _matches(text, self.text_of(row))])
        return [Element(self, row) for row in rows]

    def one(self, **conditions: Any) -> Element:
        """The only element that answers to the conditions of `find`; `ElementNotFound` if there is none or more than one."""
        found = self.find(**conditions)
        if len(found) == 1:
            return found[0]
        asked = ", ".join(f"{key}={value!r}" for key, value in conditions.items())
        if found:
            first = ", ".join(map(repr, found[:5]))
            raise ElementNotFound(f"{len(found)} elements answer to {asked}: {first}; ask more narrowly")
        roles = conditions.get("role")
        like = self.find(role=roles)[:8] if isinstance(roles, str) else []
        hint = f"; of that role there are {', '.join(map(repr, like))}" if like else ""
        raise ElementNotFound(f"no element answers to {asked} among {len(self)} elements{hint}")

    def text(
        self,
        style: Style = "axtree",
        *,
        max_tokens: int | None = None,
        only_visible: bool = True,
        with_boxes: bool = False,
        with_refs: bool = True,
    ) -> str:
        """The tree as text for a language model.

        Past `max_tokens` (estimated as characters / 4) whole subtrees are left out, those farthest from the view and the focus
        first, and the last line says how many elements that were.
        """
        from .elements_text import render

        shown = {"only_visible": only_visible, "with_boxes": with_boxes, "with_refs": with_refs}
        return render(self, style, max_tokens=max_tokens, **shown)

    def diff(self, previous: Elements, *, max_tokens: int | None = None) -> str:
        """What appeared (`+`), went (`-`) and changed (`~`) since `previous`, one element a line; empty if nothing did."""
        from .elements_text import difference

        return difference(self, previous, max_tokens=max_tokens)

    def marks(self, screenshot: NDArray[np.uint8], *, scale: float = 1.0, refs: Iterable[int] | None = None) -> NDArray[np.uint8]:
        """A copy of the screenshot (H x W x 3) with a numbered box on each element that can be clicked or edited (set-of-marks).

        `scale` is screenshot pixels for each pixel of `box`; `refs` picks the elements instead. Needs Pillow.
        """
        from .marks import draw

        return draw(self, screenshot, scale=scale, refs=refs)

    def to_jsonable(self) -> dict[str, Any]:
        """A compact JSON-compatible form, from which `from_jsonable` makes an equal value."""
        from .elements_json import dump

        return dump(self)

    @classmethod
    def from_jsonable(cls, data: Mapping[str, Any]) -> Elements:
        """The inverse of `to_jsonable`; `UsageError` for data that is no such form."""
        from .elements_json import columns

        return cls(**columns(data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Elements):
            return NotImplemented
        return self is other or (
            np.array_equal(self.ref, other.ref)
            and np.array_equal(self.parent, other.parent)
            and np.array_equal(self.role, other.role)
            and np.array_equal(self.states, other.states)
            and np.array_equal(self.box, other.box)
            and (self.name, self.value, self.tag, self.attributes) == (other.name, other.value, other.tag, other.attributes)
        )

    def __hash__(self) -> int:
        return hash((self.ref.tobytes(), self.name))

    def __repr__(self) -> str:
        return f"Elements({len(self)} elements{self._range()})"

    def __deepcopy__(self, memo: object) -> Elements:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (tuple(getattr(self, column) for column in _COLUMNS),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from .elements_json import core_schema

        return core_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "object", "title": "Elements"}

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {ref: row for row, ref in enumerate(self.ref.tolist())}

    def _range(self) -> str:
        return f" with refs {self.ref.min()}..{self.ref.max()}" if len(self) else ""

    def _innermost(self, rows: list[int]) -> list[int]:
        return [row for row, after in zip(rows, [*rows[1:], len(self)], strict=True) if after >= self.ends[row]]


_COLUMNS = ("ref", "parent", "role", "name", "value", "tag", "attributes", "box", "states")


def _restore(columns: tuple[Any, ...]) -> Elements:
    return Elements(**dict(zip(_COLUMNS, columns, strict=True)))


def _frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array


def _matches(pattern: Pattern, text: str) -> bool:
    return text == pattern if isinstance(pattern, str) else pattern.search(text) is not None
