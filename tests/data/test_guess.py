"""What a constant guess gets, against NumPy and the networks' own metrics."""

import numpy as np
import pytest

from wncompare import data
from wncompare.data.dataset import Dataset, Split
from wncompare.data.guess import majority, variance


def test_the_majority_is_of_the_test_split() -> None:
    """The share of the most frequent class there, whatever the training split has."""
    images = np.zeros((10, 4, 4, 1), np.uint8)
    train, test = Split(images, np.zeros(10, np.int64)), Split(images, np.array([2] * 6 + [1] * 4))
    dataset = Dataset("npz", "mine", train, test, ("a", "b", "c"))
    assert (majority(dataset), variance(dataset)) == (0.6, None)
    assert majority(data.load("digits")) == 0.1


@pytest.mark.parametrize("standardize", [False, True])
def test_the_variance_is_the_least_squared_error_of_a_constant(standardize: bool) -> None:
    """Over the columns of the targets, in the units of the loss; a shifted guess is worse."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype(np.float32)
    train, test = (Split(x, (random.normal(size=(200, 2)) * [2.0, 10.0] + 5).astype(np.float32)) for _ in range(2))
    dataset = Dataset("npz", "mine", train, test, (), standardize=standardize)
    units = train.y.std(axis=0) if standardize else np.ones(2)
    found = variance(dataset)
    assert majority(dataset) is None
    assert found == pytest.approx(np.mean(test.y.var(axis=0) / units**2), rel=1e-5)
    assert found < np.mean(((test.y - test.y.mean(axis=0) - 0.1) / units) ** 2)
