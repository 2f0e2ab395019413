"""MNIST from Keras's archive and Fashion-MNIST from its four IDX files."""

import gzip
import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.data.files import published
from wncompare.data.files.download import sha256
from wncompare.data.files.published import IDX
from wncompare.data.sources import mnist
from wncompare.errors import DatasetError

RNG = np.random.default_rng(0)
IMAGES = {"train": RNG.integers(0, 256, (30, 28, 28), np.uint8), "t10k": RNG.integers(0, 256, (20, 28, 28), np.uint8)}
LABELS = {"train": np.arange(30, dtype=np.uint8) % 10, "t10k": np.arange(20, dtype=np.uint8) % 10}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "TRAIN", 30)
    monkeypatch.setattr(mnist, "TEST", 20)


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file as http://yann.lecun.com/exdb/mnist/ describes it: 0, 0, type 8, dimensions, sizes, values."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def write_idx(path: Path, array: np.ndarray) -> None:
    """The same gzipped."""
    path.write_bytes(gzip.compress(idx_bytes(array)))


@pytest.fixture
def fashion(tmp_path: Path) -> Path:
    """The four files of a small Fashion-MNIST."""
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for split in IMAGES:
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", IMAGES[split])
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", LABELS[split])
    return folder


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """The archive of a small MNIST."""
    content = {
        "x_train": IMAGES["train"],
        "y_train": LABELS["train"],
        "x_test": IMAGES["t10k"],
        "y_test": LABELS["t10k"],
    }
    np.savez(tmp_path / "mnist.npz", **content)
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images(name: str, digits: Path, fashion: Path) -> None:
    """Both give the images with a channel axis and the labels, in the order of the files."""
    dataset = data.load(name, data_dir=digits.parent, download=False)
    np.testing.assert_array_equal(dataset.train.x[..., 0], IMAGES["train"])
    np.testing.assert_array_equal(dataset.test.x[..., 0], IMAGES["t10k"])
    np.testing.assert_array_equal(dataset.test.y, LABELS["t10k"])
    assert (dataset.classes, dataset.official) == (10, False)


