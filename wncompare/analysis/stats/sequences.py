"""Means that may be looked at after every seed: a confidence sequence, and p-values from test martingales.

A test martingale is a fair bet against "no difference": it starts at 1, and if there is no difference its expectation
stays 1 however long one plays, so that it ever reaches 1/α with probability at most α (Ville 1939). Differences come in
the order in which their seeds were looked at.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from wncompare.analysis.estimates import Estimate
from wncompare.analysis.stats.means import SIGNIFICANCE

Array = NDArray[np.float64]

_BETS = 0.7 * np.linspace(-4, 4, 81)
"""How much the symmetric martingale bets on "better" (or, negative, on "worse"): c ~ N(0, 0.7²)."""
_LOG_DENSITIES = -((_BETS / 0.7) ** 2) / 2 - np.log(np.sqrt(2 * np.pi)) - np.log(0.7)
_LOG_WEIGHTS = _LOG_DENSITIES - logsumexp(_LOG_DENSITIES)


def confidence_sequence(differences: ArrayLike, *, alpha: float = SIGNIFICANCE) -> Estimate:
    """The mean of differences (n,) and an interval that holds it at *every* n at once with probability 1 − α.

    d̄ ± (s/√n) · √[(n − 1)(A − 1)/(1 − A/g)] with g = 1 + n and A = (g/α²)^(1/n); infinite while A ≥ g (at 5 %, below
    five). These are the means m at which `t_e_value` of differences − m is below 1/α. Exact for normal differences.
    NaN throughout where n is 0 or a difference is not finite.
    """
    differences = np.asarray(differences, np.float64)
    n = len(differences)
    if n == 0 or not np.isfinite(differences).all():
        return Estimate(n, np.nan, np.nan, np.nan)
    mean, g = float(differences.mean()), 1.0 + n
    a = (g / alpha**2) ** (1 / n)
    if a >= g:
        return Estimate(n, mean, -np.inf, np.inf)
    half = float(differences.std(ddof=0) * np.sqrt((a - 1) / (1 - a / g)))
    return Estimate(n, mean, mean - half, mean + half)


def t_e_value(differences: ArrayLike) -> float:
    """The evidence of differences (n,) against a mean of 0: a likelihood ratio that no unit of theirs changes.

    g^(−1/2) · [(1 + t²/(n − 1))/(1 + t²/(g(n − 1)))]^(n/2) with g = 1 + n and t = √n · d̄/s: the mean, in standard
    deviations, is N(0, 1) under the alternative, and the standard deviation has its right Haar prior under both (Wang &
    Ramdas 2023). 1 where n is 0 or all are 0; NaN where a difference is not finite.
    """
    return _last(log_t_e_values, differences)


def symmetry_e_value(differences: ArrayLike) -> float:
    """The evidence of differences (n,) against their being symmetric about 0, whatever their distributions.

    The average over c ~ N(0, 0.7²) of Π exp(c·uᵢ)/cosh(c·uᵢ), uᵢ = dᵢ/rms(d₁ … dᵢ): if either sign of dᵢ is as likely
    whatever its size and what came before, each factor is 1 on average (de la Peña 1999; Ramdas et al. 2020). 1 where n
    is 0 or all are 0; NaN where a difference is not finite.
    """
    return _last(log_symmetry_e_values, differences)


def anytime_p_value(differences: ArrayLike, *, first: int) -> float:
    """A p-value of differences (n,) that may be looked at from the `first` on, after each of them.

    min(1, 1/min(max e, max E)), the maxima of `t_e_value` and `symmetry_e_value` over the first, first + 1, …, n
    differences: it falls below α, at any look at all, with probability at most α if differences are symmetric about 0.
    1 where n is below `first`; NaN where a difference is not finite.
    """
    differences = np.asarray(differences, np.float64)
    if not np.isfinite(differences).all():
        return np.nan
    return float(anytime_p_values(differences, first=first)[-1]) if len(differences) >= first else 1.0


def smallest_anytime_p_value(n: int) -> float:
    """The least `anytime_p_value` of n pairs, that of equal differences: eight are the fewest below 5 %."""
    return anytime_p_value(np.ones(n), first=1)


# The same at every n, of many experiments at once: differences (…, n) give (…, n).


def anytime_p_values(differences: Array, *, first: int) -> Array:
    """`anytime_p_value` at each n from `first` on, (…, n − first + 1)."""
    looks = (process(differences)[..., first - 1 :] for process in (log_t_e_values, log_symmetry_e_values))
    highest = np.minimum(*(np.maximum.accumulate(log_e, axis=-1) for log_e in looks))
    return np.exp(-np.maximum(highest, 0))


def log_t_e_values(differences: Array) -> Array:
    """The logarithm of `t_e_value` at each n: −½ log g − n/2 · log(1 − r²/g), r² = (Σd)²/Σd², which is t's formula."""
    n = np.arange(1, differences.shape[-1] + 1)
    differences = _without_unit(differences)
    squares = np.cumsum(differences**2, axis=-1)
    r2 = np.cumsum(differences, axis=-1) ** 2 / np.where(squares > 0, squares, 1)
    log_e = -np.log1p(n) / 2 - n / 2 * np.log1p(-np.minimum(r2, n) / (1 + n))
    return np.where(squares > 0, log_e, 0)


def log_symmetry_e_values(differences: Array) -> Array:
    """The logarithm of `symmetry_e_value` at each n."""
    n = np.arange(1, differences.shape[-1] + 1)
    differences = _without_unit(differences)
    rms = np.sqrt(np.cumsum(differences**2, axis=-1) / n)
    stakes = (differences / np.where(rms > 0, rms, 1))[..., np.newaxis] * _BETS
    factors = np.log(2) - np.logaddexp(0, -2 * stakes)  # exp(x)/cosh(x) = 2/(1 + exp(−2x))
    return np.asarray(logsumexp(np.cumsum(factors, axis=-2) + _LOG_WEIGHTS, axis=-1))


def _without_unit(differences: Array) -> Array:
    """Over the largest, so that squares are of a size that a float holds."""
    largest = np.abs(differences).max(axis=-1, keepdims=True, initial=0)
    return differences / np.where(largest > 0, largest, 1)


def _last(process: Callable[[Array], Array], differences: ArrayLike) -> float:
    differences = np.asarray(differences, np.float64)
    if not np.isfinite(differences).all():
        return np.nan
    with np.errstate(over="ignore"):
        return float(np.exp(process(differences)[-1])) if len(differences) else 1.0
