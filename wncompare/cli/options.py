"""What several commands share: arguments, options, exit codes, JSON on stdout."""

from pathlib import Path
from typing import Any

import click

from wncompare.storage.files import json_text

INTERRUPTED = 130
RUNS_FAILED = 3

ANY_PATH = click.Path(path_type=Path)
CONFIG = click.argument("config_file", metavar="CONFIG", type=ANY_PATH)
PATH = click.argument("path", metavar="PATH", type=ANY_PATH)
SET = click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a config's value (YAML).")
DATA_DIR = click.option("--data-dir", metavar="DIR", type=ANY_PATH, help="Look for datasets here first.")
DEVICE = click.option("--device", type=click.Choice(["cpu", "gpu"]), help="Train on this (default: a GPU if usable).")
WORKERS = click.option("--workers", metavar="N", type=click.IntRange(1), help="Runs at a time (default: one a core).")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON alone on stdout.")


def print_json(data: dict[str, Any]) -> None:
    """Print strict JSON on stdout."""
    click.echo(json_text(data), nl=False)
