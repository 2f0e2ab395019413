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
from wncompare.data.dataset import Checked, Dataset, Split, allocate, published
from wncompare.data.files.archive import Bounded, read_file
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import Copy, read_copy
from wncompare.data.source import Lookup
from wncompare.data.sources.cifar_batch import PIXELS, read_batch
from wncompare.errors import DatasetError
from wncompare.storage.files import open_plain

CHANNELS, SIDE = 3, 32
BLOCK = 2**18


@dataclass(frozen=True)
class Kind:
    """One of the two: its folder, images in each batch, in order, the last being the test split; labels and classes."""

    name: str
    title: str
    folder: str
    rows: Mapping[str, int]
    label_key: str
    class_names: tuple[str, ...]


CIFAR10 = Kind(
    "cifar10",
    "CIFAR-10",
    "cifar-10-batches-py",
    {**{f"data_batch_{i}": 10_000 for i in range(1, 6)}, "test_batch": 10_000},
    "labels",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)

CIFAR100 = Kind(
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


def cifar10(options: CifarOptions, lookup: Lookup) -> Dataset:
    """50,000 training and 10,000 test images (n, 32, 32, 3) of 10 classes, in the order of the batches.

    Read from the unpacked batches or straight from the archive, downloaded where neither is found whole.
    Batches with the published MD5 are "CIFAR-10"; others are "CIFAR-10 (unofficial copy)", or whatever
    `options.copy_note` says in the brackets, a note that the official data ignores. Raises DatasetError where the data
    is absent, damaged or unsafe.
    """
    return _load(CIFAR10, options, lookup)


def cifar100(options: CifarOptions, lookup: Lookup) -> Dataset:
    """50,000 training and 10,000 test images (n, 32, 32, 3) of 100 fine classes; all else as `cifar10`."""
    return _load(CIFAR100, options, lookup)


def _load(kind: Kind, options: CifarOptions, lookup: Lookup) -> Dataset:
    def read(copy: Copy) -> Dataset:
        everything, checked = _read(kind, copy)
        n = len(everything) - list(kind.rows.values())[-1]
        train, test = Split(everything.x[:n], everything.y[:n]), Split(everything.x[n:], everything.y[n:])
        return published(kind.name, kind.title, train, test, kind.class_names, checked, options.copy_note)

    return read_copy(kind.name, read, lookup)


def _read(kind: Kind, copy: Copy) -> tuple[Split, tuple[Checked, ...]]:
    """All images in the order of the batches, and each batch's checksum."""
    starts = dict(zip(kind.rows, np.cumsum([0, *kind.rows.values()]).tolist(), strict=False))
    total = sum(kind.rows.values())
    everything = Split(allocate((total, SIDE, SIDE, CHANNELS)), np.empty(total, dtype=np.int64))
    contents, checked = PUBLISHED[kind.name].contents, {}
    for name, raw in _batches(kind, copy):
        path, rows, classes = copy.path / name, kind.rows[name], len(kind.class_names)
        images, labels = read_batch(raw, rows=rows, label_key=kind.label_key, classes=classes, name=path)
        place = slice(starts[name], starts[name] + rows)
        _interleave(images, everything.x[place])
        everything.y[place] = labels
        checked[name] = Checked(path, "md5", contents[name], hashlib.md5(raw, usedforsecurity=False).hexdigest())
    return everything, tuple(checked[name] for name in kind.rows)


def _interleave(images: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Planes (n, 3072) into pixels (n, 32, 32, 3): a channel at a time is several times faster than a transpose."""
    planes = images.reshape(-1, CHANNELS, SIDE, SIDE)
    for channel in range(CHANNELS):
        out[..., channel] = planes[:, channel]


def _batches(kind: Kind, copy: Copy) -> Iterator[tuple[str, bytes]]:
    """Every batch once, as its name and bytes, out of the folder or the archive."""
    if copy.is_file:
        yield from _archived(kind, copy.path)
        return
    for file, rows in zip(copy.files, kind.rows.values(), strict=True):
        yield file.name, read_file(file, _limit(rows))


def _archived(kind: Kind, path: Path) -> Iterator[tuple[str, bytes]]:
    """Reads the batches out of the archive without unpacking it, and on to its end, where its checksum stands."""
    missing = dict(kind.rows)
    try:
        with open_plain(path) as packed, gzip.open(packed) as unpacked:
            stream = Bounded(unpacked, sum(map(_limit, kind.rows.values())), path)
            with _tar(stream) as archive:
                while missing and (member := archive.next()):
                    name = PurePosixPath(member.name)
                    if name.parent.name == kind.folder and name.name in missing:
                        yield name.name, _extract(archive, member, _limit(missing.pop(name.name)), path)
            while stream.read(BLOCK):
                pass
    except PermissionError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is damaged ({error}): delete it, and get the published file again") from error
    if missing:
        raise DatasetError(f"{path} lacks {', '.join(missing)}: delete it, and get the published file again")


def _tar(stream: Any) -> tarfile.TarFile:
    """The archive as a stream that is read once, forwards; as the stream is bounded, a bomb ends there."""
    return tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, limit: int, path: Path) -> bytes:
    """The bytes of a plain file; links, sparse files and oversized ones are refused."""
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.size > limit:
        raise DatasetError(f"{path}: {member.name!r} is no plain file of at most {limit:,} bytes: get it again")
    content = archive.extractfile(member)
    return content.read() if content else b""


def _limit(rows: int) -> int:
    """The most bytes that a batch of so many images may have: labels and file names take far less than the images."""
    return (PIXELS + 1024) * rows + 4096
