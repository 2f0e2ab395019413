"""What a statistic gives: a mean, a quantile or a mean by epoch, each with its interval."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PATTERNS = 2**15
"""The sign-flip test takes all sign patterns of up to 15 pairs; of more pairs, that many at random."""

Basis = Literal["mean", "median"]
"""What a verdict rests on: mean differences or, where a run has collapsed or diverged, median ones and pairs."""
Equivalence = Literal["different", "equivalent", "undecided"]


@dataclass(frozen=True)
class Estimate:
    """A mean of `n` values, or what else a function says, and its interval; NaN where the values say nothing."""

    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Quantile:
    """A quantile of `n` values and its bootstrap interval, each one of the values and so possibly infinite."""

    n: int
    value: float
    low: float
    high: float


def centre(basis: Basis, mean: Estimate, median: Quantile) -> Estimate:
    """That of the two on which a verdict rests, with its interval."""
    return mean if basis == "mean" else Estimate(median.n, median.value, median.low, median.high)


@dataclass(frozen=True, eq=False)
class Band:
    """By epoch the mean with its interval, and the median, of the `n` runs that have the epoch: arrays (epochs,).

    From the epoch in which a run diverged there is no mean (NaN), for the survivors are the lucky ones; the median,
    which ranks a diverged run worst, goes on.
    """

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    median: NDArray[np.float64]
