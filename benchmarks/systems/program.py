"""What the systems in this environment share: their arguments and what they print."""

import argparse
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def options(description: str | None) -> argparse.Namespace:
    """The arguments of a system's program."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", type=Path, help="CIFAR-10 as benchmarks.common.write_cifar10 writes it")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--jit-compile", action="store_true", help="stock Keras: compile(jit_compile=True)")
    return parser.parse_args()


def finish(start_up: float, epochs: Mapping[str, Sequence[Mapping[str, float]]], *packages: str) -> None:
    """Print what was measured."""
    versions = {package: found for package in packages if (found := _version(package))}
    arms = {arm: {"epochs": list(rows)} for arm, rows in epochs.items()}
    print(json.dumps({"versions": versions, "start_up_seconds": start_up, "arms": arms}))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
