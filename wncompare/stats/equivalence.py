"""Whether a difference is too small to matter."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wncompare.stats.intervals import SIGNIFICANCE, mean_interval

Equivalence = Literal["different", "equivalent", "undecided"]


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