def publish(monkeypatch: pytest.MonkeyPatch, name: str, sha256: str = "") -> None:
    """Let the small images be the published ones, as IDX files or by an archive's SHA-256."""
    known = published.PUBLISHED[name]
    arrays = (IMAGES["train"], LABELS["train"], IMAGES["t10k"], LABELS["t10k"])
    contents = {part: hashlib.sha256(idx_bytes(array)).hexdigest() for part, array in zip(IDX, arrays, strict=True)}
    (first, *rest) = known.files
    changed = {"files": (replace(first, sha256=sha256), *rest)} if sha256 else {"contents": contents}
    monkeypatch.setitem(published.PUBLISHED, name, replace(known, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("store", [np.savez, np.savez_compressed])
def test_label(digits: Path, monkeypatch: pytest.MonkeyPatch, store: Callable[..., None]) -> None:
    """The published contents are MNIST however they are packed, or in the published archive; others are not."""
    assert data.load("mnist", data_dir=digits.parent).label == "MNIST (unofficial copy)"
    assert [part.path.name for part in data.verify("mnist", digits.parent)] == [
        "x_train",
        "y_train",
        "x_test",
        "y_test",
    ]
    with np.load(digits) as arrays:
        store(digits, **{name: arrays[name].astype(np.int16) for name in arrays})
    with monkeypatch.context() as patch:
        publish(patch, "mnist")
        assert data.load("mnist", data_dir=digits.parent).label == "MNIST"
        assert all(part.official for part in data.verify("mnist", digits.parent))
    publish(monkeypatch, "mnist", sha256(digits))
    assert data.load("mnist", data_dir=digits.parent).label == "MNIST"
    assert [part.path for part in data.verify("mnist", digits.parent)] == [digits]


@pytest.mark.parametrize("unpack", [False, True])
def test_fashion_contents(fashion: Path, monkeypatch: pytest.MonkeyPatch, unpack: bool) -> None:
    """Fashion-MNIST is official by what its files unpack to, gzipped anew or not; with a label changed it is not."""
    publish(monkeypatch, "fashion_mnist")
    for packed in fashion.iterdir() if unpack else ():
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.write_bytes(b"\x1f\x8b damaged")
    dataset = data.load("fashion_mnist", data_dir=fashion)
    assert (dataset.label, dataset.official) == ("Fashion-MNIST", True)
    np.testing.assert_array_equal(dataset.train.x[..., 0], IMAGES["train"])
    (fashion / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS["t10k"][::-1]))
    (fashion / "t10k-labels-idx1-ubyte.gz").unlink()
    assert [part.official for part in data.verify("fashion_mnist", fashion)] == [True, True, True, False]
    assert data.load("fashion_mnist", data_dir=fashion).label == "Fashion-MNIST (unofficial copy)"


def test_one_is_not_taken_for_the_other(fashion: Path, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fashion-MNIST's files in the data folder are not MNIST, though they have its names; mnist.npz beside is."""
    labels = hashlib.sha256(idx_bytes(LABELS["t10k"])).hexdigest()
    known = published.PUBLISHED["mnist"]
    layouts = tuple(replace(layout, foreign=layout.foreign and (3, labels)) for layout in known.layouts)
    monkeypatch.setitem(published.PUBLISHED, "mnist", replace(known, layouts=layouts))
    with pytest.raises(DatasetError, match="mnist was not found"):
        data.load("mnist", data_dir=fashion, download=False)
    assert {entry.name for entry in data.listing(fashion) if entry.path} == {"fashion_mnist"}
    digits.rename(fashion / "mnist.npz")
    assert len(data.load("mnist", data_dir=fashion).train) == 30


def test_a_broken_archive_hides_nothing(fashion: Path, digits: Path) -> None:
    """Beside a broken mnist.npz the IDX files are read, and a whole mnist.npz in a folder below."""
    whole = digits.read_bytes()
    digits.write_bytes(whole[:5000])
    fashion.rename(fashion.with_name("MNIST"))
    assert len(data.load("mnist", data_dir=digits.parent).train) == 30
    (digits.parent / "MNIST" / "train-images-idx3-ubyte.gz").write_bytes(b"short")
    (digits.parent / "below").mkdir()
    (digits.parent / "below" / "mnist.npz").write_bytes(whole)
    assert len(data.load("mnist", data_dir=digits.parent).train) == 30


def test_damaged_fashion(fashion: Path) -> None:
    """A truncated, a foreign, a short and an overlong file are refused by their path; a missing one is named."""
    path = fashion / "train-images-idx3-ubyte.gz"
    raw = path.read_bytes()
    for damage in (raw[:500], b"no gzip", gzip.compress(b"short"), gzip.compress(bytes(10**6))):
        path.write_bytes(damage)
        with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte\.gz"):
            data.load("fashion_mnist", data_dir=fashion.parent)
    write_idx(path, IMAGES["train"])
    write_idx(fashion / "t10k-labels-idx1-ubyte.gz", LABELS["t10k"] + 5)
    with pytest.raises(DatasetError, match="label 14 is not below the 10 classes"):
        data.load("fashion_mnist", data_dir=fashion.parent)
    path.unlink()
    lacking = r"fashion-mnist lacks train-images-idx3-ubyte\.gz\) .*place fashion-mnist/train-images-idx3-ubyte\.gz"
    with pytest.raises(DatasetError, match=lacking):
        data.load("fashion_mnist", data_dir=fashion.parent)


def test_damaged_mnist(digits: Path) -> None:
    """An archive of other sizes and one that is truncated are refused by its path."""
    np.savez(digits, x_train=IMAGES["t10k"], y_train=LABELS["t10k"], x_test=IMAGES["t10k"], y_test=LABELS["t10k"])
    with pytest.raises(DatasetError, match=r"mnist\.npz holds images \(20, 28, 28\), not \(30, 28, 28\)"):
        data.load("mnist", data_dir=digits.parent)
    digits.write_bytes(digits.read_bytes()[:5000])
    with pytest.raises(DatasetError, match=r"mnist\.npz is no archive"):
        data.load("mnist", data_dir=digits.parent)
