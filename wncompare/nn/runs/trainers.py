"""The trainers of a worker, one for each program: runs that differ in the state they begin with alone share one."""

from collections.abc import Mapping
from typing import Any

import keras

from wncompare.data import Split
from wncompare.nn.runs.inputs import check_fits
from wncompare.nn.training import programs
from wncompare.nn.training.trainer import Trainer
from wncompare.records.identity import fingerprint

_TRAINERS: dict[str, Trainer] = {}
"""By program, all that the worker has made: to drop one frees nothing, as TensorFlow keeps what it has compiled."""


def trainer_of(
    identity: Mapping[str, Any],
    model: keras.Model,
    splits: tuple[Split, Split, Split | None],
    *,
    batch_size: int,
) -> Trainer:
    """The trainer of a run with that identity, in the state of `model`: made now, or by an earlier run of its program.

    Raises:
        DatasetError: a split does not fit into memory.
    """
    key = program_key(identity)
    if key in _TRAINERS:
        _TRAINERS[key].restart(model)
        return _TRAINERS[key]
    for split in splits:
        if split is not None:
            check_fits(split)
    programs.name_alike()
    _TRAINERS[key] = Trainer(model, *splits, batch_size=batch_size)
    return _TRAINERS[key]


def program_key(identity: Mapping[str, Any]) -> str:
    """What runs that share a program have in common: all but their seed and a constant learning rate.

    Such a rate is a variable of the optimizer, so it is part of the state; a schedule's numbers are in the program.
    """
    training = dict(identity["training"])
    if training.get("schedule") is None:
        training["optimizer"] = {**training["optimizer"], "learning_rate": None}
    return fingerprint({**identity, "training": training, "seed": None})
