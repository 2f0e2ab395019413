"""The results folder: what a run leaves on disk, written atomically and read back with its schema checked.

    results/cifar10/
      experiment.json                  schema version, resolved config
      weight_norm/seed-0/              <variant id>/seed-<seed>
        run.json  history.csv  layers.csv  log.txt  checkpoint.npz  model.keras

Reading executes nothing: JSON and CSV are validated as data, and a record that is damaged is named, not believed.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any, Final, Literal, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wncompare import config as configs
from wncompare.config import Config, Variant
from wncompare.errors import RecordsError, WncompareError
from wncompare.files import strict, write_csv, write_json

SCHEMA_VERSION: Final = 1
EXPERIMENT_FILE = "experiment.json"
RUN_FILE = "run.json"
HISTORY_FILE = "history.csv"
LAYERS_FILE = "layers.csv"
LOG_FILE = "log.txt"
MODEL_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
HISTORY_COLUMNS = ("epoch", *METRICS, "learning_rate", "train_seconds", "eval_seconds", "steps")
LAYER_COLUMNS = ("epoch", "layer", "v_norm", "g", "effective_learning_rate")

MAX_RECORD_BYTES = 64 << 20

R = TypeVar("R", bound="Record")
Status = Literal["running", "interrupted", "finished", "failed", "diverged"]
Number = Annotated[float, Field(strict=False)]  # strict JSON keeps "nan" and "inf" as text


class Record(BaseModel):
    """Data read from a file: unknown keys and wrong types mean a foreign or damaged file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetRecord(Record):
    """Which data a run was trained on."""

    name: str
    label: str
    digest: str
    official: bool | None


class RunRecord(Record):
    """What run.json holds: the identity of a run, how far it came and where it was made.

    `identity` is everything that a result depends on apart from the number of epochs; `fingerprint` is its SHA-256.
    `seconds` has the wall-clock times: `start_up` and `compile` once, `train` and `eval` over all epochs.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    variant: str
    seed: int
    status: Status
    fingerprint: str
    identity: dict[str, Any]
    epochs: int
    dataset: DatasetRecord
    parameters: int | None = None
    device: str | None = None
    test: dict[str, Number] | None = None
    seconds: dict[str, Number] = {}
    started: str | None = None
    ended: str | None = None
    environment: dict[str, Any] = {}
    error: str | None = None


class ExperimentRecord(Record):
    """What experiment.json holds."""

    schema_version: Literal[1] = SCHEMA_VERSION
    wncompare: str
    config: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """A run as read from disk: its record and its history, a column a metric."""

    folder: Path
    record: RunRecord
    history: dict[str, NDArray[np.float64]]

    @property
    def name(self) -> str:
        """How messages call the run: "weight_norm/seed-0"."""
        return run_name(self.record.variant, self.record.seed)

    @property
    def epochs(self) -> int:
        """How many epochs the history holds."""
        return len(self.history["epoch"])


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment as read from disk: its config and the runs there are, in the config's order."""

    folder: Path
    config: Config
    runs: tuple[Run, ...]

    @property
    def has_finished(self) -> bool:
        """Whether any run has finished."""
        return any(run.record.status == "finished" for run in self.runs)

    def finished(self, variant: Variant) -> list[Run]:
        """The finished runs of one variant."""
        return [run for run in self.runs if run.record.variant == variant.id and run.record.status == "finished"]


def fingerprint(identity: Mapping[str, Any]) -> str:
    """SHA-256 of what a run's result depends on, in hexadecimal."""
    return hashlib.sha256(json.dumps(strict(identity), sort_keys=True).encode()).hexdigest()


def run_name(variant: str, seed: int) -> str:
    """How messages call the run of that variant and seed, and where it lives in an experiment's folder."""
    return f"{variant}/seed-{seed}"


def run_folder(folder: Path, variant: str, seed: int) -> Path:
    """Where the run of that variant and seed lives in an experiment's folder."""
    return folder / run_name(variant, seed)


# Writing --------------------------------------------------------------------------------------------------------------


def write_experiment(folder: Path, config: Config, version: str) -> None:
    """Write experiment.json."""
    record = ExperimentRecord(wncompare=version, config=config.dump())
    write_json(folder / EXPERIMENT_FILE, record.model_dump())


def write_run(folder: Path, record: RunRecord) -> None:
    """Write run.json."""
    write_json(folder / RUN_FILE, record.model_dump())


def delete_run(folder: Path) -> None:
    """Delete a run's folder, where there is one."""
    if folder.exists():
        rmtree(folder)


