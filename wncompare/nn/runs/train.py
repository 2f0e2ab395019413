"""One run, from its place in the plan to its record: build, vary, train, write.

This is what an engine's worker calls. Records are written as the run goes: whatever stops it, what it had finished
is on disk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import cloudpickle
import keras
import numpy as np

from wncompare import records
from wncompare.config import Training
from wncompare.data import Dataset, Split
from wncompare.data.dataset import splits
from wncompare.errors import DatasetError, ModelError, RecordsError, UnreadableError
from wncompare.nn import arms
from wncompare.nn.layer_table import layer_rows, parameters
from wncompare.nn.runs.ending import stopped
from wncompare.nn.runs.inputs import check_fits, given, use
from wncompare.nn.runs.tensorboard import EventFiles
from wncompare.nn.training import checkpoint, programs
from wncompare.nn.training.trainer import EpochResult, Trainer
from wncompare.records import RunRecord, Status, provenance
from wncompare.records.identity import fingerprint, model_identity
from wncompare.storage.files import replacing
from wncompare.storage.locks import run_lock
from wncompare.tasks import Busy, Ended, EpochDone, Progress, Report, Started, TrainTask, Waiting

BuildModel = Callable[[], keras.Model]

_REPORT_SECONDS = 0.2
_EVENTS_FOLDER = "tensorboard"


def train(task: TrainTask, report: Report) -> Ended | Busy:
    """Train the run and write its record; `report` hears of every epoch."""

    def waiting() -> None:
        report(Waiting(task.name))

    with run_lock(task.folder, waiting=waiting if task.wait else None) as held:
        if not held:
            return Busy(task.name)
        return Ended(task.name, _status_there(task.folder, task.record) or _begin(task, report))


def _status_there(folder: Path, record: RunRecord) -> Status | None:
    """The status of the run where it is there as asked, trained by another process meanwhile."""
    found = records.read_record(folder, own=True)
    if found is None:
        return None
    if difference := records.difference(record, found, folder):
        raise RecordsError(f"{folder}: another wncompare run has left one here that differs in {difference}")
    return found.status if records.is_done(record, found) else None


def _begin(task: TrainTask, report: Report) -> Status:
    started, config, record = perf_counter(), task.config, task.record
    programs.keep()
    use(record.identity["device"])
    dataset = given(config.dataset, task.data_dir, task.shared)
    if dataset.digest != record.dataset.digest:
        raise DatasetError(f"dataset {dataset.name}: changed since the run was planned: run again")
    model = config.dump()["model"]
    if model_identity(model) != record.identity["model"]:
        raise ModelError(f"model {model['file']}: changed since the run was planned: run again")
    records.clear_run(task.folder)
    diary = _Diary(task.folder, record, tensorboard=config.tensorboard)
    diary.note(started=_now(), device=record.identity["device"])
    return _train(task, dataset, diary, report, started)


def _train(task: TrainTask, dataset: Dataset, diary: "_Diary", report: Report, started: float) -> Status:
    config, build_model = task.config, _unpacked(task.build_model)
    parts = splits(dataset, config.holdout)
    model = arms.build(config, diary.record.variant, diary.record.seed, dataset, parts[0], build_model)
    trainer = _trainer(diary.record, model, parts, config.training.batch_size)
    done = diary.begin(trainer.model, start_up=perf_counter() - started)
    report(Started(task.name, parameters(trainer.model), done))
    epochs = trainer.epochs(
        config.training.epochs, seed=diary.record.seed, first_epoch=done + 1, progress=_throttled(task.name, report)
    )
    while (ending := diary.ending(trainer.model, config.training)) is None:
        result = next(epochs)
        diary.add(trainer.model, result)
        report(EpochDone(task.name, result.epoch, result.logs, result.steps, result.train_seconds))
    diary.end(trainer.model, ending, trainer.test() if ending.status == "finished" else None)
    return ending.status


@dataclass(frozen=True)
class _Ending:
    """How a run ends, and why where it stops before its last epoch."""

    status: Status
    stopped: str | None = None


_MOST_TRAINERS = 8
_TRAINERS: dict[str, Trainer] = {}
"""One for each arm that this worker has trained: seeds differ in their initial state alone, so they share programs."""


def _trainer(
    record: RunRecord, model: keras.Model, splits: tuple[Split, Split, Split | None], batch_size: int
) -> Trainer:
    arm = fingerprint({**record.identity, "seed": None})
    if arm in _TRAINERS:
        _TRAINERS[arm].restart(model)
        return _TRAINERS[arm]
    if len(_TRAINERS) == _MOST_TRAINERS:
        _TRAINERS.pop(next(iter(_TRAINERS)))
    for split in splits:
        if split is not None:
            check_fits(split)
    _TRAINERS[arm] = Trainer(model, *splits, batch_size=batch_size)
    return _TRAINERS[arm]


class _Diary:
    """A run's folder as the run writes it."""

    def __init__(self, folder: Path, record: RunRecord, *, tensorboard: bool) -> None:
        self._folder = folder
        before, environment = records.read_record(folder) or record, provenance.environment()
        self._anew = {"seconds": {}, "environment": environment}
        self.record = record.model_copy(
            update={"seconds": before.seconds, "environment": provenance.joined(before.environment, environment)}
        )
        self._rows: list[dict[str, Any]] = []
        self._layers: list[dict[str, Any]] = []
        self._events = EventFiles(folder / _EVENTS_FOLDER) if tensorboard else None

    @property
    def folder(self) -> Path:
        """The run's folder; a RecordsError where someone has removed it, so that no half of a run takes its place."""
        if not self._folder.is_dir():
            raise RecordsError(f"{self._folder}: was removed while the run was training: run again, from the start")
        return self._folder

    def note(self, **changes: Any) -> None:
        """Write run.json with these changes."""
        self.record = self.record.model_copy(update=changes)
        records.write_run(self.folder, self.record)

    def begin(self, model: keras.Model, *, start_up: float) -> int:
        """Go on from the resume point, where there is one; the number of epochs that are done.

        Raises:
            UnreadableError, OSError, MemoryError: it cannot be read now, though it may be whole: it stays as it is.
        """
        try:
            done = self._resume(model)
        except UnreadableError:
            raise
        except (RecordsError, FileNotFoundError) as reason:  # no resume point, or a damaged one
            why = f": {reason}" if isinstance(reason, RecordsError) else ""
            print(f"{_now()} from the start{why}", flush=True)
            done, self._rows, self._layers = 0, [], list(layer_rows(model, epoch=0))
            self.record = self.record.model_copy(update=self._anew)
        if self._events:
            self._events.add([*self._rows, *self._layers])
        self.note(parameters=parameters(model), seconds=self._spent(start_up=start_up))
        return done

    def _resume(self, model: keras.Model) -> int:
        point = checkpoint.read(self.folder / records.CHECKPOINT_FILE)
        layers = len(list(layer_rows(model, epoch=0)))
        self._rows, self._layers = records.read_rows(self.folder, until=point.epoch, layers=layers)
        checkpoint.restore(point, model)
        return point.epoch

    def add(self, model: keras.Model, result: EpochResult) -> None:
        """Write an epoch and then its resume point."""
        row, layers = _row(result), list(layer_rows(model, epoch=result.epoch))
        self._rows.append(row)
        self._layers += layers
        seconds = {kind: getattr(result, f"{kind}_seconds") for kind in ("compile", "train", "eval")}
        records.write_history(self.folder, self._rows)
        records.write_layers(self.folder, self._layers)
        checkpoint.save(self.folder / records.CHECKPOINT_FILE, model, epoch=result.epoch)
        if self._events:
            self._events.add([row, *layers])
        self.note(seconds=self._spent(**seconds))
        print(_now(), *(f"{name} {value:.6g}" for name, value in row.items()), flush=True)

    def ending(self, model: keras.Model, training: Training) -> _Ending | None:
        """How the run ends after the epochs that it has, None where it goes on: a resumed run ends where it would."""
        if self._rows and not _is_finite(model, float(self._rows[-1]["loss"])):
            return _Ending("diverged")
        if reason := stopped(training, self._rows):
            return _Ending("finished", reason)
        return _Ending("finished") if len(self._rows) == training.epochs else None

    def _spent(self, **seconds: float) -> dict[str, float]:
        """What the run has taken so far, with these seconds added."""
        return {
            kind: self.record.seconds.get(kind, 0.0) + seconds.get(kind, 0.0)
            for kind in ("start_up", "compile", "train", "eval")
        }

    def end(self, model: keras.Model, ending: _Ending, test: dict[str, float] | None) -> None:
        """Write the model and how the run ended; the epochs of a run that was stopped are those that it has."""
        with replacing(self.folder / records.MODEL_FILE) as file:
            model.save(file)
        if self._events:
            self._events.close()
        epochs = len(self._rows) if ending.stopped else self.record.epochs
        self.note(status=ending.status, stopped=ending.stopped, epochs=epochs, ended=_now(), test=test)
        print(_now(), ending.stopped or ending.status, flush=True)


def _row(result: EpochResult) -> dict[str, Any]:
    return {
        "epoch": result.epoch,
        **{name: value for name, value in result.logs.items() if name in records.METRICS + records.EXTRA_COLUMNS},
        "learning_rate": result.learning_rate,
        "train_seconds": result.train_seconds,
        "eval_seconds": result.eval_seconds,
        "steps": result.steps,
    }


def _is_finite(model: keras.Model, loss: float) -> bool:
    """Whether the loss and all weights are, moving averages among them."""
    return math.isfinite(loss) and all(
        np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in model.weights
    )


def _unpacked(build_model: bytes | None) -> BuildModel | None:
    """The user's own function, as `wncompare.compare` sent it to this worker."""
    return None if build_model is None else cloudpickle.loads(build_model)


def _throttled(run: str, report: Report) -> Callable[[int, int, dict[str, float]], None]:
    """A progress function that reports at most a few times a second."""
    last = 0.0

    def progress(step: int, steps: int, logs: dict[str, float]) -> None:
        nonlocal last
        if perf_counter() - last >= _REPORT_SECONDS:
            last = perf_counter()
            report(Progress(run, step, steps, logs))

    return progress


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
