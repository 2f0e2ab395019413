"""`wncompare plot`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from wncompare.cli.options import ANY_PATH, JSON, PATH, experiments, print_json, scores


@click.command()
@PATH
@click.option(
    "--format",
    type=click.Choice(["png", "svg", "pdf"]),
    default="png",
    show_default=True,
    help="What kind of files the figures are.",
)
@click.option(
    "--output", metavar="DIR", type=ANY_PATH, help="Write below DIR, a folder an experiment, instead of plots/."
)
@JSON
@scores
def plot(path: Path, format: str, output: Path | None, as_json: bool, of_scores: Mapping[str, Any]) -> None:
    """Draw every experiment at or below PATH, each into its own plots/ folder.

    PATH may be a CSV of anyone's scores, as for report; its figures go to NAME-report/plots/ beside it.

    With --output an experiment's figures go to the same place below DIR as it has below PATH, or to DIR/<its folder's
    name>/ where PATH is the experiment itself.
    """
    from wncompare.render.drawing import Drawing

    written: list[Path] = []
    with Drawing() as drawing:
        read = experiments(path, of_scores)
        drawing.prepare()
        for experiment in read:
            folder = experiment.folder
            if not experiment.has_finished:
                click.echo(f"{folder}: no run has finished: nothing to plot yet", err=True)
                continue
            place = folder / "plots" if output is None else output / _place(folder, path)
            written += drawing.draw(experiment, format, place)
    if as_json:
        print_json({"schema_version": 1, "plots": [str(file) for file in written]})
    else:
        for file in written:
            click.echo(file)


def _place(folder: Path, path: Path) -> Path:
    """Where a mirror of `path` has `folder`; an experiment alone keeps its name."""
    return folder.relative_to(path) if path.is_dir() and folder != path else Path(folder.resolve().name)
