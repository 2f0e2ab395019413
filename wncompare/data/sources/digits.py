"""The handwritten digits that ship with wncompare: real images that need no download."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import ImagePresentation
from wncompare.data.dataset import Dataset, Split
from wncompare.data.source import Lookup

FILE = Path(__file__).with_name("digits.csv.gz")
"""As scikit-learn ships it; source and licenses stand in digits.LICENSE beside it."""
SIDE, SCALE, CLASSES, TEST_PER_CLASS = 8, 4, 10, 36
SPLIT_KEY = 360


def digits(options: ImagePresentation, lookup: Lookup) -> Dataset:
    """1,437 training and 360 test images (n, 32, 32, 1) of the digits 0 to 9, by 13 writers.

    Values 0…16 become uint8 = round(v · 255 / 16) and each pixel is repeated 4 × 4. The test split has 36 images of
    each digit, the same ones always. Source: the test part of the UCI data set "Optical Recognition of Handwritten
    Digits", which is also scikit-learn's `load_digits`.
    """
    with gzip.open(FILE, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.int64)
    images = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
    everything = Split(images.repeat(SCALE, axis=1).repeat(SCALE, axis=2), table[:, -1])
    test = _test_indices(everything.y)
    train = np.setdiff1d(np.arange(len(everything)), test)
    names = tuple(str(digit) for digit in range(CLASSES))
    return Dataset("digits", "scikit-learn digits", everything.take(train), everything.take(test), names)


def _test_indices(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """36 images of each digit, drawn from Philox's raw stream, which no NumPy version changes."""
    order = np.argsort(np.random.Philox(key=SPLIT_KEY).random_raw(len(labels)))
    chosen = [order[labels[order] == digit][:TEST_PER_CLASS] for digit in range(CLASSES)]
    return np.sort(np.concatenate(chosen))
