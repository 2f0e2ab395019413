"""`wncompare export`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from wncompare.cli.options import EXISTING


@click.command()
@click.argument("run_folder", metavar="RUN", type=EXISTING)
@click.option("--output", metavar="FILE.keras", type=EXISTING, required=True, help="The file to write.")
def export(run_folder: Path, output: Path) -> None:
    """Write the model of the run in the folder RUN as plain Keras.

    Weight normalization is folded into the kernels: the file loads, and predicts the same, without wncompare.
    """
    from wncompare.catalog.registry import resolve
    from wncompare.records import numerics
    from wncompare.storage.cache import homeless_environment

    variables = {**numerics.without(os.environ), **numerics.fixed(threads=1), **homeless_environment()}
    os.environ.clear()
    os.environ.update(variables)
    with _silent_stderr():
        export_run = resolve("wncompare.nn.export:export_run")
        resolve("wncompare.nn.numerics:settle")()
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
