"""Score against budget: more attempts of an agent, and the techniques that choose between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quintain.studies.selection import Tradeoff, Unit

from .figure_style import DASHED, PAPER, SOFT, Drawing, Look, legend, new_axes, rules

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES: dict[Unit, str] = {"tokens": "tokens", "usd": "dollars", "seconds": "seconds", "steps": "steps", "episodes": "episodes"}


def draw_budgets(found: Sequence[Tradeoff], looks: Mapping[str, Look]) -> Iterator[Drawing]:
    """One for each agent that techniques wrap, and unit; to be called with the style set."""
    groups: dict[tuple[str, Unit], list[Tradeoff]] = {}
    for each in found:
        groups.setdefault((each.plain, each.unit), []).append(each)
    for number, ((plain, unit), group) in enumerate(groups.items(), 1):
        name = "budget" if len(groups) == 1 else f"budget-{number}"
        yield _budget(name, group, plain=plain, unit=unit, looks=looks)


def _budget(name: str, group: Sequence[Tradeoff], *, plain: str, unit: Unit, looks: Mapping[str, Look]) -> Drawing:
    figure, axes = new_axes(2.9)
    longest = max(group, key=lambda each: each.k)
    points, look = longest.curve, looks[plain]
    spent = [point.spent for point in points]
    if not math.isnan(points[0].score.low):
        low, high = [point.score.low for point in points], [point.score.high for point in points]
        axes.fill_between(spent, low, high, color=look.colour, alpha=0.12, linewidth=0)
    axes.plot(spent, [point.score.estimate for point in points], look.mark, linestyle="-", color=look.colour, markersize=3.6,
              linewidth=1.4, markeredgecolor=PAPER, markeredgewidth=0.4)  # fmt: skip
    right = max([*spent, *(each.spent for each in group)])
    axes.plot([spent[0], right], [points[0].score.estimate] * 2, color=SOFT, linestyle=DASHED, linewidth=1.0)
    for each in group:
        _technique(axes, each, looks[each.technique])
    axes.set(ylim=(-0.02, 1.03), xlim=(0, right * 1.06), xlabel=f"{NAMES[unit]} an episode", ylabel="score")
    rules(axes, "y")
    legend(axes, [plain, *(each.technique for each in group)], looks)
    caption = (
        f"Line: expected best of 1 to {longest.k} attempts of {look.label}, which a perfect choice between them would get; "
        "dashed: a random choice; other marks: techniques at what they cost. Band and bars: 95 % for "
        f"{points[-1].score.question}. T={points[-1].score.tasks}, n={points[-1].score.n}."
    )
    return Drawing(name, f"Score against budget, {look.label}", caption, figure)


def _technique(axes: Axes, found: Tradeoff, look: Look) -> None:
    score = found.score.score
    if not math.isnan(score.low):
        axes.plot((found.spent, found.spent), (score.low, score.high), color=look.colour, linewidth=1.2, zorder=3)
    edge: dict[str, Any] = {"markeredgecolor": PAPER, "markeredgewidth": 0.7}
    axes.plot(found.spent, score.estimate, look.mark, color=look.colour, markersize=6.5, zorder=4, **edge)
