"""What may be looked at after every seed, against numerical integrals, brute force and the facts that make it valid."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.integrate import quad
from scipy.optimize import brentq

from wncompare.analysis.stats import sequences

untimed = settings(deadline=None, database=None)
values = st.lists(st.integers(-60, 60).map(lambda count: count / 1000), min_size=1, max_size=12)


def mixture(differences: np.ndarray) -> float:
    """The likelihood ratio of the t statistic: noncentral, the mean over s ~ N(0, 1) of its density, over Student's."""
    n = len(differences)
    t = math.sqrt(n) * differences.mean() / differences.std(ddof=1)

    def density(effect: float) -> float:
        return float(scipy_stats.nct.pdf(t, n - 1, math.sqrt(n) * effect) * scipy_stats.norm.pdf(effect))

    return float(quad(density, -6, 6, limit=200, points=[0, t / math.sqrt(n)])[0] / scipy_stats.t.pdf(t, n - 1))


def symmetric_mixture(differences: np.ndarray) -> float:
    """The average over c ~ N(0, 0.7²) of the product, term by term."""
    rms = [np.sqrt(np.mean(differences[: i + 1] ** 2)) for i in range(len(differences))]

    def bet(c: float) -> float:
        factors = [math.exp(c * d / r) / math.cosh(c * d / r) for d, r in zip(differences, rms, strict=True)]
        return math.prod(factors) * scipy_stats.norm.pdf(c, scale=0.7)

    return float(quad(bet, -7, 7, limit=200)[0])


@pytest.mark.parametrize("n", [2, 3, 8, 20])
@pytest.mark.parametrize("mean", [0.0, 0.4, -1.5])
def test_the_e_value_is_a_mixture_of_noncentral_t(n: int, mean: float) -> None:
    """In closed form it is the likelihood ratio that numerical integration gives."""
    differences = np.random.default_rng(n).normal(mean, 1, size=n)
    assert sequences.t_e_value(differences) == pytest.approx(mixture(differences), rel=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.005])
@pytest.mark.parametrize("n", [8, 12, 40])
def test_the_interval_ends_where_the_mixture_reaches_one_over_alpha(n: int, alpha: float) -> None:
    """Its bounds are the means at which the integral is 1/α, found by a root finder."""
    differences = np.random.default_rng(n).normal(0.3, 0.01, size=n)
    estimate = sequences.confidence_sequence(differences, alpha=alpha)

    def excess(mean: float) -> float:
        return mixture(differences - mean) - 1 / alpha

    low, high = brentq(excess, 0.2, estimate.mean - 1e-9), brentq(excess, estimate.mean + 1e-9, 0.4)
    assert (estimate.n, estimate.mean) == (n, pytest.approx(differences.mean()))
    assert (estimate.low, estimate.high) == (pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6))


@pytest.mark.parametrize(("n", "is_finite"), [(1, False), (2, False), (4, False), (5, True), (6, True)])
def test_few_differences_bound_nothing(n: int, is_finite: bool) -> None:
    """At 5 % the interval is the whole line below five differences; a mean of none, or of an infinite one, is NaN."""
    estimate = sequences.confidence_sequence(np.arange(float(n)))
    assert (np.isfinite(estimate.low), np.isfinite(estimate.high)) == (is_finite, is_finite)
    assert not math.isnan(estimate.low)
    for none in ([], [0.1, math.nan, 0.2], [0.1, -math.inf]):
        assert np.isnan([sequences.confidence_sequence(none).mean, sequences.confidence_sequence(none).low]).all()


@untimed
@given(values, st.sampled_from([0.05, 0.1, 0.01]), st.integers(-50, 50).map(lambda count: count / 1000))
def test_the_interval_has_the_means_that_evidence_does_not_exclude(
    differences: list[float], alpha: float, mean: float
) -> None:
    """A mean lies in the interval exactly where the e-value of what differs from it is below 1/α."""
    estimate = sequences.confidence_sequence(differences, alpha=alpha)
    e_value = sequences.t_e_value(np.array(differences) - mean)
    if e_value != pytest.approx(1 / alpha, rel=1e-6) and np.ptp(differences) > 0:
        assert (estimate.low < mean < estimate.high) == (e_value < 1 / alpha)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 40])
def test_the_symmetric_martingale_is_its_integral(n: int) -> None:
    """81 bets are as good as the integral over all of them, to 0.1 %."""
    differences = np.random.default_rng(n).standard_t(3, size=n) + 0.3
    assert sequences.symmetry_e_value(differences) == pytest.approx(symmetric_mixture(differences), rel=1e-3)


