"""Which samples make a batch, and the split they are cut from, whole on the device."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.data.dataset import Split
from wncompare.data.form import ONLY
from wncompare.data.standardize import Moments, Standard
from wncompare.errors import WncompareError

_ALIGNMENT = 64
"""Bytes; what TensorFlow expects of a tensor's memory."""


def batch_order(count: int, *, seed: int, epoch: int) -> NDArray[np.int32]:
    """Return the order in which an epoch visits `count` samples: a permutation, (count,).

    It depends on the seed and the epoch alone (NumPy's Philox, keyed by both), so an epoch is
    repeated without those before it.
    """
    key = np.array([seed, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(count).astype(np.int32)


@dataclass(frozen=True, eq=False)
class DeviceSplit:
    """A split on the device: `inputs` as in a `Split`, an array or several by name, in the arrays' own types.

    `targets` are int32 classes (n,), float32 numbers (n, …), or () where they are the inputs. A part of a split has
    all rows of that there, and says which are its own.
    """

    inputs: Any
    targets: Any
    rows: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return int(tf.nest.flatten(self.inputs)[0].shape[0]) if self.rows is None else len(self.rows)

    def at(self, order: NDArray[np.int32]) -> NDArray[np.int32]:
        """Where the examples are that an order names."""
        return order if self.rows is None else self.rows[order]


@lru_cache(maxsize=4)  # runs that share a split share its copy, and so do its parts
def on_device(split: Split) -> DeviceSplit:
    """Put a split on the device whole, without a copy on a CPU; raise with the size needed where it does not fit."""
    if split.whole is not None:
        placed = on_device(split.whole)
        return DeviceSplit(placed.inputs, placed.targets, split.rows)
    try:
        inputs = tf.nest.map_structure(_placed, split.x)
        if split.reconstructs:
            return DeviceSplit(inputs, ())
        return DeviceSplit(inputs, tf.constant(split.y.astype(np.int32)) if split.has_classes else _placed(split.y))
    except tf.errors.ResourceExhaustedError as error:
        raise WncompareError(
            f"{described(split)} do not fit on the device: they need "
            f"{split_bytes(split) / 2**30:.2f} GiB there; train on fewer, or on the CPU"
        ) from error


def described(split: Split) -> str:
    """How many examples there are and their shapes: "50,000 examples of 32 × 32 × 3"."""
    shapes = (" × ".join(map(str, array.shape[1:])) for array in split.inputs.values())
    return f"{len(split):,} examples of {' and '.join(shapes)}"


def split_bytes(split: Split) -> int:
    """The bytes of a split on the device."""
    return sum(array.nbytes for array in split.arrays)


def _placed(array: NDArray[Any]) -> Any:
    """The array as a tensor: on a CPU the same memory, so that workers share what they have mapped from one file."""
    is_tensor = array.flags.c_contiguous and array.flags.writeable and array.ctypes.data % _ALIGNMENT == 0
    if tf.config.list_logical_devices("GPU") or not is_tensor:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def scaled(images: Any) -> Any:
    """Return uint8 images as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0


def prepared(inputs: Any, standard: Standard | None = None) -> Any:
    """What a network is given of a batch: images as float32 in [0, 1], both standardized where they are to be.

    Tokens, and numbers without a standard, stay as they are. One input or several by name.
    """
    moments = {} if standard is None else standard.inputs
    if isinstance(inputs, Mapping):
        return {name: _prepared(array, moments.get(name)) for name, array in inputs.items()}
    return _prepared(inputs, moments.get(ONLY))


def _prepared(array: Any, moments: Moments | None) -> Any:
    return standardized(scaled(array) if array.dtype == tf.uint8 else array, moments)


def standardized(numbers: Any, moments: Moments | None) -> Any:
    """Return (x − mean) / deviation of each feature, the last axis; without moments, the numbers."""
    return numbers if moments is None else (numbers - moments.mean) / moments.deviation
