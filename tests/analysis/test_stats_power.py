"""What so many pairs find, against statsmodels, closed forms and simulation; and what pairing is worth."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

from benchmarks import studies
from wncompare.analysis import stats
from wncompare.analysis.stats import power, sequences

untimed = settings(deadline=None, database=None)


@pytest.mark.parametrize(("n", "tests"), [(8, 1), (10, 1), (10, 3), (20, 1), (50, 10)])
def test_the_detectable_effect_has_80_percent_power(n: int, tests: int) -> None:
    """It is what statsmodels solves for, at the largest level up to 5 % over the tests that 2ⁿ sign patterns have."""
    level = math.floor(0.05 / tests * 2 ** (n - 1)) / 2 ** (n - 1)
    effect = TTestPower().solve_power(nobs=n, alpha=level, power=0.8, alternative="two-sided")
    assert power.detectable_effect(n, tests=tests) == pytest.approx(effect, rel=1e-4)


@pytest.mark.parametrize(("n", "tests"), [(6, 1), (7, 3), (9, 10)])
def test_the_fewest_pairs_need_one_sign(n: int, tests: int) -> None:
    """Where only equal signs reject, these have probability 0.8 at the detectable effect."""
    assert scipy_stats.norm.cdf(power.detectable_effect(n, tests=tests)) ** n == pytest.approx(0.8)


@pytest.mark.parametrize(("n", "tests", "error"), [(8, 1, 0.03), (10, 1, 0.02), (10, 3, 0.03), (12, 1, 0.02)])
def test_both_tests_find_it_in_80_percent(n: int, tests: int, error: float) -> None:
    """Of normal differences of that size, t-test and sign-flip test both reject in 80 %, but for the stated error."""
    by_pair = np.random.default_rng(n).normal(power.detectable_effect(n, tests=tests), 1, size=(4000, n))
    patterns = np.array([(1, *signs) for signs in product((1, -1), repeat=n - 1)])
    p_flip = (np.abs(by_pair @ patterns.T) >= np.abs(by_pair.sum(axis=1, keepdims=True)) - 1e-9).mean(axis=1)
    p_t = scipy_stats.ttest_1samp(by_pair, 0, axis=1).pvalue
    assert (np.maximum(p_flip, p_t) <= 0.05 / tests).mean() == pytest.approx(0.8, abs=error + 0.02)


@pytest.mark.parametrize(("n", "tests"), [(0, 1), (1, 1), (5, 1), (6, 2), (8, 10)])
def test_too_few_pairs_detect_nothing(n: int, tests: int) -> None:
    """Pairs that cannot reach 5 % over the tests find nothing, however large it is: NaN."""
    assert math.isnan(power.detectable_effect(n, tests=tests))
    assert math.isnan(stats.compare_differences(np.arange(n), magnitude=1, gate=stats.Fixed(tests)).detectable)


@pytest.mark.parametrize(("most", "tests"), [(20, 1), (40, 1), (40, 3), (100, 10)])
def test_looks_find_it_in_80_percent(most: int, tests: int) -> None:
    """With both martingales at every look from the eighth, power at the detectable effect is 80 %, give or take 9."""
    by_pair = np.random.default_rng(0).normal(power.detectable_effect_of_looks(most, tests=tests), 1, size=(500, most))
    found = (sequences.anytime_p_values(by_pair, first=8)[:, -1] <= 0.05 / tests).mean()
    assert found == pytest.approx(0.8, abs=0.09)


@pytest.mark.parametrize("most", [8, 40, 400])
def test_the_last_look_s_power_is_that_of_its_interval(most: int) -> None:
    """The sequence excludes 0 in 80 % of noncentral t at the detectable effect, its critical value bisected."""
    low, high = 1.0, 60.0
    while high - low > 1e-9:
        t = (low + high) / 2
        by_pair = np.resize([1.0, -1.0], most) * math.sqrt((most - 1) / most) + t / math.sqrt(most)
        low, high = (low, t) if sequences.confidence_sequence(by_pair).low > 0 else (t, high)
    shift = math.sqrt(most) * power.detectable_effect_of_looks(most)
    tails = scipy_stats.nct.sf(high, most - 1, shift) + scipy_stats.nct.cdf(-high, most - 1, shift)
    assert tails == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_few_looks_find_nothing(most: int) -> None:
    """Where even the last look's interval is infinite nothing is detectable."""
    assert math.isnan(power.detectable_effect_of_looks(most))


