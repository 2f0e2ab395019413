"""A decoded dataset in the user's cache: mapped, not copied, and believed only where every byte is as it was."""

import json
import os
import pickle
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.catalog.datasets import CifarOptions
from wncompare.data import Dataset, Split
from wncompare.data.files import decoded as shared
from wncompare.data.files import known
from wncompare.data.sources import cifar
from wncompare.errors import DatasetError


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dataset:
    """A small dataset, a cache of its own, and no lower bound on what is kept there."""
    monkeypatch.setattr(shared, "user_cache", lambda: tmp_path / "wncompare")
    monkeypatch.setattr(shared, "SMALLEST_BYTES", 0)
    return images(0)


def images(seed: int) -> Dataset:
    """Random images."""
    random = np.random.default_rng(seed)
    splits = [Split(random.integers(0, 256, (n, 4, 4, 1), np.uint8), random.integers(0, 3, n)) for n in (12, 6)]
    return Dataset("drawn", "Drawn", *splits, ("a", "b", "c"))


def test_it_comes_back_equal_and_mapped(dataset: Dataset) -> None:
    """After a way through JSON's plain data: the same arrays and names, mapped from files that only the user reads."""
    kept = data.share(dataset)
    assert kept is not None
    opened = data.opened(data.Shared.from_data({**kept.as_data(), "class_names": list(kept.class_names)}))
    np.testing.assert_array_equal(opened.train.x, dataset.train.x)
    np.testing.assert_array_equal(opened.test.y, dataset.test.y)
    assert (opened.digest, opened.label, opened.class_names) == (dataset.digest, "Drawn", ("a", "b", "c"))
    assert isinstance(opened.train.x, np.memmap)
    assert stat.S_IMODE(Path(kept.folder).stat().st_mode) == 0o700


def kinds() -> list[Dataset]:
    """Numbers with numbers, inputs by name, tokens to be given again, standardized."""
    random = np.random.default_rng(0)
    numbers = [random.normal(size=(n, 3)).astype(np.float32) for n in (12, 6)]
    tokens = [random.integers(0, 9, (n, 4), np.int32) for n in (12, 6)]
    named = [{"right": b, "left": a} for a, b in zip(numbers, tokens, strict=True)]
    return [
        Dataset("n", "N", *(Split(x, x[:, :2].copy()) for x in numbers), ()),
        Dataset("n", "N", *(Split(x, x[:, :2].copy()) for x in numbers), (), standardize=True),
        Dataset("i", "I", *(Split(x, x["left"].copy()) for x in named), (), vocabulary={"right": 9}),
        Dataset("t", "T", *(Split(x, x) for x in tokens), (), vocabulary={"input": 10}),
    ]


@pytest.mark.parametrize("number", range(4))
def test_every_kind_comes_back_mapped(dataset: Dataset, number: int) -> None:
    """Through JSON: arrays, names in order, vocabulary, what is standardized and given again; each has its digest."""
    given = kinds()[number]
    kept = data.share(given)
    assert kept is not None
    opened = data.opened(data.Shared.from_data(json.loads(json.dumps(kept.as_data()))))
    assert hash(kept) == hash(data.Shared.from_data(json.loads(json.dumps(kept.as_data()))))  # workers keep it by that
    assert (opened.form, opened.digest, opened.standardize) == (given.form, given.digest, given.standardize)
    assert list(opened.form.inputs) == list(given.form.inputs)
    for split, other in ((opened.train, given.train), (opened.test, given.test)):
        assert split.reconstructs == other.reconstructs
        for array, wanted in zip(split.arrays, other.arrays, strict=True):
            assert isinstance(array, np.memmap)
            np.testing.assert_array_equal(array, wanted)
    assert len({each.digest for each in kinds()}) == 4


def flip(file: Path) -> None:
    """Change the last byte."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Lose the last byte."""
    file.write_bytes(file.read_bytes()[:-1])


def pickled(file: Path) -> None:
    """Objects, which NumPy would unpickle."""
    np.save(file, np.array([os.system], object), allow_pickle=True)


def other_type(file: Path) -> None:
    """The same bytes as signed numbers."""
    np.save(file, np.load(file).view(np.int8))


@pytest.mark.parametrize("change", [flip, cut, pickled, other_type, Path.unlink])
def test_what_was_changed_is_refused(dataset: Dataset, change: Callable[[Path], None]) -> None:
    """Another byte, a missing one, a pickle, another type of number, no file: not the dataset."""
    kept = data.share(dataset)
    assert kept is not None
    change(Path(kept.folder, "train_x.npy"))
    with pytest.raises(DatasetError, match="not the decoded drawn"):
        data.opened(kept)
    with pytest.raises(DatasetError, match="not the decoded drawn"):
        data.opened(replace(kept, digest="0" * 64))


def test_only_the_last_few_are_kept(dataset: Dataset) -> None:
    """Of many datasets the ones that were used last stay; one that is mapped can be read on."""
    first = data.share(dataset)
    assert first is not None
    os.utime(first.folder, (0, 0))
    opened = data.opened(first)
    others = [data.share(images(seed)) for seed in range(1, shared.MOST_KEPT + 1)]
    assert {folder.name for folder in Path(first.folder).parent.iterdir()} == {one.digest for one in others if one}
    assert opened.digest == dataset.digest


