"""Medians of values that may be infinite: a run that never got there stays in, as the worst."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wncompare.analysis.estimates import Band, Estimate, Quantile
from wncompare.analysis.stats.means import CONFIDENCE, mean_interval
from wncompare.analysis.stats.pairing import paired

RESAMPLES = 9999
FEWEST_FOR_A_RATIO = 3
FEWEST_FOR_A_BOOTSTRAP = 5
"""A bootstrap's interval of a median lies between the least and the largest value at most, which have the true median
between them with probability 1 − 2/2ⁿ: three in four for three values, 94 % for five.
"""


def median(values: ArrayLike) -> float:
    """The smallest value that at least half of values (n,) do not exceed; NaN where n is 0 or a value is NaN.

    Nothing is interpolated, so a finite and an infinite value never mix: with an even n it is the lower of the two in
    the middle (Hyndman & Fan 1996, definition 1).
    """
    return float(inverted_cdf(np.asarray(values, np.float64), 0.5))


def mean_band(values: NDArray[np.float64], *, confidence: float = CONFIDENCE) -> Band:
    """`mean_interval` and `median` column by column of values (n, epochs).

    NaN says that a run has no such epoch, for it stopped before: the column leaves it out, and its n is smaller. An
    infinite value is not left out: that column has no mean, and its median may be infinite.
    """
    columns = [column[~np.isnan(column)] for column in values.T]
    means = [mean_interval(column, confidence=confidence) for column in columns]
    return Band(
        np.array([len(column) for column in columns], np.int64),
        np.array([mean.mean for mean in means], np.float64),
        np.array([mean.low for mean in means], np.float64),
        np.array([mean.high for mean in means], np.float64),
        np.array([median(column) for column in columns], np.float64),
    )


def median_interval(
    values: ArrayLike, *, confidence: float = CONFIDENCE, rng: np.random.Generator | int = 0
) -> Quantile:
    """The `median` of values (n,) and its percentile bootstrap interval over seeds; NaN bounds where n is below five.

    The same `rng` (a Generator, or the seed of one) gives the same interval.
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    if n < FEWEST_FOR_A_BOOTSTRAP:
        return Quantile(n, median(values), np.nan, np.nan)
    resamples = values[np.random.default_rng(rng).integers(n, size=(RESAMPLES, n))]
    return Quantile(n, median(values), *percentile_interval(inverted_cdf(resamples, 0.5), confidence))


def percentile_interval(distribution: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """The middle `confidence` of a bootstrap distribution (resamples,), not interpolated."""
    tail = (1 - confidence) / 2
    return float(inverted_cdf(distribution, tail)), float(inverted_cdf(distribution, 1 - tail))


def inverted_cdf(values: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """The quantile of values (..., n) along the last axis as one of them; NaN where n is 0 or a value is NaN."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    return np.quantile(values, probability, axis=-1, method="inverted_cdf")


def ratio(values: Mapping[int, float], reference: Mapping[int, float], *, confidence: float = CONFIDENCE) -> Estimate:
    """The geometric mean of values / reference seed by seed (its `mean`), and its Student-t interval on logarithms.

    For positive costs that every run has, such as seconds per step. A value that is not finite and positive withholds
    it (NaN): for times that may be missed take `ratio_of_medians`. NaN bounds where n is below three: the interval of
    two logarithms, with one degree of freedom, spans orders of magnitude.
    """
    ours, theirs = paired(values, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = mean_interval(np.log(ours) - np.log(theirs), confidence=confidence)
    low, high = (logs.low, logs.high) if logs.n >= FEWEST_FOR_A_RATIO else (np.nan, np.nan)
    return Estimate(logs.n, *(float(np.exp(each)) for each in (logs.mean, low, high)))


def ratio_of_medians(
    values: Mapping[int, float],
    reference: Mapping[int, float],
    *,
    confidence: float = CONFIDENCE,
    rng: np.random.Generator | int = 0,
) -> Quantile:
    """The median of positive values over the reference's median, with a percentile bootstrap interval over seeds.

    For times to a target: misses are infinite and stay in the medians. The ratio is inf where the arm's median alone is
    a miss. Where the reference's is, there is none (NaN): nothing is so many times as long as never. A resample with
    two misses could have any ratio: it counts as 0 for the lower bound and as inf for the upper one. NaN bounds where n
    is below five.
    """
    ours, theirs = paired(values, reference)
    n, ours_median, theirs_median = len(ours), median(ours), median(theirs)
    value = ours_median / theirs_median if np.isfinite(theirs_median) else np.nan
    if np.isnan(value) or n < FEWEST_FOR_A_BOOTSTRAP:
        return Quantile(n, value, np.nan, np.nan)
    with np.errstate(invalid="ignore"):
        seeds = np.random.default_rng(rng).integers(n, size=(RESAMPLES, n))
        resampled = inverted_cdf(ours[seeds], 0.5) / inverted_cdf(theirs[seeds], 0.5)
    low, _ = percentile_interval(np.where(np.isnan(resampled), 0, resampled), confidence)
    _, high = percentile_interval(np.where(np.isnan(resampled), np.inf, resampled), confidence)
    return Quantile(n, value, low, high)


def time_to_target(curves: Sequence[ArrayLike], costs: Sequence[ArrayLike], target: float) -> NDArray[np.float64]:
    """Run by run, the cost at which the curve first is at or above the target, inf where it never is: (runs,).

    `curves` has an accuracy (epochs,) for each run, `costs` what the run had cost by the end of each of these epochs:
    epochs, steps or seconds from its start. A NaN in a curve reaches no target.
    """
    return np.array([_first(curve, cost, target) for curve, cost in zip(curves, costs, strict=True)], np.float64)


def area_under_curve(curve: ArrayLike) -> float:
    """The mean height of a curve (epochs,) by the trapezoidal rule, in the curve's own unit; NaN for an empty one.

    A single epoch's area is its value. Curves of unequal length are areas over unequal times: compare them with care.
    """
    curve = np.asarray(curve, np.float64)
    if len(curve) < 2:
        return float(curve[0]) if len(curve) else np.nan
    return float(((curve[1:] + curve[:-1]) / 2).sum() / (len(curve) - 1))


def _first(curve: ArrayLike, cost: ArrayLike, target: float) -> float:
    curve, cost = np.asarray(curve, np.float64), np.asarray(cost, np.float64)
    if curve.shape != cost.shape:
        raise ValueError(f"a curve of {len(curve)} epochs has costs of {len(cost)}: give a cost for each epoch")
    reached = np.flatnonzero(curve >= target)
    return float(cost[reached[0]]) if len(reached) else np.inf
