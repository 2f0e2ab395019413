"""A dataset kept decoded, as plain .npy files that every worker maps: one copy in the page cache, and no decoding."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.data.dataset import Dataset, Split
from wncompare.errors import DatasetError
from wncompare.storage.cache import user_cache

SMALLEST_BYTES = 16 << 20
"""Smaller datasets are decoded faster than they are worth keeping."""
MOST_KEPT = 4

_ARRAYS = ("train_x", "train_y", "test_x", "test_y")


@dataclass(frozen=True)
class Shared:
    """Where a decoded dataset lies, and what its arrays do not say."""

    folder: str
    digest: str
    name: str
    label: str
    class_names: tuple[str, ...]
    official: bool | None

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Shared":
        """What `as_data` gave, after a way through JSON."""
        return cls(**{**data, "class_names": tuple(data["class_names"])})


def share(dataset: Dataset) -> Shared | None:
    """Keep a dataset decoded in this user's cache; None where it is too small for that, or there is none to write to.

    The `MOST_KEPT` that were used last stay there.
    """
    cache = user_cache()
    if cache is None or dataset.train.x.nbytes + dataset.test.x.nbytes < SMALLEST_BYTES:
        return None
    kept = cache / "decoded"
    folder = kept / dataset.digest
    try:
        if not folder.is_dir():
            _write(folder, dataset)
        os.utime(folder)
        _drop_old(kept)
    except OSError:
        return None
    return Shared(str(folder), dataset.digest, dataset.name, dataset.label, dataset.class_names, dataset.official)


def opened(shared: Shared) -> Dataset:
    """The dataset, its arrays mapped; what is written to them stays in this process.

    Raises:
        DatasetError: it is not there, or not what was shared: every byte is compared with the digest.
    """
    try:
        arrays = [_mapped(Path(shared.folder, f"{name}.npy")) for name in _ARRAYS]
        train, test = Split(arrays[0], arrays[1]), Split(arrays[2], arrays[3])
        dataset = Dataset(shared.name, shared.label, train, test, shared.class_names, shared.official)
        if [array.dtype for array in arrays] != [np.uint8, np.int64] * 2 or dataset.digest != shared.digest:
            raise ValueError("other data")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{shared.folder}: not the decoded {shared.name} ({error}): delete this folder") from None
    return dataset


def _mapped(file: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(file, mmap_mode="c", allow_pickle=False)
    return array


def _write(folder: Path, dataset: Dataset) -> None:
    """Write the arrays into a folder of their own, for this user alone, that is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(dir=folder.parent, prefix="."))
    try:
        arrays: list[NDArray[Any]] = [dataset.train.x, dataset.train.y, dataset.test.x, dataset.test.y]
        for name, array in zip(_ARRAYS, arrays, strict=True):
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was as fast
                raise
    finally:
        rmtree(temporary, ignore_errors=True)


def _drop_old(kept: Path) -> None:
    """Delete all but the last few; whoever has mapped one of them keeps it."""
    for folder in sorted(kept.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-MOST_KEPT]:
        rmtree(folder, ignore_errors=True)
