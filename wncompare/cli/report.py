"""`wncompare report`, and how `run` saves and shows its summary."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wncompare.cli.options import ANY_PATH, PATH, experiments, print_json, scores

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wncompare.analysis.summary import Summary
    from wncompare.records import Experiment

REPORT_FILE = "report.html"
WIDTH = 140
"""Columns of a terminal report that goes to a pipe or a file."""


@click.command()
@PATH
@click.option(
    "--format",
    "format",
    type=click.Choice(["terminal", "markdown", "latex", "json", "html"]),
    default="terminal",
    show_default=True,
    help="html goes to report.html beside the records, the others to stdout.",
)
@click.option("--output", metavar="FILE", type=ANY_PATH, help="Write to FILE; for one experiment.")
@scores
def report(path: Path, format: str, output: Path | None, of_scores: Mapping[str, Any]) -> None:
    """Say what every experiment at or below PATH found: the verdict, its numbers and its caveats.

    Goes to stdout; html goes to report.html beside the records. PATH may be a CSV of anyone's scores: columns variant,
    seed and a metric, a row a run; with a column epoch a row an epoch, with seconds and steps what it took.
    """
    from wncompare.analysis.summary import summarize
    from wncompare.errors import UsageError

    read = experiments(path, of_scores)
    if output is not None and len(read) > 1:
        raise UsageError(
            f"--output {output}: {path} holds {len(read)} experiments: name one of them, or leave --output out"
        )
    found = [(experiment, summarize(experiment)) for experiment in read]
    if output is not None or format == "html":
        for experiment, summary in found:
            click.echo(write_report(output or experiment.folder / REPORT_FILE, experiment, summary, format))
    elif format == "json":
        documents = [data(summary) for _, summary in found]
        alone = len(read) == 1 and (read[0].folder == path or not path.is_dir())
        print_json(documents[0] if alone else {"schema_version": 1, "experiments": documents})
    else:
        for experiment, summary in found:
            click.echo(_text(experiment, summary, format), nl=False)


def data(summary: "Summary") -> dict[str, Any]:
    """The summary as strict JSON data."""
    from wncompare.analysis.summary import as_data
    from wncompare.storage.files import strict

    content: dict[str, Any] = strict(as_data(summary))
    return content


def save(folder: Path, summary: "Summary") -> None:
    """Write summary.json and summary.csv."""
    from wncompare.render import spreadsheet
    from wncompare.storage.files import write_csv, write_json

    write_json(folder / "summary.json", data(summary))
    write_csv(folder / "summary.csv", spreadsheet.COLUMNS, spreadsheet.rows(summary))


def rendered(content: "RenderableType", *, to_file: bool = False) -> str:
    """What rich makes of it for stdout, in colour and as wide as a terminal where there is one, or for a file."""
    from wncompare.render.console import console

    plain = to_file or not sys.stdout.isatty()
    output = console(width=WIDTH if plain else None, color_system=None if plain else "auto")
    with output.capture() as captured:
        output.print(content)
    return captured.get()


def write_report(file: Path, experiment: "Experiment", summary: "Summary", format: str) -> Path:
    """Write the report in a format into a file, whole or not at all; the file."""
    from wncompare.storage.files import write_bytes

    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, _text(experiment, summary, format, to_file=True).encode("utf-8", "replace"))
    return file


def _text(experiment: "Experiment", summary: "Summary", format: str, *, to_file: bool = False) -> str:
    """The report in a format; html loads much and is imported alone."""
    from wncompare.render import latex, markdown, terminal

    match format:
        case "html":
            from wncompare.render import html

            return html.render(experiment, summary)
        case "json":
            from wncompare.storage.files import json_text

            return json_text(data(summary))
        case "markdown":
            return markdown.render(summary)
        case "latex":
            return latex.render(summary)
        case _:
            return rendered(terminal.render(summary), to_file=to_file)
