"""What every dataset is once it is loaded: uint8 images, integer labels, class names, a label and a digest."""

import hashlib
import math
import os
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wncompare.data.form import Form, image_form
from wncompare.errors import DatasetError

_SPLIT_SEED = 20160225  # arXiv 1602.07868 was submitted on 2016-02-25; any fixed number does


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


@dataclass(frozen=True)
class Checked:
    """A part of a published dataset as it was read: where from, its published checksum and its own."""

    path: Path
    algorithm: str
    expected: str
    found: str

    @property
    def official(self) -> bool:
        """Whether it is what was published."""
        return self.found == self.expected


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split of one kind of image.

    `label` is how plots and records call the data, unofficial copies marked as such; `official` is True where the
    contents are known to be the published ones, False for another copy of a published dataset, None where there is no
    published one to compare with; `checked` is what that rests on, where the data were read here from such a copy.
    """

    name: str
    label: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    official: bool | None = None
    checked: tuple[Checked, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over shapes, pixels and labels of both splits, in hexadecimal."""
        sha = hashlib.sha256()
        for split in (self.train, self.test):
            sha.update(repr((split.x.shape, split.y.shape)).encode())
            sha.update(np.ascontiguousarray(split.x).data)
            sha.update(np.ascontiguousarray(split.y, dtype="<i8").data)
        return sha.hexdigest()

    @cached_property
    def form(self) -> Form:
        """What one example looks like."""
        return image_form(self.train.x.shape[1:], self.classes)

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


def published(
    name: str,
    title: str,
    train: Split,
    test: Split,
    class_names: tuple[str, ...],
    checked: tuple[Checked, ...],
    note: str | None = None,
) -> Dataset:
    """A copy of a published dataset, called by its `title`; one with other contents is marked, by the `note`."""
    official = all(part.official for part in checked)
    label = title if official else f"{title} ({note or 'unofficial copy'})"
    return Dataset(name, label, train, test, class_names, official, checked)


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


@lru_cache(maxsize=1)  # the runs of a worker share them
def splits(dataset: Dataset, fraction: float | None) -> tuple[Split, Split, Split | None]:
    """What to train on, to validate on and, where a fraction is held out to validate on, to test on in the end."""
    if fraction is None:
        return dataset.train, dataset.test, None
    return *hold_out(dataset.train, fraction), dataset.test


def hold_out(train: Split, fraction: float) -> tuple[Split, Split]:
    """`train` in two: what is left to train on, and a stratified `fraction` to validate on.

    Of each class, round(fraction · count) images are drawn, from a fixed seed: the split depends on nothing but the
    dataset. Both parts keep the order of the dataset.

    Raises:
        DatasetError: a part would be empty.
    """
    random = np.random.Generator(np.random.Philox(_SPLIT_SEED))
    held = np.zeros(len(train), bool)
    for label in np.unique(train.y):
        members = np.flatnonzero(train.y == label)
        held[random.permutation(members)[: round(fraction * len(members))]] = True
    if held.all() or not held.any():
        raise DatasetError(
            f"holdout {fraction}: leaves {(~held).sum()} images to train on and {held.sum()} to validate on, "
            "rounded class by class: expected at least one of each; choose another fraction or more images"
        )
    return train.take(np.flatnonzero(~held)), train.take(np.flatnonzero(held))
