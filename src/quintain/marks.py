"""Set-of-marks: numbered boxes drawn on a screenshot, so that a vision model can name elements by their `ref`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .elements import Element, Elements
from .roles import STATE_BITS

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

# Okabe and Ito's colour-blind safe palette, darkened where white text on it would not be read.
_COLOURS = ("#0072B2", "#C4400A", "#00735A", "#A6477F", "#6B4EB8", "#8A6500", "#B3123C", "#1F6E8C")


class _Rect(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def draw(
    elements: Elements, screenshot: NDArray[np.uint8], *, scale: float = 1.0, refs: Iterable[int] | None = None
) -> NDArray[np.uint8]:
    """See `Elements.marks`."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(screenshot).convert("RGB")
    canvas = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(size=round(11 * max(1.0, scale)))
    chosen = [elements[ref] for ref in refs] if refs is not None else _actionable(elements)
    boxes = [_placed(element, scale, image.size) for element in chosen]
    texts = [_placed(element, scale, image.size) for element in elements.find(role="text", states="in_view")]
    labels: list[_Rect] = []
    for index, (element, box) in enumerate(zip(chosen, boxes, strict=True)):
        colour = _COLOURS[index % len(_COLOURS)]
        canvas.rectangle(box, outline=colour, fill=f"{colour}18", width=max(1, round(1.5 * scale)))
        labels.append(_label_place(str(element.ref), box, font=font, taken=labels, others=boxes + texts, size=image.size))
    for index, (element, label) in enumerate(zip(chosen, labels, strict=True)):
        canvas.rounded_rectangle(label, radius=2 * scale, fill=_COLOURS[index % len(_COLOURS)])
        middle = ((label.left + label.right) / 2, (label.top + label.bottom) / 2)
        canvas.text(middle, str(element.ref), fill="white", font=font, anchor="mm")
    return np.asarray(image, np.uint8)


def _actionable(elements: Elements) -> list[Element]:
    """What can be clicked or edited, is in view and, where hit tests were made, not covered; labels speak for their controls."""
    states = elements.states
    keep = (states & np.uint32(STATE_BITS["clickable"] | STATE_BITS["editable"])) != 0
    for name in ("visible", "in_view"):
        keep &= (states & np.uint32(STATE_BITS[name])) != 0
    on_top = (states & np.uint32(STATE_BITS["on_top"])) != 0
    if on_top.any():
        keep &= on_top
    found = (elements.row(row) for row in np.flatnonzero(keep).tolist() if min(elements.box[row, 2:]) >= 1)
    return [element for element in found if element.role != "label"]


def _placed(element: Element, scale: float, size: tuple[int, int]) -> _Rect:
    x, y, width, height = (number * scale for number in element.box)
    left, top = max(0.0, x), max(0.0, y)
    return _Rect(left, top, max(left + 1, min(size[0] - 1, x + width)), max(top + 1, min(size[1] - 1, y + height)))


def _label_place(
    text: str,
    box: _Rect,
    *,
    font: FreeTypeFont | ImageFont,
    taken: list[_Rect],
    others: list[_Rect],
    size: tuple[int, int],
) -> _Rect:
    """The place around the box where the label hides least: labels count ten times, boxes and texts once."""
    left, top, right, bottom = font.getbbox(text)
    width, height = right - left + 6, bottom - top + 5
    corners = np.array(
        [
            (box.left, box.top - height),
            (box.left - width, box.top),
            (box.right, box.top),
            (box.left, box.bottom),
            (box.right - width, box.top - height),
            (box.right - width, box.bottom),
            (box.left, box.top),
            (box.right - width, box.top),
            (box.left, box.bottom - height),
        ]
    )
    corners = np.clip(corners, 0, [max(0, size[0] - width), max(0, size[1] - height)])
    places = np.concatenate([corners, corners + np.array((width, height))], axis=1)
    cost = 10 * _hidden(places, taken) + _hidden(places, others)
    return _Rect(*places[int(cost.argmin())].tolist())


def _hidden(places: NDArray[np.float64], rects: list[_Rect]) -> NDArray[np.float64]:
    """For each place the area that it shares with all the rectangles."""
    if not rects:
        return np.zeros(len(places))
    others = np.array(rects)
    low = np.maximum(places[:, None, :2], others[None, :, :2])
    high = np.minimum(places[:, None, 2:], others[None, :, 2:])
    shared: NDArray[np.float64] = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)
    return shared
