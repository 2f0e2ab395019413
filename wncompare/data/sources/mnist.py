"""MNIST (LeCun, Cortes and Burges 1998) and Fashion-MNIST (Xiao, Rasul and Vollgraf 2017)."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.registry import Options
from wncompare.data.checks import as_images, as_labels, check_pair
from wncompare.data.dataset import Dataset, Split
from wncompare.data.files.archive import read_all, read_arrays
from wncompare.data.files.download import Progress
from wncompare.data.files.store import check, label, obtain
from wncompare.errors import DatasetError

SIDE, TRAIN, TEST = 28, 60_000, 10_000
IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
ARCHIVE_LIMIT = 2**26
DIGITS = tuple(map(str, range(10)))
CLOTHES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def mnist(
    options: Options, *, data_dir: Path | None = None, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """60,000 training and 10,000 test images (n, 28, 28, 1) of handwritten digits, from Keras's `mnist.npz`.

    Raises DatasetError where the file is absent, damaged or of another size.
    """
    (path,) = obtain("mnist", data_dir, download=download, progress=progress)
    arrays = read_arrays(path, ("x_train", "y_train", "x_test", "y_test"), limit=ARCHIVE_LIMIT)
    train = _split(arrays["x_train"], arrays["y_train"], TRAIN, path)
    test = _split(arrays["x_test"], arrays["y_test"], TEST, path)
    return _dataset("mnist", "MNIST", train, test, DIGITS, data_dir)


def fashion_mnist(
    options: Options, *, data_dir: Path | None = None, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """60,000 training and 10,000 test images (n, 28, 28, 1) of clothing, from the four files in `fashion-mnist/`.

    Raises DatasetError where a file is absent, damaged or of another size.
    """
    paths = obtain("fashion_mnist", data_dir, download=download, progress=progress)
    train = _split(_idx(paths[0], TRAIN, SIDE, SIDE), _idx(paths[1], TRAIN), TRAIN, paths[0])
    test = _split(_idx(paths[2], TEST, SIDE, SIDE), _idx(paths[3], TEST), TEST, paths[2])
    return _dataset("fashion_mnist", "Fashion-MNIST", train, test, CLOTHES, data_dir)


def _dataset(
    name: str, title: str, train: Split, test: Split, class_names: tuple[str, ...], data_dir: Path | None
) -> Dataset:
    check_pair(train, test, class_names, title)
    official = all(checked.official for checked in check(name, data_dir))
    return Dataset(name, label(title, official), train, test, class_names, official)


def _split(x: NDArray[np.generic], y: NDArray[np.generic], images: int, path: Path) -> Split:
    if x.shape != (images, SIDE, SIDE):
        raise DatasetError(f"{path} holds images {x.shape}, not {(images, SIDE, SIDE)}: get the published file")
    return Split(as_images(x, str(path)), as_labels(y, images, str(path)))


def _idx(path: Path, *shape: int) -> NDArray[np.uint8]:
    """A gzipped IDX file of bytes (http://yann.lecun.com/exdb/mnist/): a big-endian header, then one byte a value."""
    header = struct.pack(f">{1 + len(shape)}I", IMAGES_MAGIC if len(shape) == 3 else LABELS_MAGIC, *shape)
    expected = len(header) + int(np.prod(shape))
    try:
        with gzip.open(path) as stream:
            raw = read_all(stream, expected, path)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete it, and get the published file again") from error
    if len(raw) != expected or not raw.startswith(header):
        raise DatasetError(f"{path} is no IDX file of {shape} bytes: delete it, and get the published file again")
    return np.frombuffer(raw, np.uint8, offset=len(header)).reshape(shape)
