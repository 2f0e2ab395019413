"""Means, medians, ratios and convergence against SciPy, NumPy and closed forms."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats as scipy_stats

from wncompare.analysis import stats

VALUES = np.array([0.61, 0.59, 0.63, 0.60, 0.62])
untimed = settings(deadline=None, database=None)
accuracies = arrays(np.float64, st.integers(2, 12), elements=st.integers(0, 10_000).map(lambda count: count / 10_000))


def bounds(estimate: stats.Estimate) -> tuple[float, float, float]:
    """What is compared: mean, low and high."""
    return estimate.mean, estimate.low, estimate.high


def test_the_interval_is_student_s() -> None:
    """Mean and interval equal SciPy's one-sample t-test's."""
    estimate = stats.mean_interval(VALUES)
    low, high = scipy_stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)
    assert (estimate.n, estimate.mean) == (5, pytest.approx(VALUES.mean()))
    assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


@untimed
@given(accuracies, st.floats(-10, 10), st.floats(-10, 10))
def test_the_interval_moves_with_its_values(values: np.ndarray, shift: float, scale: float) -> None:
    """Shifted and scaled values have the shifted and scaled interval, turned over where the scale is negative."""
    mean, low, high = bounds(stats.mean_interval(values))
    expected = (scale * mean + shift, *sorted((scale * low + shift, scale * high + shift)))
    assert bounds(stats.mean_interval(scale * values + shift)) == pytest.approx(expected, abs=1e-9)


@untimed
@given(accuracies, st.randoms(use_true_random=False))
def test_the_order_of_seeds_is_nothing(values: np.ndarray, random: object) -> None:
    """Shuffled seeds have the same mean, interval and median."""
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert bounds(stats.mean_interval(shuffled)) == pytest.approx(bounds(stats.mean_interval(values)), abs=1e-12)
    assert stats.median(shuffled) == stats.median(values)


def test_one_value_has_no_interval() -> None:
    """One run has a mean and no interval: the bounds are NaN, never the mean itself."""
    estimate = stats.mean_interval([0.6])
    assert estimate.mean == 0.6
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


def test_nothing_has_no_mean() -> None:
    """No run at all gives NaN, without a warning."""
    assert math.isnan(stats.mean_interval([]).mean)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_left_out(value: float) -> None:
    """One value that is not finite makes the mean and the interval NaN."""
    estimate = stats.mean_interval([0.6, value, 0.7])
    assert estimate.n == 3
    assert np.isnan(bounds(estimate)).all()


def test_a_band_is_an_interval_for_each_epoch() -> None:
    """Column by column, the band equals SciPy's t-test of that column."""
    values = np.random.default_rng(0).normal(size=(4, 3))
    band = stats.mean_band(values)
    low, high = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_array_equal(band.n, [4, 4, 4])
    np.testing.assert_allclose([band.mean, band.low, band.high], [values.mean(axis=0), low, high])


def test_a_band_counts_the_runs_that_have_the_epoch() -> None:
    """A run that stopped early is left out of the epochs that it has not, and n says so; an infinite value is not."""
    band = stats.mean_band(np.array([[0.1, 0.3, math.inf], [0.2, 0.5, 0.5], [0.6, math.nan, math.nan]]))
    low, high = scipy_stats.ttest_1samp([0.3, 0.5], 0).confidence_interval(0.95)
    np.testing.assert_array_equal(band.n, [3, 2, 2])
    np.testing.assert_allclose(band.mean, [0.3, 0.4, math.nan])
    assert (band.low[1], band.high[1]) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("shape", [(0, 2), (1, 2)])
def test_a_band_of_one_run_has_no_interval(shape: tuple[int, int]) -> None:
    """With one run or none, every epoch's bounds are NaN."""
    assert np.isnan(stats.mean_band(np.zeros(shape)).low).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], 2.0),
        ([4.0, 1.0, 3.0, 2.0], 2.0),
        ([5.0, math.inf], 5.0),
        ([5.0, math.inf, math.inf], math.inf),
        ([-math.inf, 0.1, 0.2, 0.3], 0.1),
    ],
)
def test_the_median_is_one_of_the_values(values: list[float], expected: float) -> None:
    """Nothing is interpolated: an even number has the lower of its two middle values, and a miss never mixes in."""
    assert stats.median(values) == expected


