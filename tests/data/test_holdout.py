"""The holdout: stratified, disjoint, and the same for every arm and seed."""

import numpy as np
import pytest

from wncompare.data import Dataset, Split
from wncompare.data.dataset import hold_out, splits
from wncompare.errors import DatasetError


def split(count: int) -> Split:
    """A split whose images tell their own number."""
    numbers = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return Split(numbers, np.arange(count, dtype=np.int64) % 3)


def rows(part: Split) -> Split:
    """The examples of a part."""
    return part.take(np.arange(len(part)))


def test_parts_are_disjoint_complete_and_stratified() -> None:
    """Every image is in one part, and a quarter of each class is held out."""
    left, held = map(rows, hold_out(split(120), 0.25))
    assert sorted([*left.x.ravel(), *held.x.ravel()]) == list(range(120))
    assert list(np.bincount(held.y)) == [10, 10, 10]
    np.testing.assert_array_equal(held.x.ravel() % 3, held.y)


def test_parts_are_no_copies() -> None:
    """They have the arrays of the whole, so that workers share those, and of any part the examples asked for."""
    whole = split(120)
    for part in hold_out(whole, 0.25):
        assert part.x is whole.x
        assert part.y is whole.y
        np.testing.assert_array_equal(part.take(np.array([3, 1])).y, rows(part).y[[3, 1]])
        inner = part.part(np.array([3, 1]))
        assert inner.whole is whole
        np.testing.assert_array_equal(rows(inner).x, rows(part).x[[3, 1]])


def test_the_split_depends_on_the_dataset_alone() -> None:
    """Whatever the random state, the same images are held out."""
    first = rows(hold_out(split(120), 0.25)[1]).x
    np.random.default_rng(1).random()
    np.testing.assert_array_equal(rows(hold_out(split(120), 0.25)[1]).x, first)


@pytest.mark.parametrize("fraction", [0.001, 0.89])
def test_an_empty_part_is_refused(fraction: float) -> None:
    """A fraction that rounds to nothing on either side is named, with the counts."""
    with pytest.raises(DatasetError, match="examples to train on and"):
        hold_out(split(6), fraction)


def test_without_a_holdout_the_test_split_validates() -> None:
    """As in the tutorial; with one, validation comes from training and the test split is kept for the end."""
    dataset = Dataset("d", "d", split(30), split(6), ("a", "b", "c"))
    train, validation, test = splits(dataset, None)
    assert (len(train), len(validation), test) == (30, 6, None)
    train, validation, test = splits(dataset, 0.2)
    assert (len(train), len(validation)) == (24, 6)
    assert test is dataset.test
