"""What several commands share: arguments, options, exit codes, JSON on stdout."""

from collections.abc import Callable, Mapping
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wncompare.storage.files import json_text

if TYPE_CHECKING:
    from wncompare.records import Experiment

INTERRUPTED = 130
RUNS_FAILED = 3

ANY_PATH = click.Path(path_type=Path)
CONFIG = click.argument("config_file", metavar="CONFIG", type=ANY_PATH)
PATH = click.argument("path", metavar="PATH", type=ANY_PATH)
SET = click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a config's value (YAML).")
DATA_DIR = click.option("--data-dir", metavar="DIR", type=ANY_PATH, help="Look for datasets here first.")
DEVICE = click.option("--device", type=click.Choice(["cpu", "gpu"]), help="Train on this (default: a GPU if usable).")
WORKERS = click.option("--workers", metavar="N", type=click.IntRange(1), help="Runs at a time (default: one a core).")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON alone on stdout.")

_SCORES = (
    click.option("--metric", metavar="COLUMN", help="Of a CSV: the scores (default: the only column that is left)."),
    click.option("--better", type=click.Choice(["higher", "lower"]), help="Of a CSV (default: what the name says)."),
    click.option("--reference", metavar="VARIANT", help="Of a CSV: what the others are compared with."),
    click.option("--grid", metavar="COLUMN", multiple=True, help="Of a CSV: a column that has settings."),
)


def scores(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a CSV of scores is read; the command takes them as `of_scores`."""

    @wraps(command)
    def with_scores(
        metric: str | None, better: str | None, reference: str | None, grid: tuple[str, ...], **others: Any
    ) -> Any:
        given = {"metric": metric, "better": better, "reference": reference, "grid": grid}
        return command(of_scores=given, **others)

    return reduce(lambda decorated, option: option(decorated), reversed(_SCORES), with_scores)


def experiments(path: Path, of_scores: Mapping[str, Any]) -> list["Experiment"]:
    """What there is at or below `path`: a CSV's scores, or every results folder's records.

    Raises:
        UsageError: something of it cannot be read, or an option is for a CSV and there is none.
    """
    from wncompare import records
    from wncompare.errors import UsageError

    if records.is_scores(path):
        return [records.read_scores(path, **of_scores)]
    for option, value in of_scores.items():
        if value:
            raise UsageError(f"--{option} is for a CSV of scores, which {path} is not: leave it out")
    return [records.read(folder) for folder in records.find(path)]


def print_json(data: dict[str, Any]) -> None:
    """Print strict JSON on stdout."""
    click.echo(json_text(data), nl=False)
