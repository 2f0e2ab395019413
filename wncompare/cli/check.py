"""`wncompare check`."""

from pathlib import Path

import click

from wncompare.cli.options import CONFIG, JSON, SET, print_json


@click.command()
@CONFIG
@SET
@click.option("--workers", metavar="N", type=click.IntRange(1), help="Runs at a time (default: one a core).")
@JSON
def check(config_file: Path, overrides: tuple[str, ...], workers: int | None, as_json: bool) -> None:
    """Validate CONFIG; print it resolved, the plan and an estimate of its time. Trains nothing."""
    from wncompare import config as configs
    from wncompare.records.identity import model_identity
    from wncompare.render import forecast as text
    from wncompare.run.forecast import forecast

    config = configs.load(config_file, overrides)
    model_identity(config.dump()["model"])
    expected = forecast(config, workers=workers)
    if as_json:
        print_json({"schema_version": 1, "config": config.dump(), "plan": expected.as_data()})
        return
    import yaml

    click.echo(yaml.safe_dump(config.dump(), sort_keys=False, allow_unicode=True, default_flow_style=None), nl=False)
    click.echo("\n" + "\n".join(text.lines(expected)))
