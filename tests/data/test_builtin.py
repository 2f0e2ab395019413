"""The datasets that need no download: digits and synthetic; and where data is looked for."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wncompare import data
from wncompare.catalog.datasets import DATASETS, SyntheticOptions
from wncompare.data import dataset as dataset_module
from wncompare.data.files.published import PUBLISHED
from wncompare.data.files.store import find_own
from wncompare.data.sources import digits
from wncompare.errors import ConfigError, DatasetError
from wncompare.storage.cache import user_cache


def synthetic(**options: object) -> data.Dataset:
    """Drawn images; options that are not given keep their defaults."""
    return data.load("synthetic", SyntheticOptions(**options))  # type: ignore[arg-type]


def test_digits_are_scikit_learns() -> None:
    """The images are scikit-learn's, each v as round(v · 255 / 16) and repeated 4 × 4; every one is in one split."""
    reference = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn to compare with").load_digits()
    expected = {
        (np.kron(np.rint(image * 255 / 16), np.ones((4, 4))).astype(np.uint8).tobytes(), int(digit))
        for image, digit in zip(reference.images, reference.target, strict=True)
    }
    loaded = data.load("digits")
    found = [
        (image.tobytes(), int(digit))
        for split in (loaded.train, loaded.test)
        for image, digit in zip(split.x, split.y, strict=True)
    ]
    assert len(found) == len(reference.target) == 1797
    assert set(found) == expected


def test_digits_split() -> None:
    """The test split has 36 of each digit and never changes: this digest is for all machines and versions."""
    loaded = data.load("digits")
    assert (loaded.train.x.shape, loaded.test.x.shape) == ((1437, 32, 32, 1), (360, 32, 32, 1))
    assert np.bincount(loaded.test.y).tolist() == [36] * 10
    assert (loaded.label, loaded.official, loaded.class_names) == ("scikit-learn digits", None, tuple("0123456789"))
    assert loaded.digest == "9f3f8d04460f1f6d0fd73ea1a77d627c2c58e69b5de783b9fbc475906f1a6e3d"


def test_digits_licenses() -> None:
    """The file that is shipped is the one whose source and licenses stand beside it."""
    text = digits.FILE.with_name("digits.LICENSE").read_text(encoding="ascii")
    assert hashlib.sha256(digits.FILE.read_bytes()).hexdigest() in text
    assert all(license in text for license in ("CC BY 4.0", "BSD 3-Clause License", "10.24432/C50P49"))


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
    assert (few.form.input.shape, few.classes, len(few.train), len(few.test)) == (shape, classes, train, test)
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


def test_find_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's path is looked up in the data folders, then in the working folder; where it is nowhere all are named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").touch()
    (tmp_path / "folder").mkdir()
    assert find_own("mine", tmp_path / "folder") == tmp_path / "mine"
    (tmp_path / "folder" / "mine").touch()
    assert find_own("mine", tmp_path / "folder") == tmp_path / "folder" / "mine"
    assert find_own(str(tmp_path / "mine")) == tmp_path / "mine"
    with pytest.raises(DatasetError, match=f"^other was not found in {tmp_path}/folder, .*{tmp_path}: check the path"):
        find_own("other", tmp_path / "folder")


def test_catalog() -> None:
    """Every dataset in the catalog leads to a function, is listed, and an unknown name lists the choices."""
    assert all(callable(entry.load()) for entry in DATASETS.values())
    assert [entry.name for entry in data.listing()] == list(DATASETS)
    for call in (data.load, data.fetch, data.verify):
        with pytest.raises(ConfigError, match="did you mean 'cifar10'"):
            call("cifar01")
    assert data.fetch("digits") is None
    assert data.verify("synthetic") == ()
    assert set(PUBLISHED) < set(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_has_one_signature(name: str) -> None:
    """What an entry leads to takes options of the entry's type and a lookup, and gives a dataset: `data.Source`."""
    hints = get_type_hints(DATASETS[name].load())
    assert list(hints.values()) == [DATASETS[name].options, data.Lookup, data.Dataset]


@pytest.fixture
def deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is deleted under the process."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


@pytest.mark.usefixtures("deleted")
def test_a_deleted_working_folder(tmp_path: Path) -> None:
    """Full paths are found; a relative one is refused with the reason; what needs no files loads."""
    (tmp_path / "mine").touch()
    assert find_own("mine", tmp_path) == find_own(str(tmp_path / "mine")) == tmp_path / "mine"
    assert len(data.load("digits").test) == 360
    assert data.folders()[0].is_absolute()
    with pytest.raises(DatasetError, match=r"^other was not found in "):
        find_own("other", tmp_path)
    with pytest.raises(DatasetError, match=r"^here: the working folder was deleted: change to another"):
        find_own("mine", Path("here"))


@pytest.mark.usefixtures("homeless")
def test_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no cache, not one called ~ in the working folder either; data are found where they are said to be."""
    monkeypatch.chdir(tmp_path)
    assert user_cache() is None
    assert data.folders() == []
    assert data.folders(tmp_path) == [tmp_path]
    assert data.share(synthetic(shape=(64, 64, 3), train=2000)) is None
    for download in (True, False):
        with pytest.raises(
            DatasetError, match=r"cifar10: there is no home directory .*: name a folder with --data-dir"
        ):
            data.load("cifar10", download=download)
    (tmp_path / "mine").touch()
    assert find_own("mine") == tmp_path / "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "wncompare"
