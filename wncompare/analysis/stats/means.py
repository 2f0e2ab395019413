"""Means over seeds with Student-t intervals."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import ncf
from scipy.stats import t as student_t

from wncompare.analysis.estimates import Equivalence, Estimate

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


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


def equivalence(differences: NDArray[np.float64], smallest_difference: float) -> Equivalence | None:
    """What paired differences (n,) say against the smallest difference that matters.

    - "equivalent": two one-sided t-tests at 5 % each (Schuirmann 1987) reject that the mean difference is as large as
      `smallest_difference` either way; that is, its 90 % interval lies within ±smallest_difference;
    - "different": not that, and the 95 % interval excludes 0;
    - "undecided": neither.

    A difference that is certain and yet too small to matter is "equivalent". None where n is below two or a difference
    is not finite.
    """
    wide = mean_interval(differences, confidence=1 - SIGNIFICANCE)
    narrow = mean_interval(differences, confidence=1 - 2 * SIGNIFICANCE)
    if np.isnan(wide.low):
        return None
    if -smallest_difference < narrow.low and narrow.high < smallest_difference:
        return "equivalent"
    return "different" if wide.low > 0 or wide.high < 0 else "undecided"


POWER = 0.8


def detectable_difference(differences: NDArray[np.float64]) -> float:
    """The smallest |mean difference| that a paired t-test finds with 80 % power at 5 %, two-sided.

    It is λ · s / √n, s the standard deviation of the differences (n,), with the λ at which P(|T| > t(0.975, n − 1)) =
    0.8 for T of a noncentral t(n − 1, λ) (Cohen 1988). NaN where n is below two or a difference is not finite.
    """
    n = len(differences)
    if n < 2 or not np.isfinite(differences).all():
        return np.nan
    return _noncentrality(n) * float(differences.std(ddof=1) / np.sqrt(n))


@cache
def _noncentrality(n: int) -> float:
    critical = student_t.ppf(1 - SIGNIFICANCE / 2, n - 1)

    def missing_power(noncentrality: float) -> float:
        return float(POWER - ncf.sf(critical**2, 1, n - 1, noncentrality**2))  # T² is F(1, n − 1)

    return float(brentq(missing_power, 1.0, 2 * critical + 2))