@pytest.mark.parametrize("values", [[], [0.5, math.nan, 0.6]])
def test_no_median_of_nothing(values: list[float]) -> None:
    """Without values, or with a NaN, the median is NaN."""
    assert math.isnan(stats.median(values))


@pytest.mark.parametrize("n", [5, 6, 10, 20])
def test_the_median_s_interval_is_the_bootstrap_s_in_closed_form(n: int) -> None:
    """A resample's median is at most the k-th of n values where half of it are among the k: a binomial probability."""
    values = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    at_most = scipy_stats.binom.sf(math.ceil(n / 2) - 1, n, np.arange(1, n + 1) / n)
    quantile = stats.median_interval(values)
    assert (quantile.n, quantile.value) == (n, math.ceil(n / 2))
    assert (quantile.low, quantile.high) == tuple(1 + np.searchsorted(at_most, [0.025, 0.975]))


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_values_have_no_interval_of_a_median(n: int) -> None:
    """Below five even the least and the largest value miss the median too often: medians and ratios have no bounds."""
    times = dict(enumerate(np.arange(1.0, n + 1)))
    for quantile in (stats.median_interval([*times.values()]), stats.ratio_of_medians(times, times)):
        assert quantile.n == n
        assert quantile.value >= 1
        assert np.isnan([quantile.low, quantile.high]).all()


def test_a_miss_is_in_the_interval_of_the_median() -> None:
    """With two misses of five the median is finite and the upper bound is a miss."""
    quantile = stats.median_interval([3.0, math.inf, 2.0, 4.0, math.inf])
    assert (quantile.value, quantile.low, quantile.high) == (4.0, 2.0, math.inf)


def test_the_same_generator_gives_the_same_interval() -> None:
    """The interval depends on the values, the confidence and the generator's seed; less confidence is narrower."""
    values = np.random.default_rng(0).normal(size=30)
    wide, narrow = (stats.median_interval(values, confidence=confidence) for confidence in (0.95, 0.5))
    assert stats.median_interval(values, rng=np.random.default_rng(0)) == wide
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_time_has_no_interval() -> None:
    """One run has a median and no interval."""
    quantile = stats.median_interval([7.0])
    assert quantile.value == 7.0
    assert np.isnan([quantile.low, quantile.high]).all()


def test_time_to_target_is_the_first_crossing() -> None:
    """The cost of the first epoch at or above the target counts, also where the curve falls back; never is inf."""
    curves = [[0.2, 0.5, 0.4, 0.6], [0.5, 0.1], [0.1, 0.2, 0.3], [math.nan, 0.7], []]
    costs = [[10, 20, 30, 40], [11, 22], [9, 18, 27], [12, 24], []]
    np.testing.assert_array_equal(stats.time_to_target(curves, costs, 0.5), [20, 11, math.inf, 24, math.inf])


def test_every_epoch_has_a_cost() -> None:
    """A curve without a cost for each of its epochs is refused."""
    with pytest.raises(ValueError, match="a curve of 2 epochs has costs of 1: give a cost for each epoch"):
        stats.time_to_target([[0.1, 0.2]], [[1.0]], 0.5)


@untimed
@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1)))
def test_the_area_is_a_mean_height(curve: np.ndarray) -> None:
    """The area is the mean of the heights midway between epochs, and lies within the curve's range."""
    area = stats.area_under_curve(curve)
    assert area == pytest.approx(np.mean([(a + b) / 2 for a, b in pairwise(curve)]), abs=1e-12)
    assert curve.min() - 1e-12 <= area <= curve.max() + 1e-12


def test_the_area_of_a_short_curve() -> None:
    """One epoch's area is its value; no epoch has none; a NaN stays."""
    assert stats.area_under_curve([0.4]) == 0.4
    assert math.isnan(stats.area_under_curve([]))
    assert math.isnan(stats.area_under_curve([0.4, math.nan, 0.5]))


