"""How probable it is that a run of one arm beats a run of the other."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from wncompare.stats.intervals import CONFIDENCE, Estimate


def probability_of_improvement(
    values: NDArray[np.float64], reference: NDArray[np.float64], *, confidence: float = CONFIDENCE
) -> Estimate:
    """P(X > Y) + P(X = Y)/2 over all n² pairs of a run X of values (n,) and a run Y of reference (n,), in `mean`.

    It is U/n² of Mann and Whitney (Agarwal et al. 2021). It takes ranks alone, so −inf is a value like
    any other. The interval is Newcombe's (2006, method 5), for a bootstrap's has no width where the arms do not
    overlap; it takes the arms as independent, and is wider than need be where seeds make them alike. NaN bounds where
    n is below two.
    """
    n = len(values)
    if n == 0:
        return Estimate(n, np.nan, np.nan, np.nan)
    above, same = np.greater.outer(values, reference), np.equal.outer(values, reference)
    probability = float(above.mean() + same.mean() / 2)
    if n == 1:
        return Estimate(n, probability, np.nan, np.nan)
    low = _lower_bound(probability, n, confidence)
    return Estimate(n, probability, low, 1 - _lower_bound(1 - probability, n, confidence))


def _lower_bound(probability: float, n: int, confidence: float) -> float:
    """The θ below the observed probability at which (probability − θ)² = z² · V(θ)."""
    z = norm.ppf((1 + confidence) / 2)

    def excess(theta: float) -> float:
        spread = 1 + (n - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((probability - theta) ** 2 - (z / n) ** 2 * theta * (1 - theta) * spread)

    if probability == 0:
        return 0.0
    return float(brentq(excess, 0.0, min(probability, 1 - 1e-9)))  # at 1 the equation holds, and says nothing
