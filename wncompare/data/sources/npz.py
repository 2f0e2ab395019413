"""A user's own NumPy archive."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import NpzOptions
from wncompare.data.checks import as_images, as_labels, check_pair
from wncompare.data.dataset import Dataset, Split, memory
from wncompare.data.files.archive import read_arrays
from wncompare.data.files.store import find_own
from wncompare.data.source import Lookup
from wncompare.errors import DatasetError

WANTED = ("x_train", "y_train", "x_test", "y_test")


def npz(options: NpzOptions, lookup: Lookup) -> Dataset:
    """The images and labels in an .npz file, as `numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…)` writes.

    Images are whole numbers 0…255, (n, height, width) or (n, height, width, channels); labels are class numbers from
    0, (n,) or (n, 1). `class_names`, an array of text, is optional: without it every class must have training images.
    Raises DatasetError, saying what is wrong and how to store it, for anything else.
    """
    path = find_own(options.path, lookup.data_dir)
    arrays = read_arrays(path, WANTED, ("class_names",), limit=memory())
    train, test = (_split(arrays, name, path) for name in ("train", "test"))
    names = _class_names(arrays.get("class_names"), train, path)
    check_pair(train, test, names, str(path))
    return Dataset("npz", options.label or path.stem, train, test, names)


def _split(arrays: dict[str, NDArray[Any]], name: str, path: Path) -> Split:
    x = as_images(arrays[f"x_{name}"], f"{path}: x_{name}")
    return Split(x, as_labels(arrays[f"y_{name}"], len(x), f"{path}: y_{name}"))


def _class_names(names: NDArray[Any] | None, train: Split, path: Path) -> tuple[str, ...]:
    """The names given, or else the numbers of the classes, each of which has training images."""
    if names is None:
        present = np.unique(train.y)
        if present[-1] != len(present) - 1:
            raise DatasetError(f"{path}: y_train skips classes below {present[-1]}: count from 0, or store class_names")
        return tuple(map(str, present))
    if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) < len(names):
        raise DatasetError(f"{path}: class_names is {names.dtype} {names.shape}, not a list of different texts")
    return tuple(names.tolist())
