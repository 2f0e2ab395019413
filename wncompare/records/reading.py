"""A results folder read: every record is validated, and one that is damaged or out of place is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wncompare import config as configs
from wncompare.config import Config
from wncompare.config.experiment import LEARNING_RATE
from wncompare.config.grid import Point, replaced
from wncompare.errors import RecordsError, WncompareError
from wncompare.records.identity import differences, farthest
from wncompare.records.layout import ACCURACIES, EXPERIMENT_FILE, HISTORY_FILE, RUN_FILE, run_folder
from wncompare.records.looks import read_looks
from wncompare.records.schema import Experiment, ExperimentRecord, Run, RunRecord
from wncompare.records.tables import read_history
from wncompare.records.validated import read_validated
from wncompare.storage.files import strict
from wncompare.storage.locks import is_held


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
    record, config = _read_experiment(folder)
    places = (
        (run_folder(folder, variant.id, point, seed), point)
        for variant in config.variants
        for point in config.points
        for seed in config.all_seeds
    )
    runs = tuple(read_run(place, point) for place, point in places if (place / RUN_FILE).exists())
    _refuse_mixtures(runs, own_rates=any(variant.learning_rate for variant in config.variants))
    return Experiment(folder, config, runs, looks=read_looks(folder), protocol=record.protocol_fingerprint)


def _refuse_mixtures(runs: Sequence[Run], *, own_rates: bool) -> None:
    """Refuse runs at one point that differ in more than variant and seed, and of one variant in more than the seed.

    With `own_rates` a variant may have a learning rate of its own.
    """
    arms: dict[tuple[str, str], Run] = {}
    points: dict[str, Run] = {}
    for run in runs:
        _refuse_mixture(arms.setdefault((run.record.variant, run.point.slug), run), run, "seed")
        _refuse_mixture(points.setdefault(run.point.slug, run), run, "seed", "variant", own_rates=own_rates)


def _refuse_mixture(other: Run, run: Run, *free: str, own_rates: bool = False) -> None:
    identities = [{**one.record.identity, **dict.fromkeys(free)} for one in (other, run)]
    if own_rates:
        identities = [replaced(identity, LEARNING_RATE.split("."), None) for identity in identities]
    if identities[0] != identities[1]:
        raise RecordsError(
            f"{run.folder / RUN_FILE}: of another config than {other.name}: {differences(*identities)}: "
            "delete one of them and run again"
        )


def read_config(folder: Path) -> Config:
    """The resolved config of the experiment in `folder`."""
    return _read_experiment(folder)[1]


def read_protocol(folder: Path) -> dict[str, Any] | None:
    """What was decided in `folder` before the first run; None where nothing was, or is there yet.

    Raises:
        RecordsError: experiment.json is damaged or foreign.
    """
    return _read_experiment(folder)[0].protocol if (folder / EXPERIMENT_FILE).exists() else None


def _read_experiment(folder: Path) -> tuple[ExperimentRecord, Config]:
    file = folder / EXPERIMENT_FILE
    record = read_validated(file, ExperimentRecord)
    try:
        return record, configs.from_data(record.config, str(file))
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
    if record.dataset.targets == "classes" and not {*ACCURACIES} <= run.history.keys():
        raise RecordsError(
            f"{folder / HISTORY_FILE}: no accuracy, though the targets are classes: "
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
    record = read_validated(folder / RUN_FILE, RunRecord)
    if record.status == "running" and (own or not is_held(folder)):
        record = read_validated(folder / RUN_FILE, RunRecord)  # it may have ended in between
        if record.status == "running":
            return record.model_copy(update={"status": "interrupted"})
    return record
