"""`wncompare status`."""

from pathlib import Path

import click

from wncompare.cli.options import JSON, PATH, print_json


@click.command()
@PATH
@JSON
def status(path: Path, as_json: bool) -> None:
    """Say how far every experiment at or below PATH is: finished, running, interrupted, failed, diverged, missing."""
    from wncompare import records
    from wncompare.render import status as text
    from wncompare.run import status as states

    found = [states.status(folder) for folder in records.find(path)]
    if as_json:
        print_json(states.as_data(found))
        return
    for one in found:
        for line in text.lines(one):
            click.echo(line)
