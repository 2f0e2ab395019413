"""Several tests at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """The p-values (tests,) corrected by Holm (1979), so that all of them together are wrong in 5 % at p < 0.05.

    The i-th smallest of m is multiplied by m + 1 − i, is at least the one before it and at most 1. NaN is no test: it
    stays NaN and does not count.
    """
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]  # NaN sorts last
    corrected = np.full(p_values.shape, np.nan)
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return corrected
