"""Datasets as NumPy arrays; one file a source."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.registry import Options
from wncompare.data.checks import caveats
from wncompare.data.dataset import Checked, Dataset, Split
from wncompare.data.files.decoded import Shared, opened, share
from wncompare.data.files.known import recall, remember, stamp
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import fetch_copy, find_copy, folders
from wncompare.data.presenting import presented
from wncompare.data.source import Lookup, Progress, Source
from wncompare.errors import DatasetError

__all__ = [
    "Checked",
    "Dataset",
    "Listed",
    "Lookup",
    "Progress",
    "Shared",
    "Source",
    "Split",
    "caveats",
    "fetch",
    "folders",
    "listing",
    "load",
    "load_shared",
    "opened",
    "share",
    "verify",
]


@dataclass(frozen=True)
class Listed:
    """A dataset that a config can name: whether it is published, and where on this machine a whole copy of it is."""

    name: str
    summary: str
    published: bool
    path: Path | None


def load(
    name: str,
    options: Options | None = None,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
) -> Dataset:
    """The dataset called `name` in the catalog; `options` defaults to the entry's own.

    Raises ConfigError for an unknown name and DatasetError for data that is absent, damaged or unsafe.
    """
    entry = DATASETS[name]
    source: Source = entry.load()
    chosen: Any = options or entry.options()
    return presented(source(chosen, Lookup(data_dir, download, progress)), chosen)


def load_shared(
    name: str,
    options: Options | None = None,
    *,
    data_dir: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
) -> tuple[Dataset, Shared | None]:
    """The same dataset, and where it is kept decoded for other processes: None where it is not.

    Where a published dataset's files are those of last time they are not read again: its arrays are what was kept,
    mapped and unread. Who opens what is shared compares every byte with the digest.
    """
    chosen = options or DATASETS[name].options()
    known = stamp(name, chosen, data_dir)
    if known and (shared := recall(known)):
        with suppress(DatasetError):  # it is gone, or damaged
            return opened(shared, unread=True), shared
    dataset = load(name, chosen, data_dir=data_dir, download=download, progress=progress)
    shared = share(dataset)
    if known and shared and known == stamp(name, chosen, data_dir):
        remember(known, shared)
    return dataset, shared


def listing(data_dir: Path | None = None) -> tuple[Listed, ...]:
    """Every dataset of the catalog with where it is on this machine; nothing is decoded or downloaded."""
    return tuple(_listed(name, entry.summary, data_dir) for name, entry in DATASETS.items())


def fetch(name: str, data_dir: Path | None = None, *, progress: Progress | None = None) -> Path | None:
    """Where a published dataset is, its file or the folder of its files, downloaded first where it is absent.

    None for a dataset that has nothing to download. Raises ConfigError for an unknown name, DatasetError where the
    download fails.
    """
    return fetch_copy(name, data_dir, progress).path if DATASETS[name].name in PUBLISHED else None


def verify(name: str, data_dir: Path | None = None) -> tuple[Checked, ...]:
    """The parts of a published dataset on this machine with their checksums; empty for one that has none published.

    Raises ConfigError for an unknown name, DatasetError where the dataset is absent or damaged.
    """
    return load(name, data_dir=data_dir, download=False).checked if DATASETS[name].name in PUBLISHED else ()


def _listed(name: str, summary: str, data_dir: Path | None) -> Listed:
    copy = find_copy(name, data_dir) if name in PUBLISHED else None
    return Listed(name, summary, name in PUBLISHED, copy.path if copy else None)
