"""The command line: parse, call, print. Each command imports what it needs when it runs, so that help is instant."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wncompare import __version__
from wncompare.errors import WncompareError

if TYPE_CHECKING:
    from wncompare.config import Config
    from wncompare.records import Experiment
    from wncompare.report.summary import Summary

Command = TypeVar("Command", bound=Callable[..., Any])

INTERRUPTED = 130
RUNS_FAILED = 3

_EXISTING = click.Path(path_type=Path)
_CONFIG = click.argument("config_file", metavar="CONFIG", type=_EXISTING)
_PATH = click.argument("path", metavar="PATH", type=_EXISTING)
_SET = click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a config's value (YAML).")
_DATA_DIR = click.option("--data-dir", metavar="DIR", type=_EXISTING, help="Look for datasets here first.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON alone on stdout.")


def main() -> None:
    """Run the command line and exit with its code; errors are one line on stderr, SIGTERM is Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    debug = "--debug" in arguments[:1]
    try:
        code = cli.main(arguments, prog_name="wncompare", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        if debug:
            raise
        click.echo(f"wncompare: error: {_one_line(error)}", err=True)
        return error.exit_code if isinstance(error, WncompareError) else 1
    return code if isinstance(code, int) else 0


def _one_line(error: Exception) -> str:
    if isinstance(error, WncompareError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())} (wncompare --debug shows where)"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wncompare")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; goes before the command.")
def cli(debug: bool) -> None:
    """Compare a network with the same network weight-normalized.

    Trains every variant of one YAML config over several seeds, in pairs, and writes histories and plots.
    """


