"""CIFAR from a folder and from the archive: the same images, labelled for what they are."""

import gzip
import hashlib
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.catalog.datasets import CifarOptions
from wncompare.data.files import published
from wncompare.data.sources import cifar
from wncompare.errors import DatasetError

FOLDER = "cifar-10-batches-py"
LABELS = [i % 10 for i in range(20)]


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Six batches of 20 random images, uint8 (6, 20, 3072), for which the layout is made small."""
    monkeypatch.setattr(cifar, "CIFAR10", replace(cifar.CIFAR10, rows=dict.fromkeys(cifar.CIFAR10.rows, 20)))
    return np.random.default_rng(1).integers(0, 256, (6, 20, 3072), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, images: np.ndarray, make_batch: Callable[..., bytes]) -> Path:
    """The batches as files, in a data folder."""
    batches = tmp_path / "data" / FOLDER
    batches.mkdir(parents=True)
    for name, pixels in zip(cifar.CIFAR10.rows, images, strict=True):
        (batches / name).write_bytes(make_batch(pixels, LABELS))
    (batches / "batches.meta").write_bytes(b"not read")
    return tmp_path / "data"


def archived(folder: Path, prefix: str = "") -> Path:
    """The same as an archive, its members in another order, in a data folder of its own."""
    target = folder.parent / "archive"
    target.mkdir(exist_ok=True)
    with tarfile.open(target / "cifar-10-python.tar.gz", "w:gz") as archive:
        for path in sorted((folder / FOLDER).iterdir(), reverse=True):
            archive.add(path, f"{prefix}{FOLDER}/{path.name}")
    return target


def load(data_dir: Path, **options: str) -> data.Dataset:
    """CIFAR-10 as it lies in a data folder."""
    return data.load("cifar10", CifarOptions(**options), data_dir=data_dir, download=False)


def test_folder(folder: Path, images: np.ndarray) -> None:
    """Planes become pixels, batches keep their order, and the last one is the test split."""
    dataset = load(folder)
    expected = np.moveaxis(images.reshape(120, 3, 32, 32), 1, -1)
    np.testing.assert_array_equal(dataset.train.x, expected[:100])
    np.testing.assert_array_equal(dataset.test.x, expected[100:])
    assert dataset.train.y.tolist() == LABELS * 5
    assert dataset.class_names[3] == "cat"


@pytest.mark.parametrize("prefix", ["", "./"])
def test_archive(folder: Path, prefix: str) -> None:
    """The archive gives what the folder gives, whatever the order of its members, and nothing is unpacked."""
    target = archived(folder, prefix)
    assert load(target).digest == load(folder).digest
    assert [path.name for path in target.iterdir()] == ["cifar-10-python.tar.gz"]


@pytest.mark.parametrize("place", ["cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-py"])
def test_keras_cache(folder: Path, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras's own cache is searched, as Keras 2 and Keras 3 lay it out."""
    target = tmp_path / "home" / "datasets" / place
    shutil.copytree(folder / FOLDER, target)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    assert data.load("cifar10", download=False).digest == load(folder).digest