@pytest.mark.parametrize("needed", [power.pairs_needed, power.pairs_needed_of_looks])
@pytest.mark.parametrize(("effect", "tests"), [(2.5, 1), (1.0, 1), (-0.5, 3), (0.1, 10), (0.02, 1)])
def test_the_pairs_needed_are_the_fewest(needed: object, effect: float, tests: int) -> None:
    """With so many pairs the effect is detectable, with one less it is not; a negative one takes as many."""
    detectable = power.detectable_effect if needed is power.pairs_needed else power.detectable_effect_of_looks
    n = needed(effect, tests=tests)  # type: ignore[operator]
    assert detectable(n, tests=tests) <= abs(effect)
    assert not detectable(n - 1, tests=tests) <= abs(effect)


def test_the_pairs_needed_by_one_t_test_are_statsmodels_s() -> None:
    """At half a standard deviation it is 34 pairs; a certain difference takes the fewest there can be."""
    by_hand = TTestPower().solve_power(effect_size=0.5, alpha=0.05, power=0.8, alternative="two-sided")
    assert power.pairs_needed(0.5) == math.ceil(by_hand)
    assert (power.pairs_needed(math.inf), stats.Looks(8, 40).pairs_needed(math.inf)) == (6, 8)
    assert power.pairs_needed(0.0) == power.MOST_PAIRS


@untimed
@given(st.integers(2, 60), st.integers(1, 10))
def test_more_pairs_detect_less_and_more_tests_more(n: int, tests: int) -> None:
    """Another pair never raises the detectable effect, another test never lowers it."""
    for detectable in (power.detectable_effect, power.detectable_effect_of_looks):
        here = detectable(n, tests=tests)
        assert not detectable(n + 1, tests=tests) > here
        assert not detectable(n, tests=tests + 1) < here


def test_pairing_gains_what_it_takes_from_the_variance() -> None:
    """The gain is the variance of a difference of unpaired runs over that of paired ones; 1/(1 − r) for like arms."""
    ours, theirs = np.random.default_rng(0).multivariate_normal([0.6, 0.6], [[1, 0.5], [0.5, 1]], size=4000).T
    expected = (ours.var(ddof=1) + theirs.var(ddof=1)) / (ours - theirs).var(ddof=1)
    assert stats.pairing_gain([ours, theirs]) == pytest.approx(expected)
    assert expected == pytest.approx(1 / (1 - 0.5), rel=0.1)
    assert stats.correlation(ours, theirs) == pytest.approx(scipy_stats.pearsonr(ours, theirs).statistic)


@pytest.mark.parametrize("weights", [(1, -1, -1, 1), (0.5, 0.5, -0.5, -0.5), (1, -0.25, -0.25, -0.5)])
def test_a_sum_of_four_arms_gains_from_pairing_too(weights: tuple[float, ...]) -> None:
    """For an interaction, a main effect or any sum, it is the variance of a sum of unpaired runs over its own."""
    shared = np.random.default_rng(1).normal(size=30)
    arms = np.random.default_rng(0).normal(size=(4, 30)) + shared
    apart = np.cov(arms).diagonal() @ np.square(weights)
    assert stats.pairing_gain(arms, weights) == pytest.approx(apart / np.var(np.dot(weights, arms), ddof=1))


def test_forty_published_pairs_are_worth_48() -> None:
    """In the published experiment of forty seeds pairing gained a fifth."""
    regular, weight_norm = (studies.published_accuracies(variant) for variant in ("regular", "weight_norm"))
    assert round(40 * stats.pairing_gain([weight_norm, regular])) == 48


@pytest.mark.parametrize(
    ("ours", "theirs", "gain", "correlation"),
    [
        ([0.1, 0.2, 0.4], [0.2, 0.3, 0.5], math.inf, 1.0),  # the same difference in each pair
        ([0.5, 0.5, 0.5], [0.4, 0.4, 0.4], math.nan, math.nan),  # nothing varies
        ([0.5, 0.5, 0.5], [0.1, 0.2, 0.4], 1.0, math.nan),
        ([0.1, 0.2], [0.2, 0.1], math.nan, math.nan),  # two pairs always correlate by ±1
        ([0.1], [0.2], math.nan, math.nan),
        ([], [], math.nan, math.nan),
        ([0.1, -math.inf, 0.3], [0.1, 0.2, 0.3], math.nan, math.nan),
    ],
)
def test_where_pairing_has_no_gain(ours: list[float], theirs: list[float], gain: float, correlation: float) -> None:
    """Without variance, pairs or with a diverged run there is none (NaN); a difference that never varies gains all."""
    arms = np.array([ours, theirs])
    assert stats.pairing_gain(arms) == pytest.approx(gain, nan_ok=True)
    assert stats.correlation(*arms) == pytest.approx(correlation, nan_ok=True)
