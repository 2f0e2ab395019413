"""The handwritten digits inside scikit-learn: real images that need no download."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.registry import Options
from wncompare.data.dataset import Dataset, Split
from wncompare.data.files.download import Progress
from wncompare.errors import DatasetError

FILE = Path("datasets", "data", "digits.csv.gz")
IMAGES, SIDE, SCALE, CLASSES, TEST_PER_CLASS = 1797, 8, 4, 10, 36
SPLIT_KEY = 360


def digits(
    options: Options, *, data_dir: Path | None = None, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """1,437 training and 360 test images (n, 32, 32, 1) of the digits 0 to 9, by 13 writers.

    Values 0…16 become uint8 = round(v · 255 / 16) and each pixel is repeated 4 × 4. The test split has 36 images of
    each digit, the same ones always. Source: scikit-learn's `load_digits`, the test part of the UCI data set
    "Optical Recognition of Handwritten Digits"; the file is read straight from the package, whose import takes
    seconds. Raises DatasetError where scikit-learn is absent.
    """
    table = _table()
    images = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
    everything = Split(images.repeat(SCALE, axis=1).repeat(SCALE, axis=2), table[:, -1])
    test = _test_indices(everything.y)
    train = np.setdiff1d(np.arange(IMAGES), test)
    names = tuple(str(digit) for digit in range(CLASSES))
    return Dataset("digits", "scikit-learn digits", everything.take(train), everything.take(test), names)


def _table() -> NDArray[np.int64]:
    """One row an image: 64 pixel values, then the digit."""
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError("digits needs scikit-learn, which is not installed: pip install scikit-learn")
    path = Path(spec.submodule_search_locations[0]) / FILE
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path} cannot be read ({error}): reinstall scikit-learn") from error
    if table.shape != (IMAGES, SIDE**2 + 1):
        raise DatasetError(f"{path} has shape {table.shape}, not {(IMAGES, SIDE**2 + 1)}: reinstall scikit-learn")
    return table


def _test_indices(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """36 images of each digit, drawn from Philox's raw stream, which no NumPy version changes."""
    order = np.argsort(np.random.Philox(key=SPLIT_KEY).random_raw(len(labels)))
    chosen = [order[labels[order] == digit][:TEST_PER_CLASS] for digit in range(CLASSES)]
    return np.sort(np.concatenate(chosen))
