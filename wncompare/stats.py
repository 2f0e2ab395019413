"""Statistics over seeds: arrays in, frozen results out.

The seed is the unit of replication, and the arms of one seed share initial kernels and batch order, so arms are
compared by their differences seed by seed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` values and its Student-t interval; with fewer than two values there is no interval (NaN)."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Band:
    """An `Estimate` for each epoch, as arrays."""

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def mean_interval(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of values (n,) and its interval: mean ± t(n − 1) · s / √n.

    A value that is not finite makes the mean and the interval NaN: it is not left out.
    """
    band = mean_band(np.asarray(values, np.float64)[:, np.newaxis], confidence=confidence)
    return Estimate(int(band.n[0]), float(band.mean[0]), float(band.low[0]), float(band.high[0]))


def mean_band(values: NDArray[np.float64], *, confidence: float = CONFIDENCE) -> Band:
    """Column by column, the mean of values (n, epochs) and its Student-t interval, NaN where n is below two."""
    n, epochs = values.shape
    finite = np.isfinite(values).all(axis=0)
    kept = np.where(finite, values, 0.0)
    mean = np.where(finite, kept.mean(axis=0), np.nan) if n else np.full(epochs, np.nan)
    half = np.full(epochs, np.nan)
    if n > 1:
        half = student_t.ppf((1 + confidence) / 2, n - 1) * kept.std(axis=0, ddof=1) / np.sqrt(n)
    return Band(np.full(epochs, n), mean, mean - half, mean + half)


def paired_difference(values: dict[int, float], reference: dict[int, float]) -> Estimate:
    """The mean difference to the reference over the seeds that both have, values given by seed."""
    seeds = sorted(values.keys() & reference.keys())
    return mean_interval(np.array([values[seed] - reference[seed] for seed in seeds]))
