"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html)."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.catalog.datasets import CifarOptions
from wncompare.data.dataset import Dataset, Split, allocate
from wncompare.data.files.archive import Bounded, read_file
from wncompare.data.files.download import Progress
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import label, listed, obtain
from wncompare.data.sources.cifar_batch import PIXELS, read_batch
from wncompare.errors import DatasetError

CHANNELS, SIDE = 3, 32
BLOCK = 2**18


@dataclass(frozen=True)
class Layout:
    """How a CIFAR is laid out: images in each batch, in order, the last being the test split; labels and classes."""

    name: str
    title: str
    folder: str
    rows: Mapping[str, int]
    label_key: str
    class_names: tuple[str, ...]


CIFAR10 = Layout(
    "cifar10",
    "CIFAR-10",
    "cifar-10-batches-py",
    {**{f"data_batch_{i}": 10_000 for i in range(1, 6)}, "test_batch": 10_000},
    "labels",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)

CIFAR100 = Layout(
    "cifar100",
    "CIFAR-100",
    "cifar-100-python",
    {"train": 50_000, "test": 10_000},
    "fine_labels",
    tuple(
        """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
        castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
        elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
        man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
        pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
        tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split()  # noqa: SIM905
    ),
)


def cifar10(
    options: CifarOptions, *, data_dir: Path | None = None, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """50,000 training and 10,000 test images (n, 32, 32, 3) of 10 classes, in the order of the batches.

    Read from `cifar-10-batches-py/` or straight from `cifar-10-python.tar.gz`, downloaded where neither is found.
    Batches with the published MD5 are "CIFAR-10"; others are "CIFAR-10 (unofficial copy)", or whatever
    `options.copy_note` says in the brackets, a note that the official data ignores. Raises DatasetError where the data
    is absent, damaged or unsafe.
    """
    return _load(CIFAR10, options, data_dir, download, progress)


def cifar100(
    options: CifarOptions, *, data_dir: Path | None = None, download: bool = True, progress: Progress | None = None
) -> Dataset:
    """50,000 training and 10,000 test images (n, 32, 32, 3) of 100 fine classes; all else as `cifar10`."""
    return _load(CIFAR100, options, data_dir, download, progress)


def _load(
    layout: Layout, options: CifarOptions, data_dir: Path | None, download: bool, progress: Progress | None
) -> Dataset:
    (path,) = obtain(layout.name, data_dir, download=download, progress=progress)
    everything, official = _read(layout, path)
    n = len(everything) - list(layout.rows.values())[-1]
    train, test = Split(everything.x[:n], everything.y[:n]), Split(everything.x[n:], everything.y[n:])
    title = label(layout.title, official, options.copy_note)
    return Dataset(layout.name, title, train, test, layout.class_names, official)


def _read(layout: Layout, path: Path) -> tuple[Split, bool]:
    """All images in the order of the batches, and whether every batch is the published one."""
    starts = dict(zip(layout.rows, np.cumsum([0, *layout.rows.values()]).tolist(), strict=False))
    total = sum(layout.rows.values())
    everything = Split(allocate((total, SIDE, SIDE, CHANNELS)), np.empty(total, dtype=np.int64))
    published, official = PUBLISHED[layout.name][0].members, True
    for name, raw in _batches(layout, path):
        rows, classes = layout.rows[name], len(layout.class_names)
        images, labels = read_batch(raw, rows=rows, label_key=layout.label_key, classes=classes, name=path / name)
        place = slice(starts[name], starts[name] + rows)
        _interleave(images, everything.x[place])
        everything.y[place] = labels
        official &= hashlib.md5(raw, usedforsecurity=False).hexdigest() == published[name]
    return everything, official


def _interleave(images: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Planes (n, 3072) into pixels (n, 32, 32, 3): a channel at a time is several times faster than a transpose."""
    planes = images.reshape(-1, CHANNELS, SIDE, SIDE)
    for channel in range(CHANNELS):
        out[..., channel] = planes[:, channel]


def _batches(layout: Layout, path: Path) -> Iterator[tuple[str, bytes]]:
    """Every batch once, as its name and bytes, out of the folder or the archive."""
    if not path.is_dir():
        yield from _archived(layout, path)
        return
    for name, rows in layout.rows.items():
        yield name, read_file(path / name, _limit(rows))


def _archived(layout: Layout, path: Path) -> Iterator[tuple[str, bytes]]:
    """Reads the batches out of the archive without unpacking it, and stops at the last one."""
    missing = dict(layout.rows)
    try:
        with gzip.open(path) as stream, _tar(stream, path, sum(map(_limit, missing.values()))) as archive:
            while missing and (member := archive.next()):
                name = PurePosixPath(member.name)
                if str(name.parent) == layout.folder and name.name in missing:
                    yield name.name, _extract(archive, member, _limit(missing.pop(name.name)), path)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete it, and get the published file again") from error
    if missing:
        raise DatasetError(f"{path} lacks {listed(missing)}: delete it, and get the published file again")


def _tar(stream: gzip.GzipFile, path: Path, limit: int) -> tarfile.TarFile:
    """The archive as a stream that is read once, forwards, and no further than `limit` bytes: a bomb ends there."""
    bounded: Any = Bounded(stream, limit, path)
    return tarfile.open(fileobj=bounded, mode="r|", bufsize=BLOCK)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, limit: int, path: Path) -> bytes:
    """The bytes of a plain file; links, sparse files and oversized ones are refused."""
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.size > limit:
        raise DatasetError(f"{path}: {member.name!r} is no plain file of at most {limit:,} bytes: get it again")
    content = archive.extractfile(member)
    return content.read() if content else b""


def _limit(rows: int) -> int:
    """The most bytes that a batch of so many images may have: labels and file names take far less than the images."""
    return (PIXELS + 1024) * rows + 4096
