"""The results folder: what a run leaves on disk, written atomically and read back with its schema checked.

    results/cifar10/
      experiment.json                  schema version, resolved config
      weight_norm/[<point>/]seed-0/    <variant id>/<point of the grid, where there is one>/seed-<seed>
        run.json  history.csv  layers.csv  log.txt  checkpoint.npz  model.keras

Reading executes nothing: JSON and CSV are validated as data, and a record that is damaged is named, not believed.
A record that says "running" while no process holds the run reads as interrupted, however its worker ended.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from wncompare import config as configs
from wncompare.catalog import Metric
from wncompare.config import Config, Variant
from wncompare.errors import RecordsError, WncompareError
from wncompare.files import open_plain, sweep, write_csv, write_json
from wncompare.grid import Point
from wncompare.identity import differences, fingerprint
from wncompare.locks import is_held

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
EXTRA_COLUMNS = tuple(prefix + metric for metric in get_args(Metric) for prefix in ("", "val_"))
"""What a history may have beside these where the config asks for more metrics."""
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
    `epochs` is how many the run is to have, `stopped` why it ended before that: then `epochs` is how many it has.
    `seconds` has the wall-clock times: `start_up` and `compile` once, `train` and `eval` over all epochs.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    variant: str
    point: dict[str, Any] = {}
    seed: int
    status: Status
    stopped: str | None = None
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

    @model_validator(mode="after")
    def _of_its_identity(self) -> "RunRecord":
        if self.fingerprint != fingerprint(self.identity):
            raise PydanticCustomError("fingerprint", "the fingerprint is not that of the identity")
        return self


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
    point: Point

    @property
    def name(self) -> str:
        """How messages call the run: "weight_norm/seed-0"."""
        return run_name(self.record.variant, self.point, self.record.seed)

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

    def of(self, variant: Variant, point: Point | None = None) -> list[Run]:
        """The runs of one variant, at one point of the grid or, by default, at all."""
        return [run for run in self.runs if run.record.variant == variant.id and (point is None or run.point == point)]

    def finished(self, variant: Variant, point: Point | None = None) -> list[Run]:
        """Those of them that have finished."""
        return [run for run in self.of(variant, point) if run.record.status == "finished"]


def difference(planned: RunRecord, found: RunRecord) -> str:
    """What keeps a run from being taken for the planned one, as text; empty where nothing does."""
    if found.identity != planned.identity:
        return differences(found.identity, planned.identity)
    if found.epochs > planned.epochs:
        return f"training.epochs: {found.epochs} there, {planned.epochs} asked for"
    return ""


def is_done(planned: RunRecord, found: RunRecord) -> bool:
    """Whether nothing of a planned run is left to train: a diverged run is final, and one that a rule stopped."""
    if found.status == "finished":
        return found.epochs == planned.epochs or found.stopped is not None
    return found.status == "diverged"


def run_name(variant: str, point: Point, seed: int) -> str:
    """How messages call a run, and where it lives in an experiment's folder: "weight_norm/seed-0"."""
    return "/".join(part for part in (variant, point.slug, f"seed-{seed}") if part)


def run_folder(folder: Path, variant: str, point: Point, seed: int) -> Path:
    """Where a run lives in an experiment's folder."""
    return folder / run_name(variant, point, seed)


# Writing --------------------------------------------------------------------------------------------------------------


def write_experiment(folder: Path, config: Config, version: str) -> None:
    """Write experiment.json, into a new folder where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
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
    write_csv(folder / HISTORY_FILE, _history_columns(rows[0] if rows else ()), rows)


def write_layers(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write layers.csv, a row an epoch and layer."""
    write_csv(folder / LAYERS_FILE, LAYER_COLUMNS, rows)


