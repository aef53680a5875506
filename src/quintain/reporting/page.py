"""A run as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from quintain.errors import QuintainError
from quintain.studies import spending
from quintain.studies.analysis import Contrast, Episodes, read
from quintain.studies.selection import Tradeoff
from quintain.studies.summary import Summary, by_task, comparisons, summarize
from quintain.trace import Blobs, TraceLine, read_trace

from .figure_style import HOW_TO_GET, available, inline_svg
from .figures import draw
from .tables import COLUMNS, Shown, aggregate_columns, contrast_columns, contrast_notes, notes

if TYPE_CHECKING:
    from quintain.certificate.verdict import Certificate
    from quintain.store import Store

FAILURES_SHOWN = 200
EPISODES_SHOWN = 8
PICTURES_SHOWN = 6
TASKS_SHOWN = 2000


def write_page(store: Store, path: Path | None = None) -> Path:
    """Write the page, into the run's folder by default, and return where it is."""
    path = path or store.path / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_page(store), encoding="utf-8")
    return path


def render_page(store: Store) -> str:
    """The whole page."""
    episodes = read(store)
    results = summarize(store, episodes)
    spent, bought = spending.read(store)
    name = escape(store.path.resolve().name)
    parts = [
        _head(store, name),
        _section("Results", _results(results)),
        _section("Best agent against each other", _contrasts(comparisons(episodes))),
        _section("Costs", _spent(spent, bought)),
        _section("Figures", _drawings(results, episodes, bought)),
        _section("Mean score by task", _heat(by_task(episodes), [r["agent"] for r in results])),
        _section("Episodes", _episodes(store)),
        _section("Failures", _failures(store)),
        _section("Certificate", _certificates(store)),
        _section("Configuration", f"<pre>{escape(json.dumps(_config(store), indent=2, default=str))}</pre>"),
    ]
    return _PAGE.format(title=name, style=_STYLE, body="".join(parts))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _config(store: Store) -> dict[str, Any]:
    form: dict[str, Any] = store.config.model_dump(mode="json", exclude_defaults=True)
    return form


def _head(store: Store, name: str) -> str:
    facts = store.query("SELECT count(*), count(DISTINCT task), count(DISTINCT agent), min(started_at) FROM latest")[0]
    count, tasks, agents, began = facts
    when = f" · began {escape(str(began)[:16].replace('T', ' '))} UTC" if began else ""
    said = f"{count:,} episodes · {tasks:,} tasks · {agents} agents{when}"
    return f"<header><p class=brand>quintain</p><h1>{name}</h1><p class=facts>{said}</p></header>"


def _results(results: Sequence[Summary]) -> str:
    names = [escape(name) for name, _ in COLUMNS]
    head = "".join(f"<th>{name}</th>" for name in [*names[:2], "0 · · score · · 1", *names[2:]])
    rows = []
    for result in results:
        cells = [escape(show(result)) for _, show in COLUMNS]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in [*cells[:2], _dot(result), *cells[2:]]) + "</tr>")
    first = f"<div class=wide><table class=results><tr>{head}</tr>{''.join(rows)}</table></div>"
    return first + _table(aggregate_columns(results), results) + _listed(notes(results))


def _table(columns: Sequence[Shown], rows: Sequence[Any]) -> str:
    if not columns:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name, _ in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(show(row))}</td>" for _, show in columns) + "</tr>" for row in rows)
    return f"<div class='wide further'><table class=named><tr>{head}</tr>{body}</table></div>"


def _listed(sentences: Iterable[str]) -> str:
    return f"<ul class=notes>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _contrasts(compared: Sequence[Contrast]) -> str:
    return _table(contrast_columns(compared), compared) + _listed(contrast_notes(compared)) if compared else ""


def _spent(spent: Sequence[spending.Expense], bought: Sequence[Tradeoff]) -> str:
    shown = [_table(columns, rows) for columns, rows in spending.tables(spent, bought)]
    return "".join(shown) + _listed(spending.notes(spent, bought)) if shown else ""


def _drawings(results: Sequence[Summary], episodes: Episodes, bought: Sequence[Tradeoff]) -> str:
    if not any(result["scored"] for result in results):
        return ""
    if not available():
        return f"<p>{escape(HOW_TO_GET)}</p>"
    figures = []
    for each in draw(results, episodes, bought):
        caption = f"<figcaption><b>{escape(each.title)}.</b> {escape(each.caption)}</figcaption>"
        figures.append(f"<figure class=drawing>{inline_svg(each)}{caption}</figure>")
    return f"<div class=drawings>{''.join(figures)}</div>"


