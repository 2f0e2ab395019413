"""The dataset of a task and the user's own functions, as its driver gives them."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle
import tensorflow as tf

from wncompare import data
from wncompare.config import Named
from wncompare.data import Dataset, Shared, Split
from wncompare.errors import DatasetError, UsageError
from wncompare.nn import numerics
from wncompare.nn.training.batches import described, split_bytes
from wncompare.records.machine import available_memory
from wncompare.tasks import Device

_LAST: dict[tuple[str, Path | None, Shared | None], Dataset] = {}


def dataset_of(choice: Named, data_dir: Path | None, shared: Shared | None) -> Dataset:
    """The dataset that the driver has `shared` decoded or, where this machine lacks that copy, from its `data_dir`.

    A worker's runs share it.
    """
    key = choice.model_dump_json(), data_dir, shared
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = _opened(choice, data_dir, shared)
    return _LAST[key]


def _opened(choice: Named, data_dir: Path | None, shared: Shared | None) -> Dataset:
    if shared is not None:
        with suppress(DatasetError):  # this machine's disk may not have it
            return data.opened(shared)
    return data.load(choice.name, choice, data_dir=data_dir)


def unpacked(function: bytes | None) -> Any:
    """The user's own function, as `wncompare.compare` sent it to this worker."""
    return None if function is None else cloudpickle.loads(function)


def use_device(device: Device) -> None:
    """Have Keras compute as `numerics.settle` says and TensorFlow on that kind of device while this process lives.

    Raises:
        UsageError: a GPU is asked for, and TensorFlow sees none.
    """
    numerics.settle()
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise UsageError(
            "device gpu: TensorFlow sees none here: install tensorflow[and-cuda] and NVIDIA's driver, "
            "or train on the CPU"
        )
    if device == "cpu" and gpus:
        tf.config.set_visible_devices([], "GPU")


@lru_cache(maxsize=4)  # as `on_device`: the copy is there when the same split is asked for again
def check_fits(split: Split) -> None:
    """Refuse a split whose copy for the trainer would not fit into what is left of the main memory.

    A GPU's memory is not asked: TensorFlow does not say how much there is, and refuses the copy itself.

    Raises:
        DatasetError: it does not fit; the message says how much it needs.
    """
    needed, free = split_bytes(split), available_memory()
    if free is not None and needed > free:
        raise DatasetError(
            f"{described(split)} need {needed / 2**30:.2f} GiB for the trainer's copy, {free / 2**30:.2f} GiB are "
            "free: use fewer or smaller ones, or fewer workers"
        )