def write_history(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write history.csv, a row an epoch."""
    write_csv(folder / HISTORY_FILE, HISTORY_COLUMNS, rows)


def write_layers(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write layers.csv, a row an epoch and layer."""
    write_csv(folder / LAYERS_FILE, LAYER_COLUMNS, rows)


def lock(folder: Path) -> FileLock:
    """The lock on an experiment's folder, held.

    Raises:
        RecordsError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise RecordsError(
            f"{folder}: another wncompare run is writing here: wait for it, or name another --output"
        ) from None
    return held


# Reading --------------------------------------------------------------------------------------------------------------


def find(path: Path) -> list[Path]:
    """The experiments' folders at or below `path`, sorted.

    Raises:
        RecordsError: there is none.
    """
    folders = sorted(file.parent for file in path.rglob(EXPERIMENT_FILE)) if path.is_dir() else []
    if not folders:
        raise RecordsError(
            f"{path}: no {EXPERIMENT_FILE} here or below: name a results folder that wncompare run wrote"
        )
    return folders


def read(folder: Path) -> Experiment:
    """The experiment in `folder`, with the runs that are there.

    Raises:
        RecordsError: a record is damaged or foreign; the message names the file.
    """
    config = read_config(folder)
    places = [run_folder(folder, variant.id, seed) for variant in config.variants for seed in config.seeds]
    return Experiment(folder, config, tuple(read_run(place) for place in places if (place / RUN_FILE).exists()))


def read_config(folder: Path) -> Config:
    """The resolved config of the experiment in `folder`."""
    file = folder / EXPERIMENT_FILE
    record = _read_record(file, ExperimentRecord)
    try:
        return configs.from_data(record.config, str(file))
    except WncompareError as error:
        raise RecordsError(str(error)) from None


def read_run(folder: Path) -> Run:
    """The run in `folder`; its history holds only the columns of `HISTORY_COLUMNS`."""
    record = _read_record(folder / RUN_FILE, RunRecord)
    run = Run(folder, record, read_history(folder))
    if record.status == "finished" and run.epochs != record.epochs:
        raise RecordsError(
            f"{folder / HISTORY_FILE}: {run.epochs} epochs, {record.epochs} expected: "
            "delete the run's folder and run again"
        )
    return run


def read_record(folder: Path) -> RunRecord | None:
    """The record of the run in `folder`, None where there is none."""
    return _read_record(folder / RUN_FILE, RunRecord) if (folder / RUN_FILE).exists() else None


def read_history(folder: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of history.csv, empty ones where the file is not there yet."""
    rows = list(_rows(folder / HISTORY_FILE))
    return {column: np.array([row[column] for row in rows], np.float64) for column in HISTORY_COLUMNS}


def read_rows(folder: Path, *, until: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of history.csv and of layers.csv up to that epoch, as text, to go on from.

    Raises:
        RecordsError: a row is missing.
    """
    read_history(folder)  # refuses what is damaged
    history, layers = (
        [row for row in _csv(folder / name) if int(row["epoch"]) <= until] for name in (HISTORY_FILE, LAYERS_FILE)
    )
    if len(history) != until:
        raise RecordsError(f"{folder / HISTORY_FILE}: {len(history)} epochs, {until} expected")
    return history, layers


def _rows(file: Path) -> Iterator[dict[str, float]]:
    try:
        for number, row in enumerate(_csv(file) if file.exists() else (), start=1):
            values = {column: float(row[column]) for column in HISTORY_COLUMNS}
            if values["epoch"] != number:
                raise ValueError(f"epoch {row['epoch']} in row {number}")
            yield values
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{file}: damaged history ({error}): delete the run's folder and run again") from None


def _csv(file: Path) -> list[dict[str, Any]]:
    try:
        return list(csv.DictReader(io.StringIO(_text(file), newline=""), strict=True))
    except csv.Error as error:
        raise RecordsError(f"{file}: damaged CSV ({error}): delete the run's folder and run again") from None


def _read_record(file: Path, kind: type[R]) -> R:
    try:
        data = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise RecordsError(f"{file}: damaged JSON ({error}): delete the run's folder and run again") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordsError(f"{file}: schema version {version!r}: this wncompare reads version {SCHEMA_VERSION}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordsError(f"{file}: {where}: {first['msg']}: delete the run's folder and run again") from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as handle:
            content = handle.read(MAX_RECORD_BYTES + 1)
        if len(content) > MAX_RECORD_BYTES:
            raise RecordsError(f"{file}: larger than {MAX_RECORD_BYTES:,} bytes: not a record of wncompare's")
        return content.decode("utf-8")
    except OSError as error:
        raise RecordsError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecordsError(f"{file}: not UTF-8: delete the run's folder and run again") from None
