"""The rows of a CSV of anyone's scores, each checked: a row a run or, with the column `epoch`, a row an epoch of it."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

from wncompare.catalog.registry import unknown
from wncompare.errors import Argument, RecordsError, UsageError
from wncompare.storage.files import open_plain

MAX_BYTES = 64 << 20
_ROLES = ("variant", "seed", "epoch", "seconds", "steps")
"""The columns that have a meaning of their own."""
_SEED = re.compile(r"[0-9]{1,10}")
_COLUMN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_LONGEST = 100


@dataclass(frozen=True)
class Score:
    """One row: the metric of a run, at its end or at an epoch; seconds and steps are that epoch's, NaN where unknown.

    `setting` has the values of the grid's columns.
    """

    line: int
    variant: str
    seed: int
    setting: tuple[Any, ...]
    epoch: int
    value: float
    seconds: float
    steps: float

    @property
    def run(self) -> tuple[str, int, tuple[Any, ...]]:
        """What tells its run from the others."""
        return self.variant, self.seed, self.setting

    def __str__(self) -> str:
        return ", ".join([self.variant, f"seed {self.seed}", *map(str, self.setting)])


def read_score_rows(path: Path, metric: str | None, grid: Sequence[str]) -> tuple[str, list[Score]]:
    """The metric's column (by default the only one that is left) and every row, checked by itself.

    Raises:
        UsageError: the file cannot be read, a column is missing, or a cell is wrong; the message names its line.
    """
    table = _rows(path)
    columns = _columns(path, table[0][1])
    metric = _metric(path, columns, metric, grid)
    rows = [(line, _cells(f"{path}, line {line}", columns, cells)) for line, cells in table[1:]]
    if not rows:
        raise RecordsError(f"{path}: has no row below its columns: expected one for each run")
    return metric, [_score(f"{path}, line {line}", line, cells, metric, grid) for line, cells in rows]


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, with the line that each ends in."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise RecordsError(
            f"{path}, line {reader.line_num}: no CSV ({error}): expected cells parted by commas"
        ) from None
    if not rows:
        raise RecordsError(f"{path}: is empty: expected the columns variant, seed and a metric")
    return rows


def _text(path: Path) -> str:
    try:
        with open_plain(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise RecordsError(f"{path}: larger than {MAX_BYTES:,} bytes: leave out rows or columns that are not needed")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordsError(f"{path}: not UTF-8: save it as CSV in UTF-8") from None


def _columns(path: Path, names: Sequence[str]) -> list[str]:
    for name in names:
        if names.count(name) > 1:
            raise RecordsError(f"{path}: the column {name!r} is there twice: expected each once")
    for needed in ("variant", "seed"):
        if needed not in names:
            raise RecordsError(
                f"{path}: no column {needed!r}: its first line has {_listed(names)}; expected variant, seed and a "
                "metric, parted by commas"
            )
    return list(names)


def _metric(path: Path, columns: Sequence[str], metric: str | None, grid: Sequence[str]) -> str:
    """The column that is asked for, or the only one without another role."""
    for name in grid:
        if name in _ROLES or name == metric or not _COLUMN.fullmatch(name):
            raise UsageError(f"the grid's {name!r}: expected a column of settings, named in letters, digits and _.+-")
    for name in (*grid, *filter(None, [metric])):
        if name not in columns:
            raise UsageError(f"{path}: {unknown('column', name, list(columns))}")
    left = [name for name in columns if name not in (*_ROLES, *grid)]
    if metric is not None and metric not in left:
        raise UsageError(f"the metric {metric!r}: expected a column of scores, such as {_listed(left)}")
    if metric is None and len(left) != 1:
        found = _listed(left) if left else "no column of scores"
        raise UsageError(f"{path}: has {found}: expected one metric, or say which with ", Argument("metric", '"…"'))
    return _printable(str(path), "the metric", metric or left[0])


def _cells(place: str, columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    if len(cells) != len(columns):
        raise RecordsError(f"{place}: {len(cells)} cells: expected {len(columns)}, one for each column")
    return dict(zip(columns, cells, strict=True))


def _score(place: str, line: int, cells: Mapping[str, str], metric: str, grid: Sequence[str]) -> Score:
    if not _SEED.fullmatch(cells["seed"]) or int(cells["seed"]) >= 2**32:
        raise RecordsError(f"{place}: seed: {cells['seed']!r:.40}: expected a whole number from 0 to below 2³²")
    return Score(
        line=line,
        variant=_printable(place, "variant", cells["variant"]),
        seed=int(cells["seed"]),
        setting=tuple(_setting(_printable(place, name, cells[name])) for name in grid),
        epoch=_epoch(place, cells.get("epoch", "1")),
        value=_number(place, metric, cells[metric]),
        seconds=_positive(place, "seconds", cells),
        steps=_positive(place, "steps", cells),
    )


def _epoch(place: str, text: str) -> int:
    if not _SEED.fullmatch(text):
        raise RecordsError(f"{place}: epoch: {text!r:.40}: expected a whole number, counted from 0 or from 1")
    return int(text)


def _number(place: str, name: str, text: str) -> float:
    """A number; infinite for a run that diverged."""
    try:
        value = nan if "_" in text else float(text)
    except ValueError:
        value = nan
    if isnan(value):
        raise RecordsError(
            f"{place}: {name}: {text!r:.40}: expected a number such as 0.93, for a run that diverged inf or -inf, "
            "whichever is worst"
        )
    return value


def _positive(place: str, name: str, cells: Mapping[str, str]) -> float:
    """Seconds or steps; NaN where there is no such column."""
    if name not in cells:
        return nan
    value = _number(place, name, cells[name])
    if not 0 < value < inf:
        raise RecordsError(f"{place}: {name}: {cells[name]!r:.40}: expected a number above 0")
    return value


def _setting(text: str) -> Any:
    """A value of a grid: a number where it is one, else text."""
    for kind in (int, float) if "_" not in text else ():
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if abs(value) < inf else text
    return text


def _printable(place: str, name: str, text: str) -> str:
    """Text that a report can show: none of it moves a terminal's cursor or turns the order of letters."""
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise RecordsError(f"{place}: {name}: {ascii(text)[:60]}: expected 1 to {_LONGEST} printable characters")
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(ascii(name)[1:41].removesuffix("'") for name in _first(names)) or "nothing"


def _first(names: Sequence[str]) -> Iterator[str]:
    yield from names[:8]
    if len(names) > 8:
        yield "…"
