"""What every dataset is once it is loaded: uint8 images, integer labels, class names, a label and a digest."""

import hashlib
import math
import os
import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wncompare.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels: `x` is uint8 (n, height, width, channels), `y` is int64 (n,)."""

    x: NDArray[np.uint8]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[np.integer]) -> "Split":
        """The images at `indices`, in that order."""
        return Split(self.x[indices], self.y[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split of one kind of image.

    `label` is how plots and records call the data, unofficial copies marked as such; `official` is True where the
    bytes are known to be the published ones, False for another copy of a published dataset, None where there is no
    published one to compare with.
    """

    name: str
    label: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    official: bool | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over shapes, pixels and labels of both splits, in hexadecimal."""
        sha = hashlib.sha256()
        for split in (self.train, self.test):
            sha.update(repr((split.x.shape, split.y.shape)).encode())
            sha.update(np.ascontiguousarray(split.x).data)
            sha.update(np.ascontiguousarray(split.y, dtype="<i8").data)
        return sha.hexdigest()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


def allocate(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An uninitialized uint8 array; raises DatasetError where it is larger than this machine's memory."""
    size = math.prod(shape)
    if size > memory():
        sizes = " × ".join(map(str, shape))
        raise DatasetError(f"images of {sizes} need {size / 1e9:,.0f} GB, more memory than there is: ask for fewer")
    return np.empty(shape, dtype=np.uint8)


def memory() -> int:
    """This machine's memory in bytes, or no bound where it cannot be asked."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize
