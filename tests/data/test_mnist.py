"""MNIST from Keras's archive and Fashion-MNIST from its four IDX files."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.data.files import published
from wncompare.data.files.download import sha256
from wncompare.data.sources import mnist
from wncompare.errors import DatasetError

RNG = np.random.default_rng(0)
IMAGES = {"train": RNG.integers(0, 256, (30, 28, 28), np.uint8), "t10k": RNG.integers(0, 256, (20, 28, 28), np.uint8)}
LABELS = {"train": np.arange(30, dtype=np.uint8) % 10, "t10k": np.arange(20, dtype=np.uint8) % 10}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "TRAIN", 30)
    monkeypatch.setattr(mnist, "TEST", 20)


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file as http://yann.lecun.com/exdb/mnist/ describes it: 0, 0, type 8, dimensions, sizes, values."""
    with gzip.open(path, "wb") as stream:
        stream.write(
            bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()
        )


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


def test_label(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published bytes are MNIST, others an unofficial copy."""
    assert data.load("mnist", data_dir=digits.parent).label == "MNIST (unofficial copy)"
    (file,) = published.PUBLISHED["mnist"]
    monkeypatch.setitem(published.PUBLISHED, "mnist", (replace(file, sha256=sha256(digits)),))
    assert data.load("mnist", data_dir=digits.parent).label == "MNIST"


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
    with pytest.raises(DatasetError, match=r"place fashion-mnist/train-images-idx3-ubyte\.gz"):
        data.load("fashion_mnist", data_dir=fashion.parent)


def test_damaged_mnist(digits: Path) -> None:
    """An archive of other sizes and one that is truncated are refused by its path."""
    np.savez(digits, x_train=IMAGES["t10k"], y_train=LABELS["t10k"], x_test=IMAGES["t10k"], y_test=LABELS["t10k"])
    with pytest.raises(DatasetError, match=r"mnist\.npz holds images \(20, 28, 28\), not \(30, 28, 28\)"):
        data.load("mnist", data_dir=digits.parent)
    digits.write_bytes(digits.read_bytes()[:5000])
    with pytest.raises(DatasetError, match=r"mnist\.npz is no archive"):
        data.load("mnist", data_dir=digits.parent)
