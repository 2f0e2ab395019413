"""One run, from its place in the plan to its record: build, vary, train, write.

This is what an engine's worker calls. Records are written as the run goes: whatever stops it, what it had finished
is on disk.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np

from wncompare import records
from wncompare.data import Dataset
from wncompare.errors import RecordsError, UnreadableError
from wncompare.nn.layer_table import layer_rows, parameters
from wncompare.nn.moments import largest_momentum, redundant_gains
from wncompare.nn.runs.arm import arm_of, dataset_for
from wncompare.nn.runs.ending import Ending, ending_of
from wncompare.nn.runs.folder import History, RunFolder
from wncompare.nn.standardized import with_standard
from wncompare.nn.training.trainer import EpochResult, Trainer
from wncompare.records import TIMING, RunRecord, Status, provenance
from wncompare.storage.locks import run_lock
from wncompare.tasks import Busy, Ended, EpochDone, Progress, Report, Started, TrainTask, Waiting

_REPORT_SECONDS = 0.2


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
    started, record = perf_counter(), task.record
    dataset = dataset_for(task)
    records.clear_run(task.folder)
    folder = RunFolder(task.folder, events=task.config.tensorboard)
    record = _begun(record, records.read_record(task.folder))
    folder.write_record(record)
    return _train(task, dataset, folder, record, report, started)


def _train(
    task: TrainTask, dataset: Dataset, folder: RunFolder, record: RunRecord, report: Report, started: float
) -> Status:
    arm = arm_of(task, dataset)
    trainer = arm.trainer
    record, history = _restored(folder, record, trainer.model)
    record = _spent(record, start_up=perf_counter() - started + arm.made, compile=arm.compiled)
    record = record.model_copy(update=_described(trainer.model))
    folder.write_events(*history.epochs, *history.layers)
    folder.write_record(record)
    report(Started(task.name, parameters(trainer.model), len(history.epochs)))
    return _go_on(task, trainer, folder, record, history, report)


def _go_on(
    task: TrainTask, trainer: Trainer, folder: RunFolder, record: RunRecord, history: History, report: Report
) -> Status:
    training, model, done = task.config.training, trainer.model, len(history.epochs)
    progress = _throttled(task.name, report)
    epochs = trainer.epochs(training.epochs, seed=record.seed, first_epoch=done + 1, progress=progress)
    while (ending := ending_of(training, history.epochs, finite=_is_finite(model))) is None:
        result = next(epochs)
        row, layers = _row(result), tuple(layer_rows(model, epoch=result.epoch))
        history = history.after(row, layers)
        record = _spent(record, **_seconds(result))
        folder.write_epoch(history, model)
        folder.write_events(row, *layers)
        folder.write_record(record)
        print(_now(), *(f"{name} {value:.6g}" for name, value in row.items()), flush=True)
        report(EpochDone(task.name, result.epoch, result.logs, result.steps, result.train_seconds))
    _end(trainer, folder, record, ending, epochs=len(history.epochs))
    return ending.status


def _end(trainer: Trainer, folder: RunFolder, record: RunRecord, ending: Ending, *, epochs: int) -> None:
    """Write the model and how the run ended; the epochs of a run that was stopped are those that it has."""
    found = trainer.test() if ending.status == "finished" else None
    if found is not None:
        record = _spent(record, compile=found.compile_seconds, instantiate=found.instantiate_seconds)
    folder.write_model(with_standard(trainer.model, trainer.standard))
    changes = {
        "status": ending.status,
        "stopped": ending.stopped,
        "epochs": epochs if ending.stopped else record.epochs,
        "ended": _now(),
        "test": None if found is None else found.logs,
    }
    folder.write_record(record.model_copy(update=changes))
    print(_now(), ending.stopped or ending.status, flush=True)


def _described(model: keras.Model) -> dict[str, Any]:
    """What the record says of the network."""
    return {
        "parameters": parameters(model),
        "momentum": largest_momentum(model),
        "redundant_gains": redundant_gains(model),
        "penalized": bool(model.losses),
    }


def _begun(planned: RunRecord, before: RunRecord | None) -> RunRecord:
    """The record of a run that begins now, with what it has spent and where, if a part of it was trained before."""
    found = before or planned.model_copy(update={"timing": TIMING})
    environment = provenance.joined(found.environment, provenance.environment())
    sessions = _sessions(before, planned.sessions)
    taken_over = {"seconds": found.seconds, "timing": found.timing, "environment": environment, "sessions": sessions}
    now = {"started": _now(), "device": planned.identity["device"]}
    return planned.model_copy(update={**taken_over, **now})


def _sessions(before: RunRecord | None, now: tuple[str, ...]) -> tuple[str, ...]:
    """The sessions that have trained the run, in order; one of an earlier version, which has no id, is ""."""
    earlier = before.sessions if before else ()
    if before and not earlier and before.seconds.get("train"):
        earlier = ("",)
    return tuple(dict.fromkeys((*earlier, *now)))


def _restored(folder: RunFolder, record: RunRecord, model: keras.Model) -> tuple[RunRecord, History]:
    """The run at its resume point or, where there is none that can be used, at its start, with nothing of before.

    Raises:
        UnreadableError, OSError, MemoryError: it cannot be read now, though it may be whole: it stays as it is.
    """
    initial = tuple(layer_rows(model, epoch=0))
    try:
        return record, folder.restore(model, layers=len(initial))
    except UnreadableError:
        raise
    except (RecordsError, FileNotFoundError) as reason:  # no resume point, or a damaged one
        why = f": {reason}" if isinstance(reason, RecordsError) else ""
        print(f"{_now()} from the start{why}", flush=True)
        now = {"environment": provenance.environment(), "sessions": record.sessions[-1:]}
        anew = {"seconds": {}, "timing": TIMING, **now}
        return record.model_copy(update=anew), History(layers=initial)


def _spent(record: RunRecord, **seconds: float) -> RunRecord:
    """The record with these seconds added to those spent so far."""
    kinds = ("start_up", "compile", "instantiate", "train", "eval")
    total = {kind: record.seconds.get(kind, 0.0) + seconds.get(kind, 0.0) for kind in kinds}
    return record.model_copy(update={"seconds": total})


def _seconds(result: EpochResult) -> dict[str, float]:
    return {kind: getattr(result, f"{kind}_seconds") for kind in ("compile", "instantiate", "train", "eval")}


def _row(result: EpochResult) -> dict[str, Any]:
    return {
        "epoch": result.epoch,
        **{name: value for name, value in result.logs.items() if name in records.METRICS + records.EXTRA_COLUMNS},
        "learning_rate": result.learning_rate,
        "train_seconds": result.train_seconds,
        "eval_seconds": result.eval_seconds,
        "steps": result.steps,
    }


def _is_finite(model: keras.Model) -> bool:
    """Whether all weights are, moving averages among them."""
    return all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in model.weights)


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
