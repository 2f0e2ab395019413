"""A decoded dataset in the user's cache: mapped, not copied, and believed only where every byte is as it was."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wncompare import data
from wncompare.data import Dataset, Split
from wncompare.data.files import decoded as shared
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
