"""A user's arrays as what a `Split` holds: images, numbers or tokens, and targets; else why not, with the row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.checks import as_images, as_labels
from wncompare.data.form import InputKind, TargetKind
from wncompare.errors import DatasetError

_MOST_TOKENS = 2**31 - 1
_BLOCK = 1 << 20


def input_kind(array: NDArray[Any], name: str) -> InputKind:
    """What an array of inputs is where nobody says it.

    Fractions are numbers; whole numbers of shape (n, height, width[, channels]) images, others tokens. uint8 that has
    not the shape of images is refused: it may be any of the three.

    Raises:
        DatasetError: it is none of them.
    """
    kind = _type_of(array, name)
    if kind == "f":
        return "number"
    if array.ndim in (3, 4):
        return "image"
    if array.dtype == np.uint8:
        raise DatasetError(
            f"{name} is uint8 {array.shape}, not the images (n, height, width[, channels]) that uint8 mostly is: say "
            "what it is, inputs: tokens or inputs: numbers"
        )
    return "token"


def as_input(array: NDArray[Any], kind: InputKind, name: str) -> NDArray[Any]:
    """Inputs of that kind as a split holds them: uint8 images, float32 numbers, int32 tokens; the last two (n, k, …).

    Raises:
        DatasetError: they cannot be that.
    """
    _type_of(array, name)
    if kind == "image":
        return as_images(array, name)
    array = _columns(array, name)
    return as_numbers(array, name) if kind == "number" else _as_tokens(array, name)


def target_kind(array: NDArray[Any], name: str) -> TargetKind:
    """What an array of targets is where nobody says it: fractions are numbers, whole numbers classes.

    Raises:
        DatasetError: it is neither, or one-hot: classes are told by their numbers.
    """
    kind = _type_of(array, name)
    if kind != "f":
        return "classes"
    if array.ndim == 2 and array.shape[1] > 1 and _is_one_hot(array):
        raise DatasetError(
            f"{name} has shape {array.shape}: store class numbers, such as y.argmax(axis=1), not one-hot; or say "
            "targets: numbers"
        )
    return "numbers"


def as_target(array: NDArray[Any], kind: TargetKind, rows: int, name: str) -> NDArray[Any]:
    """Targets of that kind, one of each of the `rows` inputs: int64 classes (n,) or float32 numbers (n, k, …).

    Raises:
        DatasetError: they cannot be that, or are more or fewer.
    """
    _type_of(array, name)
    if kind == "classes":
        return as_labels(array, rows, name)
    found = as_numbers(_columns(array, name), name)
    refuse_other_length(found, rows, name)
    return found


def refuse_other_length(array: NDArray[Any], rows: int, name: str) -> None:
    """Raise DatasetError where there are not as many rows as inputs."""
    if len(array) != rows:
        raise DatasetError(
            f"{name} has {len(array):,} rows, the inputs {rows:,}: row {min(len(array), rows):,} is there on one side "
            "only; expected a row of each for every example"
        )


def as_numbers(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Numbers as float32, all finite.

    Raises:
        DatasetError: with the first row that has a NaN, an infinity, or a number that float32 cannot hold.
    """
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(array, dtype=np.float32)
    for row, block in _blocks(numbers):
        if not np.isfinite(block).all():
            at = int(np.argmin(np.isfinite(block.reshape(len(block), -1)).all(axis=1)))
            bad = array[row + at].reshape(-1)
            value = bad[~np.isfinite(numbers[row + at].reshape(-1))][0]
            raise DatasetError(f"{name} holds {value} in row {row + at:,}: expected finite float32 numbers; {_MEND}")
    return numbers


