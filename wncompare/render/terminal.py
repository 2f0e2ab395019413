"""The summary for a terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from wncompare.analysis.schema import Problem, Summary
from wncompare.render.tables import CAPTION, Table, tables

MOST_LOGS = 3


def render(summary: Summary) -> Group:
    """The verdict with the caveats that can overturn it, the tables, what went wrong, the other caveats.

    Names are shown as they are, never as markup.
    """
    return Group(
        Text(f"{summary.experiment}: {summary.model} on {summary.dataset}", style="bold"),
        Text(),
        Text(summary.verdict),
        *_caveats(summary.grave),
        Text(),
        *map(Fitting, tables(summary)),
        Text(CAPTION, style="dim"),
        Text(),
        *_problems(summary.problems),
        *_caveats(summary.further),
    )


def _caveats(caveats: Sequence[str]) -> Iterator[Text]:
    return (Text(f"- {caveat}") for caveat in caveats)


def _problems(problems: Sequence[Problem]) -> Iterator[Text]:
    """A line a run that did not finish, the logs of the first few, and how to go on."""
    for number, problem in enumerate(problems):
        yield Text(f"{problem.run} {problem.status}{f': {problem.error}' if problem.error else ''}", style="bold")
        if number < MOST_LOGS:
            yield from (Text(f"    {line}", style="dim") for line in problem.log_tail)
    for retry in dict.fromkeys(problem.retry for problem in problems if problem.retry):
        yield Text(f"try again (CONFIG is the config that was run): {retry}")
    if problems:
        yield Text()


class Fitting:
    """A table with its rows across where the terminal is wide enough, else with them side by side as columns."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        across = _table(self._table)
        fits = console.measure(across, options=options.update(max_width=10_000)).maximum <= options.max_width
        yield across if fits else _table(_turned(self._table))


def _turned(table: Table) -> Table:
    columns, *rows = zip(table.columns, *table.rows, strict=True)
    return Table(table.title, columns, tuple(rows))


def _table(table: Table) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD, title=Text(table.title) if table.title else None, title_justify="left")
    first, *others = table.columns
    shown.add_column(Text(first), overflow="fold")
    for name in others:
        shown.add_column(Text(name), justify="right", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown
