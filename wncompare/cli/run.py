"""`wncompare run`."""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wncompare.cli.options import ANY_PATH, CONFIG, DATA_DIR, DEVICE, JSON, RUNS_FAILED, SET, WORKERS, print_json
from wncompare.cli.report import REPORT_FILE, data, rendered, save, write_report

if TYPE_CHECKING:
    from wncompare.analysis.summary import Summary
    from wncompare.render.drawing import Drawing
    from wncompare.tasks import Device


@click.command()
@CONFIG
@SET
@click.option("--output", metavar="DIR", type=ANY_PATH, help="Write here instead of results/<name>.")
@DATA_DIR
@DEVICE
@WORKERS
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Where runs go (default: local).")
@click.option("--address", metavar="A", help="Ray's cluster, HOST:PORT or auto (default: one on this machine).")
@click.option("--overwrite", is_flag=True, help="Delete earlier runs that differ from what is asked.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails.")
@click.option("--quiet", is_flag=True, help="No progress; failures and the result alone.")
@JSON
def run(
    config_file: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    data_dir: Path | None,
    device: "Device | None",
    workers: int | None,
    engine: str,
    address: str | None,
    overwrite: bool,
    fail_fast: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train every variant and seed of CONFIG, then plot, report and sum up.

    Runs that an earlier call finished are skipped; interrupted ones go on from their last epoch. With seeds: {until:
    settled} it ends with the seed that settles every contrast.
    """
    from wncompare import config as configs
    from wncompare import records
    from wncompare.cli.ahead import Ahead
    from wncompare.render import progress as console
    from wncompare.render.drawing import Drawing
    from wncompare.run import execute as experiment
    from wncompare.run.engines import LocalEngine, RayEngine

    if address and engine != "ray":
        raise click.UsageError(f"--address {address} is for --engine ray: give both, or neither")
    config = configs.load(config_file, overrides)
    folder = output or Path("results") / config.name
    with Drawing() as drawing:
        with _resumable(folder), console.progress(epochs=config.training.epochs, quiet=quiet) as listen:
            ahead = Ahead(listen, partial(_prepare, drawing), threads=config.training.threads)
            done = experiment.execute(
                config,
                folder,
                engine=RayEngine(address, workers, device) if engine == "ray" else LocalEngine(workers, device),
                data_dir=data_dir,
                overwrite=overwrite,
                fail_fast=fail_fast,
                listen=ahead.hear,
            )
        from wncompare.analysis.looks import counted  # which loads SciPy: workers start without waiting for it
        from wncompare.analysis.summary import summarize

        finished = counted(done.experiment or records.read(folder))
        found = summarize(finished)
        if _is_drawn(folder, found):
            click.echo(f"nothing is new: {folder}, its plots and its report are as they were", err=True)
        elif finished.has_finished:
            drawing.prepare()
            plots = drawing.draw(finished, "png", folder / "plots")
            page = write_report(folder / REPORT_FILE, finished, found, "html")
            click.echo(f"wrote {folder}, {len(plots)} plots in {folder / 'plots'} and {page}", err=True)
    save(folder, found)
    _print_summary(found, as_json=as_json)
    diverged = [run.name for run in finished.runs if run.record.status == "diverged"]
    if diverged:
        click.echo(
            f"diverged, and not tried again: {', '.join(diverged)}; a lower learning rate or clipnorm may help",
            err=True,
        )
    return RUNS_FAILED if done.unsuccessful or diverged else 0


def _prepare(drawing: "Drawing") -> None:
    """Import what comes after the training, here and then in what helps to draw; for when a core is idle, but one."""
    for module in _AFTER_TRAINING:
        import_module(module)
    drawing.prepare()


_AFTER_TRAINING = (
    "scipy.stats",
    "wncompare.analysis.summary",
    "wncompare.render.figures.files",
    "wncompare.render.html",
    "wncompare.render.latex",
    "wncompare.render.markdown",
    "wncompare.render.spreadsheet",
    "wncompare.render.terminal",
)


def _is_drawn(folder: Path, found: "Summary") -> bool:
    """Whether the plots and the report that are there show this very summary, which is saved once they are drawn."""
    from wncompare.storage.files import open_plain

    try:
        with open_plain(folder / "summary.json") as file:
            saved = json.loads(file.read())
    except (OSError, ValueError):
        return False
    return bool(saved == data(found)) and (folder / "plots").is_dir() and (folder / REPORT_FILE).is_file()


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """On Ctrl-C, say what is safe and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        command = shlex.join(["wncompare", *sys.argv[1:]])
        click.echo(f"\ninterrupted: records are safe in {folder}; go on with: {command}", err=True)
        raise


def _print_summary(found: "Summary", *, as_json: bool) -> None:
    if as_json:
        print_json(data(found))
        return
    from wncompare.render import terminal

    click.echo(rendered(terminal.render(found)), nl=False)