def refuse_blurred(array: NDArray[Any], name: str) -> None:
    """Refuse numbers (n, …) that float32 hardly tells apart, though they differ: times in seconds since 1970, say.

    Differences that float64 itself hardly tells apart are the rounding of a constant. It is for training arrays: what
    is far apart there may be close in a few other rows.

    Raises:
        DatasetError: with the feature, how far it goes, and how far float32 is off.
    """
    array = _columns(array, name)
    features = array.shape[-1]
    low, high, off = np.full(features, np.inf), np.full(features, -np.inf), np.zeros(features)
    for _, block in _blocks(array):
        rows = block.reshape(-1, features).astype(np.float64)
        low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
        off = np.maximum(off, abs(rows.astype(np.float32) - rows).max(axis=0))
    spread = high - low
    blurred = (off > spread / _FEWEST_STEPS) & (spread > _ROUNDING * np.maximum(abs(low), abs(high)))
    if blurred.any():
        at = int(blurred.argmax())
        raise DatasetError(
            f"{name} goes from {low[at]:.15g} to {high[at]:.15g} in feature {at}, where float32 is off by up to "
            f"{off[at]:.2g}: expected numbers that float32 tells apart; subtract {low[at]:.15g} first"
        )


_FEWEST_STEPS, _ROUNDING = 64, 2**20 * float(np.finfo(np.float64).eps)
_MEND = "leave the row out, or fill the value in"


def _as_tokens(array: NDArray[Any], name: str) -> NDArray[np.int32]:
    """Whole numbers from 0 as int32."""
    if array.dtype.kind not in "iu":
        raise DatasetError(f"{name} is {array.dtype}, not whole numbers: tokens are counted from 0; store int32")
    for row, block in _blocks(array):
        wrong = (block < 0) | (block > _MOST_TOKENS)
        if wrong.any():
            at = int(np.argmax(wrong.reshape(len(block), -1).any(axis=1)))
            raise DatasetError(
                f"{name} holds {block[wrong][0]} in row {row + at:,}: tokens are counted from 0, up to {_MOST_TOKENS:,}"
            )
    return np.ascontiguousarray(array, dtype=np.int32)


def vocabulary_of(train: NDArray[np.int32], test: NDArray[np.int32], given: int | None, name: str) -> int:
    """How many tokens there are: those `given`, or up to the largest of training.

    Raises:
        DatasetError: with the first row that has one beyond.
    """
    size = given or int(train.max()) + 1
    for split, array in (("train", train), ("test", test)):
        for row, block in _blocks(array):
            if block.max() >= size:
                at = int(np.argmax((block >= size).reshape(len(block), -1).any(axis=1)))
                above = "the vocabulary" if given else "the largest of training"
                raise DatasetError(
                    f"{name.format(split)} holds the token {block[at].max()} in row {row + at:,}, beyond {above}, "
                    f"{size - 1}: say vocabulary: {int(max(train.max(), test.max())) + 1}, or replace it"
                )
    return size


def _type_of(array: NDArray[Any], name: str) -> str:
    """ "i", "u" or "f"; anything else that NumPy can hold is refused, and so is an array without a row."""
    kind = array.dtype.kind
    if kind in "USO":
        what = "text" if kind in "US" else "Python objects, as lists of different lengths become"
        remedy = "number the words" if kind in "US" else "make all rows numbers of one length, padded where short"
        raise DatasetError(f"{name} is {what} ({array.dtype}): expected numbers; {remedy}")
    if kind not in "iuf":
        raise DatasetError(f"{name} is {array.dtype}, not whole numbers or floats: store uint8, int32 or float32")
    if array.ndim == 0 or array.size == 0:
        raise DatasetError(f"{name} has shape {array.shape}: expected at least one row, and no axis of length 0")
    return kind


def _columns(array: NDArray[Any], name: str) -> NDArray[Any]:
    return array[:, None] if array.ndim == 1 else array


def _is_one_hot(array: NDArray[Any]) -> bool:
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def _blocks(array: NDArray[Any]) -> Any:
    """The first row of each piece of the array, and the piece: looking at all at once would take memory."""
    step = max(1, _BLOCK // max(1, array[0].size))
    return ((start, array[start : start + step]) for start in range(0, len(array), step))
