"""Figures of a run, fit for a paper: intervals, performance profile, curves over attempts, frontier, and tasks by agents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quintain.errors import Unavailable, UsageError
from quintain.stats.aggregates import performance_profile
from quintain.stats.bootstrap import NEW, SAME, Resampling
from quintain.stats.frontier import pareto
from quintain.studies.analysis import Columns, Episodes, Floats, read
from quintain.studies.selection import Tradeoff, tradeoffs
from quintain.studies.summary import Summary, resampling, summarize, tables

from .budget_figure import draw_budgets
from .figure_style import (
    DASHED,
    HIGH,
    HOW_TO_GET,
    INK,
    LOW,
    MIDDLE,
    PAPER,
    SOFT,
    Drawing,
    Look,
    available,
    fitting,
    legend,
    looks_of,
    new_axes,
    plain_ticks,
    render,
    rules,
    style,
)  # fmt: skip
from .tables import told

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from quintain.store import Store

FORMATS = ("pdf", "png", "svg")
THRESHOLDS = np.linspace(0.0, 0.99, 100)
PROFILE_REPLICATES = 1000
BANDED = 8
"""Agents above which bands would hide each other."""
NO_BANDS = "No bands: too many agents or episodes for them; the report has the intervals."
HEAT_COLUMNS, LABELLED = 48, 240
"""Tasks in a band of the heat map, and tasks above which they are not named."""
CELL, LETTER = 0.145, 0.06
"""Inches of a cell's height, and of a letter of a task's name."""


def write_figures(store: Store, folder: Path) -> list[Path]:
    """Write every figure as PDF, PNG and SVG, and ``captions.md``; return what was written.

    Raises:
        Unavailable: no matplotlib.
        UsageError: nothing is scored, or the folder cannot be written.
    """
    episodes = read(store)
    drawings = list(draw(summarize(store, episodes), episodes, tradeoffs(store)))
    if not drawings:
        raise UsageError(f"{store.path} has no scored episode to draw")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            for form in FORMATS:
                path = folder / f"{drawing.name}.{form}"
                path.write_bytes(render(drawing, form))
                written.append(path)
        captions = folder / "captions.md"
        captions.write_text("".join(f"**{each.name}.** {each.title}. {each.caption}\n\n" for each in drawings), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: figures cannot be written there: {error.strerror}; choose another folder") from None
    return [*written, captions]


def draw(results: Sequence[Summary], episodes: Episodes, bought: Sequence[Tradeoff] = ()) -> Iterator[Drawing]:
    """All figures that the results of a run have, suite by suite; needs matplotlib, else raises `Unavailable`."""
    if not available():
        raise Unavailable(HOW_TO_GET)
    looks = looks_of(sorted({row["agent"] for row in results}))
    how = resampling(episodes)
    how = how if how is not None and how.engine == "numpy" else None  # Profiles are NumPy's.
    suites = sorted({row["suite"] for row in results if row["scored"]})
    for suite in suites:
        last = f"-{re.sub(r'[^A-Za-z0-9_.-]', '_', suite)}" if len(suites) > 1 else ""
        rows = [row for row in results if row["suite"] == suite and row["scored"]]
        columns = {agent: each for (agent, s), each in episodes.groups.items() if s == suite and each.scored.any()}
        with style():
            drawn = (_intervals(rows, looks), _profile(columns, looks, how), _attempts(rows, looks),
                     _frontier(rows, looks), _heat(columns, episodes.tasks, looks))  # fmt: skip
        for drawing in drawn:
            if drawing is not None:
                yield drawing._replace(name=drawing.name + last, title=f"{drawing.title}, {suite}")
    with style():
        budgets = list(draw_budgets(bought, looks))
    yield from budgets


def _intervals(rows: Sequence[Summary], looks: Mapping[str, Look]) -> Drawing:
    """Mean score of each agent, best on top: a thin line for new tasks, a thick one for the same tasks."""
    ordered = sorted(rows, key=lambda row: (row["score"], row["agent"]))
    figure, axes = new_axes(0.62 + 0.3 * len(ordered))
    for at, row in enumerate(ordered):
        look, found = looks[row["agent"]], row["intervals"]["score"]
        for question, size in (("new_tasks", 1.2), ("same_tasks", 5.0)):
            if question in found:
                ends = found[question]["low"], found[question]["high"]
                axes.plot(ends, (at, at), color=look.colour, linewidth=size, solid_capstyle="butt", alpha=1 if size < 2 else 0.4)
        axes.plot(row["score"], at, look.mark, color=look.colour, markersize=4.6, markeredgecolor=PAPER, markeredgewidth=0.7)
        axes.annotate(f"{row['score']:.3f}", (1.0, at), xycoords=("axes fraction", "data"), xytext=(6, 0),
                      textcoords="offset points", va="center", color=INK)  # fmt: skip
    axes.set_yticks(range(len(ordered)), [looks[row["agent"]].label for row in ordered])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    intervals = [each for row in ordered for each in row["intervals"]["score"].values()]
    reached = [row["score"] for row in ordered] + [each[key] for each in intervals for key in ("low", "high")]
    axes.set(xlim=(max(-0.01, min(reached) - 0.05), min(1.01, max(reached) + 0.05)), ylim=(-0.6, len(ordered) - 0.4))
    axes.set_xlabel("mean score")
    rules(axes, "x")
    caption = "Thin line: 95 % for new tasks like these; thick line: 95 % for the same tasks again, if each was run twice. "
    return Drawing("intervals", "Mean score over tasks", caption + _numbers(intervals), figure)


def _profile(columns: Mapping[str, Columns], looks: Mapping[str, Look], how: Resampling | None) -> Drawing:
    """Share of runs above each score, mean over tasks."""
    figure, axes = new_axes(_height(len(columns)))
    drawn: list[Summary] = []
    banded = how is not None and len(columns) <= BANDED
    for agent, each in columns.items():
        score, _ = tables(each)
        question = SAME if score.sizes.min() > 1 else NEW
        few = (how or Resampling())._replace(replicates=min(PROFILE_REPLICATES, how.replicates) if how else 1)
        look = looks[agent]
        if question == NEW and score.tasks < 2:
            share = np.array([(score.values > at).mean() for at in THRESHOLDS])
        else:
            found = performance_profile(score, THRESHOLDS, question=question, how=few)
            share = found.share
            drawn.append(found._asdict())
            if banded:
                low, high = _to_one(found.low), _to_one(found.high)
                axes.fill_between(_to_one(THRESHOLDS, 1.0), low, high, step="post", color=look.colour, alpha=0.14, linewidth=0)
        axes.step(_to_one(THRESHOLDS, 1.0), _to_one(share), where="post", color=look.colour, linewidth=1.4)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="score τ", ylabel="share of runs with score > τ")
    rules(axes, "both")
    legend(axes, columns, looks)
    caption = "Bands: pointwise 95 %." if banded else NO_BANDS
    return Drawing("profile", "Performance profile", f"{caption} {_numbers(drawn)}", figure)


def _to_one(values: Floats, end: float | None = None) -> Floats:
    """Lead the last step to a score of 1, above which there is nothing."""
    return np.append(values, values[-1] if end is None else end)


def _attempts(rows: Sequence[Summary], looks: Mapping[str, Look]) -> Drawing | None:
    """pass@k and pass^k against k."""
    curved = [row for row in rows if row["attempts"]]
    if not curved:
        return None
    figure, axes = new_axes(_height(len(curved)))
    for row in curved:
        look = looks[row["agent"]]
        for name, line in (("pass_at_k", "-"), ("pass_hat_k", DASHED)):
            points = row["attempts"][name]
            ks, middle, low, high = ([point[key] for point in points] for key in ("k", "estimate", "low", "high"))
            if len(curved) <= BANDED:
                axes.fill_between(ks, low, high, color=look.colour, alpha=0.12, linewidth=0)
            axes.plot(ks, middle, linestyle=line, marker=look.mark, markersize=3.6, color=look.colour, linewidth=1.4,
                      markeredgecolor=PAPER, markeredgewidth=0.4)  # fmt: skip
    most = max(row["attempts"]["pass_at_k"][-1]["k"] for row in curved)
    if most > 12:
        axes.set_xscale("log")
    shown = sorted({point["k"] for row in curved for point in row["attempts"]["pass_at_k"]})
    ticks = [k for k in shown if most <= 12 or k in (1, 2, 5) or k % 10 == 0]
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.set_xticks([], minor=True)
    axes.set(ylim=(-0.01, 1.02), xlabel="attempts k", ylabel="success")
    rules(axes, "y")
    legend(axes, [row["agent"] for row in curved], looks, styles={"pass@k": "-", "pass^k": DASHED})
    points = [row["attempts"]["pass_at_k"][-1] for row in curved]
    caption = "Solid: at least one of k attempts passes (pass@k); dashed: all k pass (pass^k). "
    caption += "Bands: 95 %. " if len(curved) <= BANDED else f"{NO_BANDS} "
    return Drawing("attempts", "Success against attempts", caption + _numbers(points), figure)


def _frontier(rows: Sequence[Summary], looks: Mapping[str, Look]) -> Drawing | None:
    """Success against dollars where all are known, else against seconds; the stairs are the Pareto frontier."""
    priced = all(row["usd"]["sum"] is not None and not row["usd"]["unknown"] for row in rows)
    costs = [row["usd"]["sum"] / row["episodes"] if priced else (row["seconds"] or {}).get("total", 0.0) for row in rows]
    if min(costs) <= 0:
        return None
    success = [row["success"] for row in rows]
    best = pareto(costs, success).frontier
    figure, axes = new_axes(_height(len(rows)))
    axes.set_xscale("log")
    left, right = min(costs) / 1.6, max(costs) * 2.6
    stairs_x, stairs_y = [costs[at] for at in best], [success[at] for at in best]
    stairs: Any = {"color": SOFT, "linewidth": 0.9, "linestyle": (0, (2, 1.5)), "zorder": 1}
    axes.step([*stairs_x, right], [*stairs_y, stairs_y[-1]], where="post", **stairs)
    for row, cost in zip(rows, costs, strict=True):
        look = looks[row["agent"]]
        if row["success_low"] is not None:
            axes.plot((cost, cost), (row["success_low"], row["success_high"]), color=look.colour, linewidth=1.2, zorder=2)
        axes.plot(cost, row["success"], look.mark, color=look.colour, markersize=6, markeredgecolor=PAPER, markeredgewidth=0.7)
    axes.set(xlim=(left, right), ylim=(-0.03, 1.03), xlabel=f"{'dollars' if priced else 'seconds'} an episode", ylabel="success")
    plain_ticks(axes, decades=np.log10(right / left))
    rules(axes, "y")
    legend(axes, [row["agent"] for row in rows], looks)
    unit = "dollars" if priced else "seconds in agent, environment and waiting"
    intervals = [row["intervals"]["success"] for row in rows]
    found = [each.get("new_tasks") or each["same_tasks"] for each in intervals if each]
    caption = f"Cost: mean {unit} of an episode. Dashed: nobody is better and no dearer (Pareto frontier). Bars: 95 %. "
    return Drawing("frontier", "Success against cost", caption + _numbers(found), figure)


def _height(agents: int) -> float:
    """Inches that a legend of so many agents needs, and a figure has at least."""
    return max(2.9, 0.19 * (agents + 3))


def _heat(columns: Mapping[str, Columns], tasks: Sequence[str], looks: Mapping[str, Look]) -> Drawing:
    """Mean score of each agent on each task, the hardest task first; in several bands where there are many tasks."""
    means = np.full((len(columns), len(tasks)), np.nan)
    for row, each in zip(means, columns.values(), strict=True):
        at = each.scored
        counts = np.bincount(each.tasks[at], minlength=len(tasks))
        np.divide(np.bincount(each.tasks[at], weights=each.value[at], minlength=len(tasks)), counts, out=row, where=counts > 0)
    kept = np.flatnonzero(~np.isnan(means).all(axis=0))
    average = np.nanmean(means[:, kept], axis=0)
    kept = kept[np.lexsort((kept, average))]
    best = np.argsort(-np.nanmean(means[:, kept], axis=1), kind="stable")
    agents = [list(columns)[at] for at in best]
    names = [fitting(tasks[at].partition("/")[2]) for at in kept.tolist()]
    figure = _heat_bands(means[np.ix_(best, kept)], names, [looks[agent].label for agent in agents])
    n = sum(int(each.scored.sum()) for each in columns.values())
    caption = f"Mean score of each agent on each task, tasks from hard to easy, agents by their mean; T={len(kept)}, n={n}."
    return Drawing("tasks", "Tasks by agents", caption, figure)


def _heat_bands(values: Floats, tasks: Sequence[str], agents: Sequence[str]) -> Figure:
    from matplotlib.figure import Figure

    labelled = len(tasks) <= LABELLED
    bands = -(-len(tasks) // HEAT_COLUMNS) if labelled else 1
    across = -(-len(tasks) // bands)
    under = max(map(len, tasks)) * LETTER if labelled else 0.1
    height = bands * (CELL * len(agents) + under + 0.12) + 0.45
    figure = Figure(figsize=(max(3.2, min(across * CELL, 7.0) + 1.3), height), layout="constrained")
    panels = figure.subplots(bands, 1, squeeze=False)[:, 0].tolist()
    for number, axes in enumerate(panels):
        part = slice(number * across, (number + 1) * across)
        _band(axes, values[:, part], tasks[part] if labelled else [], agents, across=across)
    pad = 0.02 if bands > 1 else 0.06
    bar = figure.colorbar(panels[0].images[0], ax=panels, location="top", shrink=0.35, aspect=28, pad=pad, anchor=(0.0, 0.0))
    bar.outline.set_visible(False)
    bar.set_ticks([0, 0.5, 1])
    bar.set_label("mean score")
    return figure


def _band(axes: Axes, values: Floats, tasks: Sequence[str], agents: Sequence[str], *, across: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    block = np.full((len(agents), across), np.nan)
    block[:, : values.shape[1]] = values
    colours = LinearSegmentedColormap.from_list("score", [LOW, MIDDLE, HIGH])
    axes.imshow(block, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="none")
    axes.set_yticks(range(len(agents)), agents, fontsize=7.5)
    axes.set_xticks(range(len(tasks)), tasks, rotation=90, fontsize=6.2)
    axes.tick_params(length=0, pad=2)
    for side in axes.spines.values():
        side.set_visible(False)
    if tasks:
        axes.set_xticks(np.arange(across + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(agents) + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=PAPER, linewidth=0.8)
        axes.tick_params(which="minor", length=0)
        for row, column in np.argwhere(np.isnan(values)).tolist():
            axes.text(column, row, "·", ha="center", va="center", color=SOFT)


def _numbers(intervals: Sequence[Mapping[str, Any]]) -> str:
    """Formula, question, tasks, n and seed of what is drawn, each formula once."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in intervals:
        found.setdefault((each["question"], told(each)), []).append(each)
    parts = []
    for (question, formula), held in found.items():
        sizes = ", ".join(
            f"{name}={min(values)}" if min(values) == max(values) else f"{name}={min(values)}-{max(values)}"
            for name, values in (("T", [each["tasks"] for each in held]), ("n", [each["n"] for each in held]))
        )
        parts.append(f"{question.capitalize()}: {formula} ({sizes}).")
    return " ".join(parts)