def test_two_at_once_share_one(dataset: Dataset) -> None:
    """Where another process has put the folder in its place meanwhile, that one is taken; a file there is an error."""
    first = data.share(dataset)
    assert first is not None
    shared._write(Path(first.folder), dataset)
    assert data.share(dataset) == first
    assert [folder.name for folder in Path(first.folder).parent.iterdir()] == [dataset.digest]
    with pytest.raises(NotADirectoryError):
        shared._write(Path(first.folder, "train_x.npy"), dataset)


def test_small_ones_and_full_disks_are_done_without(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where it is not worth it, or there is no cache to write to, there is None, and workers decode for themselves."""
    (tmp_path / "wncompare").write_text("in the way")
    assert data.share(dataset) is None
    monkeypatch.setattr(shared, "user_cache", lambda: None)
    assert data.share(dataset) is None
    monkeypatch.setattr(shared, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(shared, "SMALLEST_BYTES", 10_000)
    assert data.share(dataset) is None


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a small published dataset whose files have long been as they are."""
    monkeypatch.setattr(shared, "SMALLEST_BYTES", 0)
    monkeypatch.setattr(cifar, "CIFAR10", replace(cifar.CIFAR10, rows=dict.fromkeys(cifar.CIFAR10.rows, 4)))
    monkeypatch.setattr(known, "_SETTLED_NS", 0)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number, name in enumerate(cifar.CIFAR10.rows):
        write_batch(folder / name, number)
    return folder


def write_batch(file: Path, seed: int) -> None:
    """Four random images as a batch."""
    random = np.random.default_rng(seed)
    content = {b"data": random.integers(0, 256, (4, 3072), np.uint8), b"labels": [0, 1, 2, 3]}
    file.write_bytes(pickle.dumps(content, protocol=2))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The batches that are read from here on."""
    read: list[str] = []
    read_file = cifar.read_file
    monkeypatch.setattr(cifar, "read_file", lambda file, limit: read.append(file.name) or read_file(file, limit))
    return read


def test_files_that_are_the_same_are_not_read_again(batches: Path, reads: list[str]) -> None:
    """The same dataset, mapped, to the byte and with the same label, from the second time on; workers find it whole."""
    first, kept = data.load_shared("cifar10", data_dir=batches.parent)
    assert len(reads) == 6
    again, shared_again = data.load_shared("cifar10", data_dir=batches.parent)
    assert len(reads) == 6
    assert kept is not None
    assert kept == shared_again
    assert isinstance(again.train.x, np.memmap)
    assert (again.digest, again.label, again.official) == (first.digest, first.label, False)
    np.testing.assert_array_equal(again.train.x, first.train.x)
    assert data.opened(kept).digest == data.load("cifar10", data_dir=batches.parent).digest == first.digest


def touched(file: Path) -> None:
    """Other content of the same size, and the time of change that it had."""
    before = file.stat()
    write_batch(file, 9)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(file: Path) -> None:
    """Another file in its place."""
    write_batch(file.with_name("new"), 9)
    file.with_name("new").replace(file)


@pytest.mark.parametrize("change", [touched, replaced])
def test_a_changed_file_is_noticed(batches: Path, change: Callable[[Path], None]) -> None:
    """Though its size is the same, and its time of change was set back."""
    first, _ = data.load_shared("cifar10", data_dir=batches.parent)
    change(batches / "test_batch")
    second, _ = data.load_shared("cifar10", data_dir=batches.parent)
    assert second.digest != first.digest
    assert second.digest == data.load("cifar10", data_dir=batches.parent).digest


def test_what_is_asked_for_is_part_of_it(batches: Path) -> None:
    """Another note in the label, or another presentation of the same files, is not what was kept."""
    noted = CifarOptions(copy_note="mine")
    assert data.load_shared("cifar10", data_dir=batches.parent)[0].label == "CIFAR-10 (unofficial copy)"
    assert data.load_shared("cifar10", noted, data_dir=batches.parent)[0].label == "CIFAR-10 (mine)"
    sequence = CifarOptions(as_sequence="rows")
    assert data.load_shared("cifar10", sequence, data_dir=batches.parent)[0].train.x.shape[1:] == (32, 96)


def test_files_that_have_just_changed_are_read_again(
    batches: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could change again within the resolution of their times."""
    monkeypatch.setattr(known, "_SETTLED_NS", 10**12)
    for _ in range(2):
        data.load_shared("cifar10", data_dir=batches.parent)
    assert len(reads) == 12


@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_what_is_kept_and_damaged_is_decoded_anew(
    batches: Path, reads: list[str], damage: Callable[[Path], None]
) -> None:
    """A missing or cut array shows at once; a changed byte shows the worker that compares it with the digest."""
    dataset, kept = data.load_shared("cifar10", data_dir=batches.parent)
    assert kept is not None
    damage(Path(kept.folder, "train_x.npy"))
    again, _ = data.load_shared("cifar10", data_dir=batches.parent)
    assert len(reads) == 12
    np.testing.assert_array_equal(again.train.x, dataset.train.x)


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"digest": 3}'])
def test_a_damaged_note_is_none(batches: Path, reads: list[str], note: str) -> None:
    """The files are read again."""
    _, kept = data.load_shared("cifar10", data_dir=batches.parent)
    assert kept is not None
    (file,) = Path(kept.folder).glob("*.json")
    file.write_text(note)
    assert data.load_shared("cifar10", data_dir=batches.parent)[1] == kept
    assert len(reads) == 12
