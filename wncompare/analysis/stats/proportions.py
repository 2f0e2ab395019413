"""How often something happens, from how often it did."""

import numpy as np

from wncompare.analysis.estimates import Estimate
from wncompare.analysis.stats.means import CONFIDENCE


def clopper_pearson(count: int, n: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """The share of `count` in `n`, in `mean`, and its exact interval (Clopper & Pearson 1934); NaN where n is 0.

    It holds the probability with at least that confidence: 0 of 10 may be as often as 31 %. Raises ValueError where
    count is not between 0 and n.
    """
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share: the count is between 0 and n")
    if n == 0:
        return Estimate(n, np.nan, np.nan, np.nan)
    from scipy.stats import binomtest

    low, high = binomtest(count, n).proportion_ci(confidence, method="exact")
    return Estimate(n, count / n, float(low), float(high))
