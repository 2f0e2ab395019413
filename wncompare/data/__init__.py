"""Datasets as uint8 NumPy arrays; one file a source."""

from dataclasses import dataclass
from pathlib import Path

from wncompare.catalog.datasets import DATASETS
from wncompare.catalog.registry import Options
from wncompare.data.dataset import Dataset, Split
from wncompare.data.files.decoded import Shared, opened, share
from wncompare.data.files.download import Progress
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import Checked, check, folders, located, obtain

__all__ = [
    "Checked",
    "Dataset",
    "Listed",
    "Progress",
    "Shared",
    "Split",
    "fetch",
    "folders",
    "listing",
    "load",
    "opened",
    "share",
    "verify",
]


@dataclass(frozen=True)
class Listed:
    """A dataset that a config can name: whether it is published, and where on this machine its files are."""

    name: str
    summary: str
    published: bool
    paths: tuple[Path, ...]


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
    dataset = entry.load()(options or entry.options(), data_dir=data_dir, download=download, progress=progress)
    assert isinstance(dataset, Dataset)
    return dataset


def listing(data_dir: Path | None = None) -> tuple[Listed, ...]:
    """Every dataset of the catalog with what of it is on this machine; nothing is read or downloaded."""
    return tuple(
        Listed(name, entry.summary, name in PUBLISHED, located(name, data_dir)) for name, entry in DATASETS.items()
    )


def fetch(name: str, data_dir: Path | None = None, *, progress: Progress | None = None) -> tuple[Path, ...]:
    """Where the files of a published dataset are, downloaded first where they are absent.

    Empty for a dataset that has nothing to download. Raises ConfigError for an unknown name, DatasetError where the
    download fails.
    """
    return obtain(name, data_dir, progress=progress) if _published(name) else ()


def verify(name: str, data_dir: Path | None = None) -> tuple[Checked, ...]:
    """The checksums of a published dataset's files on this machine; empty for a dataset that has none published.

    Raises ConfigError for an unknown name, DatasetError where the dataset is absent.
    """
    return check(name, data_dir) if _published(name) else ()


def _published(name: str) -> bool:
    return DATASETS[name].name in PUBLISHED
