"""The resume point of a run: every variable that the next epoch depends on, and the epoch they belong to.

Keras's own file leaves the state of seed generators out; here are all variables of the model (weights, moving
averages, seed generators) and of its optimizer, as a NumPy archive that is read without pickles.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from wncompare.errors import RecordsError
from wncompare.storage.files import open_plain, replacing


def save(file: Path, model: keras.Model, *, epoch: int) -> None:
    """Write the state of a compiled model after `epoch`, whole or not at all."""
    values: dict[str, Any] = {f"variable_{index}": _numpy(variable) for index, variable in enumerate(state(model))}
    with replacing(file) as temporary:
        np.savez(temporary, epoch=epoch, **values)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state after an epoch, as it is in the file."""

    epoch: int
    values: tuple[NDArray[Any], ...]


def read(file: Path) -> Checkpoint:
    """The state in the file.

    Raises:
        OSError, MemoryError: it cannot be read now, though it may be whole; a FileNotFoundError where there is none.
        RecordsError: the file is damaged.
    """
    with open_plain(file) as stream:
        content = io.BytesIO(stream.read())  # from here on no error is the disk's
    try:
        with np.load(content, allow_pickle=False) as saved:
            values = tuple(saved[f"variable_{index}"] for index in range(len(saved.files) - 1))
            return Checkpoint(int(saved["epoch"]), values)
    except MemoryError:
        raise
    except Exception as error:  # NumPy and zipfile raise whatever a damaged file makes them raise
        raise RecordsError(f"{file}: damaged ({type(error).__name__})") from None


def restore(checkpoint: Checkpoint, model: keras.Model) -> None:
    """Set a compiled model of the same architecture to that state.

    Raises:
        RecordsError: it is the state of another model; this one is left as it was.
    """
    variables = state(model)
    if [value.shape for value in checkpoint.values] != [tuple(variable.shape) for variable in variables]:
        raise RecordsError(f"a resume point after epoch {checkpoint.epoch} holds the state of another model")
    for variable, value in zip(variables, checkpoint.values, strict=True):
        variable.assign(value)


def state(model: keras.Model) -> list[Any]:
    """Every variable of a compiled model that its next epoch depends on, always in the same order."""
    if not model.optimizer.built:  # building twice would begin a loss scale anew
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _numpy(variable: Any) -> NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(variable.value))
