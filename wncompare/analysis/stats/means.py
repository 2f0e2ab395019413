"""Means over seeds with Student-t intervals."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

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
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(n, mean, mean - half, mean + half)


def equivalence(narrow: Estimate, wide: Estimate, smallest_difference: float) -> Equivalence | None:
    """What a mean difference's 90 % and 95 % intervals say against the smallest difference that matters.

    - "equivalent": the narrow interval lies within ±smallest_difference; with Student's these are two one-sided t-tests
      at 5 % each (Schuirmann 1987) that reject a mean difference as large as that either way;
    - "different": not that, and the wide interval excludes 0;
    - "undecided": neither.

    A difference that is certain and yet too small to matter is "equivalent". None where there is no interval.
    """
    if np.isnan(wide.low):
        return None
    if -smallest_difference < narrow.low and narrow.high < smallest_difference:
        return "equivalent"
    return "different" if wide.low > 0 or wide.high < 0 else "undecided"
