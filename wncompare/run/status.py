"""How far an experiment is: the state of every run, from its record, its history and whether a process holds it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from wncompare import records
from wncompare.config import Until
from wncompare.config.grid import Point
from wncompare.errors import RecordsError
from wncompare.records import RunRecord

SCHEMA_VERSION = 1
STATES = ("finished", "running", "interrupted", "failed", "diverged", "damaged", "missing")

_FOREVER = 1e9


@dataclass(frozen=True)
class RunState:
    """One planned run: its state, the epochs it has of those it is to have and, while it runs, its pace."""

    run: str
    variant: str
    status: str
    epoch: int
    epochs: int
    steps_per_second: float | None = None
    seconds_left: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Looking:
    """Where seeds are trained until all is settled: whether it is, and with how many `seeds`, of `most` at the most.

    Where it is not settled yet, `seeds` are those of the next look.
    """

    settled: bool
    seeds: int
    most: int


@dataclass(frozen=True)
class Status:
    """One experiment: every run it plans so far, in the config's order; `looking` is None where seeds are a list."""

    experiment: str
    folder: Path
    runs: tuple[RunState, ...]
    looking: Looking | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        statuses = [run.status for run in self.runs]
        return {state: statuses.count(state) for state in STATES}

    @property
    def seconds_left(self) -> float | None:
        """About how long those that run now take for all that is left at their pace; None where none tells its pace."""
        paces = [run.seconds_left / (run.epochs - run.epoch) for run in self.runs if run.seconds_left]
        left = (run.epochs - run.epoch for run in self.runs if run.status in ("running", "interrupted", "missing"))
        return sum(left) * (sum(paces) / len(paces)) / len(paces) if paces else None


def status(folder: Path) -> Status:
    """How far the experiment in `folder` is; a damaged record is a state of its run, with the reason.

    Raises:
        RecordsError: experiment.json is damaged or foreign.
    """
    config = records.read_config(folder)
    looking = None if config.until is None else _looking(folder, config.until)
    seeds = config.all_seeds[: looking.seeds] if looking else config.all_seeds
    runs = product(config.variants, config.points, seeds)
    epochs = config.training.epochs
    states = tuple(_state(folder, variant.id, point, seed, epochs) for variant, point, seed in runs)
    return Status(config.name, folder, states, looking)


def _looking(folder: Path, until: Until) -> Looking:
    """What the records say of the looks; where one is damaged nothing is settled, and every seed is shown."""
    from wncompare.analysis.looks import counted, is_settled  # which takes its time, and lists need none of it

    try:
        experiment = records.read(folder)
    except RecordsError:
        return Looking(False, until.most, until.most)
    return Looking(is_settled(experiment), len(counted(experiment).seeds), until.most)


def _state(folder: Path, variant: str, point: Point, seed: int, epochs: int) -> RunState:
    name, place = records.run_name(variant, point, seed), records.run_folder(folder, variant, point, seed)
    try:
        record = records.read_record(place)
        if record is None:
            return RunState(name, variant, "missing", 0, epochs)
        if record.status == "finished":
            return RunState(name, variant, "finished", record.epochs, record.epochs)
        return _unfinished(name, place, record)
    except RecordsError as error:
        return RunState(name, variant, "damaged", 0, epochs, error=str(error))


def _unfinished(name: str, place: Path, record: RunRecord) -> RunState:
    history = records.read_history(place)
    epoch = len(history["epoch"])
    state = RunState(name, record.variant, record.status, epoch, record.epochs, error=record.error)
    if record.status != "running" or not epoch:
        return state
    train, evaluation, steps = (float(history[column][-1]) for column in ("train_seconds", "eval_seconds", "steps"))
    if not 0 < train < _FOREVER or not 0 <= evaluation < _FOREVER:  # someone else's numbers
        return state
    left = (record.epochs - epoch) * (train + evaluation)
    return replace(state, steps_per_second=steps / train, seconds_left=min(left, _FOREVER))


def as_data(statuses: Iterable[Status]) -> dict[str, Any]:
    """The same as plain JSON data, with its schema's version."""
    return {"schema_version": SCHEMA_VERSION, "experiments": [_as_data(one) for one in statuses]}


def _as_data(one: Status) -> dict[str, Any]:
    return {
        "experiment": one.experiment,
        "folder": str(one.folder),
        "counts": {"planned": len(one.runs), **one.counts},
        "seconds_left": one.seconds_left,
        "looking": asdict(one.looking) if one.looking else None,
        "runs": [asdict(run) for run in one.runs],
    }
