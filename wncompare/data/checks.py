"""What images, labels and the splits that they make must be, whoever made them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.dataset import Dataset, Split
from wncompare.errors import DatasetError

MOST_CHANNELS = 4
DARK = 16
"""Images that are meant to be seen go higher than this of 255; digits of scikit-learn that are not scaled do not."""
FAR = 100.0
"""Numbers beyond this, or below its negative, are far from what a network's first weights are made for."""


def as_images(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Whole numbers 0…255 of shape (n, height, width[, channels]) as uint8 (n, height, width, channels).

    Raises DatasetError naming `name` for fractions, other numbers, other shapes, no image, and channels that come
    first.
    """
    if array.dtype.kind not in "iu":
        remedy = (
            "store (x * 255).round().astype('uint8') if it goes from 0 to 1"
            if array.dtype.kind == "f"
            else "store uint8"
        )
        raise DatasetError(f"{name} is {array.dtype}, not whole numbers 0…255: {remedy}")
    if array.ndim not in (3, 4) or array.size == 0:
        raise DatasetError(f"{name} has shape {array.shape}, not (images, height, width[, channels]), all at least 1")
    if array.ndim == 4 and array.shape[1] <= MOST_CHANNELS < array.shape[3]:
        raise DatasetError(f"{name} has shape {array.shape}: channels must come last, store x.transpose(0, 2, 3, 1)")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 255:
        raise DatasetError(
            f"{name} goes from {low} to {high}, not within 0…255: rescale it to uint8, or say what it is, such as "
            "inputs: tokens"
        )
    return np.ascontiguousarray(array.reshape(*array.shape[:3], -1), dtype=np.uint8)


def as_labels(array: NDArray[Any], images: int, name: str) -> NDArray[np.int64]:
    """Whole numbers of shape (n,) or (n, 1), one an image and none negative, as int64 (n,); else a DatasetError."""
    if array.ndim == 2 and array.shape[1] > 1:
        raise DatasetError(
            f"{name} has shape {array.shape}: store class numbers, such as y.argmax(axis=1), not one-hot; "
            "or say targets: numbers"
        )
    if array.dtype.kind not in "iu" or array.shape not in ((images,), (images, 1)):
        raise DatasetError(f"{name} is {array.dtype} {array.shape}, not {images:,} whole numbers: one class an image")
    labels = array.reshape(-1).astype(np.int64)
    if labels.min() < 0:
        raise DatasetError(f"{name} holds {labels.min()}: classes are counted from 0")
    return labels


def check_pair(train: Split, test: Split, class_names: tuple[str, ...], name: str) -> None:
    """Raises DatasetError unless both splits are of one form, and their targets differ from example to example.

    Classes are below the number of their names.
    """
    for each, array in train.inputs.items():
        _same_shape(array, test.inputs[each], "images" if array.dtype == np.uint8 else f"inputs ({each})", name)
    if train.reconstructs:
        return
    if train.has_classes:
        _check_classes(train, test, class_names, name)
        return
    _same_shape(train.y, test.y, "targets", name)
    if (train.y == train.y[0]).all():
        raise DatasetError(f"{name}: every training target is {train.y[0].tolist()}: at least 2 are needed")


def _same_shape(train: NDArray[Any], test: NDArray[Any], what: str, name: str) -> None:
    if train.shape[1:] != test.shape[1:]:
        raise DatasetError(f"{name}: training {what} are {train.shape[1:]}, test {what} {test.shape[1:]}: use one size")


def _check_classes(train: Split, test: Split, class_names: tuple[str, ...], name: str) -> None:
    highest, classes = max(train.y.max(), test.y.max()), len(class_names)
    if highest >= classes:
        raise DatasetError(f"{name}: label {highest} is not below the {classes} classes: count from 0, or name more")
    if classes < 2:
        raise DatasetError(f"{name} has {classes} class: at least 2 are needed")
    if train.y.min() == train.y.max():
        raise DatasetError(
            f"{name}: every training {_noun(train)} is of class {class_names[train.y[0]]}: at least 2 are needed"
        )


def _noun(split: Split) -> str:
    """How one example is called."""
    return "image" if all(array.dtype == np.uint8 for array in split.inputs.values()) else "example"


def caveats(dataset: Dataset) -> tuple[str, ...]:
    """What a person should know of data that can be trained on, but may not be what was meant; mostly nothing."""
    found = [*_on_brightness("training", dataset.train), *_on_brightness("test", dataset.test)]
    return (*found, *_on_numbers(dataset), *(_on_classes(dataset) if dataset.train.has_classes else ()))


def _on_brightness(name: str, split: Split) -> Iterator[str]:
    images = [array for array in split.inputs.values() if array.dtype == np.uint8]
    if images and (brightest := max(int(array.max()) for array in images)) <= DARK:
        yield (
            f"The {name} images are nearly black: no value is above {brightest} of 255, and all are divided by 255. "
            "If they were scaled before they were cast, or are black and white, store them as 0…255."
        )


def _on_numbers(dataset: Dataset) -> Iterator[str]:
    found = [(f"numbers ({name})", array) for name, array in dataset.train.inputs.items()]
    if not dataset.train.reconstructs:
        found.append(("targets", dataset.train.y))
    for what, array in found:
        if array.dtype != np.float32 or dataset.standardize:
            continue
        low, high = float(array.min()), float(array.max())
        if max(-low, high) > FAR:
            yield (
                f"The training {what} go from {low:.3g} to {high:.3g}: "
                "networks start out for numbers around 1; standardize: true brings them there."
            )


def _on_classes(dataset: Dataset) -> Iterator[str]:
    noun = _noun(dataset.train)
    absent = sorted(set(range(dataset.classes)) - set(dataset.train.y.tolist()))
    if absent:
        names = ", ".join(dataset.class_names[label] for label in absent[:5]) + (", …" if len(absent) > 5 else "")
        yield f"No training {noun} is of class {names}: {len(absent)} of {dataset.classes} classes cannot be learned."
    if dataset.test.y.min() == dataset.test.y.max():
        yield f"Every test {noun} is of class {dataset.class_names[dataset.test.y[0]]}."
