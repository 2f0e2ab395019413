"""A variant against its reference, seed by seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from wncompare.analysis.estimates import Equivalence, Estimate
from wncompare.analysis.stats.means import CONFIDENCE, detectable_difference, equivalence, mean_interval
from wncompare.analysis.stats.p_values import sign_flip_p_value, smallest_p_value
from wncompare.analysis.stats.pairing import differences, paired


def mean_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Estimate:
    """The mean of values − reference over the seeds that both have, with its Student-t interval."""
    return mean_interval(differences(*paired(values, reference)))


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


@dataclass(frozen=True)
class PairedComparison:
    """A variant minus its reference over the `n` seeds that both have.

    `difference` and `p_value` (sign-flip test) are of the mean difference: NaN with fewer than two pairs, and withheld
    (NaN) where a run diverged. `smallest_p` is the least p-value that n pairs can reach. The
    `probability_of_improvement` (in `mean`), `wins`, `ties` and `losses` rank a diverged run worst. `sign` is 1 where
    higher values are better, −1 where lower ones are. `detectable` is
    the smallest |mean difference| found with 80 % power; `equivalence` is None without a `smallest_difference`.
    """

    n: int
    sign: int
    difference: Estimate
    p_value: float
    smallest_p: float
    probability_of_improvement: Estimate
    wins: int
    ties: int
    losses: int
    detectable: float
    equivalence: Equivalence | None


def compare_pairs(
    values: Mapping[int, float],
    reference: Mapping[int, float],
    *,
    sign: int = 1,
    smallest_difference: float | None = None,
    rng: np.random.Generator | int = 0,
) -> PairedComparison:
    """Compare values by seed with the reference's over the seeds that both have; with `sign` −1 lower ones are better.

    A diverged run is the worst there is, −inf or, where lower is better, inf; NaN is missing. `rng` (a Generator,
    or the seed of one) draws the sign flips of more than 15 pairs: the same one gives the same p-value.
    """
    ours, theirs = paired(values, reference)
    by_pair = differences(ours, theirs)
    wins, losses = (int((side * ours > side * theirs).sum()) for side in (sign, -sign))
    return PairedComparison(
        n=len(by_pair),
        sign=sign,
        difference=mean_interval(by_pair),
        p_value=sign_flip_p_value(ours, theirs, rng=rng),
        smallest_p=smallest_p_value(len(by_pair)),
        probability_of_improvement=probability_of_improvement(sign * ours, sign * theirs),
        wins=wins,
        ties=len(by_pair) - wins - losses,
        losses=losses,
        detectable=detectable_difference(by_pair),
        equivalence=None if smallest_difference is None else equivalence(by_pair, smallest_difference),
    )
