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


@dataclass(frozen=True)
class Shared:
    """Where a decoded dataset lies, and what its arrays do not say: `inputs` are the names where there are several."""

    folder: str
    digest: str
    name: str
    label: str
    class_names: tuple[str, ...]
    official: bool | None
    inputs: tuple[str, ...] = ()
    vocabulary: tuple[tuple[str, int], ...] = ()
    reconstructs: bool = False
    standardize: bool = False

    def as_data(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Shared":
        """What `as_data` gave, after a way through JSON."""
        lists = {name: tuple(data[name]) for name in ("class_names", "inputs")}
        return cls(**{**data, **lists, "vocabulary": tuple((name, size) for name, size in data["vocabulary"])})


def share(dataset: Dataset) -> Shared | None:
    """Keep a dataset decoded in this user's cache; None where it is too small for that, or there is none to write to.

    The `MOST_KEPT` that were used last stay there.
    """
    cache = user_cache()
    if cache is None or _bytes(dataset) < SMALLEST_BYTES:
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
    return Shared(
        str(folder),
        dataset.digest,
        dataset.name,
        dataset.label,
        dataset.class_names,
        dataset.official,
        tuple(dataset.train.x) if isinstance(dataset.train.x, Mapping) else (),
        tuple(dataset.vocabulary.items()),
        dataset.train.reconstructs,
        dataset.standardize,
    )


def opened(shared: Shared, *, unread: bool = False) -> Dataset:
    """The dataset, its arrays mapped; what is written to them stays in this process.

    Every byte is compared with the digest; `unread` leaves that to those who train on it, and takes the digest's word.

    Raises:
        DatasetError: it is not there, or not what was shared.
    """
    try:
        dataset = _dataset(shared)
        if unread:
            vars(dataset)["digest"] = shared.digest  # where a cached_property keeps what it has computed
        if dataset.digest != shared.digest:
            raise ValueError("other data")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{shared.folder}: not the decoded {shared.name} ({error}): delete this folder") from None
    return dataset


def kept_folders() -> list[Path]:
    """The folders of what is kept decoded, each named by its digest."""
    cache = user_cache()
    return [] if cache is None else [folder for folder in (cache / "decoded").glob("[!.]*") if folder.is_dir()]


def _dataset(shared: Shared) -> Dataset:
    train, test = (_opened(shared, name) for name in ("train", "test"))
    return Dataset(
        shared.name,
        shared.label,
        train,
        test,
        shared.class_names,
        shared.official,
        vocabulary=dict(shared.vocabulary),
        standardize=shared.standardize,
    )


def _bytes(dataset: Dataset) -> int:
    return sum(array.nbytes for split in (dataset.train, dataset.test) for array in split.inputs.values())


def _opened(shared: Shared, name: str) -> Split:
    folder = Path(shared.folder)
    named = {each: _mapped(folder / f"{name}_x_{number}.npy") for number, each in enumerate(shared.inputs)}
    x = named or _mapped(folder / f"{name}_x.npy")
    return Split(x, x if shared.reconstructs else _mapped(folder / f"{name}_y.npy"))


def _files(name: str, split: Split) -> dict[str, NDArray[Any]]:
    """The arrays of a split by the name of their file."""
    if isinstance(split.x, Mapping):
        inputs = {f"{name}_x_{number}": array for number, array in enumerate(split.x.values())}
    else:
        inputs = {f"{name}_x": split.x}
    return inputs if split.reconstructs else {**inputs, f"{name}_y": split.y}


def _mapped(file: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(file, mmap_mode="c", allow_pickle=False)
    return array


def _write(folder: Path, dataset: Dataset) -> None:
    """Write the arrays into a folder of their own, for this user alone, that is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name, array in {**_files("train", dataset.train), **_files("test", dataset.test)}.items():
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
