"""Means over seeds with Student-t intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean of `n` values, or what else a function says, and its interval; NaN where the values say nothing."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Band:
    """An `Estimate` for each epoch, as arrays (epochs,)."""

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def mean_interval(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of values (n,) and its interval: mean ± t(n − 1) · s / √n; NaN bounds where n is below two.

    A value that is not finite makes the mean and the interval NaN: it is not left out.
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    if n == 0 or not np.isfinite(values).all():
        return Estimate(n, np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if n == 1:
        return Estimate(n, mean, np.nan, np.nan)
    half = float(student_t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(n, mean, mean - half, mean + half)


def mean_band(values: NDArray[np.float64], *, confidence: float = CONFIDENCE) -> Band:
    """`mean_interval` column by column of values (n, epochs).

    NaN says that a run has no such epoch, for it stopped before: the column leaves it out, and its n is smaller. An
    infinite value is not left out: that column's mean is NaN.
    """
    columns = [mean_interval(column[~np.isnan(column)], confidence=confidence) for column in values.T]
    return Band(
        np.array([column.n for column in columns], np.int64),
        np.array([column.mean for column in columns], np.float64),
        np.array([column.low for column in columns], np.float64),
        np.array([column.high for column in columns], np.float64),
    )
