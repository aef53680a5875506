"""Text views of `Elements` within a budget of tokens, and what changed between two observations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .elements import Elements, Style
from .elements_markdown import markdown
from .elements_outline import Line, Options, html, outline
from .roles import ROLES, STATE_BITS

_CHARS_PER_TOKEN = 4


def render(
    elements: Elements,
    style: Style,
    *,
    max_tokens: int | None,
    only_visible: bool,
    with_boxes: bool,
    with_refs: bool,
) -> str:
    """See `Elements.text`."""
    options = Options(only_visible, with_boxes, with_refs)
    lines = {"axtree": outline, "html": html, "markdown": markdown}[style](elements, options)
    if max_tokens is None:
        return "\n".join(_indented(lines, range(len(lines)), {}))
    return "\n".join(_within(elements, lines, max_tokens * _CHARS_PER_TOKEN))


def difference(elements: Elements, previous: Elements, *, max_tokens: int | None) -> str:
    """See `Elements.diff`."""
    options = Options(only_visible=True, with_boxes=False, with_refs=True)
    now, before = ({int(tree.ref[line.row]): line.head for line in outline(tree, options)} for tree in (elements, previous))
    lines = [f"- {head}" for ref, head in before.items() if ref not in now]
    lines += [
        f"+ {head}" if ref not in before else f"~ {head} (was: {before[ref].removeprefix(f'[{ref}] ')})"
        for ref, head in now.items()
        if before.get(ref) != head
    ]
    if max_tokens is None:
        return "\n".join(lines)
    kept, left = [], max_tokens * _CHARS_PER_TOKEN - 40
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return "\n".join([*kept, f"… {len(lines) - len(kept)} changes left out"] if len(kept) < len(lines) else kept)


def _indented(lines: list[Line], kept: range | list[int], cut: dict[int, int]) -> Iterator[str]:
    """The kept lines with their indentation and closing lines; `cut` tells how many elements are missing below a line."""
    open_lines: list[Line] = []
    for index in kept:
        line = lines[index]
        while open_lines and open_lines[-1].depth >= line.depth:
            yield from _closing(open_lines.pop())
        yield " " * line.depth + line.head + (f" (+{cut[index]} more)" if index in cut else "")
        open_lines.append(line)
    while open_lines:
        yield from _closing(open_lines.pop())


def _closing(line: Line) -> Iterator[str]:
    if line.tail:
        yield " " * line.depth + line.tail


def _within(elements: Elements, lines: list[Line], limit: int) -> list[str]:
    """The lines that fit into `limit` characters, by whole subtrees, those nearest to the focus and the view."""
    longest = max(80, limit // 2)
    for line in lines:
        if len(line.head) > longest:
            line.head = line.head[: longest - 1] + "…"
    sizes = [len(line.head) + line.depth + 1 + (len(line.tail) + line.depth + 1 if line.tail else 0) for line in lines]
    if sum(sizes) - 1 <= limit:
        return list(_indented(lines, range(len(lines)), {}))
    near = _nearness(elements, lines)
    order = sorted(range(len(lines)), key=lambda index: (near[index], index))
    room = limit - 60
    while True:
        kept = _fitting(order, sizes, room, lines)
        out = list(_indented(lines, kept, _missing(lines, kept)))
        out.append(f"… {len(lines) - len(kept)} of {len(lines)} elements left out, far from the view")
        over = sum(map(len, out)) + len(out) - 1 - limit
        if over <= 0 or not kept:
            return out
        room -= max(over, 20)


def _fitting(order: list[int], sizes: list[int], room: int, lines: list[Line]) -> list[int]:
    kept = []
    for index in order:
        room -= sizes[index]
        if room < 0:
            break
        kept.append(index)
    return _worthwhile(sorted(kept), lines)


def _worthwhile(kept: list[int], lines: list[Line]) -> list[int]:
    """Without lines that say nothing by themselves and lost all that was below them."""
    full = {line.parent for line in lines}
    held: set[int] = set()
    good = []
    for index in reversed(kept):
        if index in held or not (lines[index].bare and index in full):
            good.append(index)
            held.add(lines[index].parent)
    return good[::-1]


def _missing(lines: list[Line], kept: list[int]) -> dict[int, int]:
    """For each kept line the number of lines left out below it that have no kept line in between."""
    known, missing = set(kept), dict[int, int]()
    holder = [-1] * len(lines)
    for index, line in enumerate(lines):
        holder[index] = index if index in known else holder[line.parent] if line.parent >= 0 else -1
        if index not in known and holder[index] >= 0:
            missing[holder[index]] = missing.get(holder[index], 0) + 1
    return missing


def _nearness(elements: Elements, lines: list[Line]) -> list[float]:
    """For each line the least distance of its subtree: 0 at the focus, below 1 in view, else pixels away from the view."""
    states, box = elements.states, elements.box
    seen = (states & np.uint32(STATE_BITS["in_view"])) != 0
    placed = box[seen & (elements.role == ROLES.index("text"))] if seen.any() else box[:0]
    placed = placed if len(placed) else box[seen]
    top, bottom = (float(placed[:, 1].min()), float((placed[:, 1] + placed[:, 3]).max())) if len(placed) else (0.0, 0.0)
    focused = elements.focused
    middle = focused.center[1] if focused is not None else top
    height = max(1.0, bottom - top)
    y = box[:, 1] + box[:, 3] / 2
    away = np.maximum(0, np.maximum(box[:, 1] - bottom, top - (box[:, 1] + box[:, 3])))
    rows = np.where(seen, np.minimum(0.99, np.abs(y - middle) / height), 1 + away)
    rows = np.where((states & np.uint32(STATE_BITS["visible"])) != 0, rows, 1e9)
    if focused is not None:
        rows[focused.row : elements.ends[focused.row]] = 0
    near = [float(rows[line.row]) for line in lines]
    for index in range(len(lines) - 1, -1, -1):
        parent = lines[index].parent
        if parent >= 0:
            near[parent] = min(near[parent], near[index])
    return near