def test_label(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published bytes are CIFAR-10 whatever the note says; others are an unofficial copy, or what the note says."""
    assert (load(folder).label, load(folder).official) == ("CIFAR-10 (unofficial copy)", False)
    assert load(folder, copy_note="JPEG copy").label == "CIFAR-10 (JPEG copy)"
    known = published.PUBLISHED["cifar10"]
    md5 = {name: hashlib.md5((folder / FOLDER / name).read_bytes()).hexdigest() for name in known.contents}
    monkeypatch.setitem(published.PUBLISHED, "cifar10", replace(known, contents=md5))
    for place in (folder, archived(folder)):
        assert (load(place, copy_note="JPEG copy").label, load(place).official) == ("CIFAR-10", True)
    (folder / FOLDER / "data_batch_3").write_bytes((folder / FOLDER / "data_batch_2").read_bytes())
    assert load(folder).official is False


def test_verify(folder: Path) -> None:
    """`verify` gives each batch's published checksum and its own, out of the folder or the archive alike."""
    for place in (folder, archived(folder)):
        checked = data.verify("cifar10", place)
        assert [part.path.name for part in checked] == list(cifar.CIFAR10.rows)
        assert checked[0].found == hashlib.md5((folder / FOLDER / "data_batch_1").read_bytes()).hexdigest()
        assert (checked[0].expected, checked[0].official) == ("c99cafc152244af753f735de768cd75f", False)


def test_damaged_folder(folder: Path) -> None:
    """A missing, a short and an overlong batch are refused, each by its path."""
    batch = folder / FOLDER / "data_batch_4"
    raw = batch.read_bytes()
    for damage in (raw[:-100], raw + b"\0" * 10**6, b""):
        batch.write_bytes(damage)
        with pytest.raises(DatasetError, match="data_batch_4"):
            load(folder)
    batch.unlink()
    with pytest.raises(DatasetError, match=f"{FOLDER} lacks data_batch_4\\) and not downloaded"):
        load(folder)


def test_a_partial_folder_hides_nothing(folder: Path) -> None:
    """A folder that is empty, lacks a batch, has an empty one or is nested beside the archive: the archive is read."""
    expected, archive = load(folder).digest, archived(folder)
    partial = archive / FOLDER
    partial.mkdir()
    assert load(archive).digest == expected
    for name in list(cifar.CIFAR10.rows)[:5]:
        shutil.copy(folder / FOLDER / name, partial)
    assert load(archive).digest == expected
    (partial / "test_batch").touch()
    assert load(archive).digest == expected
    (archive / "cifar-10-python.tar.gz").unlink()
    with pytest.raises(DatasetError, match=rf"{FOLDER} lacks test_batch\) and not downloaded .*place cifar-10-python"):
        load(archive)
    shutil.copytree(folder / FOLDER, partial / FOLDER)
    assert load(archive).digest == expected


def test_what_is_damaged_hides_nothing(folder: Path) -> None:
    """A truncated archive beside a whole folder, a truncated batch beside a whole archive: the whole one is read."""
    expected, archive = load(folder).digest, archived(folder) / "cifar-10-python.tar.gz"
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    shutil.copytree(folder / FOLDER, archive.parent / "unpacked" / FOLDER)
    shutil.copy(archive, archive.with_name("cifar-10-batches-py.tar.gz"))
    assert load(archive.parent).digest == expected
    batch = archive.parent / "unpacked" / FOLDER / "data_batch_2"
    batch.write_bytes(batch.read_bytes()[:100])
    archive.write_bytes(whole)
    assert load(archive.parent).digest == expected
    archive.unlink()
    with pytest.raises(DatasetError, match=r"data_batch_2 is refused.*; .*cifar-10-batches-py\.tar\.gz is damaged"):
        load(archive.parent)


def test_damaged_archive(folder: Path) -> None:
    """An archive that is truncated, none, damaged inside or lacks a batch is refused by its path."""
    path = archived(folder) / "cifar-10-python.tar.gz"
    raw = path.read_bytes()
    no_such_block = gzip.compress(b"")[:10] + b"\xff" * 100
    for damage in (raw[: len(raw) // 2], b"<html>not found</html>", no_such_block):
        path.write_bytes(damage)
        with pytest.raises(DatasetError, match=r"cifar-10-python\.tar\.gz (is damaged|lacks)"):
            load(path.parent)
    (folder / FOLDER / "data_batch_5").unlink()
    with pytest.raises(DatasetError, match="lacks data_batch_5"):
        load(archived(folder))


def test_an_archive_damaged_in_its_pixels(folder: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong bit in one pixel is found by the checksum at the archive's end, which is read in many pieces."""
    monkeypatch.setattr(cifar, "BLOCK", 2**12)
    path = archived(folder) / "cifar-10-python.tar.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0))
    raw = bytearray(path.read_bytes())
    place = raw.index(images[0, 5, :10].tobytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match=r"cifar-10-python\.tar\.gz is damaged \(CRC"):
        load(path.parent)


def one_member(path: Path, kind: bytes, size: int, *, pad: int = 0) -> None:
    """An archive whose only member is a data_batch_1 of that kind, claiming `size` bytes; then `pad` zeros."""
    member = tarfile.TarInfo(f"{FOLDER}/data_batch_1")
    member.type, member.size, member.linkname = kind, size, "/etc/passwd"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(pad):
            stream.write(bytes(2**20))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_in_the_archive(tmp_path: Path, images: np.ndarray, kind: bytes) -> None:
    """A member that is a link, a pipe or a folder is refused, never followed."""
    one_member(tmp_path / "cifar-10-python.tar.gz", kind, 0)
    with pytest.raises(DatasetError, match="no plain file"):
        load(tmp_path)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_archive_bomb(tmp_path: Path, images: np.ndarray, kind: bytes) -> None:
    """A member or a header that claims and unpacks to far more than a batch is refused before it fills the memory."""
    one_member(tmp_path / "cifar-10-python.tar.gz", kind, 2**40, pad=20)
    with pytest.raises(DatasetError, match=r"no plain file of at most|holds more than [\d,]+ bytes"):
        load(tmp_path)


def test_class_names() -> None:
    """CIFAR-100 has 100 different class names, in alphabetical order, as its meta file has them."""
    names = cifar.CIFAR100.class_names
    assert len(set(names)) == 100
    assert list(names) == sorted(names)


def test_cifar100(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_batch: Callable[..., bytes]) -> None:
    """CIFAR-100 is read by its fine labels."""
    monkeypatch.setattr(cifar, "CIFAR100", replace(cifar.CIFAR100, rows={"train": 20, "test": 10}))
    (tmp_path / "cifar-100-python").mkdir()
    pixels = np.random.default_rng(2).integers(0, 256, (20, 3072), dtype=np.uint8)
    for name, n in (("train", 20), ("test", 10)):
        raw = make_batch(pixels[:n], list(range(80, 80 + n)), b"fine_labels")
        (tmp_path / "cifar-100-python" / name).write_bytes(raw)
    dataset = data.load("cifar100", data_dir=tmp_path, download=False)
    assert dataset.train.y.tolist() == list(range(80, 100))
    assert (dataset.classes, len(dataset.test), dataset.label) == (100, 10, "CIFAR-100 (unofficial copy)")


def test_absent(tmp_path: Path) -> None:
    """Without data and without a network one line names the folders tried, the file to place and what runs anyway."""
    for download in (True, False):
        with pytest.raises(DatasetError) as caught:
            data.load("cifar10", data_dir=tmp_path, download=download)
        message = str(caught.value)
        assert "\n" not in message
        assert all(str(folder) in message for folder in data.folders(tmp_path))
        assert "place cifar-10-python.tar.gz" in message
        assert "configs/quickstart.yaml" in message


def test_real_cifar10(real_data_dir: Path) -> None:
    """The real CIFAR-10 has 50,000 and 10,000 images, as many of each class, and is decoded as NumPy does it."""
    dataset = data.load("cifar10", data_dir=real_data_dir)
    assert dataset.train.x.shape == (50_000, 32, 32, 3)
    assert dataset.test.x.shape == (10_000, 32, 32, 3)
    assert np.bincount(dataset.train.y).tolist() == [5000] * 10
    assert np.bincount(dataset.test.y).tolist() == [1000] * 10
    raw = (real_data_dir / FOLDER / "test_batch").read_bytes()
    start = raw.index(b"T" + (10_000 * 3072).to_bytes(4, "little")) + 5
    planes = np.frombuffer(raw, np.uint8, 10_000 * 3072, start).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(dataset.test.x, planes.transpose(0, 2, 3, 1))
