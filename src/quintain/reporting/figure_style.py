"""How figures look: one style, one colour and one mark for an agent throughout, as files and inside a page.

The palette is one that colour-blind readers can tell apart (Okabe and Ito, Color Universal Design, 2008). matplotlib is an extra,
and is loaded only when something is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW_TO_GET = "figures need matplotlib: pip install 'quintain[stats]'"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5C5C5C", "#8A6D00")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "h")
INK, SOFT, RULE, PAPER = "#1d2129", "#5d6370", "#d8d8d8", "#ffffff"
LOW, MIDDLE, HIGH = "#CE8C52", "#EEE6D0", "#3EAAAE"
STYLE = {
    "font.family": "sans-serif", "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"], "font.size": 8.5,
    "axes.edgecolor": SOFT, "axes.facecolor": "none", "axes.labelcolor": INK, "axes.linewidth": 0.7, "text.color": INK,
    "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.size": 3, "ytick.major.size": 3, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "legend.frameon": False,
    "legend.fontsize": 8, "axes.titlesize": 9, "pdf.fonttype": 42, "svg.fonttype": "none",
    "text.parse_math": False,
}  # fmt: skip
DASHED = (0, (3, 1.6))
WIDTH = 5.6
"""Inches; a text column and a half."""
DPI = 220
LETTERS = 32
"""Of the longest label."""


class Drawing(NamedTuple):
    """A figure with what a reader must know of its numbers."""

    name: str
    """Of its file, without ending."""
    title: str
    caption: str
    figure: Figure


class Look(NamedTuple):
    """How an agent looks in all figures of a run."""

    label: str
    colour: str
    mark: str


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def looks_of(agents: Sequence[str]) -> dict[str, Look]:
    """Label, colour and mark of each agent, by its place in the sorted names; a path is cut to its file where that is enough."""
    short = [agent.rpartition("/")[2] for agent in agents]
    labels = [fitting(label) for label in (short if len(set(short)) == len(short) else agents)]
    return {
        agent: Look(
            label if labels.count(label) == 1 else f"{label} ({at + 1})",
            COLOURS[at % len(COLOURS)],
            MARKS[(at + at // len(COLOURS)) % len(MARKS)],
        )
        for at, (agent, label) in enumerate(zip(agents, labels, strict=True))
    }


def fitting(label: str) -> str:
    """Long names lose their middle; a legend would leave out what starts with an underscore."""
    if len(label) > LETTERS:
        label = f"{label[: LETTERS // 2]}…{label[1 - LETTERS // 2 :]}"
    return f" {label}" if label.startswith("_") else label


def style(**more: Any) -> AbstractContextManager[None]:
    """What artists look up when they are made and when they are rendered; matplotlib's own settings are put back after it."""
    import matplotlib

    settings: Any = {**STYLE, **more}
    return matplotlib.rc_context(settings)


def render(drawing: Drawing, form: str, *, background: str = PAPER) -> bytes:
    """The bytes of a figure; the same numbers give the same bytes."""
    out = io.BytesIO()
    metadata = {"svg": {"Date": None, "Creator": None, "Format": None, "Type": None}, "pdf": {"CreationDate": None}}.get(form, {})
    with style(**{"svg.hashsalt": drawing.name}), warnings.catch_warnings():
        # A name in a script that no font here has is drawn as boxes, and is right again in an SVG.
        warnings.filterwarnings("ignore", message="Glyph")
        drawing.figure.savefig(
            out, format=form, dpi=DPI, bbox_inches="tight", pad_inches=0.04, metadata=metadata, facecolor=background
        )
    return out.getvalue()


def inline_svg(drawing: Drawing) -> str:
    """An ``<svg>`` element for a page: no address in it, ids of its own, and the page's colours for ink and paper."""
    text = render(drawing, "svg", background="none").decode("utf-8")
    opening, _, inner = text[text.index("<svg") :].partition(">")
    # A style element in a page holds for all of it.
    inner = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", inner, flags=re.DOTALL).replace("xlink:href", "href")
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{drawing.name}-", inner)
    for colour, name in ((INK, "--ink"), (SOFT, "--soft"), (RULE, "--rule"), (PAPER, "--card")):
        inner = inner.replace(colour, f"var({name})")
    box, width = (found[1] if (found := re.search(rf'\b{name}="([^"]*)"', opening)) else "" for name in ("viewBox", "width"))
    style = f"width:{width};max-width:100%;stroke-linejoin:round;stroke-linecap:butt"
    return f'<svg role="img" viewBox="{box}" style="{style}">{inner}'


def new_axes(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure of that many inches with one pair of axes; it belongs to no global list and needs no closing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def plain_ticks(axes: Axes, *, decades: float) -> None:
    """0.2 0.5 1 2 5 rather than powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def rules(axes: Axes, which: Any) -> None:
    """Thin lines behind the data, along one axis or both."""
    axes.grid(axis=which, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def legend(axes: Axes, agents: Iterable[str], looks: Mapping[str, Look], styles: Mapping[str, Any] | None = None) -> None:
    """Beside the axes, so that it hides nothing; `styles` names what the kinds of line mean."""
    from matplotlib.lines import Line2D

    shown = [looks[agent] for agent in agents]
    lines = [Line2D([], [], color=look.colour, marker=look.mark, markersize=4.5, linewidth=1.4) for look in shown]
    lines += [Line2D([], [], color=SOFT, linestyle=style, linewidth=1.4) for style in (styles or {}).values()]
    names = [*(look.label for look in shown), *(styles or {})]
    axes.legend(lines, names, loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=2.2)
