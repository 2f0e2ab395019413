"""What so many pairs can find, and how many it takes to find so much: with 80 % power, in standard deviations.

An effect is a mean difference over the standard deviation of a pair's difference. Holm's correction of m tests is
counted as its hardest step, 5 %/m. Power is of normal differences.
"""

import math
from collections.abc import Callable
from functools import cache

from scipy.special import ndtri, stdtrit

from wncompare.analysis.stats.means import SIGNIFICANCE

POWER = 0.8
MOST_PAIRS = 10**6


def detectable_effect(n: int, *, tests: int = 1) -> float:
    """The smallest |effect| that n pairs find by both the t-test and the sign-flip test, two-sided at 5 % over `tests`.

    It is λ/√n with the λ at which P(|T| > t) = 0.8 for T of a noncentral t(n − 1, λ) (Cohen 1988), t the critical value
    at the level that the sign-flip test can attain: k · 2/2ⁿ, k whole. Where k is 1 it rejects only if all pairs have
    one sign, and the effect is the one where this has probability 0.8. Otherwise it is a little too small: at ten pairs
    by 1 % (8 % over ten tests). NaN where n pairs find nothing, whatever the effect.
    """
    level = SIGNIFICANCE / tests
    patterns = math.floor(level * 2 ** min(n - 1, 50) + 1e-9)  # beyond, their number makes no difference
    if n < 2 or patterns == 0:
        return math.nan
    if patterns == 1:
        return float(ndtri(POWER ** (1 / n)))
    level = patterns / 2 ** min(n - 1, 50)
    return _noncentrality(n, -float(stdtrit(n - 1, level / 2))) / math.sqrt(n)


def detectable_effect_of_looks(most: int, *, tests: int = 1) -> float:
    """The smallest |effect| that looks up to the `most`-th pair find, at 5 % over `tests`.

    Its formula is that of the last look alone, where `confidence_sequence` excludes 0 from |t| = √[(n − 1)(A − 1)/(1 −
    A/g)] on: with `most` at 40 or 100 the looks before it find effects that are 5 to 8 % smaller, and at 20 up to 5 %
    larger effects are missed by the symmetric martingale. NaN where `most` pairs find nothing.
    """
    g = 1 + most
    a = (g * (tests / SIGNIFICANCE) ** 2) ** (1 / most) if most > 1 else math.inf
    if a >= g:
        return math.nan
    return _noncentrality(most, math.sqrt((most - 1) * (a - 1) / (1 - a / g))) / math.sqrt(most)


def pairs_needed(effect: float, *, tests: int = 1) -> int:
    """The fewest pairs, fixed beforehand, whose `detectable_effect` is at most |effect|; at most a million."""
    return _fewest(lambda n: detectable_effect(n, tests=tests) <= abs(effect))


def pairs_needed_of_looks(effect: float, *, tests: int = 1) -> int:
    """The fewest pairs to end looks with that find an |effect| (`detectable_effect_of_looks`); at most a million."""
    return _fewest(lambda n: detectable_effect_of_looks(n, tests=tests) <= abs(effect))


def _fewest(is_enough: Callable[[int], bool]) -> int:
    """The smallest n that is enough, as all larger ones are."""
    few, many = 1, 2
    while not is_enough(many):
        if many >= MOST_PAIRS:
            return MOST_PAIRS
        few, many = many, min(2 * many, MOST_PAIRS)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if is_enough(middle) else (middle, many)
    return many


@cache
def _noncentrality(n: int, critical: float) -> float:
    """The λ at which |T| exceeds the critical value in 80 %, T of a noncentral t(n − 1, λ)."""
    from scipy.optimize import brentq
    from scipy.stats import ncf

    def missing_power(noncentrality: float) -> float:
        return float(POWER - ncf.sf(critical**2, 1, n - 1, noncentrality**2))  # T² is F(1, n − 1)

    return float(brentq(missing_power, 0.5, 2 * critical + 2))
