"""Pairs and medians: who won how often, which a run that collapsed or diverged moves no more than any other loss.

Differences may be infinite, where one run of a pair diverged. NaN, where both did, is a tie: 0. Ties tell neither way
and leave the tests, as is usual (Dixon & Mood 1946).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

from wncompare.analysis.estimates import Quantile
from wncompare.analysis.stats.means import CONFIDENCE, SIGNIFICANCE

Array = NDArray[np.float64]


def sign_test(wins: int, losses: int) -> float:
    """The two-sided p-value of so many wins and losses, either as likely as the other: the binomial test's.

    1 where there are none. The null hypothesis is that the median difference is 0.
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def sign_e_value(wins: int, losses: int) -> float:
    """The evidence of wins and losses against their being equally likely, which may be looked at after every pair.

    2ⁿ · B(wins + 1, losses + 1), n = wins + losses, B Euler's beta function: the likelihood ratio of a probability of a
    win that could be anything in [0, 1] to one of ½ (Ville 1939).
    """
    return float(np.exp(_log_e(np.asarray(wins), np.asarray(losses))))


def anytime_sign_p_value(differences: ArrayLike, *, first: int) -> float:
    """A p-value of differences (n,) that may be looked at from the `first` on, after each of them.

    min(1, 1/max e), the maximum of `sign_e_value` over the first, first + 1, …, n differences: it falls below α, at any
    look at all, with probability at most α if the median difference is 0. 1 where n is below `first`.
    """
    differences = np.asarray(differences, np.float64)
    return float(anytime_sign_p_values(differences, first=first)[-1]) if len(differences) >= first else 1.0


def anytime_sign_p_values(differences: Array, *, first: int) -> Array:
    """`anytime_sign_p_value` at each n from `first` on: differences (…, n) give (…, n − first + 1)."""
    log_e = log_sign_e_values(differences)[..., first - 1 :]
    return np.exp(-np.maximum(np.maximum.accumulate(log_e, axis=-1), 0))


def log_sign_e_values(differences: Array) -> Array:
    """The logarithm of `sign_e_value` at each n: differences (…, n) give (…, n)."""
    return _log_e(*(np.cumsum(has, axis=-1, dtype=int) for has in (differences > 0, differences < 0)))


def median_difference(differences: ArrayLike, *, confidence: float = CONFIDENCE) -> Quantile:
    """The median of differences (n,) and an interval between two of them: the medians that `sign_test` does not reject.

    It holds the median with at least that probability, whatever the distribution (Thompson 1936). With an even n the
    median is the mean of the middle two, NaN where these are −∞ and ∞. NaN bounds where n is too small to have any: at
    95 %, below six.
    """
    return _between(differences, lambda wins, losses: sign_test(wins, losses) <= 1 - confidence)


def median_sequence(differences: ArrayLike, *, alpha: float = SIGNIFICANCE) -> Quantile:
    """The median of differences (n,) and an interval that holds it at *every* n at once with probability 1 − α.

    As `median_difference`, of the medians at which `sign_e_value` is below 1/α. NaN bounds at 5 % below eight.
    """
    return _between(differences, lambda wins, losses: sign_e_value(wins, losses) >= 1 / alpha)


def _log_e(wins: NDArray[np.int_], losses: NDArray[np.int_]) -> Array:
    return np.asarray((wins + losses) * np.log(2) + betaln(wins + 1, losses + 1))


def _between(differences: ArrayLike, rejects: Callable[[int, int], bool]) -> Quantile:
    """The median, and the ordered differences beyond which a median would be rejected."""
    ordered = np.sort(np.nan_to_num(np.asarray(differences, np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf))
    n = len(ordered)
    outside = next((k for k in range(n // 2 + 1) if not rejects(n - k, k)), 0)
    low, high = (ordered[outside - 1], ordered[n - outside]) if outside else (np.nan, np.nan)
    return Quantile(n, _middle(ordered), float(low), float(high))


def _middle(ordered: Array) -> float:
    if len(ordered) == 0:
        return np.nan
    with np.errstate(invalid="ignore"):  # −∞ + ∞
        return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
