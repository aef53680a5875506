"""A judge's verdicts from a table: what they are worth beside people, swapped answers, lengths and the null model."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from quintain.errors import UsageError
from quintain.stats.judges import Calibration, FlipRate, JudgeScore, Slope, calibration, flip_rate, judge_score, length_slope

from .analysis import asked, plain

COLUMNS = ("judge", "human", "swapped", "length", "null")


class Judged(NamedTuple):
    """What could be measured with the columns that are there."""

    people: Calibration | None
    flips: FlipRate | None
    length: Slope | None
    score: JudgeScore | None

    def to_object(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(self)
        return found


def measure(path: Path, *, level: float = 0.95) -> Judged:
    """Measure the judge of a CSV file, one item a line.

    The column ``judge`` has its verdicts or scores; beside it at least one of: ``human``, the labels of people; ``swapped``, the
    verdicts with the answers in the other order (1, 0, or 0.5 for equal); ``length``, how much longer the judged answer is than
    the other; ``null``, the judge's score of a constant answer, in [0, 1].

    Raises:
        UsageError: a file that cannot be read, columns that are not there, or values that are none; says in which line.
    """
    columns = _columns(path)
    labelled = set(columns) == {"judge", "human"}  # Labels may be words; all else needs numbers.
    numbers = {} if labelled else {name: _numbers(path, name, cells) for name, cells in columns.items() if name != "human"}
    with asked():
        return Judged(
            people=calibration(columns["judge"], columns["human"], level=level) if "human" in columns else None,
            flips=flip_rate(numbers["judge"], numbers["swapped"], level=level) if "swapped" in columns else None,
            length=length_slope(numbers["judge"], numbers["length"], level=level) if "length" in columns else None,
            score=judge_score(numbers["judge"], numbers["null"], level=level) if "null" in columns else None,
        )


def _columns(path: Path) -> dict[str, list[str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV ({error})") from None
    found = {name: [row[name] or "" for row in rows] for name in COLUMNS if rows and name in rows[0]}
    if "judge" not in found or len(found) < 2:
        raise UsageError(f"{path}: needs a column 'judge' and at least one of {', '.join(COLUMNS[1:])}")
    return found


def _numbers(path: Path, name: str, cells: list[str]) -> list[float]:
    found = []
    for line, cell in enumerate(cells, 2):
        try:
            found.append(float(cell))
        except ValueError:
            raise UsageError(f"{path}, line {line}: {name} is {cell!r}, not a number") from None
    return found
