"""The plan of an experiment: its runs in order, each with the record it starts from, and what is there of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from wncompare import records
from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.errors import Argument, RecordsError
from wncompare.records import DatasetRecord, RunRecord
from wncompare.records.execution import path_of, pools_of, recurrences_of
from wncompare.records.identity import UNIDENTIFYING, fingerprint, model_identity
from wncompare.storage.locks import is_held, run_lock
from wncompare.tasks import Device


@dataclass(frozen=True)
class PlannedRun:
    """One variant at one point of the grid with one seed: the unit of work."""

    variant: Variant
    point: Point
    seed: int
    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """How messages call the run: "weight_norm/seed-0"."""
        return records.run_name(self.variant.id, self.point, self.seed)


def plan(config: Config, folder: Path, dataset: DatasetRecord, device: Device = "cpu") -> tuple[PlannedRun, ...]:
    """Every run of the experiment on that dataset and kind of device.

    The arms of one seed stand side by side, in alternating order, so that their timings compare.
    """
    common = {
        (point.slug, rate): _common_identity(config.at(point, rate), dataset.digest, device)
        for point in config.points
        for rate in {variant.learning_rate for variant in config.variants}
    }
    paths = _paths(config, device)
    return tuple(
        _planned(
            config, folder, dataset, variant, point, seed, common[point.slug, variant.learning_rate], paths[variant.id]
        )
        for index, (seed, point) in enumerate(product(config.all_seeds, config.points))
        for variant in (config.variants if index % 2 == 0 else config.variants[::-1])
    )


def _planned(
    config: Config,
    folder: Path,
    dataset: DatasetRecord,
    variant: Variant,
    point: Point,
    seed: int,
    common: dict[str, Any],
    path: dict[str, str],
) -> PlannedRun:
    options = variant.options.model_dump(mode="json", exclude_none=True, exclude={*UNIDENTIFYING})
    path = path if common["training"].get("precision", "float32") == "float32" else {}  # bfloat16 is never lowered
    identity = {**common, "variant": {"name": variant.name, "options": options, **path}, "seed": seed}
    record = RunRecord(
        variant=variant.id,
        point=dict(point.values),
        seed=seed,
        status="running",
        fingerprint=fingerprint(identity),
        identity=identity,
        probe=getattr(variant.options, "probe", None) or getattr(config.model, "probe", None),
        epochs=config.training.epochs,
        dataset=dataset,
    )
    return PlannedRun(variant, point, seed, records.run_folder(folder, variant.id, point, seed), record)


def _common_identity(config: Config, digest: str, device: Device) -> dict[str, Any]:
    """What the results of all runs at one point and learning rate depend on, labels and colours apart.

    The number of epochs is part of it only where the learning rate of every epoch depends on it.
    """
    resolved = config.dump()
    training = resolved["training"]
    if config.training.schedule is None or not config.training.schedule.depends_on_epochs:
        training = {key: value for key, value in training.items() if key != "epochs"}
    return {
        "dataset": digest,
        "model": model_identity(resolved["model"]),
        "training": training,
        "init_batch": config.init_batch,
        "validation": resolved["validation"],
        "device": device,
    }


def _paths(config: Config, device: Device) -> dict[str, dict[str, str]]:
    """What of how each variant is executed its identity says: on a GPU convolutions are as they were."""
    resolved = config.dump()["model"]
    regular = pools_of(resolved) if device == "cpu" else None
    made = {variant.id: getattr(variant.options, "pools", None) for variant in config.variants if device == "cpu"}
    return {
        one.id: {
            **path_of(one.name, made[one.id] if one.name == "function" else regular),
            **recurrences_of(one.name, resolved),
        }
        for one in config.variants
    }


def untrained(config: Config, folder: Path) -> int:
    """How many runs there seem to be to train, before the dataset is known: those that have left no model."""
    runs = product(config.variants, config.points, config.all_seeds)
    places = (records.run_folder(folder, variant.id, point, seed) for variant, point, seed in runs)
    return sum(not (place / records.MODEL_FILE).exists() for place in places)


def untried(runs: tuple[PlannedRun, ...], *, overwrite: bool) -> list[PlannedRun]:
    """A run of each network of which the folder holds no run that has trained an epoch: whether it can is not known.

    Of the others no more is read than tells that.

    Raises:
        RecordsError: as `unfinished`, but that nothing is deleted.
    """
    networks: dict[str, list[PlannedRun]] = {}
    for run in runs:
        networks.setdefault(_network(run), []).append(run)
    return [each[0] for each in networks.values() if not any(s.has_trained for s in _states(each, overwrite=overwrite))]


def _network(run: PlannedRun) -> str:
    """What decides whether a run can be trained at all: model, variant, loss, metrics and precision."""
    training = run.record.identity["training"]
    parts = {key: run.record.identity[key] for key in ("model", "variant")}
    decisive = {key: training.get(key) for key in ("loss", "metrics", "precision")}
    return fingerprint({**parts, **decisive})


def unfinished(runs: tuple[PlannedRun, ...], *, overwrite: bool) -> list[PlannedRun]:
    """The runs that the folder does not hold as asked, with nothing in their way: conflicting records are deleted.

    Raises:
        RecordsError: a record is damaged or of something else, and `overwrite` does not say to delete it; or another
            process is training what is to be deleted. Then nothing has been deleted.
    """
    states = list(_states(runs, overwrite=overwrite))
    in_the_way = [state.run for state in states if state.in_the_way]
    for run in in_the_way:  # before the first is deleted; to hold all at once could take too many open files
        if is_held(run.folder):
            raise _held(run)
    for run in in_the_way:
        _delete(run)
    return [state.run for state in states if not state.done]


def _states(runs: Iterable[PlannedRun], *, overwrite: bool) -> "Iterator[_State]":
    for run in runs:
        state = _State.of(run)
        if state.refusal and not overwrite:
            raise state.refusal
        yield state


@dataclass(frozen=True)
class _State:
    """What is in a run's place."""

    run: PlannedRun
    done: bool = False
    has_trained: bool = False
    in_the_way: bool = False
    refusal: RecordsError | None = None

    @classmethod
    def of(cls, run: PlannedRun) -> "_State":
        try:
            found = records.read_record(run.folder)
        except RecordsError as damage:
            return cls(run, in_the_way=True, refusal=damage)
        if found is None:
            return cls(run)
        difference = records.difference(run.record, found, run.folder)
        if difference:
            is_loss = found.status != "failed" or (run.folder / records.CHECKPOINT_FILE).exists()
            return cls(run, in_the_way=True, refusal=_refusal(run, difference) if is_loss else None)
        has_trained = (run.folder / records.HISTORY_FILE).exists()
        return cls(run, done=records.is_done(run.record, found), has_trained=has_trained)


def _refusal(run: PlannedRun, difference: str) -> RecordsError:
    scheduled = "epochs" in run.record.identity["training"] and "training.epochs: " in difference
    why = " (the schedule depends on the epochs)" if scheduled else ""
    return RecordsError(
        f"{run.folder}: holds a run that differs in {difference}{why}: delete such runs with ",
        Argument("overwrite", "True"),
        ", or name another folder with ",
        Argument("output"),
    )


def _delete(run: PlannedRun) -> None:
    with run_lock(run.folder) as held:
        if not held:
            raise _held(run)
        records.delete_run(run.folder)


def _held(run: PlannedRun) -> RecordsError:
    return RecordsError(f"{run.folder}: another wncompare run is training it: wait for that one, or stop it")
