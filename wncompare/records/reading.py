"""A results folder read: every record is validated, and one that is damaged or out of place is named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from wncompare import config as configs
from wncompare.config import Config
from wncompare.config.grid import Point
from wncompare.errors import RecordsError, WncompareError
from wncompare.records.identity import differences, farthest
from wncompare.records.layout import EXPERIMENT_FILE, HISTORY_FILE, RUN_FILE, run_folder
from wncompare.records.schema import SCHEMA_VERSION, Experiment, ExperimentRecord, Record, Run, RunRecord
from wncompare.records.tables import read_history, read_text
from wncompare.storage.files import strict
from wncompare.storage.locks import is_held

R = TypeVar("R", bound="Record")


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
        for seed in config.all_seeds
    )
    runs = tuple(read_run(place, point) for place, point in places if (place / RUN_FILE).exists())
    _refuse_mixtures(runs)
    return Experiment(folder, config, runs)


def _refuse_mixtures(runs: Sequence[Run]) -> None:
    """Refuse runs at one point that differ in more than variant and seed, and of one variant in more than the seed."""
    arms: dict[tuple[str, str], Run] = {}
    points: dict[str, Run] = {}
    for run in runs:
        _refuse_mixture(arms.setdefault((run.record.variant, run.point.slug), run), run, "seed")
        _refuse_mixture(points.setdefault(run.point.slug, run), run, "seed", "variant")


def _refuse_mixture(other: Run, run: Run, *free: str) -> None:
    identities = [{**one.record.identity, **dict.fromkeys(free)} for one in (other, run)]
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
    if differs := differences(record.point, strict(point.values)):
        raise RecordsError(f"{folder / RUN_FILE}: of another setting: {differs}: delete the run's folder and run again")
    if record.status == "finished" and run.epochs != record.epochs:
        raise RecordsError(
            f"{folder / HISTORY_FILE}: {run.epochs} epochs, {record.epochs} expected: "
            "delete the run's folder and run again"
        )
    return run


def read_record(folder: Path, *, own: bool = False) -> RunRecord | None:
    """The record of the run in `folder`, None where there is none.

    Where this process itself holds the run (`own`), one that is said to be running has been interrupted.
    """
    return _read_run_record(folder, own=own) if (folder / RUN_FILE).exists() else None


def difference(planned: RunRecord, found: RunRecord, folder: Path) -> str:
    """What keeps the run in `folder` from being taken for the planned one, as text; empty where nothing does.

    A run that broke off has the epochs of its history, however many it was to have.
    """
    if found.identity != planned.identity:
        return differences(found.identity, planned.identity)
    if distance := farthest(found.probe, planned.probe):
        return (
            f"what its network computes (by {distance:.2g}, at one seed and on the same inputs): other code, weights "
            "or adapted values in the same architecture"
        )
    if found.epochs <= planned.epochs:
        return ""
    epochs = found.epochs if found.status in ("running", "finished") else len(read_history(folder)["epoch"])
    return f"training.epochs: {epochs} there, {planned.epochs} asked for" if epochs > planned.epochs else ""


def _read_run_record(folder: Path, *, own: bool = False) -> RunRecord:
    record = _read_record(folder / RUN_FILE, RunRecord)
    if record.status == "running" and (own or not is_held(folder)):
        record = _read_record(folder / RUN_FILE, RunRecord)  # it may have ended in between
        if record.status == "running":
            return record.model_copy(update={"status": "interrupted"})
    return record


def _read_record(file: Path, kind: type[R]) -> R:
    try:
        data = json.loads(read_text(file))
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
