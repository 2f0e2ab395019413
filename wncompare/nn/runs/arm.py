"""A run's arm in its trainer, made once: where the run is tried before it is trained, what is tried is what trains."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from wncompare.data import Dataset
from wncompare.data.dataset import splits
from wncompare.errors import DatasetError, ModelError
from wncompare.nn import arms
from wncompare.nn.keras_private import drawn_from
from wncompare.nn.runs.inputs import dataset_of, unpacked, use_device
from wncompare.nn.runs.misfits import refuse_infinite, refused_misfit
from wncompare.nn.runs.trainers import trainer_of
from wncompare.nn.training import programs
from wncompare.nn.training.checkpoint import state
from wncompare.nn.training.trainer import Trainer
from wncompare.records.identity import model_identity
from wncompare.tasks import TrainTask


@dataclass(frozen=True, eq=False)
class Arm:
    """A trainer in the state in which a run begins, and the seconds that went before: into making and compiling it."""

    trainer: Trainer
    made: float = 0.0
    compiled: float = 0.0


@dataclass(frozen=True, eq=False)
class _Tried:
    """An arm, and the values of its variables before it was tried."""

    arm: Arm
    variables: list[Any]
    values: list[NDArray[Any]]


_TRIED: dict[tuple[Path, str], _Tried] = {}
"""By the run's folder and fingerprint, those that no run has taken; a worker serves one command."""


def dataset_for(task: TrainTask) -> Dataset:
    """The run's dataset; from here on this process computes as the run says.

    Raises:
        DatasetError, ModelError: the data or the model's file have changed since the run was planned.
    """
    record, model = task.record, task.config.dump()["model"]
    programs.keep()
    use_device(record.identity["device"])
    dataset = dataset_of(task.config.dataset, task.data_dir, task.shared)
    if dataset.digest != record.dataset.digest:
        raise DatasetError(f"dataset {dataset.name}: changed since the run was planned: run again")
    if model_identity(model) != record.identity["model"]:
        raise ModelError(f"model {model['file']}: changed since the run was planned: run again")
    return dataset


def arm_of(task: TrainTask, dataset: Dataset) -> Arm:
    """The run's arm: the one that `try_arm` has left here, else a new one."""
    found = _TRIED.pop((task.folder, task.record.fingerprint), None)
    if found is None:
        return Arm(_trainer(task, dataset))
    for variable, value in zip(found.variables, found.values, strict=True):
        variable.assign(value)
    return found.arm


def try_arm(task: TrainTask, dataset: Dataset) -> None:
    """Make and compile the run's arm, have it take a step, and keep it for the run as it was before that.

    Raises:
        ModelError: it cannot be made, or cannot take a step.
    """
    started = perf_counter()
    trainer = _trainer(task, dataset)
    made = perf_counter() - started
    with refused_misfit(trainer.model):
        compiled = trainer.compile()
    variables = _variables(trainer)
    values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    with refused_misfit(trainer.model):
        loss = trainer.first_step()["loss"]
    refuse_infinite(trainer.model, loss)
    _TRIED[task.folder, task.record.fingerprint] = _Tried(Arm(trainer, made, compiled), variables, values)


def _variables(trainer: Trainer) -> list[Any]:
    """All that a step changes: the model's state and, where a layer draws from it, Keras's own generator."""
    generator = drawn_from()
    return [*state(trainer.model), *([] if generator is None else [generator])]


def _trainer(task: TrainTask, dataset: Dataset) -> Trainer:
    config, record = task.config, task.record
    parts = splits(dataset, config.holdout)
    own = unpacked(task.build_model), unpacked(task.vary)
    model = arms.build(config, record.variant, record.seed, dataset, parts[0], *own)
    return trainer_of(record.identity, model, parts, batch_size=config.training.batch_size)
