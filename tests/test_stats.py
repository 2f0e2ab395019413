"""Statistics against SciPy's own tests and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from wncompare import stats

VALUES = np.array([0.61, 0.59, 0.63, 0.60, 0.62])


def test_the_interval_is_student_s() -> None:
    """Mean and interval equal SciPy's one-sample t-test's."""
    estimate = stats.mean_interval(VALUES)
    low, high = scipy_stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)
    assert (estimate.n, estimate.mean) == (5, pytest.approx(VALUES.mean()))
    assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_a_band_is_an_interval_for_each_epoch() -> None:
    """Column by column, the band equals the interval of that column."""
    values = np.random.default_rng(0).normal(size=(4, 3))
    band = stats.mean_band(values)
    for epoch in range(3):
        estimate = stats.mean_interval(values[:, epoch])
        assert (band.mean[epoch], band.low[epoch], band.high[epoch]) == (estimate.mean, estimate.low, estimate.high)


def test_one_value_has_no_interval() -> None:
    """One run has a mean and no interval: the bounds are NaN, never the mean itself."""
    estimate = stats.mean_interval([0.6])
    assert estimate.mean == 0.6
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


def test_nothing_has_no_mean() -> None:
    """No run at all gives NaN, without a warning."""
    assert math.isnan(stats.mean_interval([]).mean)


def test_nan_stays_nan() -> None:
    """A value that is not finite is not left out: the mean and the interval are NaN."""
    estimate = stats.mean_interval([0.6, math.nan, 0.7])
    assert math.isnan(estimate.mean)
    assert math.isnan(estimate.low)


def test_differences_are_paired_by_seed() -> None:
    """The difference is SciPy's paired t-test over the seeds that both arms have; other seeds are left out."""
    ours = {0: 0.62, 1: 0.60, 2: 0.64, 7: 0.1}
    reference = {2: 0.60, 1: 0.61, 0: 0.59, 9: 0.9}
    difference = stats.paired_difference(ours, reference)
    paired = scipy_stats.ttest_rel([0.62, 0.60, 0.64], [0.59, 0.61, 0.60])
    low, high = paired.confidence_interval(0.95)
    assert difference.n == 3
    assert difference.mean == pytest.approx(np.mean([0.03, -0.01, 0.04]))
    assert (difference.low, difference.high) == (pytest.approx(low), pytest.approx(high))