@untimed
@given(st.lists(st.integers(0, 60).map(lambda count: count / 1000), min_size=1, max_size=7))
def test_signs_at_random_win_nothing_on_average(sizes: list[float]) -> None:
    """Over all sign patterns of given sizes the martingale's average is 1: it is valid whatever the sizes are."""
    patterns = np.array(list(product((-1, 1), repeat=len(sizes)))) * sizes
    assert np.exp(sequences.log_symmetry_e_values(patterns)[:, -1]).mean() == pytest.approx(1)


def test_the_e_value_wins_nothing_on_normal_differences() -> None:
    """Over t's own distribution its average is 1, by numerical integration."""
    n = 8

    def weighted(t: float) -> float:
        g = 1 + n
        e_value = g**-0.5 * ((1 + t**2 / (n - 1)) / (1 + t**2 / (g * (n - 1)))) ** (n / 2)
        differences = np.resize([1.0, -1.0], n) * math.sqrt((n - 1) / n) + t / math.sqrt(n)
        assert sequences.t_e_value(differences) == pytest.approx(e_value)
        return float(e_value * scipy_stats.t.pdf(t, n - 1))

    assert quad(weighted, -math.inf, math.inf)[0] == pytest.approx(1, abs=1e-6)


def test_eight_equal_differences_are_the_fewest_that_tell() -> None:
    """Equal differences have an e-value of g^((n − 1)/2); that of their signs is 20 at eight, and not at seven."""
    assert sequences.t_e_value([0.02] * 8) == pytest.approx(9**3.5)
    assert sequences.symmetry_e_value([0.02] * 7) < 20 < sequences.symmetry_e_value([-0.02] * 8)
    assert sequences.anytime_p_value([0.02] * 7, first=1) > 0.05 > sequences.anytime_p_value([0.02] * 8, first=8)
    assert sequences.smallest_anytime_p_value(8) == pytest.approx(sequences.anytime_p_value([-3.0] * 8, first=2))


@pytest.mark.parametrize("nothing", [[], [0.0], [0.0] * 9])
def test_no_difference_is_no_evidence(nothing: list[float]) -> None:
    """Without differences, or with arms that are the same, both martingales stay at 1, and p with them."""
    assert (sequences.t_e_value(nothing), sequences.symmetry_e_value(nothing)) == (1, pytest.approx(1))
    assert sequences.anytime_p_value(nothing, first=8) == 1


def test_one_difference_is_no_evidence() -> None:
    """Of a single difference neither size nor sign says anything."""
    assert (sequences.t_e_value([0.5]), sequences.symmetry_e_value([0.5])) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_run_that_diverged_withholds_the_evidence(value: float) -> None:
    """One difference that is not finite makes e-values and p NaN, without a warning."""
    differences = [0.1, value, *[0.1] * 8]
    assert math.isnan(sequences.t_e_value(differences))
    assert math.isnan(sequences.symmetry_e_value(differences))
    assert math.isnan(sequences.anytime_p_value(differences, first=8))


@untimed
@given(values, st.sampled_from([1e-200, 0.1, 7.0, 1e200]), st.sampled_from([1, -1]))
def test_evidence_has_no_unit_and_no_side(differences: list[float], scale: float, side: int) -> None:
    """In another unit, and with the arms swapped, both e-values are what they were."""
    moved = side * scale * np.array(differences)
    assert sequences.t_e_value(moved) == pytest.approx(sequences.t_e_value(differences), rel=1e-6)
    assert sequences.symmetry_e_value(moved) == pytest.approx(sequences.symmetry_e_value(differences), rel=1e-6)


@untimed
@given(values, st.integers(1, 12))
def test_the_anytime_p_is_the_least_evidence_s_best_look(differences: list[float], first: int) -> None:
    """It is 1 over the lesser of both maxima, each over the looks that were made; looks before the first are none."""
    looks = [differences[:n] for n in range(first, len(differences) + 1)]
    best = [max(map(e, looks), default=1) for e in (sequences.t_e_value, sequences.symmetry_e_value)]
    assert sequences.anytime_p_value(differences, first=first) == pytest.approx(min(1, 1 / min(best)))


@untimed
@given(values)
def test_another_seed_takes_no_evidence_back(differences: list[float]) -> None:
    """The anytime p never rises as seeds are added, and each look's is what only these differences give."""
    by_look = sequences.anytime_p_values(np.array(differences), first=1)
    assert (np.diff(by_look) <= 0).all()
    alone = [sequences.anytime_p_value(differences[:n], first=1) for n in range(1, len(differences) + 1)]
    assert by_look == pytest.approx(alone)


def test_many_certain_differences_are_no_overflow() -> None:
    """Evidence beyond what a float holds is infinite, and p is 0."""
    assert sequences.t_e_value(np.ones(400)) == math.inf
    assert sequences.anytime_p_value(np.ones(400), first=8) == pytest.approx(0, abs=1e-50)