def _dot(result: Summary) -> str:
    """The interval as a line with its estimate on it."""
    if result["score"] is None:
        return ""
    at, low, high = (140 * (result[key] if result[key] is not None else result["score"]) for key in ("score", "low", "high"))
    return (
        '<svg class=dot width=152 height=18 viewBox="-6 0 152 18" role=img><line class=axis x1=0 x2=140 y1=9 y2=9 />'
        f"<line class=span x1={low:.1f} x2={high:.1f} y1=9 y2=9 /><circle cx={at:.1f} cy=9 r=5 /></svg>"
    )


def _heat(means: dict[str, dict[str, float]], agents: Iterable[str]) -> str:
    """Tasks down, agents across; in several tables side by side where there are many tasks and few agents."""
    if not means:
        return "<p>No episode is scored yet.</p>"
    columns = list(dict.fromkeys(agents))
    head = "<tr><th></th>" + "".join(f"<th>{escape(agent)}</th>" for agent in columns) + "</tr>"
    shown = list(means.items())[:TASKS_SHOWN]
    rows = [f"<tr><th>{escape(task)}</th>{''.join(_cell(row.get(a)) for a in columns)}</tr>" for task, row in shown]
    beside = max(1, min(3, 9 // max(1, len(columns)), len(rows) // 6))
    height = -(-len(rows) // beside)
    tables = [f"<table class=heat>{head}{''.join(rows[i : i + height])}</table>" for i in range(0, len(rows), height)]
    more = f"<p>{len(means) - len(shown):,} further tasks are not shown.</p>" if len(means) > len(shown) else ""
    return f"<div class='wide tables'>{''.join(tables)}</div>{more}"


LOW, MIDDLE, HIGH = (206, 140, 82), (238, 230, 208), (62, 170, 174)
"""Orange over sand to teal: the ends differ for colour-blind readers too, and the number stands in the cell."""


def _cell(mean: float | None) -> str:
    if mean is None:
        return "<td class=none>·</td>"
    (start, end), at = ((LOW, MIDDLE), 2 * mean) if mean < 0.5 else ((MIDDLE, HIGH), 2 * mean - 1)
    colour = ",".join(f"{a + (b - a) * at:.0f}" for a, b in zip(start, end, strict=True))
    return f'<td style="background:rgb({colour})">{mean:.2f}</td>'


def _failures(store: Store) -> str:
    sql = f"""
        SELECT agent, task, seed, outcome, owner, message FROM latest WHERE outcome != 'ok'
        ORDER BY agent, task, seed LIMIT {FAILURES_SHOWN}"""
    found = store.query(sql)
    if not found:
        return "<p>None: every episode came to its end.</p>"
    total = store.query("SELECT count(*) FROM latest WHERE outcome != 'ok'")[0][0]
    head = "".join(f"<th>{name}</th>" for name in ("agent", "task", "seed", "outcome", "owner", "message"))
    rows = "".join("<tr>" + "".join(f"<td>{escape(str(v or ''))}</td>" for v in row) + "</tr>" for row in found)
    more = f"<p>{total - len(found):,} further ones are not shown.</p>" if total > len(found) else ""
    return f"<div class=wide><table class=failures><tr>{head}</tr>{rows}</table></div>{more}"


def _certificates(store: Store) -> str:
    from quintain.certificate.verdict import read_certificates, remarks

    return "".join(_certificate(found) for found in read_certificates(store)) or _listed(remarks(store))


def _certificate(found: Certificate) -> str:
    solved = sum(each.oracle is not None for each in found.tasks)
    facts = f"{len(found.tasks)} tasks, {solved} with an oracle, {found.episodes} episodes each, checked {found.checked_at[:16]}"
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in found.problems)
    return f"<p><b>{escape(found.suite)}: {found.verdict}</b> · {facts}</p><ul>{problems}</ul>"


class _Shown(NamedTuple):
    """An episode to be shown by its pictures."""

    id: str
    agent: str
    task: str
    seed: str
    outcome: str
    value: float


def _episodes(store: Store) -> str:
    """The best and the worst episode of each agent, where their traces hold pictures."""
    # SQLite takes the other columns from the row that has the extreme value.
    sql = """
        SELECT l.id, l.agent, l.task, l.seed, l.outcome, {}(s.value) FROM latest l JOIN scores s ON s.episode = l.id
        WHERE s.value IS NOT NULL GROUP BY l.agent"""
    found = sorted({_Shown(*row) for extreme in ("max", "min") for row in store.query(sql.format(extreme))}, key=_by_agent)
    shown: list[str] = []
    for episode in found:
        if len(shown) < EPISODES_SHOWN:
            shown += _strip(store, episode)
    return "".join(shown)


def _by_agent(episode: _Shown) -> tuple[str, float]:
    return episode.agent, -episode.value


def _strip(store: Store, episode: _Shown) -> list[str]:
    path = store.trace_path(episode.id)
    try:
        lines = [line for line in read_trace(path) if line.note is None] if path.exists() else []
    except QuintainError:
        # A page about a run is worth having without the pictures of an episode whose trace is damaged.
        return []
    figures = _figures(lines, store.blobs)
    if not figures:
        return []
    if len(figures) > PICTURES_SHOWN:
        figures = [*figures[: PICTURES_SHOWN - 1], figures[-1]]
    title = escape(f"{episode.agent} · {episode.task} · score {episode.value:.2f}")
    rest = escape(f"seed {episode.seed}, {episode.outcome}")
    summary = f"<summary>{title} <small>{rest}</small></summary>"
    return [f"<details open>{summary}<div class=strip>{''.join(figures)}</div></details>"]


def _figures(lines: Sequence[TraceLine], blobs: Blobs) -> list[str]:
    """One picture for each observation that has one, with what was done next below it."""
    figures: list[str] = []
    for number, line in enumerate(lines):
        digest = (line.observation or {}).get("screenshot")
        if not digest or not blobs.path(digest).exists():
            continue
        after = lines[number + 1].step if number + 1 < len(lines) else None
        said = _action(after.action) if after else "end"
        data = base64.b64encode(blobs.path(digest).read_bytes()).decode("ascii")
        picture = f'<img src="data:image/png;base64,{data}" alt="step" loading=lazy>'
        figures.append(f"<figure>{picture}<figcaption>{escape(said)}</figcaption></figure>")
    return figures


def _action(action: Any) -> str:
    if not isinstance(action, dict):
        return str(action)[:80]
    rest = ", ".join(f"{key}={_argument(value)}" for key, value in action.items() if key != "kind")
    return f"{action.get('kind', '?')}({rest})"[:80]


def _argument(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"x", "y"}:
        return f"({value['x']:g}, {value['y']:g})"
    return str(value)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} · quintain</title><style>{style}</style></head><body><main>{body}</main></body></html>
"""

_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d2129;--soft:#6a7080;--rule:#dedad0;--card:#fff;--mark:#0d6b74}
@media(prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e8e6e0;--soft:#9aa1ae;--rule:#2f343d;--card:#1b1f26;--mark:#54c3cd}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.55 system-ui,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:1440px;margin:0 auto;padding:40px 28px 80px}
header{border-bottom:2px solid var(--ink);margin-bottom:28px}
.brand{margin:0;color:var(--mark);font-weight:700;letter-spacing:.08em}
h1{margin:.1em 0 0;font-size:34px;line-height:1.15;overflow-wrap:anywhere}
.facts{color:var(--soft);margin:.4em 0 1em}
h2{font-size:19px;margin:36px 0 12px}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 9px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
tr:last-child>*{border-bottom:0}
th{font-weight:600;color:var(--soft);font-size:13px}
.results td:nth-child(-n+2),.results th:nth-child(-n+2){text-align:left}
.results td:first-child{font-weight:600}
.further{margin-top:14px}
.named td:nth-child(-n+2),.named th:nth-child(-n+2){text-align:left}
.named td:first-child{font-weight:600}
.results td:nth-child(4){font-weight:700}
.results td:nth-child(3),.results th:nth-child(3){text-align:center}
.tables{display:flex;flex-wrap:wrap;gap:0 36px;align-items:flex-start}
.axis{stroke:var(--rule);stroke-width:2}.span{stroke:var(--mark);stroke-width:5;opacity:.45;stroke-linecap:round}
circle{fill:var(--mark)}
.notes{color:var(--soft);font-size:13px;padding-left:18px}
.heat{width:auto}.heat th:first-child{text-align:left;color:var(--ink);font-weight:400}
.heat td{color:#16181d;text-align:center;min-width:76px}.heat td.none{color:var(--soft)}
.failures td,.failures th{text-align:left;font-size:13px}.failures td:last-child{white-space:normal;min-width:340px}
details{margin:10px 0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 14px}
summary{cursor:pointer;font-weight:600}small{color:var(--soft);font-weight:400}
.strip{display:flex;gap:14px;overflow-x:auto;padding:12px 0 4px}
figure{margin:0;flex:none;width:200px}
img{width:100%;border:1px solid var(--rule);border-radius:4px;display:block}
figcaption{font:12px/1.4 ui-monospace,"Liberation Mono",monospace;color:var(--soft);margin-top:4px;overflow-wrap:anywhere}
.drawings{display:flex;flex-wrap:wrap;gap:18px}
.drawing{width:auto;max-width:100%;padding:16px 18px;background:var(--card);border:1px solid var(--rule);border-radius:8px}
.drawing svg{display:block;height:auto}
.drawing figcaption{font:12.5px/1.5 inherit;font-family:inherit;max-width:62ch;margin-top:10px}
pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px;overflow-x:auto;font-size:13px}
"""
