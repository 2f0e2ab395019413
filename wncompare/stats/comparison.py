"""A variant against its reference, seed by seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wncompare.stats.equivalence import Equivalence, equivalence
from wncompare.stats.improvement import probability_of_improvement
from wncompare.stats.intervals import Estimate, mean_interval
from wncompare.stats.pairing import differences, paired
from wncompare.stats.power import detectable_difference
from wncompare.stats.signflip import sign_flip_p_value, smallest_p_value


@dataclass(frozen=True)
class PairedComparison:
    """A variant minus its reference over the `n` seeds that both have.

    `difference` and `p_value` (sign-flip test) are of the mean difference: NaN with fewer than two pairs, and withheld
    (NaN) where a run diverged. `smallest_p` is the least p-value that n pairs can reach. The
    `probability_of_improvement` (in `mean`), `wins`, `ties` and `losses` rank a diverged run worst. `detectable` is
    the smallest |mean difference| found with 80 % power; `equivalence` is None without a `smallest_difference`.
    """

    n: int
    difference: Estimate
    p_value: float
    smallest_p: float
    probability_of_improvement: Estimate
    wins: int
    ties: int
    losses: int
    detectable: float
    equivalence: Equivalence | None


def compare(
    values: Mapping[int, float],
    reference: Mapping[int, float],
    *,
    smallest_difference: float | None = None,
    rng: np.random.Generator | int = 0,
) -> PairedComparison:
    """Compare values by seed, the higher the better, with the reference's over the seeds that both have.

    A diverged run is −inf; NaN is missing. `rng` (a Generator, or the seed of one) draws the sign flips of more than 15
    pairs: the same one gives the same p-value.
    """
    ours, theirs = paired(values, reference)
    by_pair = differences(ours, theirs)
    wins, losses = int((ours > theirs).sum()), int((ours < theirs).sum())
    return PairedComparison(
        n=len(by_pair),
        difference=mean_interval(by_pair),
        p_value=sign_flip_p_value(ours, theirs, rng=rng),
        smallest_p=smallest_p_value(len(by_pair)),
        probability_of_improvement=probability_of_improvement(ours, theirs),
        wins=wins,
        ties=len(by_pair) - wins - losses,
        losses=losses,
        detectable=detectable_difference(by_pair),
        equivalence=None if smallest_difference is None else equivalence(by_pair, smallest_difference),
    )
