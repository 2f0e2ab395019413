"""What the benchmarks share: a system's process and what it prints, results that survive an interruption, the data."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from wncompare import data
from wncompare.records import provenance
from wncompare.storage.files import write_json

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
RESULTS = HERE / "results"
SCHEMA_VERSION = 1

BATCH = 32
TRAIN_IMAGES = 50_000
STEPS_AN_EPOCH = -(-TRAIN_IMAGES // BATCH)

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
THREAD_SETTINGS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


T = TypeVar("T")


class Results:
    """A benchmark's file: written anew with every measurement, so that an interruption leaves what there is."""

    def __init__(self, name: str, settings: Mapping[str, Any], folder: Path = RESULTS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.json"
        self._data = {
            "schema_version": SCHEMA_VERSION,
            "benchmark": name,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "environment": provenance.environment(),
            "settings": dict(settings),
            "measurements": [],
            "failures": [],
        }

    def add(self, **measurement: Any) -> None:
        """One more measurement, with how busy the machine was; it is told on stderr."""
        self._append("measurements", {**measurement, "load": os.getloadavg()[0]})

    def measure(self, what: Mapping[str, Any], function: Callable[[], Mapping[str, Any]]) -> None:
        """Add what `function` returns; where its process fails, say so and go on."""
        try:
            self.add(**what, **function())
        except (subprocess.CalledProcessError, OSError) as error:
            self._append("failures", {**what, "error": _reason(error)})

    def _append(self, kind: str, row: dict[str, Any]) -> None:
        self._data[kind].append(row)
        write_json(self.path, self._data)
        print(f"{kind[:-1]}:", json.dumps(row)[:300], file=sys.stderr, flush=True)


def _reason(error: Exception) -> str:
    """The last line that the process wrote on stderr, or else what the error says."""
    said = (getattr(error, "stderr", None) or "").strip() or str(error)
    return said.splitlines()[-1][:300]


def printed(command: Sequence[object], *, one_core: bool, environment: Mapping[str, str] | None = None) -> Any:
    """The JSON that a command prints as its last line; on one core with one thread, or with its own defaults."""
    limits = dict.fromkeys(THREAD_SETTINGS, "1") if one_core else {}
    inherited = {name: value for name, value in os.environ.items() if name not in THREAD_SETTINGS}
    done = subprocess.run(
        [*map(str, command)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**inherited, **QUIET, **limits, **(environment or {})},
        preexec_fn=_stay_on_one_core if one_core else None,
    )
    return json.loads(done.stdout.splitlines()[-1])


def wncompare(*arguments: object, environment: Mapping[str, str] | None = None) -> str:
    """What a command of wncompare prints; it has to succeed."""
    line = [sys.executable, "-m", "wncompare", *arguments]
    variables = {**os.environ, **QUIET, **(environment or {})}
    done = subprocess.run([*map(str, line)], check=True, cwd=ROOT, env=variables, capture_output=True, text=True)
    return done.stdout


def in_turn(names: Sequence[T], number: int) -> Iterable[T]:
    """The names, in the opposite order every other round."""
    return reversed(names) if number % 2 else names


def _stay_on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):  # not on macOS, where the threads' number has to do
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def write_cifar10(file: Path, data_dir: Path | None, *, steps: int = STEPS_AN_EPOCH) -> dict[str, Any]:
    """Write CIFAR-10 as one .npz for every system alike, the training images of `steps` batches; what data it is."""
    dataset = data.load("cifar10", data_dir=data_dir)
    train, test = dataset.train, dataset.test
    count = BATCH * steps
    np.savez(file, x_train=train.x[:count], y_train=train.y[:count], x_test=test.x, y_test=test.y)
    return {"label": dataset.label, "digest": dataset.digest}


def read_split(file: Path, split: str) -> tuple[Any, Any]:
    """Images as float32 in [0, 1] and classes, of "train" or "test"."""
    with np.load(file) as arrays:
        return arrays[f"x_{split}"].astype("float32") / 255.0, arrays[f"y_{split}"]


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes."""
    found = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    found.add_argument("--data-dir", type=absolute, help="holds CIFAR-10 (default: where wncompare looks)")
    found.add_argument("--results", type=absolute, default=RESULTS, help="folder of the JSON files")
    return found


def absolute(path: str) -> Path:
    """A path as it is meant here, for processes that run elsewhere."""
    return Path(path).absolute()


def interruptible(main: Callable[[], None]) -> None:
    """Run a benchmark; Ctrl-C ends it, and what was measured is in its file."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted: what was measured is in the results")
