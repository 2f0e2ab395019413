"""Medians of values that may be infinite: a run that never got there stays in, as the worst."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wncompare.stats.intervals import CONFIDENCE

RESAMPLES = 9999


@dataclass(frozen=True)
class Quantile:
    """A quantile of `n` values and its bootstrap interval, each one of the values and so possibly infinite."""

    n: int
    value: float
    low: float
    high: float


def median(values: ArrayLike) -> float:
    """The smallest value that at least half of values (n,) do not exceed; NaN where n is 0 or a value is NaN.

    Nothing is interpolated, so a finite and an infinite value never mix: with an even n it is the lower of the two in
    the middle (Hyndman & Fan 1996, definition 1).
    """
    return float(inverted_cdf(np.asarray(values, np.float64), 0.5))


def median_interval(
    values: ArrayLike, *, confidence: float = CONFIDENCE, rng: np.random.Generator | int = 0
) -> Quantile:
    """The `median` of values (n,) and its percentile bootstrap interval over seeds; NaN bounds where n is below two.

    The same `rng` (a Generator, or the seed of one) gives the same interval.
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    if n < 2:
        return Quantile(n, median(values), np.nan, np.nan)
    resamples = values[np.random.default_rng(rng).integers(n, size=(RESAMPLES, n))]
    return Quantile(n, median(values), *percentile_interval(inverted_cdf(resamples, 0.5), confidence))


def percentile_interval(distribution: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """The middle `confidence` of a bootstrap distribution (resamples,), not interpolated."""
    tail = (1 - confidence) / 2
    return float(inverted_cdf(distribution, tail)), float(inverted_cdf(distribution, 1 - tail))


def inverted_cdf(values: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """The quantile of values (..., n) along the last axis as one of them; NaN where n is 0 or a value is NaN."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    return np.quantile(values, probability, axis=-1, method="inverted_cdf")
