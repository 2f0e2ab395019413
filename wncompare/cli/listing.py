"""`wncompare list`."""

import click

from wncompare.cli.options import JSON, print_json


@click.command(name="list")
@JSON
def list_catalog(as_json: bool) -> None:
    """List the datasets, models, variants, optimizers, schedules, losses and metrics there are, with their options."""
    from wncompare.render import listing

    if as_json:
        print_json({"schema_version": 1, **listing.as_data()})
    else:
        click.echo(listing.as_text(), nl=False)