def test_a_ratio_is_taken_on_logarithms() -> None:
    """The ratio is SciPy's geometric mean of ratios, its interval that of the t-test on their logarithms."""
    ours, theirs = np.array([2.0, 2.4, 2.9]), np.array([1.0, 1.1, 1.6])
    estimate = stats.ratio(dict(enumerate(ours)), {**dict(enumerate(theirs)), 9: 5.0})
    low, high = scipy_stats.ttest_rel(np.log(ours), np.log(theirs)).confidence_interval(0.95)
    expected = (scipy_stats.gmean(ours / theirs), math.exp(low), math.exp(high))
    assert estimate.n == 3
    assert bounds(estimate) == pytest.approx(expected)


positive = st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=2, max_size=8)


@untimed
@given(positive)
def test_swapped_arms_have_the_inverse_ratio(pairs: list[tuple[float, float]]) -> None:
    """The reference as a multiple of the variant is one over the ratio, its bounds changing places."""
    ours, theirs = (dict(enumerate(values)) for values in zip(*pairs, strict=True))
    there, back = stats.ratio(ours, theirs), stats.ratio(theirs, ours)
    logs = np.log([back.mean, back.low, back.high])
    assert logs == pytest.approx(-np.log([there.mean, there.high, there.low]), nan_ok=True)


@pytest.mark.parametrize("value", [0.0, math.inf, -1.0])
def test_a_ratio_of_what_is_no_cost_is_withheld(value: float) -> None:
    """A cost that is zero, infinite or negative makes the ratio NaN, without a warning."""
    assert np.isnan(bounds(stats.ratio({0: value, 1: 2.0}, {0: 1.0, 1: 1.0}))).all()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([4.0, 6.0, 9.0], [2.0, 3.0, 3.0], 2.0),
        ([4.0, 6.0, math.inf], [2.0, 3.0, 3.0], 2.0),
        ([4.0, math.inf, math.inf], [2.0, 3.0, 3.0], math.inf),
        ([4.0, 6.0, 9.0], [2.0, math.inf, math.inf], math.nan),
        ([math.inf] * 3, [math.inf] * 3, math.nan),
        ([], [], math.nan),
    ],
)
def test_misses_stay_in_a_ratio_of_medians(ours: list[float], theirs: list[float], expected: float) -> None:
    """The ratio is of the medians with their misses; where the reference's is one there is none."""
    quantile = stats.ratio_of_medians(dict(enumerate(ours)), dict(enumerate(theirs)))
    assert quantile.value == pytest.approx(expected, nan_ok=True)


def test_a_ratio_of_medians_resamples_pairs() -> None:
    """Where the arm takes exactly twice the reference's time, whatever the seed, so does every resample."""
    theirs = {seed: 10.0 + seed for seed in range(8)}
    quantile = stats.ratio_of_medians({seed: 2 * value for seed, value in theirs.items()}, theirs)
    assert (quantile.n, quantile.value, quantile.low, quantile.high) == (8, 2.0, 2.0, 2.0)


def test_a_ratio_of_medians_has_the_bootstrap_s_interval() -> None:
    """With a reference that always takes 2, the interval is half of the interval of the median."""
    ours = dict(enumerate([3.0, 5.0, 8.0, 13.0, 21.0]))
    quantile, times = stats.ratio_of_medians(ours, dict.fromkeys(ours, 2.0)), stats.median_interval([*ours.values()])
    assert (quantile.low, quantile.high) == (times.low / 2, times.high / 2)


@pytest.mark.parametrize("reached", [0, 2])
def test_never_is_no_time_to_compare_with(reached: int) -> None:
    """Where the median of the reference never reaches the target there is no ratio and no interval, not 0 (0 to 0)."""
    theirs = [3.0] * reached + [math.inf] * (10 - reached)
    quantile = stats.ratio_of_medians(dict.fromkeys(range(10), 4.0), dict(enumerate(theirs)))
    assert np.isnan([quantile.value, quantile.low, quantile.high]).all()


def test_a_resample_without_a_ratio_could_have_any() -> None:
    """Where both arms miss with the same two seeds of five, resampled medians are often both misses: 0 to inf."""
    missed = {0: 3.0, 1: 4.0, 2: 4.0, 3: math.inf, 4: math.inf}
    quantile = stats.ratio_of_medians(missed, missed)
    assert (quantile.value, quantile.low, quantile.high) == (1.0, 0.0, math.inf)
