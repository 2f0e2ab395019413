"""What a constant guess gets on the test split: a network that is no better has learned nothing."""

import numpy as np

from wncompare.data.dataset import Dataset
from wncompare.data.standardize import Moments


def majority(dataset: Dataset) -> float | None:
    """How often guessing the most frequent class is right; None where the targets are no classes."""
    if dataset.form.target.kind != "classes":
        return None
    classes = np.asarray(dataset.test.y)
    return float(np.bincount(classes).max() / len(classes))


def variance(dataset: Dataset) -> float | None:
    """The squared error of guessing the mean, as a loss has it; None where the targets are no numbers.

    Standardized targets are in deviations of the whole training split, which a holdout changes by little.
    """
    if dataset.form.target.kind != "numbers":
        return None
    numbers = dataset.test.y.astype(np.float64)
    if dataset.standardize:
        numbers = numbers / Moments.of(dataset.train.y).deviation
    return float(np.mean((numbers - numbers.mean(axis=0)) ** 2))
