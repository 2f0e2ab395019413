"""Pairs, medians and shares against SciPy, statsmodels, numerical integrals and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.integrate import quad
from statsmodels.stats.descriptivestats import sign_test as statsmodels_sign_test
from statsmodels.stats.proportion import proportion_confint

from wncompare.analysis import stats
from wncompare.analysis.stats import signs

untimed = settings(deadline=None, database=None)
difference = st.integers(-9, 9).map(float) | st.sampled_from([math.inf, -math.inf])
some = st.lists(difference, min_size=1, max_size=14)


@pytest.mark.parametrize(("wins", "losses"), [(9, 1), (0, 10), (5, 5), (30, 10), (1, 0)])
def test_the_sign_test_is_statsmodels_s(wins: int, losses: int) -> None:
    """Its p-value equals that of statsmodels; ten of ten have 2/2¹⁰."""
    _, p_value = statsmodels_sign_test(np.repeat([1.0, -1.0], [wins, losses]))
    assert signs.sign_test(wins, losses) == pytest.approx(p_value)
    assert signs.sign_test(0, 10) == pytest.approx(2 / 2**10)


def test_ties_alone_tell_nothing() -> None:
    """Without a win or a loss p is 1, and the evidence 1."""
    assert (signs.sign_test(0, 0), signs.sign_e_value(0, 0)) == (1, 1)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (8, 0), (9, 1), (20, 20)])
def test_the_sign_e_value_is_a_mixture(wins: int, losses: int) -> None:
    """It is the average over all probabilities of a win of the likelihood ratio to one half."""
    integral, _ = quad(lambda p: (2 * p) ** wins * (2 - 2 * p) ** losses, 0, 1)
    assert signs.sign_e_value(wins, losses) == pytest.approx(integral)


@pytest.mark.parametrize("n", [1, 6, 13])
def test_coin_flips_win_nothing_on_average(n: int) -> None:
    """Over the binomial distribution of one half the sign e-value averages to 1."""
    average = sum(scipy_stats.binom.pmf(wins, n, 0.5) * signs.sign_e_value(wins, n - wins) for wins in range(n + 1))
    assert average == pytest.approx(1)


@untimed
@given(some, st.integers(1, 10))
def test_the_anytime_sign_p_is_the_best_look_s(differences: list[float], first: int) -> None:
    """It is 1 over the maximum of the looks from the first on, 1 before it; an infinite one is a win or a loss."""
    looks = [np.array(differences[:n]) for n in range(first, len(differences) + 1)]
    best = max((signs.sign_e_value(int((d > 0).sum()), int((d < 0).sum())) for d in looks), default=1)
    assert signs.anytime_sign_p_value(differences, first=first) == pytest.approx(min(1, 1 / best))


@pytest.mark.parametrize(("n", "order"), [(6, 1), (8, 1), (9, 2), (10, 2), (20, 6), (40, 14)])
def test_the_median_lies_between_order_statistics(n: int, order: int) -> None:
    """The interval is from the k-th smallest to the k-th largest, k − 1 being the binomial's 2.5 % point."""
    quantile = signs.median_difference(np.random.default_rng(0).permutation(n) + 1.0)
    assert order == scipy_stats.binom.ppf(0.025, n, 0.5)
    assert (quantile.n, quantile.value) == (n, (n + 1) / 2)
    assert (quantile.low, quantile.high) == (order, n + 1 - order)


@untimed
@given(some, st.integers(-10, 10).map(lambda count: count + 0.5))
def test_the_interval_has_the_medians_that_are_not_rejected(differences: list[float], median: float) -> None:
    """A median that no difference equals is outside exactly where the sign test, or its e-value, rejects it."""
    wins, losses = (int(np.sum(ahead)) for ahead in (np.array(differences) > median, np.array(differences) < median))
    fixed, anytime = signs.median_difference(differences), signs.median_sequence(differences)
    for quantile, rejected in (
        (fixed, signs.sign_test(wins, losses) <= 0.05),
        (anytime, signs.sign_e_value(wins, losses) >= 20),
    ):
        is_outside = median < quantile.low or median > quantile.high  # never of NaN
        assert is_outside == rejected


@untimed
@given(st.lists(st.integers(-9, 9).map(float) | st.just(math.nan), max_size=12))
def test_swapped_arms_mirror_the_median(differences: list[float]) -> None:
    """Seen from the reference, the median and its bounds change sign; two runs that diverged are a difference of 0."""
    there, back = signs.median_difference(differences), signs.median_difference([-d for d in differences])
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low), nan_ok=True)
    plain = [0.0 if math.isnan(d) else d for d in differences]
    assert there.value == pytest.approx(np.median(plain) if plain else math.nan, nan_ok=True)


def test_diverged_runs_are_in_the_median() -> None:
    """Three of ten infinite leave the median and the upper bound finite; seven of ten do not."""
    quantile = signs.median_difference([-math.inf] * 3 + [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07])
    assert (quantile.value, quantile.low, quantile.high) == (pytest.approx(0.025), -math.inf, 0.06)
    quantile = signs.median_difference([-math.inf] * 9 + [0.01])
    assert (quantile.value, quantile.low, quantile.high) == (-math.inf, -math.inf, -math.inf)
    assert math.isnan(signs.median_difference([-math.inf, math.inf]).value)


@pytest.mark.parametrize(("n", "fixed", "anytime"), [(0, False, False), (5, False, False), (6, True, False)])
def test_few_pairs_have_no_interval_of_the_median(n: int, fixed: bool, anytime: bool) -> None:
    """Six pairs are the fewest with an interval at 95 %, and eight those with one that holds at every look."""
    assert math.isnan(signs.median_difference(np.arange(n)).low) != fixed
    assert math.isnan(signs.median_sequence(np.arange(n)).low) != anytime
    assert (math.isnan(signs.median_sequence(np.arange(7)).low), signs.median_sequence(np.arange(8)).low) == (True, 0)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (10, 10), (3, 40), (1, 1)])
def test_a_share_has_clopper_and_pearson_s_interval(count: int, n: int) -> None:
    """It equals statsmodels's, and 0 of 10 may be as often as 31 %."""
    estimate = stats.clopper_pearson(count, n)
    assert (estimate.n, estimate.mean) == (n, count / n)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(count, n, method="beta"))
    assert stats.clopper_pearson(0, 10).high == pytest.approx(1 - 0.025**0.1)


def test_a_share_of_nothing() -> None:
    """No run has no share; more than there are is refused."""
    assert np.isnan([stats.clopper_pearson(0, 0).mean, stats.clopper_pearson(0, 0).high]).all()
    with pytest.raises(ValueError, match="11 of 10 is no share: the count is between 0 and n"):
        stats.clopper_pearson(11, 10)
