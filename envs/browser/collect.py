"""From what the collector (the JavaScript in `collector/`) read in the frames of a page to one `Elements`.

Knows no protocol: the caller evaluates `script()` once in an isolated world of each frame, calls `quintain.collect` there and
hands the JSON over. One frame's JSON has the columns of `Elements.to_jsonable`, and besides them `next` (the first ref not given
out), `frames` (frame elements whose document the world may not enter: `row`, `ref`, `dx`, `dy`, `clip`, `hidden`), `suspects`
(how many elements may hide a closed shadow root) and `page` (url, title, sizes, scroll position).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintain.elements import Elements
from quintain.errors import EnvironmentFault
from quintain.roles import STATE_BITS

PARTS = ("words", "accessible", "pass", "lists", "hands")
_HIDDEN = ~np.uint32(STATE_BITS["visible"] | STATE_BITS["in_view"] | STATE_BITS["on_top"] | STATE_BITS["offscreen"])


@cache
def script() -> str:
    """The source of the collector; it writes nothing into the page, and evaluating it twice does nothing the second time."""
    folder = resources.files(__package__).joinpath("collector")
    return (
        "(() => {\nif (globalThis.quintain) return;\n"
        + "\n".join(folder.joinpath(f"{part}.js").read_text("utf-8") for part in PARTS)
        + "})();"
    )


@cache
def page_script() -> str:
    """What runs in the page's own world: see ``collector/page.js``."""
    return resources.files(__package__).joinpath("collector/page.js").read_text("utf-8")


@dataclass(frozen=True)
class FrameResult:
    """One frame's JSON (its text, or what `loads` made of it), and the ref of the frame element under which its rows belong."""

    raw: str | dict[str, Any]
    parent_ref: int | None = None


def parse(frames: str | dict[str, Any] | Sequence[FrameResult]) -> Elements:
    """One tree from the main frame's JSON (its text, or what `loads` made of it) or from several frames, the main frame first.

    Frames whose frame element is in no result (it went away meanwhile) are left out. Raises `EnvironmentFault` for what is no
    JSON.
    """
    results = [FrameResult(frames)] if isinstance(frames, (str, dict)) else list(frames)
    raws = [loads(result.raw) if isinstance(result.raw, str) else result.raw for result in results]
    trees = [Elements.from_jsonable(raw) for raw in raws]
    if len(trees) == 1:
        return trees[0]
    return _merge(trees, [result.parent_ref for result in results])


def loads(raw: str) -> dict[str, Any]:
    """One frame's JSON as a dictionary; `EnvironmentFault` if it is none."""
    try:
        data = json.loads(raw)
    except (TypeError, ValueError) as error:
        raise EnvironmentFault(f"the collector returned no JSON ({error}); reload the page") from error
    if not isinstance(data, dict) or "ref" not in data:
        raise EnvironmentFault("the collector returned JSON without columns; reload the page")
    return data


def _merge(trees: list[Elements], parents: list[int | None]) -> Elements:
    starts = np.cumsum([0, *map(len, trees)])
    places = {int(ref): int(starts[t]) + row for t, tree in enumerate(trees) for row, ref in enumerate(tree.ref)}
    below = {t: places[ref] for t, ref in enumerate(parents) if t > 0 and ref is not None and ref in places}
    order = _order(starts, below)
    position = np.full(starts[-1] + 1, -1, np.int64)
    position[order] = np.arange(len(order))
    parent = np.concatenate([_parents(tree.parent, int(starts[t]), below.get(t, -1)) for t, tree in enumerate(trees)])
    states = np.concatenate([tree.states for tree in trees])
    for t, place in sorted(below.items()):
        if not states[place] & STATE_BITS["visible"]:
            states[starts[t] : starts[t + 1]] &= _HIDDEN
    names, values, tags, attributes = (
        [item for tree in trees for item in getattr(tree, column)] for column in ("name", "value", "tag", "attributes")
    )
    return Elements(
        ref=np.concatenate([tree.ref for tree in trees])[order],
        parent=position[parent[order]],
        role=np.concatenate([tree.role for tree in trees])[order],
        name=[names[i] for i in order],
        value=[values[i] for i in order],
        tag=[tags[i] for i in order],
        attributes=[attributes[i] for i in order],
        box=np.concatenate([tree.box for tree in trees])[order],
        states=states[order],
    )


def _order(starts: NDArray[np.int64], below: dict[int, int]) -> list[int]:
    """Rows of all trees, one after another, in document order: the rows of a frame follow those of its frame element."""
    order: list[int] = []
    pending = [(int(starts[0]), int(starts[1]))]
    inserts = {place: t for t, place in below.items()}
    while pending:
        start, end = pending.pop()
        for place in range(start, end):
            order.append(place)
            if place in inserts:
                t = inserts.pop(place)
                pending += [(place + 1, end), (int(starts[t]), int(starts[t + 1]))]
                break
    return order


def _parents(parent: NDArray[np.int32], start: int, root: int) -> NDArray[np.int64]:
    return np.where(parent >= 0, parent.astype(np.int64) + start, root)
