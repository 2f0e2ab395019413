"""What an arm costs as a multiple of the reference's cost, paired by seed."""

from collections.abc import Mapping

import numpy as np

from wncompare.stats.intervals import CONFIDENCE, Estimate, mean_interval
from wncompare.stats.pairing import paired
from wncompare.stats.quantiles import RESAMPLES, Quantile, inverted_cdf, percentile_interval


def ratio(values: Mapping[int, float], reference: Mapping[int, float], *, confidence: float = CONFIDENCE) -> Estimate:
    """The geometric mean of values / reference seed by seed (its `mean`), and its Student-t interval on logarithms.

    For positive costs that every run has, such as seconds per step. A value that is not finite and positive withholds
    it (NaN): for times that may be missed take `ratio_of_medians`.
    """
    ours, theirs = paired(values, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = mean_interval(np.log(ours) - np.log(theirs), confidence=confidence)
    return Estimate(logs.n, float(np.exp(logs.mean)), float(np.exp(logs.low)), float(np.exp(logs.high)))


def ratio_of_medians(
    values: Mapping[int, float],
    reference: Mapping[int, float],
    *,
    confidence: float = CONFIDENCE,
    rng: np.random.Generator | int = 0,
) -> Quantile:
    """The median of positive values over the reference's median, with a percentile bootstrap interval over seeds.

    For times to a target: misses are infinite and stay in the medians. The ratio is inf where only the arm's median is
    a miss, 0 where only the reference's is, and NaN where both are. A resample with two misses could have any ratio: it
    counts as 0 for the lower bound and as inf for the upper one. NaN bounds where n is below two.
    """
    ours, theirs = paired(values, reference)
    n = len(ours)
    with np.errstate(invalid="ignore"):
        value = float(inverted_cdf(ours, 0.5) / inverted_cdf(theirs, 0.5))
        if n < 2:
            return Quantile(n, value, np.nan, np.nan)
        seeds = np.random.default_rng(rng).integers(n, size=(RESAMPLES, n))
        resampled = inverted_cdf(ours[seeds], 0.5) / inverted_cdf(theirs[seeds], 0.5)
    low, _ = percentile_interval(np.where(np.isnan(resampled), 0, resampled), confidence)
    _, high = percentile_interval(np.where(np.isnan(resampled), np.inf, resampled), confidence)
    return Quantile(n, value, low, high)
