"""`wncompare bench`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wncompare.cli.options import CONFIG, DATA_DIR, DEVICE, JSON, SET, print_json
from wncompare.cli.report import rendered

if TYPE_CHECKING:
    from rich.table import Table

    from wncompare.run.benchmark import Benchmark, Measured, Spread
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
        click.echo(rendered(table(measured)), nl=False)


def _tell(event: "Event") -> None:
    """A line on stderr for each part that is done."""
    from wncompare.tasks import CostMeasured, SpeedMeasured

    if isinstance(event, CostMeasured | SpeedMeasured):
        click.echo(f"measured {event.task}", err=True)


def table(measured: "Benchmark") -> "Table":
    """A row a variant: medians, in brackets the lowest and highest."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, title=Text(f"{measured.experiment}: {measured.dataset}"), title_justify="left")
    shown.add_column("variant")
    for name in ("parameters", "ms a step", "ratio", "s to compile", "peak memory, MB", "ratio"):
        shown.add_column(name, justify="right")
    for variant in measured.variants:
        shown.add_row(*map(Text, _cells(variant)))
    shown.caption = Text(_caption(measured))
    shown.caption_justify = "left"
    return shown


def _cells(variant: "Measured") -> tuple[str, ...]:
    return (
        variant.label,
        f"{variant.parameters:,}",
        _show(variant.step_seconds, "{:.2f}", 1e3),
        _show(variant.step_ratio, "{:.3f}"),
        f"{variant.compile_seconds:.1f}",
        f"{variant.peak_memory_bytes / 1e6:,.0f}",
        f"{variant.memory_ratio:.3f}",
    )


def _show(spread: "Spread", form: str, scale: float = 1.0) -> str:
    middle, low, high = (form.format(scale * value) for value in (spread.median, spread.low, spread.high))
    return f"{middle} ({low}–{high})"


def _caption(measured: "Benchmark") -> str:
    found = measured.environment
    versions = (f"{name} {found[key]}" for name, key in _VERSIONS.items() if key in found)
    threads = "1 thread" if measured.threads == 1 else f"{measured.threads} threads"
    return (
        f"median (lowest–highest) of {len(measured.variants[0].repeats)} × {measured.steps} steps, turn by turn; "
        f"batch size {measured.batch_size}, {threads}, {measured.device}\n"
        f"{found['processor']}, {found['cores']} cores; {', '.join(versions)}"
    )


_VERSIONS = {
    "wncompare": "wncompare",
    "Python": "python",
    "TensorFlow": "tensorflow",
    "tensorflow-cpu": "tensorflow-cpu",
    "Keras": "keras",
}
