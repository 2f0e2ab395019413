"""`wncompare bench`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wncompare.cli.options import CONFIG, DATA_DIR, DEVICE, JSON, SET, print_json
from wncompare.cli.report import rendered

if TYPE_CHECKING:
    from wncompare.tasks import Device, Event


@click.command()
@CONFIG
@SET
@click.option("--steps", type=click.IntRange(1), default=100, show_default=True, help="Training steps timed at a time.")
@click.option("--repeats", type=click.IntRange(1), default=15, show_default=True, help="How often each is timed.")
@DATA_DIR
@DEVICE
@JSON
def bench(
    config_file: Path,
    overrides: tuple[str, ...],
    steps: int,
    repeats: int,
    data_dir: Path | None,
    device: "Device | None",
    as_json: bool,
) -> None:
    """Step time and memory of each variant of CONFIG on this machine, as ratios to the first.

    Trains on the config's data, the variants turn by turn, and keeps nothing of it.
    """
    from wncompare import config as configs
    from wncompare.run import benchmark as benchmarks

    config = configs.load(config_file, overrides)
    measured = benchmarks.measure(config, steps=steps, repeats=repeats, data_dir=data_dir, device=device, listen=_tell)
    if as_json:
        print_json(measured.as_data())
    else:
        from wncompare.render.benchmark import table

        click.echo(rendered(table(measured)), nl=False)


def _tell(event: "Event") -> None:
    """A line on stderr for each part that is done."""
    from wncompare.tasks import CostMeasured, SpeedMeasured

    if isinstance(event, CostMeasured | SpeedMeasured):
        click.echo(f"measured {event.task}", err=True)
