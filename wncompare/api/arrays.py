"""A dataset that is given as arrays: kept beside the records, and named in the config as an .npz file."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wncompare.api import arguments
from wncompare.errors import UsageError
from wncompare.storage import files

Inputs = ArrayLike | Mapping[str, ArrayLike]
Arrays = tuple[tuple[Inputs, ArrayLike | None], tuple[Inputs, ArrayLike | None]]

_EXPECTED = "a name, a mapping as in a config, or ((x_train, y_train), (x_test, y_test))"


def as_config(dataset: Any, folder: Path) -> dict[str, Any]:
    """The dataset as a config names it; arrays are written to a file in `folder`, called by their contents.

    Raises:
        UsageError: it is nothing that can be one.
    """
    if isinstance(dataset, str):
        return {"name": dataset}
    if not isinstance(dataset, Mapping):
        return _stored(dataset, folder)
    if "arrays" not in dataset:
        return arguments.mapping("dataset", dataset, "")
    options = {key: value for key, value in dataset.items() if key != "arrays"}
    return {**_stored(dataset["arrays"], folder), **arguments.mapping("dataset", options, "")}


def _stored(dataset: Any, folder: Path) -> dict[str, Any]:
    arrays = dict(_arrays(dataset))
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(repr((array.shape, array.dtype)).encode() + array.tobytes())
    if not arrays.keys() <= {"x_train", "y_train", "x_test", "y_test"}:
        digest.update(repr(list(arrays)).encode())
    file = (folder / f"data-{digest.hexdigest()[:12]}.npz").absolute()
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with files.replacing(file) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
    return {"name": "npz", "path": str(file), **({} if "y_train" in arrays else {"reconstruct": True})}


def _arrays(dataset: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays by their names in the file."""
    try:
        (x_train, y_train), (x_test, y_test) = dataset
    except (TypeError, ValueError):
        raise UsageError(f"dataset: of type {type(dataset).__name__}: expected {_EXPECTED}") from None
    if (y_train is None) != (y_test is None):
        raise UsageError(
            "dataset: targets in one split alone: expected None in both, to give the inputs again, or none"
        )
    for split, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        for name, array in _inputs(x):
            yield f"x_{split}{name}", _array(array, f"x_{split}{name}")
        if y is not None:
            yield f"y_{split}", _array(y, f"y_{split}")


def _inputs(x: Any) -> Iterator[tuple[str, Any]]:
    """The inputs, and what their names in the file end in."""
    if not isinstance(x, Mapping):
        yield "", x
        return
    if not x:
        raise UsageError("dataset: a dictionary of no inputs: expected an array by each name")
    for name, array in x.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(f"dataset: the input {name!r}: expected a name of letters, digits and _")
        yield f"_{name}", array


def _array(value: Any, name: str) -> NDArray[Any]:
    """What a value is as an array; refused are rows of different lengths, with the first that differs, and masks."""
    if isinstance(value, np.ma.MaskedArray) and value.mask.any():
        row = int(np.argmax(np.atleast_1d(value.mask).reshape(len(value), -1).any(axis=1)))
        raise UsageError(f"dataset: {name}: masked in row {row}: leave the row out, or fill the value in")
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever makes arrays of itself raises what it likes
        raise UsageError(f"dataset: {name}: no array ({type(error).__name__}): {_remedy(value)}") from None
    if array.dtype.kind == "O":
        raise UsageError(f"dataset: {name}: a {type(value).__name__} of Python objects: {_remedy(value)}")
    return array


def _remedy(value: Any) -> str:
    """What to do with what is no array; where rows differ in length, with the first that does."""
    rows = value if isinstance(value, list | tuple | np.ndarray) and np.ndim(value[:0]) else ()
    lengths = [len(row) if isinstance(row, list | tuple | np.ndarray) else 1 for row in rows]
    row = next((number for number, length in enumerate(lengths) if length != lengths[0]), None)
    if row is None:
        return "expected numbers that NumPy makes an array of; a sparse one needs toarray(), a generator list()"
    return (
        f"row {row} has the length {lengths[row]}, row 0 {lengths[0]}: make all rows of one length, padded where short"
    )
