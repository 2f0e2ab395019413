"""The summary as a piece of HTML for a notebook: verdict, caveats, tables; names are text in it, never markup."""

from collections.abc import Iterator, Sequence
from html import escape

from wncompare.analysis.schema import Summary
from wncompare.render.tables import CAPTION, Table, tables


def render(summary: Summary) -> str:
    """HTML without style, script or reference of its own, which takes on the look of the page that it is put into."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    yield "<div>"
    yield _element("h3", f"{summary.experiment}: {summary.model} on {summary.dataset}")
    yield f"<p>{_element('strong', summary.verdict)}</p>"
    yield from _caveats(summary.grave)
    for table in tables(summary):
        yield from _table(table)
    yield f"<p>{_element('small', CAPTION)}</p>"
    yield from _caveats(summary.further)
    yield "</div>"


def _caveats(caveats: Sequence[str]) -> Iterator[str]:
    if caveats:
        yield f"<ul>{''.join(_element('li', caveat) for caveat in caveats)}</ul>"


def _table(table: Table) -> Iterator[str]:
    yield "<table>"
    if table.title:
        yield _element("caption", table.title)
    yield f"<thead><tr>{''.join(_element('th', name) for name in table.columns)}</tr></thead>"
    yield "<tbody>"
    for first, *others in table.rows:
        yield f"<tr>{_element('th', first)}{''.join(_element('td', cell) for cell in others)}</tr>"
    yield "</tbody></table>"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"
