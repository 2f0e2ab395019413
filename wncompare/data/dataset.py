"""What every dataset is once it is loaded: arrays of inputs and targets, class names, a label and a digest."""

import hashlib
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.form import ONLY, Form, Input, InputKind, Target
from wncompare.data.standardize import Standard
from wncompare.errors import DatasetError

_KINDS: Mapping[str, InputKind] = {"uint8": "image", "float32": "number", "int32": "token"}
_SPLIT_SEED = 20160225  # arXiv 1602.07868 was submitted on 2016-02-25; any fixed number does


@dataclass(frozen=True, eq=False)
class Split:
    """Examples along the first axis of every array, whose type says what they are.

    `x` is an array or, where there are several inputs, a dictionary of arrays by name: uint8 images, float32 numbers or
    int32 tokens. `y` is int64 classes (n,), float32 numbers (n, …), or `x` itself where the inputs are to be given
    again. `standard` says how images and numbers are standardized on their way to the network; None: not at all.

    A `part` of a split has the arrays of the `whole`, of which its examples are those in its `rows`, in that order.
    """

    x: Any
    y: Any
    standard: Standard | None = None
    rows: NDArray[np.int32] | None = None
    whole: "Split | None" = None

    def __len__(self) -> int:
        return len(self.y if self.rows is None else self.rows)

    @property
    def inputs(self) -> Mapping[str, NDArray[Any]]:
        """The inputs by name."""
        return self.x if isinstance(self.x, Mapping) else {ONLY: self.x}

    @property
    def reconstructs(self) -> bool:
        """Whether the targets are the inputs."""
        return self.y is self.x

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes."""
        return not self.reconstructs and self.y.dtype == np.int64

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Every array once: the inputs in order, and the targets where they are others."""
        return (*self.inputs.values(), *(() if self.reconstructs else (self.y,)))

    def take(self, indices: NDArray[np.integer]) -> "Split":
        """The examples at `indices`, in that order."""
        chosen = indices if self.rows is None else self.rows[indices]
        x = {name: array[chosen] for name, array in self.x.items()} if isinstance(self.x, Mapping) else self.x[chosen]
        return Split(x, x if self.reconstructs else self.y[chosen], self.standard)

    def part(self, rows: NDArray[np.integer]) -> "Split":
        """The examples at `rows`, in that order, without a copy: workers share the arrays of a whole split."""
        chosen = rows if self.rows is None else self.rows[rows]
        return Split(self.x, self.y, self.standard, rows=chosen.astype(np.int32), whole=self.whole or self)


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
    """A training and a test split of one form.

    `label` is how plots and records call the data, unofficial copies marked as such; `class_names` are empty where the
    targets are no classes; `official` is True where the contents are known to be the published ones, False for another
    copy of a published dataset, None where there is no published one to compare with; `checked` is what that rests on,
    where the data were read here from such a copy. `vocabulary` says by name how many different tokens an input may
    have; `standardize` that images and numbers are, by the moments of what is trained on.
    """

    name: str
    label: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    official: bool | None = None
    checked: tuple[Checked, ...] = ()
    vocabulary: Mapping[str, int] = field(default_factory=dict)
    standardize: bool = False

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that a network is given, in hexadecimal: shapes and values of both splits.

        Of anything but images in [0, 1] with classes, over what the arrays are and how they are given, too.
        """
        sha = hashlib.sha256()
        if self.standardize or not self._is_images_with_classes:
            inputs = {name: (one.kind, one.shape, one.vocabulary) for name, one in self.form.inputs.items()}
            has_images = any(one.kind == "image" for one in self.form.inputs.values())
            standardize = "with images" if self.standardize and has_images else self.standardize
            sha.update(repr((inputs, self.form.target.kind, standardize)).encode())
        for split in (self.train, self.test):
            sha.update(repr(tuple(array.shape for array in split.arrays)).encode())
            for array in split.arrays:
                sha.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
        return sha.hexdigest()

    @property
    def _is_images_with_classes(self) -> bool:
        types = [array.dtype for split in (self.train, self.test) for array in split.arrays]
        return types == [np.uint8, np.int64] * 2 and not isinstance(self.train.x, Mapping)

    @cached_property
    def form(self) -> Form:
        """What one example looks like.

        Raises:
            ValueError: an array is of another type than those of a `Split`.
        """
        inputs = {name: self._input(name, array) for name, array in self.train.inputs.items()}
        return Form(inputs, self._target())

    def _input(self, name: str, array: NDArray[Any]) -> Input:
        kind = _KINDS.get(array.dtype.name)
        if kind is None:
            raise ValueError(f"{name} is {array.dtype}")
        return Input(kind, array.shape[1:], self.vocabulary.get(name))

    def _target(self) -> Target:
        train = self.train
        if train.reconstructs:
            return Target("inputs", train.x.shape[1:])
        if train.has_classes:
            return Target("classes", train.y.shape[1:], self.classes)
        return Target("numbers", train.y.shape[1:])

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


def allocate(shape: tuple[int, ...], dtype: Any = np.uint8) -> NDArray[Any]:
    """An uninitialized array; raises DatasetError where it is larger than this machine's memory."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > memory():
        what, sizes = "images" if dtype == np.uint8 else "numbers", " × ".join(map(str, shape))
        raise DatasetError(f"{what} of {sizes} need {size / 1e9:,.0f} GB, more memory than there is: ask for fewer")
    return np.empty(shape, dtype=dtype)


def memory() -> int:
    """This machine's memory in bytes, or no bound where it cannot be asked."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


@lru_cache(maxsize=1)  # the runs of a worker share them
def splits(dataset: Dataset, fraction: float | None) -> tuple[Split, Split, Split | None]:
    """What to train on, to validate on and, where a fraction is held out to validate on, to test on in the end.

    Where they are standardized, all are by the moments of what is trained on.
    """
    if fraction is None:
        train, validation, test = dataset.train, dataset.test, None
    else:
        train, validation, test = *hold_out(dataset.train, fraction), dataset.test
    if not dataset.standardize:
        return train, validation, test
    standard = Standard.of(train.inputs, None if train.reconstructs else train.y, train.rows)
    return (
        replace(train, standard=standard),
        replace(validation, standard=standard),
        None if test is None else replace(test, standard=standard),
    )


def hold_out(train: Split, fraction: float) -> tuple[Split, Split]:
    """`train` in two: what is left to train on, and a `fraction` to validate on.

    It is stratified where there are classes: of each, round(fraction · count) examples are drawn, else as many of all,
    from a fixed seed: the split depends on nothing but the dataset. Both parts keep the order of the dataset.

    Raises:
        DatasetError: a part would be empty.
    """
    random = np.random.Generator(np.random.Philox(_SPLIT_SEED))
    strata = train.y if train.has_classes else np.zeros(len(train), np.int64)
    held = np.zeros(len(train), bool)
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        held[random.permutation(members)[: round(fraction * len(members))]] = True
    if held.all() or not held.any():
        rounded = "rounded class by class: " if train.has_classes else ""
        raise DatasetError(
            f"holdout {fraction}: leaves {(~held).sum()} examples to train on and {held.sum()} to validate on, "
            f"{rounded}expected at least one of each; choose another fraction or more data"
        )
    return train.part(np.flatnonzero(~held)), train.part(np.flatnonzero(held))
