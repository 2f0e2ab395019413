"""Which samples make a batch, and the split they are cut from, whole on the device."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wncompare.data.dataset import Split
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
    """A split on the device: `images` uint8 as a forward pass stores them, `labels` int32 (n,)."""

    images: Any
    labels: Any

    def __len__(self) -> int:
        return int(self.labels.shape[0])


@lru_cache(maxsize=4)  # runs that share a split share its copy
def on_device(split: Split) -> DeviceSplit:
    """Put a split on the device whole, without a copy on a CPU; raise with the size needed where it does not fit."""
    try:
        return DeviceSplit(_placed(split.x), tf.constant(split.y.astype(np.int32)))
    except tf.errors.ResourceExhaustedError as error:
        raise WncompareError(
            f"{len(split.y)} images of {split.x.shape[1:]} do not fit on the device: they need "
            f"{split.x.nbytes / 2**30:.2f} GiB there; train on fewer, or on the CPU"
        ) from error


def _placed(images: NDArray[np.uint8]) -> Any:
    """The images as a tensor: on a CPU the same memory, so that workers share what they have mapped from one file."""
    if tf.config.list_logical_devices("GPU") or images.ctypes.data % _ALIGNMENT or not images.flags.writeable:
        return tf.constant(images)
    return tf.experimental.dlpack.from_dlpack(images.__dlpack__())


def scaled(images: Any) -> Any:
    """Return uint8 images as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255.0
