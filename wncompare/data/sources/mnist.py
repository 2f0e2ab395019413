"""MNIST (LeCun, Cortes and Burges 1998) and Fashion-MNIST (Xiao, Rasul and Vollgraf 2017)."""

import hashlib
import struct
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import ImagePresentation
from wncompare.data.checks import as_images, as_labels, check_pair
from wncompare.data.dataset import Checked, Dataset, Split, published
from wncompare.data.files.archive import read_arrays, read_gzip
from wncompare.data.files.download import sha256
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import Copy, read_copy
from wncompare.data.source import Lookup
from wncompare.errors import DatasetError

SIDE, TRAIN, TEST = 28, 60_000, 10_000
IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
ARCHIVE_LIMIT = 2**26
NPZ = ("x_train", "y_train", "x_test", "y_test")
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

Part = tuple[Path, NDArray[Any]]
"""Images (n, 28, 28, 1) or labels (n,), and where they were read."""


def mnist(options: ImagePresentation, lookup: Lookup) -> Dataset:
    """60,000 training and 10,000 test images (n, 28, 28, 1) of handwritten digits.

    Read from Keras's `mnist.npz`, which is downloaded where no copy is found, or from the four IDX files. Raises
    DatasetError where all copies are damaged or of another size.
    """
    return read_copy("mnist", partial(_read, "mnist", "MNIST", DIGITS), lookup)


def fashion_mnist(options: ImagePresentation, lookup: Lookup) -> Dataset:
    """60,000 training and 10,000 test images (n, 28, 28, 1) of clothing, from the four IDX files.

    Raises DatasetError where all copies are damaged or of another size.
    """
    return read_copy("fashion_mnist", partial(_read, "fashion_mnist", "Fashion-MNIST", CLOTHES), lookup)


def _read(name: str, title: str, class_names: tuple[str, ...], copy: Copy) -> Dataset:
    parts = _npz_parts(copy.path) if copy.is_file else _idx_parts(copy)
    train, test = (Split(parts[start][1], parts[start + 1][1]) for start in (0, 2))
    check_pair(train, test, class_names, str(copy.path))
    return published(name, title, train, test, class_names, _checked(name, copy, parts))


def _npz_parts(path: Path) -> list[Part]:
    arrays = read_arrays(path, NPZ, limit=ARCHIVE_LIMIT)
    return [*_npz_split(path, arrays, "train", TRAIN), *_npz_split(path, arrays, "test", TEST)]


def _npz_split(path: Path, arrays: dict[str, NDArray[Any]], split: str, images: int) -> tuple[Part, Part]:
    x = as_images(arrays[f"x_{split}"], str(path))
    if x.shape != (images, SIDE, SIDE, 1):
        raise DatasetError(f"{path} holds images {x.shape[:3]}, not {(images, SIDE, SIDE)}: get the published file")
    return (path / f"x_{split}", x), (path / f"y_{split}", as_labels(arrays[f"y_{split}"], images, str(path)))


def _idx_parts(copy: Copy) -> list[Part]:
    shapes = ((TRAIN, SIDE, SIDE), (TRAIN,), (TEST, SIDE, SIDE), (TEST,))
    arrays = [(path, _idx(path, shape)) for path, shape in zip(copy.files, shapes, strict=True)]
    return [(path, array[..., None] if array.ndim == 3 else array.astype(np.int64)) for path, array in arrays]


def _idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An IDX file of bytes, gzipped or not: a header, then one byte a value."""
    header = _idx_header(shape)
    expected = len(header) + int(np.prod(shape))
    raw = read_gzip(path, expected)
    if len(raw) != expected or not raw.startswith(header):
        raise DatasetError(f"{path} is no IDX file of {shape} bytes: delete it, and get the published file again")
    return np.frombuffer(raw, np.uint8, offset=len(header)).reshape(shape)


def _idx_header(shape: tuple[int, ...]) -> bytes:
    """Big-endian: a number that tells the type and the dimensions, then the sizes (http://yann.lecun.com/exdb/mnist/)."""
    return struct.pack(f">{1 + len(shape)}I", IMAGES_MAGIC if len(shape) == 3 else LABELS_MAGIC, *shape)


def _checked(name: str, copy: Copy, parts: list[Part]) -> tuple[Checked, ...]:
    """The checksum of the archive, where it is the published one, or of what is in it, each as an IDX file."""
    if copy.is_file:
        archive = Checked(copy.path, "sha256", PUBLISHED[name].files[0].sha256, sha256(copy.path))
        if archive.official:
            return (archive,)
    expected = PUBLISHED[name].contents.values()
    return tuple(
        Checked(path, "sha256", wanted, _idx_sha256(array))
        for wanted, (path, array) in zip(expected, parts, strict=True)
    )


def _idx_sha256(array: NDArray[Any]) -> str:
    """The SHA-256 of the unpacked IDX file that holds these images (n, 28, 28, 1) or labels (n,)."""
    shape = array.shape[:3]
    return hashlib.sha256(_idx_header(shape) + array.astype(np.uint8).tobytes()).hexdigest()
