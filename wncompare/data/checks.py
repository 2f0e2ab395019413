"""What images and labels must be, whoever made them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.dataset import Dataset, Split
from wncompare.errors import DatasetError

MOST_CHANNELS = 4
DARK = 16
"""Images that are meant to be seen go higher than this of 255; digits of scikit-learn that are not scaled do not."""


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
        raise DatasetError(f"{name} goes from {low} to {high}, not within 0…255: rescale it to uint8")
    return np.ascontiguousarray(array.reshape(*array.shape[:3], -1), dtype=np.uint8)


def as_labels(array: NDArray[Any], images: int, name: str) -> NDArray[np.int64]:
    """Whole numbers of shape (n,) or (n, 1), one an image and none negative, as int64 (n,); else a DatasetError."""
    if array.ndim == 2 and array.shape[1] > 1:
        raise DatasetError(
            f"{name} has shape {array.shape}: store class numbers, such as y.argmax(axis=1), not one-hot"
        )
    if array.dtype.kind not in "iu" or array.shape not in ((images,), (images, 1)):
        raise DatasetError(f"{name} is {array.dtype} {array.shape}, not {images:,} whole numbers: one class an image")
    labels = array.reshape(-1).astype(np.int64)
    if labels.min() < 0:
        raise DatasetError(f"{name} holds {labels.min()}: classes are counted from 0")
    return labels


def check_pair(train: Split, test: Split, class_names: tuple[str, ...], name: str) -> None:
    """Raises DatasetError unless the splits' images have one shape and their labels are below the number of classes."""
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DatasetError(
            f"{name}: training images are {train.x.shape[1:]}, test images {test.x.shape[1:]}: use one size"
        )
    highest, classes = max(train.y.max(), test.y.max()), len(class_names)
    if highest >= classes:
        raise DatasetError(f"{name}: label {highest} is not below the {classes} classes: count from 0, or name more")
    if classes < 2:
        raise DatasetError(f"{name} has {classes} class: at least 2 are needed")
    if train.y.min() == train.y.max():
        raise DatasetError(f"{name}: every training image is of class {class_names[train.y[0]]}: at least 2 are needed")


def caveats(dataset: Dataset) -> tuple[str, ...]:
    """What a person should know of data that can be trained on, but may not be what was meant; mostly nothing."""
    return (*_on_brightness("training", dataset.train), *_on_brightness("test", dataset.test), *_on_classes(dataset))


def _on_brightness(name: str, split: Split) -> Iterator[str]:
    brightest = int(split.x.max())
    if brightest <= DARK:
        yield (
            f"The {name} images are nearly black: no value is above {brightest} of 255, and all are divided by 255. "
            "If they were scaled before they were cast, or are black and white, store them as 0…255."
        )


def _on_classes(dataset: Dataset) -> Iterator[str]:
    absent = sorted(set(range(dataset.classes)) - set(dataset.train.y.tolist()))
    if absent:
        names = ", ".join(dataset.class_names[label] for label in absent[:5]) + (", …" if len(absent) > 5 else "")
        yield f"No training image is of class {names}: {len(absent)} of {dataset.classes} classes cannot be learned."
    if dataset.test.y.min() == dataset.test.y.max():
        yield f"Every test image is of class {dataset.class_names[dataset.test.y[0]]}."
