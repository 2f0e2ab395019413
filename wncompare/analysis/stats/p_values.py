"""P-values: the paired sign-flip permutation test, and Holm's correction for several tests."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wncompare.analysis.estimates import PATTERNS
from wncompare.analysis.stats.pairing import RESOLUTION

_BATCH = 2048
"""Patterns at a time, on which no result depends; with all at once 500 pairs take four times as long."""


def sign_flip_p_value(
    differences: NDArray[np.float64], *, magnitude: float = 0.0, rng: np.random.Generator | int = 0
) -> float:
    """The two-sided p-value of paired differences (n,), each one's sign as likely to be the opposite.

    It is the share of sign patterns whose mean is as far from 0 as the observed one (Fisher 1935), over all 2ⁿ patterns
    up to n = 15, else over 2¹⁵ random ones drawn with `rng`. Means that differ by less than float32 can tell of values
    of that `magnitude` are ties, for accuracies are kept so. NaN where n is below two or a difference is not finite.
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return np.nan
    test = _tested if isinstance(rng, int) else _tested.__wrapped__  # of a generator each draw is another
    return test(tuple(differences.tolist()), magnitude, rng)


@lru_cache(maxsize=64)  # a command asks for its log and for its report, and a third of a second is enough
def _tested(values: tuple[float, ...], magnitude: float, rng: np.random.Generator | int) -> float:
    from scipy.stats import permutation_test

    differences = np.array(values)
    test = permutation_test(
        (differences,),
        _mean_with_ties(abs(float(differences.mean())), RESOLUTION * magnitude),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PATTERNS,
        batch=_BATCH,
        rng=np.random.default_rng(rng),
    )
    return float(test.pvalue)


def smallest_p_value(n: int) -> float:
    """The least p-value of n pairs: 2/2ⁿ, or what 2¹⁵ random patterns can show; NaN without pairs."""
    if n == 0:
        return np.nan
    return 2 / 2**n if 2**n <= PATTERNS else 2 / (PATTERNS + 1)


def _mean_with_ties(observed: float, resolution: float) -> Callable[..., NDArray[np.float64]]:
    """A mean that is exactly ±observed where it is as near to it as the resolution."""

    def mean(differences: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        means = np.asarray(differences.mean(axis=axis))
        is_tied = np.abs(np.abs(means) - observed) <= resolution
        means[is_tied] = np.copysign(observed, means[is_tied])
        return means

    return mean


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
