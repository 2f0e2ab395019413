"""The summary as Markdown, fit for a pull request's comment; names from a config are text there, never markup."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from wncompare.analysis.schema import Problem, Summary
from wncompare.render.tables import CAPTION, Table, tables
from wncompare.storage.files import strict

_MARKUP = re.compile(r"([\\`*_\[\]<>&|~$])")
_REFERENCE = re.compile(r"([@#])")


def render(summary: Summary) -> str:
    """The verdict in bold with the caveats that can overturn it, the tables, the other caveats.

    Logs, configuration and environment are folded away.
    """
    return "\n".join(_lines(summary))


def text(value: str) -> str:
    """A value as text: no markup, table cell or HTML, and nobody whom GitHub would notify."""
    return _REFERENCE.sub(r"\1<!-- -->", _MARKUP.sub(r"\\\1", " ".join(value.split())))


def _lines(summary: Summary) -> Iterator[str]:
    yield f"### {text(summary.experiment)}: {text(summary.model)} on {text(summary.dataset)}\n"
    yield f"**{text(summary.verdict)}**\n"
    yield from _caveats(summary.grave)
    for table in tables(summary):
        yield from _table(table)
    yield f"<sub>{text(CAPTION)}</sub>\n"
    yield from _problems(summary.problems)
    yield from _caveats(summary.further)
    yield from _details("Configuration", _fenced(_yaml(summary.config), "yaml"))
    yield from _details("Environment", _fenced(_yaml(summary.environment or {"environment": "unknown"}), "yaml"))


def _caveats(caveats: Sequence[str]) -> Iterator[str]:
    if caveats:
        yield from (f"- {text(caveat)}" for caveat in caveats)
        yield ""


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"{text(table.title)}\n"
    yield _row(table.columns)
    yield "|---|" + "---:|" * (len(table.columns) - 1)
    yield from map(_row, table.rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(text, cells))} |"


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        return
    for problem in problems:
        yield f"- {text(problem.run)} **{problem.status}**{f': {text(problem.error)}' if problem.error else ''}"
    yield ""
    for problem in problems:
        if problem.log_tail:
            yield from _details(f"The end of the log of {text(problem.run)}", _fenced("\n".join(problem.log_tail)))
    for retry in dict.fromkeys(problem.retry for problem in problems if problem.retry):
        yield f"To try again (CONFIG is the config that was run):\n\n{_fenced(retry, 'sh')}\n"


def _details(title: str, content: str) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>\n\n{content}\n\n</details>\n"


def _fenced(content: str, language: str = "") -> str:
    """A code block, whose fence is longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", content)), default=0))
    return f"{fence}{language}\n{content.rstrip()}\n{fence}"


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(strict(data), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
