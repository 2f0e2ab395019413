"""What a verdict passes through: a number of pairs that was fixed beforehand, or looks while pairs are added.

Both have the same methods, so that a comparison is written once. Each has an interval and a p-value for the mean, and
for pairs: the median's interval, and a p-value for wins and losses.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis.estimates import Estimate, Quantile
from wncompare.analysis.stats.means import SIGNIFICANCE, mean_interval
from wncompare.analysis.stats.p_values import sign_flip_p_value, smallest_p_value
from wncompare.analysis.stats.pairing import resolved
from wncompare.analysis.stats.power import (
    detectable_effect,
    detectable_effect_of_looks,
    pairs_needed,
    pairs_needed_of_looks,
)
from wncompare.analysis.stats.sequences import anytime_p_value, confidence_sequence, smallest_anytime_p_value
from wncompare.analysis.stats.signs import anytime_sign_p_value, median_difference, median_sequence, sign_test

Array = NDArray[np.float64]


class Gate(Protocol):
    """The statistics of paired differences (n,), in the order of seeds; `alpha` is the error that an interval may make.

    Differences are of values of some `magnitude`: below its float32 resolution they are ties.
    """

    def interval(self, differences: Array, *, alpha: float = SIGNIFICANCE) -> Estimate:
        """The mean and its interval."""

    def p_value(self, differences: Array, *, magnitude: float) -> float:
        """Against a mean of 0; NaN where a difference is not finite."""

    def smallest_p(self, n: int) -> float:
        """The least p-value that n pairs can reach."""

    def detectable_effect(self, n: int) -> float:
        """The smallest |mean|/standard deviation that is found with 80 % power."""

    def pairs_needed(self, effect: float) -> int:
        """The fewest pairs that find such an effect with 80 % power."""

    def median(self, differences: Array) -> Quantile:
        """The median and its interval, ±∞ included."""

    def sign_p_value(self, differences: Array) -> float:
        """Of wins and losses, against a median of 0."""

    def smallest_sign_p(self, n: int) -> float:
        """The least that n pairs can reach of it."""


@dataclass(frozen=True)
class Fixed:
    """All pairs are looked at once: Student's interval with the sign-flip test, order statistics with the sign test.

    `tests` contrasts are tested together, which makes less detectable. `rng` draws the signs of more than 15 pairs.
    """

    tests: int = 1
    rng: int = 0

    def interval(self, differences: Array, *, alpha: float = SIGNIFICANCE) -> Estimate:
        """Student's, of this contrast alone."""
        return mean_interval(differences, confidence=1 - alpha)

    def p_value(self, differences: Array, *, magnitude: float) -> float:
        """The sign-flip test's."""
        return sign_flip_p_value(differences, magnitude=magnitude, rng=self.rng)

    def smallest_p(self, n: int) -> float:
        """The sign-flip test's."""
        return smallest_p_value(n)

    def detectable_effect(self, n: int) -> float:
        """By both the t-test and the sign-flip test, at 5 % over the number of tests."""
        return detectable_effect(n, tests=self.tests)

    def pairs_needed(self, effect: float) -> int:
        """By both tests."""
        return pairs_needed(effect, tests=self.tests)

    def median(self, differences: Array) -> Quantile:
        """The order statistics'."""
        return median_difference(differences)

    def sign_p_value(self, differences: Array) -> float:
        """The sign test's."""
        return sign_test(int((differences > 0).sum()), int((differences < 0).sum()))

    def smallest_sign_p(self, n: int) -> float:
        """The sign test's."""
        return sign_test(n, 0) if n else np.nan


@dataclass(frozen=True)
class Looks:
    """Pairs are looked at from the `first` on, after each, until a verdict or the `most`-th: all holds at every look.

    `tests` contrasts are tested together; intervals are at their alpha over that number.
    """

    first: int
    most: int
    tests: int = 1

    def interval(self, differences: Array, *, alpha: float = SIGNIFICANCE) -> Estimate:
        """The confidence sequence."""
        return confidence_sequence(differences, alpha=alpha / self.tests)

    def p_value(self, differences: Array, *, magnitude: float) -> float:
        """That of the two test martingales."""
        return anytime_p_value(resolved(differences, magnitude), first=self.first)

    def smallest_p(self, n: int) -> float:
        """That of n equal differences."""
        return smallest_anytime_p_value(n) if n >= self.first else 1.0

    def detectable_effect(self, n: int) -> float:
        """By the last of the looks, whatever n is now."""
        return detectable_effect_of_looks(self.most, tests=self.tests)

    def pairs_needed(self, effect: float) -> int:
        """To end the looks with; most end before."""
        return max(self.first, pairs_needed_of_looks(effect, tests=self.tests))

    def median(self, differences: Array) -> Quantile:
        """The median's confidence sequence."""
        return median_sequence(differences, alpha=SIGNIFICANCE / self.tests)

    def sign_p_value(self, differences: Array) -> float:
        """The sign martingale's."""
        return anytime_sign_p_value(differences, first=self.first)

    def smallest_sign_p(self, n: int) -> float:
        """The sign martingale's."""
        return anytime_sign_p_value(np.ones(n), first=self.first)
