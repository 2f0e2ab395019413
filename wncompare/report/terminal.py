"""The summary as a table for a terminal."""

from math import isfinite

from rich import box
from rich.table import Table
from rich.text import Text

from wncompare.report.summary import Row, Summary
from wncompare.stats import Estimate

WIDE = 115
"""Columns of a terminal that the table needs with a row a variant."""


def table(summary: Summary, *, width: int = WIDE) -> Table:
    """A row a variant, a column a variant on a narrow terminal: mean ± half the 95 % interval at the last epoch."""
    metric = summary.headline.replace("_", " ")
    names = ("variant", "seeds", "parameters", "training accuracy", metric, "difference", "s an epoch")
    rows = [names, *map(_cells, summary.rows)]
    first, *others = rows if width >= WIDE else zip(*rows, strict=True)
    shown = Table(box=box.SIMPLE_HEAD, title=Text(f"{summary.experiment}: {summary.dataset}"), title_justify="left")
    shown.add_column(Text(first[0]))
    for name in first[1:]:
        shown.add_column(Text(name), justify="right", overflow="fold")
    for row in others:
        shown.add_row(*map(Text, row))
    shown.caption = Text("last epoch; mean ± half the 95 % Student-t interval; differences paired by seed")
    shown.caption_justify = "left"
    return shown


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.label,
        f"{row.finished}/{row.planned}",
        "–" if row.parameters is None else f"{row.parameters:,}",
        _show(row.accuracy),
        _show(row.headline),
        "reference" if row.difference is None else _show(row.difference, sign="+"),
        f"{row.epoch_seconds:.2f}" if isfinite(row.epoch_seconds) else "–",
    )


def _show(estimate: Estimate, sign: str = "") -> str:
    if not isfinite(estimate.mean):
        return "–"
    half = f" ± {estimate.high - estimate.mean:.4f}" if isfinite(estimate.high) else ""
    return f"{estimate.mean:{sign}.4f}{half}"
