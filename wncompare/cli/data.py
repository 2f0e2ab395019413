"""`wncompare data list|fetch|verify`."""

from pathlib import Path

import click

from wncompare.cli.options import DATA_DIR, JSON, RUNS_FAILED, print_json


@click.group()
def data() -> None:
    """Find, download and verify datasets."""


@data.command(name="list")
@DATA_DIR
@JSON
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """List the datasets, and where on this machine their files are."""
    from wncompare import data as datasets

    found = datasets.listing(data_dir)
    if as_json:
        entries = [{"name": entry.name, "paths": [str(entry.path)] if entry.path else []} for entry in found]
        print_json({"schema_version": 1, "datasets": entries})
        return
    for entry in found:
        where = entry.path or "not on this machine"
        click.echo(f"{entry.name:<14} {entry.summary}{f': {where}' if entry.published else ''}")


@data.command()
@click.argument("name")
@DATA_DIR
def fetch(name: str, data_dir: Path | None) -> None:
    """Download the dataset NAME where it is not on this machine yet, and print where it is."""
    from wncompare import data as datasets
    from wncompare.render import progress as console
    from wncompare.run import execute as experiment

    with console.progress() as listen:
        path = datasets.fetch(name, data_dir, progress=experiment.downloads(listen))
    click.echo(path or f"{name}: nothing to download", err=path is None)


@data.command()
@click.argument("name")
@DATA_DIR
@JSON
def verify(name: str, data_dir: Path | None, as_json: bool) -> int:
    """Compare the contents of the dataset NAME with the published checksums; exit with 3 where they differ."""
    from wncompare import data as datasets

    checked = datasets.verify(name, data_dir)
    if as_json:
        files = [{"path": str(file.path), "found": file.found, "official": file.official} for file in checked]
        print_json({"schema_version": 1, "files": files})
    else:
        for file in checked:
            verdict = "official" if file.official else f"not official: {file.found}, published {file.expected}"
            click.echo(f"{file.path}: {verdict}")
    return 0 if all(file.official for file in checked) else RUNS_FAILED
