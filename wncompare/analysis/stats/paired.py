"""A variant against its reference, or any weighted sum of variants, seed by seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from wncompare.analysis.estimates import Equivalence, Estimate, Quantile
from wncompare.analysis.stats.gates import Fixed, Gate
from wncompare.analysis.stats.means import CONFIDENCE, SIGNIFICANCE, equivalence, mean_interval
from wncompare.analysis.stats.pairing import differences, magnitude, paired, resolved


def mean_difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Estimate:
    """The mean of values − reference over the seeds that both have, with its Student-t interval."""
    return mean_interval(differences(*paired(values, reference)))


def probability_of_improvement(
    values: NDArray[np.float64], reference: NDArray[np.float64], *, confidence: float = CONFIDENCE
) -> Estimate:
    """P(X > Y) + P(X = Y)/2 over all n² pairs of a run X of values (n,) and a run Y of reference (n,), in `mean`.

    It is U/n² of Mann and Whitney (Agarwal et al. 2021), where what float32 cannot tell apart is equal. It takes ranks
    alone, so −inf is a value like any other. The interval is Newcombe's (2006, method 5), for a bootstrap's has no
    width where the arms do not overlap; it takes the arms as independent, and is wider than need be where seeds make
    them alike. NaN bounds where n is below two.
    """
    n = len(values)
    if n == 0:
        return Estimate(n, np.nan, np.nan, np.nan)
    with np.errstate(invalid="ignore"):  # two runs that diverged: −inf − −inf
        ahead = resolved(np.subtract.outer(values, reference), magnitude(values, reference))
    probability = float(((1 + np.sign(np.nan_to_num(ahead))) / 2).mean())
    if n == 1:
        return Estimate(n, probability, np.nan, np.nan)
    low = _lower_bound(probability, n, confidence)
    return Estimate(n, probability, low, 1 - _lower_bound(1 - probability, n, confidence))


def _lower_bound(probability: float, n: int, confidence: float) -> float:
    """The θ below the observed probability at which (probability − θ)² = z² · V(θ)."""
    from scipy.optimize import brentq

    z = ndtri((1 + confidence) / 2)

    def excess(theta: float) -> float:
        spread = 1 + (n - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((probability - theta) ** 2 - (z / n) ** 2 * theta * (1 - theta) * spread)

    if probability == 0:
        return 0.0
    return float(brentq(excess, 0.0, min(probability, 1 - 1e-9)))  # at 1 the equation holds, and says nothing


@dataclass(frozen=True)
class PairedComparison:
    """A variant minus its reference, or another weighted sum of variants, over the `n` seeds that all of them have.

    Of the mean: `difference`, its `p_value`, the `effect` d̄/s (not corrected for few pairs), the smallest |mean
    difference| `detectable` with 80 % power and the word on `equivalence`, None without a `smallest_difference`. NaN
    and None with fewer than two pairs, and withheld where a run diverged.

    Of pairs, in which a diverged run ranks worst: `median` and its `sign_p_value`, `wins`, `ties`, `losses`, and the
    `probability_of_improvement` (in `mean`). The `smallest_…` are the least p-values that n pairs can reach. `sign` is
    1 where higher values are better, −1 where lower ones are.
    """

    n: int
    sign: int
    difference: Estimate
    p_value: float
    smallest_p: float
    effect: float
    detectable: float
    equivalence: Equivalence | None
    median: Quantile
    sign_p_value: float
    smallest_sign_p: float
    wins: int
    ties: int
    losses: int
    probability_of_improvement: Estimate


_AT_ONCE = Fixed()


def compare_pairs(
    values: Mapping[int, float],
    reference: Mapping[int, float],
    *,
    sign: int = 1,
    smallest_difference: float | None = None,
    gate: Gate = _AT_ONCE,
) -> PairedComparison:
    """Compare values by seed with the reference's over the seeds that both have; with `sign` −1 lower ones are better.

    A diverged run is the worst there is, −inf or, where lower is better, inf; NaN is missing.
    """
    ours, theirs = paired(values, reference)
    found = compare_differences(
        differences(ours, theirs),
        magnitude=magnitude(ours, theirs),
        sign=sign,
        smallest_difference=smallest_difference,
        gate=gate,
    )
    return replace(found, probability_of_improvement=probability_of_improvement(sign * ours, sign * theirs))


def compare_differences(
    differences: ArrayLike,
    *,
    magnitude: float,
    sign: int = 1,
    smallest_difference: float | None = None,
    gate: Gate = _AT_ONCE,
) -> PairedComparison:
    """Compare the arms of any weighted sum by its values seed by seed, (n,); with `sign` −1 lower ones are better.

    They are in the order of seeds, which the looks of a gate go by. One is infinite where a run diverged, and NaN where
    runs did that would move it either way: a tie. `magnitude` is half the largest Σ |weight · value| of a difference,
    to which the rounding of values to float32 is in proportion: what that can make of 0 is a tie too. The probability
    of improvement is NaN: a sum has no runs to rank.
    """
    by_pair = resolved(differences, magnitude)
    n = len(by_pair)
    wins, losses = (int((side * by_pair > 0).sum()) for side in (sign, -sign))
    mean = gate.interval(by_pair)
    deviation = float(by_pair.std(ddof=1)) if n > 1 and np.isfinite(by_pair).all() else np.nan
    return PairedComparison(
        n=n,
        sign=sign,
        difference=mean,
        p_value=gate.p_value(by_pair, magnitude=magnitude),
        smallest_p=gate.smallest_p(n),
        effect=mean.mean / deviation if deviation else np.nan,
        detectable=gate.detectable_effect(n) * deviation,
        equivalence=_equivalence(gate, by_pair, smallest_difference),
        median=gate.median(by_pair),
        sign_p_value=gate.sign_p_value(by_pair),
        smallest_sign_p=gate.smallest_sign_p(n),
        wins=wins,
        ties=n - wins - losses,
        losses=losses,
        probability_of_improvement=Estimate(n, np.nan, np.nan, np.nan),
    )


def _equivalence(gate: Gate, by_pair: NDArray[np.float64], smallest_difference: float | None) -> Equivalence | None:
    if smallest_difference is None:
        return None
    return equivalence(gate.interval(by_pair, alpha=2 * SIGNIFICANCE), gate.interval(by_pair), smallest_difference)
