"""The datasets that need no download: digits and synthetic; and where data is looked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wncompare import data
from wncompare.catalog.datasets import DATASETS, SyntheticOptions
from wncompare.data import dataset as dataset_module
from wncompare.data.files.store import resolve
from wncompare.errors import ConfigError, DatasetError


def synthetic(**options: object) -> data.Dataset:
    """Drawn images; options that are not given keep their defaults."""
    return data.load("synthetic", SyntheticOptions(**options))  # type: ignore[arg-type]


def test_digits_are_scikit_learns() -> None:
    """The images are scikit-learn's, each v as round(v · 255 / 16) and repeated 4 × 4; every one is in one split."""
    from sklearn.datasets import load_digits

    reference = load_digits()
    expected = {
        (np.kron(np.rint(image * 255 / 16), np.ones((4, 4))).astype(np.uint8).tobytes(), int(digit))
        for image, digit in zip(reference.images, reference.target, strict=True)
    }
    digits = data.load("digits")
    found = [
        (image.tobytes(), int(digit))
        for split in (digits.train, digits.test)
        for image, digit in zip(split.x, split.y, strict=True)
    ]
    assert len(found) == len(reference.target) == 1797
    assert set(found) == expected


def test_digits_split() -> None:
    """The test split has 36 of each digit and never changes: this digest is for all machines and versions."""
    digits = data.load("digits")
    assert (digits.train.x.shape, digits.test.x.shape) == ((1437, 32, 32, 1), (360, 32, 32, 1))
    assert np.bincount(digits.test.y).tolist() == [36] * 10
    assert (digits.label, digits.official, digits.class_names) == ("scikit-learn digits", None, tuple("0123456789"))
    assert digits.digest == "9f3f8d04460f1f6d0fd73ea1a77d627c2c58e69b5de783b9fbc475906f1a6e3d"


def test_light_import() -> None:
    """Loading digits imports neither scikit-learn nor Keras nor Pillow: it takes milliseconds, not seconds."""
    code = "import sys; from wncompare import data; data.load('digits');"
    code += "assert not {'sklearn', 'keras', 'tensorflow', 'PIL', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
    classes=st.integers(2, 12),
    train=st.integers(1, 40),
    test=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_synthetic_shapes(shape: tuple[int, int, int], classes: int, train: int, test: int, seed: int) -> None:
    """Any shape, size and class count; the first images are the same however many are asked for in either split."""
    options = {"shape": shape, "classes": classes, "seed": seed}
    few = synthetic(train=train, test=test, **options)
    many = synthetic(train=50, test=50, **options)
    assert (few.shape, few.classes, len(few.train), len(few.test)) == (shape, classes, train, test)
    for a, b in ((few.train, many.train), (few.test, many.test)):
        np.testing.assert_array_equal(a.x, b.x[: len(a)])
        np.testing.assert_array_equal(a.y, b.y[: len(a)])


def test_synthetic_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing in blocks changes nothing."""
    digest = synthetic(train=3000, shape=(5, 7, 3)).digest
    monkeypatch.setattr("wncompare.data.sources.synthetic.BLOCK_BYTES", 2000)
    assert synthetic(train=3000, shape=(5, 7, 3)).digest == digest


def test_synthetic_is_fixed() -> None:
    """The same options give the same images everywhere, another seed gives others, and the splits differ."""
    dataset = synthetic()
    assert dataset.digest == "1711125bc79fe1fdfd02c373fb96044bf46a54c815ac47d68bc62edd2f1c2cb9"
    assert synthetic(seed=1).digest != dataset.digest
    assert not np.array_equal(dataset.train.x[:256], dataset.test.x)


def test_synthetic_can_be_learned() -> None:
    """Least squares on the training pixels names the class of nearly all test images; on shuffled labels, not."""
    dataset = synthetic(shape=(8, 8, 1), classes=4, train=400, test=200)
    train, test = (split.x.reshape(len(split), -1) / 255 - 0.5 for split in (dataset.train, dataset.test))

    def accuracy(labels: np.ndarray) -> float:
        weights = np.linalg.lstsq(train, np.eye(4)[labels], rcond=None)[0]
        return float(np.mean((test @ weights).argmax(axis=1) == dataset.test.y))

    assert accuracy(dataset.train.y) > 0.95
    assert accuracy(np.random.default_rng(0).permutation(dataset.train.y)) < 0.5


def test_too_large() -> None:
    """Images that cannot fit are refused at once with their size, not drawn until the machine dies."""
    with pytest.raises(DatasetError, match=r"100000000 × 1000 × 1000 × 3 need 300,000 GB"):
        synthetic(shape=(1000, 1000, 3), train=10**8)


def test_digest() -> None:
    """The digest tells pixels, labels, shapes and splits apart, not names."""
    a = dataset_module.Split(np.zeros((2, 2, 2, 1), np.uint8), np.zeros(2, np.int64))
    b = dataset_module.Split(np.zeros((2, 4, 1, 1), np.uint8), np.zeros(2, np.int64))
    c = dataset_module.Split(a.x, np.ones(2, np.int64))
    pairs = [(a, a), (a, b), (b, b), (a, c), (c, a)]
    digests = [data.Dataset("name", "label", train, test, ("x", "y")).digest for train, test in pairs]
    assert len(set(digests)) == len(pairs)
    assert data.Dataset("other", "other", a, a, ("z", "w")).digest == digests[0]


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option comes first, then the variable, the user's cache and Keras's; a folder is searched once."""
    monkeypatch.setenv("WNCOMPARE_DATA_DIR", str(tmp_path / "variable"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    first, second, cache, keras = data.folders(tmp_path / "option")
    assert (first, second, keras) == (tmp_path / "option", tmp_path / "variable", tmp_path / "keras" / "datasets")
    assert "wncompare" in cache.name
    assert data.folders(tmp_path / "variable") == [second, cache, keras]


def test_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's path is looked up in the data folders, then in the working folder; where it is nowhere all are named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").touch()
    (tmp_path / "folder").mkdir()
    assert resolve("mine", tmp_path / "folder") == tmp_path / "mine"
    (tmp_path / "folder" / "mine").touch()
    assert resolve("mine", tmp_path / "folder") == tmp_path / "folder" / "mine"
    assert resolve(str(tmp_path / "mine")) == tmp_path / "mine"
    with pytest.raises(DatasetError, match=f"^other was not found in {tmp_path}/folder, .*{tmp_path}: check the path"):
        resolve("other", tmp_path / "folder")


def test_catalog() -> None:
    """Every dataset in the catalog leads to a function, is listed, and an unknown name lists the choices."""
    assert all(callable(entry.load()) for entry in DATASETS.values())
    assert [entry.name for entry in data.listing()] == list(DATASETS)
    for call in (data.load, data.fetch, data.verify):
        with pytest.raises(ConfigError, match="did you mean 'cifar10'"):
            call("cifar01")
    assert data.fetch("digits") == data.verify("synthetic") == ()
