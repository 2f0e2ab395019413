"""Where copies of the published datasets are found, and that none but a whole one is taken."""

import os
from pathlib import Path

import pytest

from wncompare import data
from wncompare.data.files.published import CIFAR10, CIFAR100, IDX
from wncompare.data.files.store import copies, find_copy

BATCHES = tuple(CIFAR10.contents)
HUNDRED = tuple(CIFAR100.contents)
PACKED = tuple(f"{part}-idx{n}-ubyte.gz" for part, n in IDX.items())
UNPACKED = tuple(f"{part}-idx{n}-ubyte" for part, n in IDX.items())
DOTTED = tuple(f"{part}.idx{n}-ubyte" for part, n in IDX.items())
DOTTED_PACKED = tuple(f"{name}.gz" for name in DOTTED)
NESTED = tuple(f"{name}/{name}" for name in UNPACKED)

LAYOUTS = [
    ("cifar10", "cifar-10-batches-py", BATCHES),
    ("cifar10", "", BATCHES),
    ("cifar10", "any/cifar-10-batches-py", BATCHES),
    ("cifar10", "cifar-10-batches-py/cifar-10-batches-py", BATCHES),
    ("cifar10", "cifar-10-batches-py-target/cifar-10-batches-py", BATCHES),
    ("cifar10", "", ("cifar-10-python.tar.gz",)),
    ("cifar10", "any", ("cifar-10-python.tar.gz",)),
    ("cifar10", "", ("cifar-10-batches-py.tar.gz",)),
    ("cifar10", "", ("cifar-10-batches-py-target_archive",)),
    ("cifar100", "cifar-100-python", HUNDRED),
    ("cifar100", "", HUNDRED),
    ("cifar100", "any/cifar-100-python", HUNDRED),
    ("cifar100", "cifar-100-python/cifar-100-python", HUNDRED),
    ("cifar100", "", ("cifar-100-python.tar.gz",)),
    ("mnist", "", ("mnist.npz",)),
    ("mnist", "any", ("mnist.npz",)),
    *(("mnist", folder, PACKED) for folder in ("", "raw", "MNIST", "MNIST/raw", "any/MNIST/raw", "mnist")),
    *(("mnist", "", files) for files in (UNPACKED, DOTTED, DOTTED_PACKED, NESTED)),
    *(("mnist", "MNIST/raw", files) for files in (UNPACKED, DOTTED)),
    ("mnist", "", (*PACKED[:2], *DOTTED[2:])),
    *(("fashion_mnist", folder, PACKED) for folder in ("fashion-mnist", "FashionMNIST", "FashionMNIST/raw")),
    *(("fashion_mnist", folder, UNPACKED) for folder in ("", "raw", "fashion_mnist", "any/FashionMNIST/raw")),
    ("fashion_mnist", "fashion-mnist", DOTTED),
]


def place(folder: Path, *files: str) -> None:
    """Files of a byte in a folder."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(("name", "folder", "files"), LAYOUTS, ids=lambda value: str(value)[:50])
def test_layouts(name: str, folder: str, files: tuple[str, ...], tmp_path: Path) -> None:
    """A copy is found as publishers, Keras, torchvision and unpackers lay it out; without any one file it is not."""
    place(tmp_path / folder, *files)
    copy = find_copy(name, tmp_path)
    assert copy is not None
    assert copy.path == (tmp_path / folder / files[0] if len(files) == 1 else tmp_path / folder)
    assert copy.files == tuple(tmp_path / folder / file for file in files)
    for file in files:
        (tmp_path / folder / file).write_bytes(b"")
        assert find_copy(name, tmp_path) is None
        (tmp_path / folder / file).write_bytes(b"x")


@pytest.mark.parametrize(("name", "folder", "files"), LAYOUTS, ids=lambda value: str(value)[:50])
def test_layouts_of_one_are_not_those_of_another(
    name: str, folder: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    """No other dataset is found there, but where MNIST and Fashion-MNIST have the same file names."""
    place(tmp_path / folder, *files)
    found = {entry.name for entry in data.listing(tmp_path) if entry.path}
    shared = {"mnist", "fashion_mnist"} if folder in ("", "raw") and len(files) == 4 else {name}
    assert found == shared


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole copy in a later folder is taken before a partial one in the first; of whole ones the first."""
    monkeypatch.setenv("WNCOMPARE_DATA_DIR", str(tmp_path / "second"))
    place(tmp_path / "first" / "cifar-10-batches-py", *BATCHES[:5])
    place(tmp_path / "second", "cifar-10-python.tar.gz")
    copy = find_copy("cifar10", tmp_path / "first")
    assert copy is not None
    assert copy.path == tmp_path / "second" / "cifar-10-python.tar.gz"
    place(tmp_path / "first" / "cifar-10-batches-py", BATCHES[5])
    copy = find_copy("cifar10", tmp_path / "first")
    assert copy is not None
    assert copy.path == tmp_path / "first" / "cifar-10-batches-py"


def test_what_is_missing(tmp_path: Path) -> None:
    """A copy tells what it lacks, an empty folder with its name all; links to nowhere and pipes are no files."""
    (tmp_path / "cifar-10-batches-py").mkdir()
    (empty,) = copies("cifar10", tmp_path)
    assert (empty.path, empty.missing) == (tmp_path / "cifar-10-batches-py", BATCHES)
    place(tmp_path / "cifar-10-batches-py", *BATCHES[:4])
    (tmp_path / "cifar-10-batches-py" / BATCHES[4]).symlink_to("nowhere")
    os.mkfifo(tmp_path / "cifar-10-batches-py" / BATCHES[5])
    (partial,) = copies("cifar10", tmp_path)
    assert partial.missing == BATCHES[4:]
