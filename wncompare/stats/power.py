"""What this many seeds could have shown."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import ncf
from scipy.stats import t as student_t

from wncompare.stats.intervals import SIGNIFICANCE

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
