"""Kitchens from their grid text: the five layouts of Carroll et al. (2019), and any other for two cooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LAYOUTS: Mapping[str, str] = {
    "cramped_room": """
        XXPXX
        O  2O
        X1  X
        XDXSX""",
    "asymm_advantages": """
        XXXXXXXXX
        O XSXOX S
        X   P 1 X
        X2  P   X
        XXXDXDXXX""",
    "coord_ring": """
        XXXPX
        X 1 P
        D2X X
        O   X
        XOSXX""",
    "forced_coord": """
        XXXPX
        O X1P
        O2X X
        D X X
        XXXSX""",
    "counter_circuit": """
        XXXPPXXX
        X  2   X
        D XXXX S
        X  1   X
        XXXOOXXX""",
}
FLOOR, COUNTER, ONIONS, POT, DISHES, SERVING = " ", "X", "O", "P", "D", "S"
NAMES = {ONIONS: "onions (O)", POT: "pot (P)", DISHES: "dishes (D)", SERVING: "serving place (S)"}
WALLED = {"W": COUNTER, "X": SERVING, "B": DISHES, "A": "A"}
"""The letters of texts that have a W: there it is the counter, and X the serving place."""
COOKS = 2


class Kitchen(NamedTuple):
    """Cells are numbered row by row from the top left; each tuple has the cells of its kind, in that order."""

    height: int
    width: int
    starts: tuple[int, int]
    floor: tuple[int, ...]
    counters: tuple[int, ...]
    onions: tuple[int, ...]
    pots: tuple[int, ...]
    dishes: tuple[int, ...]
    serving: tuple[int, ...]

    @property
    def cells(self) -> int:
        return self.height * self.width

    def beside(self, cell: int) -> tuple[int, int, int, int]:
        """The cells above, below, right and left of one within the border."""
        return cell - self.width, cell + self.width, cell + 1, cell - 1


def kitchen(layout: str) -> Kitchen:
    """Of a layout's name, or of a grid text: one line a row, X or W counter, O onions, P pot, D or B dishes, S serving place, a
    space for the floor, 1 and 2 (or A twice, read row by row) where the cooks start. With W for the counters, X serves.

    Raises:
        ValueError: an unknown name or letter, rows of different length, floor at the border, a kind missing or twice the same
            start, or no way to make a soup and serve it.
    """
    if "\n" not in layout.strip():
        if layout not in LAYOUTS:
            raise ValueError(f"no layout {layout!r}: give one of {', '.join(LAYOUTS)}, or a grid text, one line a row")
        layout = LAYOUTS[layout]
    rows = [line.strip() for line in layout.strip().splitlines()]
    height, width = len(rows), len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise ValueError(f"layout: row {number} is {len(row)} wide, row 1 is {width}; floor cannot be at the border")
    letters = _read("".join(rows), width)
    kinds = (FLOOR + "12A", COUNTER, ONIONS, POT, DISHES, SERVING)
    cells = (tuple(at for at, letter in enumerate(letters) if letter in kind) for kind in kinds)
    found = Kitchen(height, width, _starts(letters), *cells)
    _check(found)
    return found


def _read(text: str, width: int) -> str:
    """The letters of `LAYOUTS`, with A where a cook starts that has no number."""
    read = "".join(WALLED.get(letter, letter) for letter in text) if "W" in text else text.replace("B", DISHES)
    for at, letter in enumerate(read):
        if letter not in f"{FLOOR}{COUNTER}12A" and letter not in NAMES:
            where = f"row {at // width + 1}, column {at % width + 1}"
            raise ValueError(
                f"layout: {text[at]!r} in {where} is no letter of a kitchen; there are X W O P D B S 1 2 A and space"
            )
    return read


def _starts(letters: str) -> tuple[int, int]:
    numbered = [at for mark in "12" for at, letter in enumerate(letters) if letter == mark]
    places = numbered or [at for at, letter in enumerate(letters) if letter == "A"]
    counts = [letters.count(mark) for mark in "12A"]
    if counts not in ([1, 1, 0], [0, 0, 2]):
        found = ", ".join(f"{count} times {mark}" for mark, count in zip("12A", counts, strict=True))
        raise ValueError(f"layout: the two starts are 1 and 2, once each, or A twice; found {found}")
    return places[0], places[1]


def _check(room: Kitchen) -> None:
    for cell in room.floor:
        row, column = divmod(cell, room.width)
        if row in (0, room.height - 1) or column in (0, room.width - 1):
            raise ValueError(f"layout: floor at the border, row {row + 1}, column {column + 1}")
    reached = [_touched(room, start) for start in room.starts]
    kinds = {ONIONS: room.onions, POT: room.pots, DISHES: room.dishes, SERVING: room.serving}
    for letter, cells in kinds.items():
        if not cells:
            raise ValueError(f"layout: there is no {NAMES[letter]}")
        if not (reached[0] | reached[1]) & set(cells):
            raise ValueError(f"layout: neither cook reaches {NAMES[letter]}")
    if not any(_served(room, pot, reached) for pot in room.pots):
        raise ValueError("layout: no soup can be made and served; the cooks share no counter, and no pot serves both their sides")


def _touched(room: Kitchen, start: int) -> set[int]:
    """Cells that a cook who starts there can walk to or face."""
    floor, seen, ahead = set(room.floor), {start}, [start]
    while ahead:
        for cell in room.beside(ahead.pop()):
            if cell in floor and cell not in seen:
                ahead.append(cell)
            seen.add(cell)
    return seen


def _served(room: Kitchen, pot: int, reached: list[set[int]]) -> bool:
    """Whether somebody at the pot can have onions, and somebody there dishes and a way to the serving place."""
    shared = bool(reached[0] & reached[1] & set(room.counters))

    def has(cook: int, cells: Iterable[int]) -> bool:
        return bool(((reached[0] | reached[1]) if shared else reached[cook]) & set(cells))

    there = [cook for cook in range(COOKS) if pot in reached[cook]]
    filled = any(has(cook, room.onions) for cook in there)
    return filled and any(has(cook, room.dishes) and has(cook, room.serving) for cook in there)
