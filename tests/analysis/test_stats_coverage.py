"""By simulation: intervals cover, tests err and power is as often as they say; benchmarks/coverage.py has the whole."""

import numpy as np
import pytest

from benchmarks import coverage
from wncompare.analysis import stats
from wncompare.analysis.stats.paired import probability_of_improvement

SEEDS = pytest.mark.parametrize("n", coverage.SEEDS)


@SEEDS
def test_the_t_interval_covers_95_percent(n: int) -> None:
    """Of normal values the interval has the mean in it in 95 % ± 2 of 1500 trials."""
    assert coverage.rate(coverage.mean_is_covered(coverage.normal), n, 1500) == pytest.approx(0.95, abs=0.02)


@SEEDS
def test_it_covers_differences_of_skewed_arms(n: int) -> None:
    """Of differences of arms with exponential noise too: they are symmetric, with heavy tails."""
    rate = coverage.rate(coverage.mean_is_covered(coverage.skewed_differences), n, 1500)
    assert rate == pytest.approx(0.95, abs=0.02)


def test_it_covers_less_of_very_skewed_values() -> None:
    """The limit that the documentation states: at n = 5, exponential values are covered in 86 to 91 %."""
    assert 0.86 < coverage.rate(coverage.mean_is_covered(coverage.exponential), 5, 1500) < 0.91


@pytest.mark.slow
def test_the_sign_flip_test_errs_in_5_percent() -> None:
    """Under no difference it rejects in 5 % ± 2 at n = 10, and never at n = 5, where it cannot."""
    trial = coverage.sign_flip_rejects(coverage.skewed_differences)
    assert coverage.rate(trial, 10, 1000) == pytest.approx(0.05, abs=0.02)
    assert coverage.rate(trial, 5, 200) == 0


@pytest.mark.slow
def test_holm_errs_in_5_percent_of_families() -> None:
    """Of three arms that equal the reference, any is called different in at most 5 % + 2, and in more uncorrected."""
    uncorrected, corrected = (coverage.rate(coverage.any_rejects(fix), 8, 600) for fix in (np.asarray, stats.holm))
    assert corrected <= 0.07 < uncorrected


@pytest.mark.parametrize("n", [10, 20])
def test_the_detectable_difference_is_found_in_80_percent(n: int) -> None:
    """A true difference of that size has an interval without 0 in 80 % ± 3 of 1500 trials."""
    assert coverage.rate(coverage.detectable_is_found, n, 1500) == pytest.approx(0.8, abs=0.03)


@SEEDS
def test_equivalent_is_wrong_in_5_percent(n: int) -> None:
    """Where the difference just matters, it is called equivalent in at most 5 % + 2 of 1500 trials."""
    assert coverage.rate(coverage.is_called("equivalent", coverage.MARGIN), n, 1500) <= 0.07


@SEEDS
def test_newcombe_s_interval_covers_95_percent(n: int) -> None:
    """The probability of improvement is in its interval in at least 95 % − 2 of 1000 trials, also near 1."""
    trial = coverage.improvement_is_covered(0.95, probability_of_improvement)
    assert coverage.rate(trial, n, 1000) >= 0.93


@pytest.mark.slow
def test_the_median_s_interval_covers_what_is_published() -> None:
    """With 30 % misses, the bootstrap interval has the median time in it in at least 90 % of 300 trials at n = 10."""
    assert coverage.rate(coverage.median_is_covered(missing=0.3), 10, 300) >= 0.9