def clear_run(folder: Path) -> None:
    """Delete what a killed worker left half written and, where there is no record, all else but the log."""
    sweep(folder)
    if not (folder / RUN_FILE).exists():
        for name in (HISTORY_FILE, LAYERS_FILE, CHECKPOINT_FILE, MODEL_FILE):
            (folder / name).unlink(missing_ok=True)


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
        RecordsError: a record is damaged, foreign or not in its place; the message names the file.
    """
    config = read_config(folder)
    places = (
        (run_folder(folder, variant.id, point, seed), point)
        for variant in config.variants
        for point in config.points
        for seed in config.seeds
    )
    runs = tuple(read_run(place, point) for place, point in places if (place / RUN_FILE).exists())
    _refuse_mixtures(runs)
    return Experiment(folder, config, runs)


def _refuse_mixtures(runs: Sequence[Run]) -> None:
    """Refuse runs of one variant at one point that differ in more than the seed: they are of different configs."""
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        other = first.setdefault((run.record.variant, run.point.slug), run)
        identities = [{**one.record.identity, "seed": None} for one in (other, run)]
        if identities[0] != identities[1]:
            raise RecordsError(
                f"{run.folder / RUN_FILE}: of another config than {other.name}: {differences(*identities)}: "
                "delete one of them and run again"
            )


def read_config(folder: Path) -> Config:
    """The resolved config of the experiment in `folder`."""
    file = folder / EXPERIMENT_FILE
    record = _read_record(file, ExperimentRecord)
    try:
        return configs.from_data(record.config, str(file))
    except WncompareError as error:
        raise RecordsError(str(error)) from None


def read_run(folder: Path, point: Point) -> Run:
    """The run in `folder`, at that point; its history has `HISTORY_COLUMNS` and any of `EXTRA_COLUMNS`."""
    record = _read_run_record(folder)
    run = Run(folder, record, read_history(folder), point)
    if not folder.match(run.name):
        raise RecordsError(f"{folder / RUN_FILE}: is the record of {run.name}: delete the run's folder and run again")
    if record.status == "finished" and run.epochs != record.epochs:
        raise RecordsError(
            f"{folder / HISTORY_FILE}: {run.epochs} epochs, {record.epochs} expected: "
            "delete the run's folder and run again"
        )
    return run


def read_record(folder: Path) -> RunRecord | None:
    """The record of the run in `folder`, None where there is none."""
    return _read_run_record(folder) if (folder / RUN_FILE).exists() else None


def _read_run_record(folder: Path) -> RunRecord:
    record = _read_record(folder / RUN_FILE, RunRecord)
    if record.status == "running" and not is_held(folder):
        record = _read_record(folder / RUN_FILE, RunRecord)  # it may have ended in between
        if record.status == "running":
            return record.model_copy(update={"status": "interrupted"})
    return record


def read_history(folder: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of history.csv, empty ones where the file is not there yet."""
    rows = list(_rows(folder / HISTORY_FILE))
    columns = _history_columns(rows[0] if rows else ())
    return {column: np.array([row[column] for row in rows], np.float64) for column in columns}


def _history_columns(row: Iterable[str]) -> tuple[str, ...]:
    return (*HISTORY_COLUMNS, *(column for column in EXTRA_COLUMNS if column in row))


def read_layers(folder: Path) -> list[dict[str, Any]]:
    """The rows of layers.csv: epoch, layer, and the numbers of `LAYER_COLUMNS`; none where there is no such file.

    Raises:
        RecordsError: the file is damaged.
    """
    file = folder / LAYERS_FILE
    try:
        return [
            {"epoch": int(row["epoch"]), "layer": row["layer"]} | {name: float(row[name]) for name in LAYER_COLUMNS[2:]}
            for row in (_csv(file) if file.exists() else ())
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{file}: damaged ({error}): delete the run's folder and run again") from None


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
            values = {column: float(row[column]) for column in _history_columns(row)}
            if values["epoch"] != number:
                raise ValueError(f"epoch {row['epoch']} in row {number}")
            for column in ("accuracy", "val_accuracy"):
                if values[column] < 0 or values[column] > 1:  # NaN is neither: a diverged run has it
                    raise ValueError(f"{column} {row[column]} in row {number}, not between 0 and 1")
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
        where = "".join(f"{part}: " for part in first["loc"])
        raise RecordsError(f"{file}: {where}{first['msg']}: delete the run's folder and run again") from None


def _text(file: Path) -> str:
    try:
        with open_plain(file) as handle:
            content = handle.read(MAX_RECORD_BYTES + 1)
        if len(content) > MAX_RECORD_BYTES:
            raise RecordsError(f"{file}: larger than {MAX_RECORD_BYTES:,} bytes: not a record of wncompare's")
        return content.decode("utf-8")
    except OSError as error:
        raise RecordsError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecordsError(f"{file}: not UTF-8: delete the run's folder and run again") from None
