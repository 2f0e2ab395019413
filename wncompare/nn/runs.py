"""One run, from its place in the plan to its record: build, vary, train, write.

This is what an engine's worker calls. Records are written as the run goes: whatever stops it, what it had finished
is on disk.
"""

import math
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import cloudpickle
import keras
import numpy as np
import tensorflow as tf

from wncompare import config as configs
from wncompare import data, provenance, records
from wncompare.config import Config, Named
from wncompare.data import Dataset, Split
from wncompare.data.holdout import splits
from wncompare.errors import DatasetError, RecordsError
from wncompare.files import replacing
from wncompare.nn import arms, checkpoint
from wncompare.nn.measures import layer_rows
from wncompare.nn.training import EpochResult, Trainer, evaluate
from wncompare.records import RunRecord, Status

Report = Callable[..., None]
BuildModel = Callable[[], keras.Model]

_REPORT_SECONDS = 0.2


def train(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train the run that `payload` describes and write its record; `report` hears of every epoch.

    `payload` has the resolved `config`, the `record` that the run starts from, its `folder`, the `data_dir` and, from
    `wncompare.compare`, the function `build_model`, pickled; what comes back is the run's final status.
    """
    started = perf_counter()
    config = configs.from_data(payload["config"], "the run's config")
    record = RunRecord.model_validate(payload["record"])
    dataset = _dataset(config.dataset, payload["data_dir"])
    if dataset.digest != record.dataset.digest:
        raise DatasetError(f"dataset {dataset.name}: changed since the run was planned: run again")
    diary = _Diary(Path(payload["folder"]), record)
    diary.note(started=_now(), device=_device(), environment=provenance.environment())
    status = _train(config, dataset, diary, report, started, _unpacked(payload["build_model"]))
    return {"status": status}


def _train(
    config: Config, dataset: Dataset, diary: "_Diary", report: Report, started: float, build_model: BuildModel | None
) -> Status:
    training, validation, test = splits(dataset, config.holdout)
    model = arms.build(config, diary.record.variant, diary.record.seed, dataset, training, build_model)
    trainer = _trainer(diary.record, model, training, validation, config.training.batch_size)
    done = diary.begin(trainer.model, start_up=perf_counter() - started)
    report("started", parameters=diary.record.parameters, epochs=done)
    status: Status = "finished"
    for result in trainer.epochs(
        config.training.epochs, seed=diary.record.seed, first_epoch=done + 1, progress=_throttled(report)
    ):
        report("epoch", **diary.add(trainer.model, result))
        if not _is_finite(trainer.model, result):
            status = "diverged"
            break
    tested = evaluate(trainer.model, test) if test is not None and status == "finished" else None
    diary.end(trainer.model, status, tested)
    return status


_MOST_TRAINERS = 8
_TRAINERS: dict[str, Trainer] = {}
"""One for each arm that this worker has trained: seeds differ in their initial state alone, so they share programs."""


def _trainer(record: RunRecord, model: keras.Model, training: Split, validation: Split, batch_size: int) -> Trainer:
    arm = records.fingerprint({**record.identity, "seed": None})
    if arm in _TRAINERS:
        _TRAINERS[arm].restart(model)
        return _TRAINERS[arm]
    if len(_TRAINERS) == _MOST_TRAINERS:
        _TRAINERS.pop(next(iter(_TRAINERS)))
    _TRAINERS[arm] = Trainer(model, training, validation, batch_size=batch_size)
    return _TRAINERS[arm]


class _Diary:
    """A run's folder as the run writes it."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record
        self._before = records.read_record(folder)
        self._rows: list[dict[str, Any]] = []
        self._layers: list[dict[str, Any]] = []

    def note(self, **changes: Any) -> None:
        """Write run.json with these changes."""
        self.record = self.record.model_copy(update=changes)
        records.write_run(self.folder, self.record)

    def begin(self, model: keras.Model, *, start_up: float) -> int:
        """Go on from the resume point, where there is one; the number of epochs that are done."""
        try:
            done = self._resume(model)
        except (RecordsError, FileNotFoundError) as reason:  # no resume point, or a damaged one
            print(f"{_now()} from the start: {reason}", flush=True)
            done, self._rows, self._layers = 0, [], list(layer_rows(model, epoch=0))
        parameters = sum(math.prod(variable.shape) for variable in model.trainable_variables)
        self.note(parameters=parameters, seconds=self._spent(start_up=start_up))
        return done

    def _resume(self, model: keras.Model) -> int:
        point = checkpoint.read(self.folder / records.CHECKPOINT_FILE)
        self._rows, self._layers = records.read_rows(self.folder, until=point.epoch)
        checkpoint.restore(point, model)
        self.record = self.record.model_copy(update={"seconds": self._before.seconds if self._before else {}})
        return point.epoch

    def add(self, model: keras.Model, result: EpochResult) -> dict[str, Any]:
        """Write an epoch and then its resume point; its row of history.csv."""
        self._rows.append(_row(result))
        self._layers.extend(layer_rows(model, epoch=result.epoch))
        seconds = {kind: getattr(result, f"{kind}_seconds") for kind in ("compile", "train", "eval")}
        records.write_history(self.folder, self._rows)
        records.write_layers(self.folder, self._layers)
        checkpoint.save(self.folder / records.CHECKPOINT_FILE, model, epoch=result.epoch)
        self.note(seconds=self._spent(**seconds))
        print(_now(), *(f"{name} {value:.6g}" for name, value in self._rows[-1].items()), flush=True)
        return self._rows[-1]

    def _spent(self, **seconds: float) -> dict[str, float]:
        """What the run has taken so far, with these seconds added."""
        return {
            kind: self.record.seconds.get(kind, 0.0) + seconds.get(kind, 0.0)
            for kind in ("start_up", "compile", "train", "eval")
        }

    def end(self, model: keras.Model, status: Status, test: dict[str, float] | None) -> None:
        """Write the model and how the run ended."""
        with replacing(self.folder / records.MODEL_FILE) as file:
            model.save(file)
        self.note(status=status, ended=_now(), test=test)


def _row(result: EpochResult) -> dict[str, Any]:
    return {
        "epoch": result.epoch,
        **{metric: result.logs[metric] for metric in records.METRICS},
        "learning_rate": result.learning_rate,
        "train_seconds": result.train_seconds,
        "eval_seconds": result.eval_seconds,
        "steps": result.steps,
    }


def _is_finite(model: keras.Model, result: EpochResult) -> bool:
    return math.isfinite(result.logs["loss"]) and all(
        np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in model.trainable_variables
    )


def _unpacked(build_model: str | None) -> BuildModel | None:
    """The user's own function, as `wncompare.compare` sent it to this worker."""
    return None if build_model is None else cloudpickle.loads(b64decode(build_model))


def _dataset(choice: Named, data_dir: str | None) -> Dataset:
    return _cached_dataset(choice, Path(data_dir) if data_dir else None)


@lru_cache(maxsize=1)  # a worker's runs share it
def _cached_dataset(choice: Named, data_dir: Path | None) -> Dataset:
    return data.load(choice.name, choice, data_dir=data_dir)


def _device() -> str:
    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def _throttled(report: Report) -> Callable[[int, int, dict[str, float]], None]:
    """A progress function that reports at most a few times a second."""
    last = 0.0

    def progress(step: int, steps: int, logs: dict[str, float]) -> None:
        nonlocal last
        if perf_counter() - last >= _REPORT_SECONDS:
            last = perf_counter()
            report("progress", step=step, steps=steps, logs=logs)

    return progress


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
