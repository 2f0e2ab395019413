"""The dataset of a task, as its driver gives it."""

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import tensorflow as tf

from wncompare import data
from wncompare.config import Named
from wncompare.data import Dataset, Shared, Split
from wncompare.errors import DatasetError, UsageError
from wncompare.tasks import Device


@lru_cache(maxsize=1)  # a worker's runs share it
def given(choice: Named, data_dir: Path | None, shared: Shared | None) -> Dataset:
    """The dataset that the driver has `shared` decoded or, where this machine lacks that copy, from its `data_dir`."""
    if shared is not None:
        with suppress(DatasetError):  # this machine's disk may not have it
            return data.opened(shared)
    return data.load(choice.name, choice, data_dir=data_dir)


def use(device: Device) -> None:
    """Have TensorFlow compute on that kind of device for as long as this process lives.

    Raises:
        UsageError: a GPU is asked for, and TensorFlow sees none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise UsageError(
            "device gpu: TensorFlow sees none here: install tensorflow[and-cuda] and NVIDIA's driver, "
            "or train with --device cpu"
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
    needed, free = split.x.nbytes, free_memory()
    if free is not None and needed > free:
        raise DatasetError(
            f"{len(split):,} images of {' × '.join(map(str, split.x.shape[1:]))} need {needed / 2**30:.2f} GiB for the "
            f"trainer's copy, {free / 2**30:.2f} GiB are free: use fewer or smaller images, or fewer --workers"
        )


def free_memory() -> int | None:
    """Bytes of main memory that this process can still take: the system's or its cgroup's; None where unknown."""
    bounds = [bytes_left for bytes_left in (_system_memory(), _cgroup_memory()) if bytes_left is not None]
    return min(bounds, default=None)


def _system_memory() -> int | None:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _text(Path("/proc/meminfo")), re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _cgroup_memory() -> int | None:
    """What the cgroup (version 2) still allows; the file cache, which the kernel would give up, counts as free."""
    own = re.search(r"^0::/(.*)$", _text(Path("/proc/self/cgroup")), re.MULTILINE)
    folder = Path("/sys/fs/cgroup") / (own[1] if own else "")
    limit, used = (_text(folder / name).strip() for name in ("memory.max", "memory.current"))
    cache = re.search(r"^inactive_file (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
    if not limit.isdecimal() or not used.isdecimal():
        return None
    return max(0, int(limit) - int(used) + (int(cache[1]) if cache else 0))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
