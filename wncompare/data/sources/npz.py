"""A user's own NumPy archive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import NpzOptions
from wncompare.data.arrays import (
    as_input,
    as_target,
    input_kind,
    refuse_blurred,
    refuse_other_length,
    target_kind,
    vocabulary_of,
)
from wncompare.data.checks import check_pair
from wncompare.data.dataset import Dataset, Split, memory
from wncompare.data.files.archive import array_names, read_arrays
from wncompare.data.files.store import find_own
from wncompare.data.form import ONLY, InputKind
from wncompare.data.source import Lookup
from wncompare.errors import DatasetError

_TRAIN = "x_train"
Arrays = Mapping[str, NDArray[Any]]


def npz(options: NpzOptions, lookup: Lookup) -> Dataset:
    """The inputs and targets in an .npz file, as `numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…)` writes.

    Several inputs are x_train_<name> and x_test_<name>. uint8 of the shape (n, height, width[, channels]) are images,
    other whole numbers tokens, floats numbers; whole targets are classes, floats numbers: what the options say
    otherwise goes. `class_names`, an array of text, is optional: without it every class must have training examples.
    Raises DatasetError, saying what is wrong, in which row, and how to store it, for anything else.
    """
    path = find_own(options.path, lookup.data_dir)
    keys = _keys(path)
    targets = () if options.reconstruct else ("y_train", "y_test")
    wanted = (*(f"x_{split}{key}" for split in ("train", "test") for key in keys.values()), *targets)
    arrays = read_arrays(path, wanted, ("class_names",), limit=memory())
    inputs = {split: _inputs(arrays, split, keys, options, path) for split in ("train", "test")}
    train, test = (_split(arrays, split, inputs[split], options, path) for split in ("train", "test"))
    names = _class_names(arrays.get("class_names"), train, path)
    check_pair(train, test, names, str(path))
    vocabulary = _vocabulary(train, test, keys, options, path)
    return Dataset("npz", options.label or path.stem, train, test, names, vocabulary=vocabulary)


def _keys(path: Path) -> dict[str, str]:
    """What follows x_train and x_test in the names of the arrays, by the input's name; nothing for the only one."""
    found = [name.removeprefix(_TRAIN) for name in array_names(path) if name.startswith(f"{_TRAIN}_")]
    if found and _TRAIN in array_names(path):
        raise DatasetError(f"{path} holds both {_TRAIN} and {_TRAIN}{found[0]}: expected one input, or all by name")
    return {key[1:]: key for key in found} or {ONLY: ""}


def _inputs(arrays: Arrays, split: str, keys: Mapping[str, str], options: NpzOptions, path: Path) -> dict[str, Any]:
    """The inputs by name, each of the kind that the training split's is."""
    kinds = _kinds(arrays, keys, options, path)
    found = {
        name: as_input(arrays[f"x_{split}{key}"], kinds[name], f"{path}: x_{split}{key}") for name, key in keys.items()
    }
    first = next(iter(found.values()))
    for name, array in found.items():
        refuse_other_length(array, len(first), f"{path}: x_{split}{keys[name]}")
        if split == "train" and kinds[name] == "number":
            refuse_blurred(arrays[_TRAIN + keys[name]], f"{path}: {_TRAIN}{keys[name]}")
    return found


def _kinds(arrays: Arrays, keys: Mapping[str, str], options: NpzOptions, path: Path) -> dict[str, InputKind]:
    said = dict.fromkeys(keys, options.inputs) if isinstance(options.inputs, str) else dict(options.inputs or {})
    _refuse_unknown(said, keys, "inputs", path)
    return {
        name: _KINDS[said[name]] if said.get(name) else input_kind(arrays[_TRAIN + key], f"{path}: {_TRAIN}{key}")
        for name, key in keys.items()
    }


_KINDS: Mapping[str | None, InputKind] = {"images": "image", "numbers": "number", "tokens": "token"}


def _refuse_unknown(said: Mapping[str, Any], keys: Mapping[str, str], option: str, path: Path) -> None:
    if unknown := sorted(said.keys() - keys.keys()):
        raise DatasetError(
            f"{path}: {option} names {unknown[0]!r}: the inputs are {', '.join(keys)}; each is x_train_<name>"
        )


def _split(arrays: Arrays, split: str, inputs: dict[str, Any], options: NpzOptions, path: Path) -> Split:
    x = inputs[ONLY] if inputs.keys() == {ONLY} else inputs
    if options.reconstruct:
        return Split(x, x)
    kind = options.targets or target_kind(arrays["y_train"], f"{path}: y_train")
    rows, name = len(next(iter(inputs.values()))), f"y_{split}"
    y = as_target(arrays[name], kind, rows, f"{path}: {name}")
    if split == "train" and kind == "numbers":
        refuse_blurred(arrays[name], f"{path}: {name}")
    return Split(x, y)


def _vocabulary(train: Split, test: Split, keys: Mapping[str, str], options: NpzOptions, path: Path) -> dict[str, int]:
    tokens = [name for name, array in train.inputs.items() if array.dtype == np.int32]
    said = (
        dict.fromkeys(tokens, options.vocabulary) if isinstance(options.vocabulary, int) else options.vocabulary or {}
    )
    _refuse_unknown(said, dict.fromkeys(tokens, ""), "vocabulary", path)
    return {
        name: vocabulary_of(train.inputs[name], test.inputs[name], said.get(name), f"{path}: x_{{}}{keys[name]}")
        for name in tokens
    }


def _class_names(names: NDArray[Any] | None, train: Split, path: Path) -> tuple[str, ...]:
    """The names given, or else the numbers of the classes, each of which has training examples."""
    if not train.has_classes:
        return ()
    if names is None:
        present = np.unique(train.y)
        if present[-1] != len(present) - 1:
            raise DatasetError(f"{path}: y_train skips classes below {present[-1]}: count from 0, or store class_names")
        return tuple(map(str, present))
    if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) < len(names):
        raise DatasetError(f"{path}: class_names is {names.dtype} {names.shape}, not a list of different texts")
    return tuple(names.tolist())
