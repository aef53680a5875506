"""Figures hold the numbers of the report, in one look, and in files and pages that need nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from toy_runs import counts_to, play, toy

from quintain.config import RunConfig
from quintain.errors import UsageError
from quintain.reporting import figures
from quintain.reporting.figure_style import COLOURS, Drawing, inline_svg, looks_of, render
from quintain.reporting.figures import FORMATS, draw, write_figures
from quintain.reporting.page import render_page
from quintain.runner import evaluate
from quintain.store import Store
from quintain.studies.analysis import read
from quintain.studies.summary import summarize

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'quintain[stats]'")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("runs") / "run", 1, 3, 5, tasks=6, episodes=3)


def drawn(run: Path) -> dict[str, Drawing]:
    with Store.open(run) as store:
        episodes = read(store)
        return {each.name: each for each in draw(summarize(store, episodes), episodes)}


def test_a_run_has_five_figures_with_captions_that_trace_each_number(run: Path) -> None:
    found = drawn(run)
    assert list(found) == ["intervals", "profile", "attempts", "frontier", "tasks"]
    for name in ("intervals", "profile", "attempts", "frontier"):
        assert "T=6, n=18" in found[name].caption
    assert "seed 0" in found["profile"].caption and "seed 0" in found["attempts"].caption
    assert "New tasks like these: mean of task means" in found["intervals"].caption
    assert found["intervals"].title == "Mean score over tasks, toy"


def test_the_numbers_drawn_are_those_of_the_report(run: Path) -> None:
    found = drawn(run)
    with Store.open(run) as store:
        rows = {row["agent"]: row for row in summarize(store)}
    axes = found["intervals"].figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["to-1", "to-3", "to-5"]
    points = [float(line.get_xdata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]  # type: ignore[arg-type, index]
    assert points == [rows[agent]["score"] for agent in ("to-1", "to-3", "to-5")]
    heat = found["tasks"].figure.axes[0].images[0].get_array()
    assert heat is not None and float(np.mean(heat[0])) == pytest.approx(rows["to-5"]["score"])
    curve = found["attempts"].figure.axes[0].lines[0]
    assert list(curve.get_ydata()) == [point["estimate"] for point in rows["to-1"]["attempts"]["pass_at_k"]]  # type: ignore[arg-type]


def test_an_agent_looks_the_same_in_every_figure(run: Path) -> None:
    look = looks_of(["to-1", "to-3", "to-5"])["to-3"]
    assert look.colour == COLOURS[1]
    for name, each in drawn(run).items():
        if name != "tasks":
            used = {line.get_color() for line in each.figure.axes[0].lines}
            assert look.colour in used, name


def test_many_agents_differ_and_paths_are_cut_where_that_is_enough() -> None:
    many = looks_of([f"a{at}" for at in range(40)])
    assert len({(look.colour, look.mark) for look in many.values()}) == 40
    assert looks_of(["x/y.py:A", "null"])["x/y.py:A"].label == "y.py:A"
    assert looks_of(["x/y.py:A", "z/y.py:A"])["x/y.py:A"].label == "x/y.py:A"
    long = looks_of(["a" * 40 + "b" + "c" * 40, "a" * 40 + "d" + "c" * 40])
    assert [look.label for look in long.values()] == ["a" * 16 + "…" + "c" * 15 + end for end in (" (1)", " (2)")]


def test_files_are_written_in_three_forms_and_the_same_each_time(run: Path, tmp_path: Path) -> None:
    with Store.open(run) as store:
        first, second = write_figures(store, tmp_path / "one"), write_figures(store, tmp_path / "two")
    names = ("intervals", "profile", "attempts", "frontier", "tasks")
    assert {path.name for path in first} == {*(f"{name}.{form}" for name in names for form in FORMATS), "captions.md"}
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    with Image.open(tmp_path / "one" / "intervals.png") as picture:
        assert picture.width > 800
    assert (tmp_path / "one" / "profile.pdf").read_bytes().startswith(b"%PDF")
    ElementTree.fromstring((tmp_path / "one" / "attempts.svg").read_text("utf-8"))


def test_a_page_holds_them_without_an_address_and_with_ids_of_their_own(run: Path) -> None:
    with Store.open(run) as store:
        page = render_page(store)
    assert page.count("<figure class=drawing>") == 5
    assert "http" not in page and "<metadata" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert "var(--ink)" in page
    assert "Best agent against each other" in page and "to-5 is better than to-1" in page


def test_one_episode_a_task_has_no_curve_and_one_task_still_a_picture(tmp_path: Path) -> None:
    assert set(drawn(play(tmp_path / "once", 1, 5, episodes=1))) == {"intervals", "profile", "frontier", "tasks"}
    single = drawn(play(tmp_path / "single", 1, 5, tasks=1, episodes=1))
    assert {"intervals", "profile", "tasks"} <= set(single)
    for each in single.values():
        assert render(each, "png").startswith(b"\x89PNG")


def test_many_tasks_are_drawn_in_bands_and_very_many_without_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(figures, "HEAT_COLUMNS", 8)
    run = play(tmp_path / "run", 2, 4, tasks=20, episodes=1)
    panels = drawn(run)["tasks"].figure.axes[:-1]
    names = [[label.get_text() for label in axes.get_xticklabels()] for axes in panels]
    assert [len(each) for each in names] == [7, 7, 6]
    monkeypatch.setattr(figures, "LABELLED", 10)
    (panel, _) = drawn(run)["tasks"].figure.axes
    assert panel.get_xticklabels() == []


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    names = ["_under", "$a_1$", "代理", "<b>&", "a" * 80]
    agents = [counts_to(at, name) for at, name in enumerate(names)]
    evaluate(agents, [toy.counter_task(f"toy/{at}") for at in range(3)], episodes=2, workers=0, out=tmp_path, trace="none")
    with Store.open(tmp_path) as store:
        page = render_page(store)
        write_figures(store, tmp_path / "figures")
    assert "代理</text>" in page and "$a_1$</text>" in page and "&lt;b&gt;&amp;</text>" in page and " _under</text>" in page


def test_nothing_scored_has_nothing_to_draw(tmp_path: Path) -> None:
    with Store.create(tmp_path / "run", RunConfig.read(agents=["null"], tasks="toy/*")) as store:
        assert list(draw(summarize(store), read(store))) == []
        with pytest.raises(UsageError, match="no scored episode to draw"):
            write_figures(store, tmp_path / "figures")


def test_a_folder_that_cannot_be_written_is_named(run: Path) -> None:
    with Store.open(run) as store, pytest.raises(UsageError, match="/proc/none: figures cannot be written there"):
        write_figures(store, Path("/proc/none"))


def test_svg_keeps_no_style_that_would_hold_for_the_page(run: Path) -> None:
    svg = inline_svg(drawn(run)["intervals"])
    assert svg.startswith('<svg role="img" viewBox="0 0 ')
    assert "<style" not in svg and "xmlns" not in svg


def test_without_matplotlib_the_page_says_once_how_to_get_figures(run: Path) -> None:
    code = f"""
import sys
sys.modules["matplotlib"] = None  # as if it were not installed
from quintain.cli import main
from quintain.reporting.page import render_page
from quintain.runner import evaluate
from quintain.store import Store
with Store.open({str(run)!r}) as store:
    page = render_page(store)
assert page.count("pip install") == 1 and "class=drawing>" not in page
main(["report", {str(run)!r}, "--figures", "nowhere"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: figures need matplotlib: pip install 'quintain[stats]'\n"