@cli.command()
@_CONFIG
@_SET
@click.option("--output", metavar="DIR", type=_EXISTING, help="Write here instead of results/<name>.")
@_DATA_DIR
@click.option("--workers", metavar="N", type=click.IntRange(1), help="Runs at a time (default: one a core).")
@click.option("--overwrite", is_flag=True, help="Delete earlier runs that differ from what is asked.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first run that fails.")
@click.option("--quiet", is_flag=True, help="No progress; failures and the result alone.")
@_JSON
def run(
    config_file: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    data_dir: Path | None,
    workers: int | None,
    overwrite: bool,
    fail_fast: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train every variant and seed of CONFIG, then plot and sum up.

    Runs that an earlier call finished are skipped; interrupted ones go on from their last epoch.
    """
    from wncompare import config as configs
    from wncompare import console, experiment, records
    from wncompare.files import write_json
    from wncompare.report import summary

    config = configs.load(config_file, overrides)
    folder = output or _default_folder(config)
    with _resumable(folder), console.progress(epochs=config.training.epochs, quiet=quiet) as listen:
        done = experiment.execute(
            config,
            folder,
            data_dir=data_dir,
            workers=workers,
            overwrite=overwrite,
            fail_fast=fail_fast,
            listen=listen,
        )
    finished = records.read(folder)
    found = summary.summarize(finished)
    write_json(folder / "summary.json", summary.as_data(found))
    if finished.has_finished:
        written = _plot(finished, "png", folder / "plots")
        click.echo(f"wrote {folder} and {len(written)} plots in {folder / 'plots'}", err=True)
    _print_summary(found, as_json=as_json)
    diverged = [run.name for run in finished.runs if run.record.status == "diverged"]
    if diverged:
        click.echo(f"diverged, and not tried again: {', '.join(diverged)}", err=True)
    return RUNS_FAILED if done.unsuccessful or diverged else 0


def _default_folder(config: "Config") -> Path:
    return Path("results") / config.name


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
    from wncompare.files import strict
    from wncompare.report import summary

    if as_json:
        _print_json(strict(summary.as_data(found)))
        return
    from rich.console import Console

    from wncompare.report import terminal

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(terminal.table(found, width=console.width))


@cli.command()
@_PATH
@click.option("--format", "format", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True)
@click.option("--output", metavar="DIR", type=_EXISTING, help="Write to DIR/<experiment>/ instead of plots/.")
@_JSON
def plot(path: Path, format: str, output: Path | None, as_json: bool) -> None:
    """Draw every experiment at or below PATH, each into its own plots/ folder."""
    from wncompare import records

    written: list[Path] = []
    for folder in records.find(path):
        experiment = records.read(folder)
        if not experiment.has_finished:
            click.echo(f"{folder}: no run has finished: nothing to plot yet", err=True)
            continue
        written += _plot(experiment, format, folder / "plots" if output is None else output / folder.name)
    if as_json:
        _print_json({"schema_version": 1, "plots": [str(file) for file in written]})
    else:
        for file in written:
            click.echo(file)


def _plot(experiment: "Experiment", format: str, folder: Path) -> list[Path]:
    from wncompare import files, plots

    written = []
    for name, figure in plots.figures(experiment):
        written.append(folder / f"{name}.{format}")
        files.write_bytes(written[-1], plots.render(figure, format))
    return written


@cli.command()
@_CONFIG
@_SET
@click.option("--workers", metavar="N", type=click.IntRange(1), help="Runs at a time (default: one a core).")
@_JSON
def check(config_file: Path, overrides: tuple[str, ...], workers: int | None, as_json: bool) -> None:
    """Validate CONFIG; print it resolved, the plan and an estimate of its time. Trains nothing."""
    from wncompare import config as configs
    from wncompare.estimate import estimate

    config = configs.load(config_file, overrides)
    expected = estimate(config, workers=workers)
    if as_json:
        _print_json({"schema_version": 1, "config": config.dump(), "plan": expected.as_data()})
        return
    import yaml

    click.echo(yaml.safe_dump(config.dump(), sort_keys=False, allow_unicode=True, default_flow_style=None), nl=False)
    click.echo(f"\n{expected}")


@cli.command(name="list")
@_JSON
def list_(as_json: bool) -> None:
    """List the datasets, models, variants and optimizers that a config can name, with their options."""
    from wncompare.report import listing

    if as_json:
        _print_json({"schema_version": 1, **listing.as_data()})
    else:
        click.echo(listing.as_text(), nl=False)


@cli.command()
@click.argument("run_folder", metavar="RUN", type=_EXISTING)
@click.option("--output", metavar="FILE.keras", type=_EXISTING, required=True, help="The file to write.")
def export(run_folder: Path, output: Path) -> None:
    """Write the model of the run in the folder RUN as plain Keras.

    Weight normalization is folded into the kernels: the file loads, and predicts the same, without wncompare.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from wncompare.catalog import resolve

    with _silent_stderr():
        export_run = resolve("wncompare.nn.export:export_run")
    export_run(run_folder, output)
    click.echo(output)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """What TensorFlow's C++ says while it is imported is for nobody."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a file
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@cli.group()
def data() -> None:
    """Find, download and verify datasets."""


@data.command(name="list")
@_DATA_DIR
@_JSON
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """List the datasets, and where on this machine their files are."""
    from wncompare import data as datasets

    found = datasets.listing(data_dir)
    if as_json:
        entries = [{"name": entry.name, "paths": [str(path) for path in entry.paths]} for entry in found]
        _print_json({"schema_version": 1, "datasets": entries})
        return
    for entry in found:
        where = ", ".join(map(str, entry.paths)) or "not on this machine"
        click.echo(f"{entry.name:<14} {entry.summary}{f': {where}' if entry.published else ''}")


@data.command()
@click.argument("name")
@_DATA_DIR
def fetch(name: str, data_dir: Path | None) -> None:
    """Download the dataset NAME where it is not on this machine yet, and print its files."""
    from wncompare import console, experiment
    from wncompare import data as datasets

    with console.progress() as listen:
        paths = datasets.fetch(name, data_dir, progress=experiment.downloads(listen))
    for path in paths:
        click.echo(path)
    if not paths:
        click.echo(f"{name}: nothing to download", err=True)


@data.command()
@click.argument("name")
@_DATA_DIR
@_JSON
def verify(name: str, data_dir: Path | None, as_json: bool) -> int:
    """Compare the files of the dataset NAME with the published checksums; exit with 3 where they differ."""
    from wncompare import data as datasets

    checked = datasets.verify(name, data_dir)
    if as_json:
        files = [{"path": str(file.path), "found": file.found, "official": file.official} for file in checked]
        _print_json({"schema_version": 1, "files": files})
    else:
        for file in checked:
            verdict = "official" if file.official else f"not official: {file.found}, published {file.expected}"
            click.echo(f"{file.path}: {verdict}")
    return 0 if all(file.official for file in checked) else RUNS_FAILED


def _print_json(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
