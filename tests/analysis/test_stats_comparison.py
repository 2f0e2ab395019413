"""Paired comparisons against SciPy, statsmodels and brute force."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from wncompare.analysis import contrasts, stats
from wncompare.analysis.stats import sequences, signs
from wncompare.analysis.stats.p_values import sign_flip_p_value

OURS = {0: 0.62, 1: 0.60, 2: 0.64, 3: 0.61, 4: 0.66, 5: 0.59, 6: 0.63}
REFERENCE = {0: 0.59, 1: 0.61, 2: 0.60, 3: 0.60, 4: 0.61, 5: 0.585, 6: 0.6}

untimed = settings(deadline=None, database=None)
accuracy = st.integers(5_000, 5_050).map(lambda count: count / 10_000) | st.just(-math.inf)
arms = st.dictionaries(st.integers(0, 9), st.tuples(accuracy, accuracy), max_size=8).map(
    lambda pairs: ({seed: pair[0] for seed, pair in pairs.items()}, {seed: pair[1] for seed, pair in pairs.items()})
)
Arms = tuple[dict[int, float], dict[int, float]]


def pairs(ours: dict[int, float], theirs: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Both arms of equal seeds as arrays."""
    return np.array([ours[seed] for seed in sorted(ours)]), np.array([theirs[seed] for seed in sorted(ours)])


def test_only_the_seeds_of_both_arms_are_paired() -> None:
    """Pairs come in the seeds' order, whatever the order of the runs; unpaired and missing (NaN) seeds are left out."""
    ours, theirs = stats.paired({7: 0.7, 2: 0.2, 5: math.nan, 3: 0.3}, {3: 0.33, 2: 0.22, 5: 0.5, 9: 0.9})
    assert (ours.tolist(), theirs.tolist()) == ([0.2, 0.3], [0.22, 0.33])


def test_the_difference_is_the_paired_t_test_s() -> None:
    """Mean difference and interval equal SciPy's paired t-test's."""
    ours, theirs = pairs(OURS, REFERENCE)
    low, high = scipy_stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    difference = stats.compare_pairs(OURS, REFERENCE).difference
    assert (difference.n, difference.mean) == (7, pytest.approx(np.mean(ours - theirs)))
    assert (difference.low, difference.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("n", [2, 3, 6, 10])
def test_the_sign_flip_test_counts_all_patterns(n: int) -> None:
    """The p-value is the share of sign patterns whose mean is at least as far from 0, ties on paper included."""
    ours, theirs = np.random.default_rng(n).integers((6003, 6000), 6009, size=(n, 2)).T  # whole, so that sums are exact
    sums = [abs(np.dot(signs, ours - theirs)) for signs in product((-1, 1), repeat=n)]
    expected = np.mean(np.array(sums) >= abs((ours - theirs).sum()))
    kept = [np.float32(correct / 10_000).astype(np.float64) for correct in (ours, theirs)]  # as a history keeps them
    assert sign_flip_p_value(kept[0] - kept[1], magnitude=stats.magnitude(kept)) == pytest.approx(expected)


def test_many_pairs_are_flipped_at_random() -> None:
    """Above 15 pairs the p-value is within Monte Carlo error of the normal limit, and a seed repeats it."""
    differences = np.random.default_rng(0).normal(0.1, 1, size=100)
    limit = 2 * scipy_stats.norm.sf(abs(differences.sum()) / np.sqrt((differences**2).sum()))
    repeated = sign_flip_p_value(differences, rng=np.random.default_rng(1))
    assert sign_flip_p_value(differences, rng=1) == repeated
    assert sign_flip_p_value(differences) == pytest.approx(limit, abs=0.01)


@pytest.mark.parametrize(("n", "smallest"), [(1, 1.0), (2, 0.5), (5, 0.0625), (6, 0.03125), (15, 2**-14)])
def test_few_pairs_cannot_reach_a_small_p(n: int, smallest: float) -> None:
    """The least p-value of n pairs is 2/2ⁿ, which n pairs with one clear winner have; five pairs stay above 5 %."""
    comparison = stats.compare_pairs({seed: 0.7 + seed / 100 for seed in range(n)}, dict.fromkeys(range(n), 0.6))
    assert comparison.smallest_p == smallest
    assert comparison.p_value == (pytest.approx(smallest) if n > 1 else pytest.approx(math.nan, nan_ok=True))


def test_random_flips_have_a_least_p_too() -> None:
    """Above 15 pairs the least p-value is what the random patterns can show."""
    comparison = stats.compare_pairs(dict.fromkeys(range(30), 0.7), dict.fromkeys(range(30), 0.6))
    assert comparison.p_value == pytest.approx(comparison.smallest_p)
    assert comparison.smallest_p == pytest.approx(2 / (2**15 + 1))


def test_equal_arms_differ_by_nothing() -> None:
    """Arms with the same values tie on every seed: p is 1, the probability of improvement one half."""
    comparison = stats.compare_pairs(OURS, OURS, smallest_difference=0.01)
    assert (comparison.wins, comparison.ties, comparison.losses) == (0, 7, 0)
    assert (comparison.difference.mean, comparison.p_value, comparison.equivalence) == (0.0, 1.0, "equivalent")
    assert comparison.probability_of_improvement.mean == 0.5


@untimed
@given(arms)
def test_the_probability_of_improvement_is_mann_and_whitney_s(both: Arms) -> None:
    """It is SciPy's U over n², ties and diverged runs included, and lies within its interval."""
    ours, theirs = pairs(*both)
    estimate = stats.compare_pairs(*both).probability_of_improvement
    n = len(ours)
    if n == 0:
        assert math.isnan(estimate.mean)
        return
    assert estimate.mean == pytest.approx(scipy_stats.mannwhitneyu(ours, theirs).statistic / n**2)
    assert n == 1 or 0 <= estimate.low <= estimate.mean <= estimate.high <= 1


@pytest.mark.parametrize("shift", [-6.0, -2.0, 0.0, 0.5, 3.0, 6.0])
def test_newcombe_s_interval_is_the_roots_of_a_polynomial(shift: float) -> None:
    """Multiplied out, (p − θ)² = z² V(θ) is of fourth degree; its roots in [0, 1] are the bounds (Newcombe 2006)."""
    n, z, theta = 6, scipy_stats.norm.ppf(0.975), Polynomial([0, 1])
    estimate = stats.compare_pairs(
        {s: s + shift for s in range(n)}, {s: s + 0.5 for s in range(n)}
    ).probability_of_improvement
    poles = (2 - theta) * (1 + theta)
    spread = poles + (n - 1) * ((1 - theta) * (1 + theta) + theta * (2 - theta))
    roots = (n**2 * (estimate.mean - theta) ** 2 * poles - z**2 * theta * (1 - theta) * spread).roots()
    inside = [root.real for root in roots if -1e-9 <= root.real <= 1 + 1e-9]
    assert (estimate.low, estimate.high) == (pytest.approx(min(inside), abs=1e-7), pytest.approx(max(inside), abs=1e-7))


def test_a_clear_winner_is_not_certain() -> None:
    """Where every run of one arm beats all of the other's, the interval still has a width, smaller with more seeds."""
    lows = []
    for n in (2, 5, 10, 20):
        comparison = stats.compare_pairs(dict.fromkeys(range(n), 0.7), dict.fromkeys(range(n), 0.6))
        assert (comparison.probability_of_improvement.mean, comparison.probability_of_improvement.high) == (1, 1)
        lows.append(comparison.probability_of_improvement.low)
    assert lows == sorted(lows)
    assert 0.3 < lows[0] < lows[-1] < 0.95


@untimed
@given(arms)
def test_swapped_arms_mirror_the_comparison(both: Arms) -> None:
    """Seen from the reference, differences and probabilities are mirrored, and what has no direction stays."""
    ours, theirs = both
    there = stats.compare_pairs(ours, theirs, smallest_difference=0.001)
    back = stats.compare_pairs(theirs, ours, smallest_difference=0.001)
    assert (back.n, back.wins, back.ties, back.losses) == (there.n, there.losses, there.ties, there.wins)
    near = {"nan_ok": True, "abs": 1e-9}
    assert bounds(back.difference) == pytest.approx(tuple(-b for b in bounds(there.difference, turned=True)), **near)
    turned = tuple(1 - b for b in bounds(there.probability_of_improvement, turned=True))
    assert bounds(back.probability_of_improvement) == pytest.approx(turned, **near)
    assert (back.p_value, back.detectable) == pytest.approx((there.p_value, there.detectable), **near)
    assert (back.smallest_p, back.equivalence) == (pytest.approx(there.smallest_p, **near), there.equivalence)


@untimed
@given(arms, st.integers(-1000, 1000), st.sampled_from([0.1, 1.0, 7.0]))
def test_a_comparison_needs_no_unit(both: Arms, shift: int, scale: float) -> None:
    """In another unit, with the same margin, differences are scaled and everything else is as it was."""
    there = stats.compare_pairs(*both, smallest_difference=0.001)
    moved = ({seed: scale * (value + shift / 10_000) for seed, value in arm.items()} for arm in both)
    here = stats.compare_pairs(*moved, smallest_difference=scale * 0.001)
    near = {"nan_ok": True, "abs": 1e-9}
    assert bounds(here.difference) == pytest.approx(tuple(scale * b for b in bounds(there.difference)), **near)
    assert (here.detectable, here.p_value) == pytest.approx((scale * there.detectable, there.p_value), **near)
    assert here.smallest_p == pytest.approx(there.smallest_p, nan_ok=True)


@untimed
@given(arms, st.permutations(range(10)))
def test_the_names_of_seeds_are_nothing(both: Arms, names: list[int]) -> None:
    """Seeds with other names, and so in another order, compare alike."""
    there = stats.compare_pairs(*both, smallest_difference=0.001)
    here = stats.compare_pairs(
        *({names[s]: value for s, value in arm.items()} for arm in both), smallest_difference=0.001
    )
    near = {"nan_ok": True, "abs": 1e-9}
    assert bounds(here.difference) == pytest.approx(bounds(there.difference), **near)
    assert here.probability_of_improvement.mean == pytest.approx(there.probability_of_improvement.mean, **near)
    assert (here.p_value, here.detectable) == pytest.approx((there.p_value, there.detectable), **near)
    assert (here.wins, here.ties, here.losses) == (there.wins, there.ties, there.losses)


def test_what_float32_cannot_tell_apart_is_a_tie() -> None:
    """Differences of 1e-9 are ties for wins, ranks, means and both tests alike; 1e-6 is none."""
    reference = dict.fromkeys(range(7), 0.6)
    for gate in (stats.Fixed(), stats.Looks(first=6, most=40)):
        tied = stats.compare_pairs(dict.fromkeys(range(7), 0.6 + 1e-9), reference, gate=gate)
        assert (tied.wins, tied.ties, tied.losses) == (0, 7, 0)
        assert (tied.p_value, tied.sign_p_value, tied.difference.mean, tied.median.value) == (1, 1, 0, 0)
        assert tied.probability_of_improvement.mean == 0.5
    ahead = stats.compare_pairs(dict.fromkeys(range(7), 0.6 + 1e-6), reference)
    assert (ahead.wins, ahead.probability_of_improvement.mean, ahead.p_value) == (7, 1, pytest.approx(2 / 2**7))


@untimed
@given(st.lists(st.tuples(*[st.integers(0, 5_000)] * 3), min_size=1, max_size=8))
@example([(2454, 2508, 2614)])  # whose roundings add up to 1.4 times float32's resolution of the largest
def test_an_interaction_of_nothing_is_a_tie(counts: list[tuple[int, int, int]]) -> None:
    """Four accuracies kept as float32 whose interaction is 0 on paper tie, however their roundings add up."""
    whole = {"a": [a for a, _, _ in counts], "b": [b for _, b, _ in counts], "c": [c for _, _, c in counts]}
    whole["d"] = [b + c - a for a, b, c in counts]
    values = {each: {s: float(np.float32(n / 10_000)) for s, n in enumerate(sums)} for each, sums in whole.items()}
    pairs = contrasts.paired({"a": 1, "b": -1, "c": -1, "d": 1}, values, dict.fromkeys("abcd", frozenset()))
    found = stats.compare_differences([each.difference for each in pairs.by_seed], magnitude=pairs.magnitude)
    assert (found.wins, found.ties, found.losses) == (0, len(counts), 0)


@untimed
@given(arms)
def test_where_lower_is_better_all_ranks_turn(both: Arms) -> None:
    """Of the same values with their sign changed, of which lower ones are better, pairs and ranks say the same."""
    ours, theirs = both
    there = stats.compare_pairs(ours, theirs)
    turned = ({seed: -value for seed, value in arm.items()} for arm in (ours, theirs))
    here = stats.compare_pairs(*turned, sign=-1)
    assert (here.wins, here.ties, here.losses) == (there.wins, there.ties, there.losses)
    assert bounds(here.probability_of_improvement) == pytest.approx(
        bounds(there.probability_of_improvement), nan_ok=True
    )
    near = {"nan_ok": True, "abs": 1e-9}
    assert here.difference.mean == pytest.approx(-there.difference.mean, **near)
    assert (here.p_value, here.sign_p_value) == pytest.approx((there.p_value, there.sign_p_value), **near)


@pytest.mark.parametrize("gate", [stats.Fixed(), stats.Fixed(tests=3), stats.Looks(8, 40), stats.Looks(8, 40, tests=3)])
def test_a_sum_of_variants_is_compared_as_a_pair_is(gate: stats.Gate) -> None:
    """Seed by seed differences give what the arms give, but for the probability of improvement, which needs arms."""
    ours, theirs = np.random.default_rng(0).normal((0.63, 0.6), 0.01, size=(12, 2)).T
    whole = stats.compare_pairs(dict(enumerate(ours)), dict(enumerate(theirs)), smallest_difference=0.01, gate=gate)
    found = stats.compare_differences(
        ours - theirs, magnitude=stats.magnitude(ours, theirs), smallest_difference=0.01, gate=gate
    )
    assert replace(found, probability_of_improvement=whole.probability_of_improvement) == whole
    assert math.isnan(found.probability_of_improvement.mean)
    assert found.effect == pytest.approx(scipy_stats.ttest_rel(ours, theirs).statistic / math.sqrt(12))


def test_looks_are_corrected_in_their_intervals() -> None:
    """With looks the interval is the confidence sequence at 5 % over the number of tests, and p is the martingales'."""
    by_pair = np.random.default_rng(1).normal(0.02, 0.01, size=20)
    found = stats.compare_differences(by_pair, magnitude=1, gate=stats.Looks(first=8, most=40, tests=4))
    assert found.difference == sequences.confidence_sequence(by_pair, alpha=0.0125)
    assert found.median == signs.median_sequence(by_pair, alpha=0.0125)
    assert found.p_value == sequences.anytime_p_value(by_pair, first=8)
    assert found.sign_p_value == signs.anytime_sign_p_value(by_pair, first=8)
    before = stats.compare_differences(by_pair[:7], magnitude=1, gate=stats.Looks(first=8, most=40))
    assert (before.p_value, before.smallest_p, before.sign_p_value, before.smallest_sign_p) == (1, 1, 1, 1)


def test_a_looked_at_difference_is_equivalent_by_its_90_percent_sequence() -> None:
    """The word falls where the 90 % sequence is within the smallest difference that matters, and not just the mean."""
    by_pair = np.resize([0.004, -0.004, 0.003, -0.003], 40)
    narrow = sequences.confidence_sequence(by_pair, alpha=0.1)
    for smallest, word in ((1.01 * narrow.high, "equivalent"), (0.99 * narrow.high, "undecided")):
        found = stats.compare_differences(by_pair, magnitude=1, smallest_difference=smallest, gate=stats.Looks(8, 40))
        assert found.equivalence == word


@untimed
@given(arms)
def test_one_pair_wins_is_what_the_sign_test_counts(both: Arms) -> None:
    """The sign test is of wins and losses, whatever the values, and two diverged runs are a tie."""
    found = stats.compare_pairs(*both)
    assert found.sign_p_value == signs.sign_test(found.wins, found.losses)
    assert found.wins + found.ties + found.losses == found.n


def test_ten_of_ten_diverged_runs_lose() -> None:
    """Where every run of one arm diverged and none of the other's, the mean is withheld and p of the pairs is 0.002."""
    found = stats.compare_pairs(dict.fromkeys(range(10), -math.inf), dict.fromkeys(range(10), 0.6))
    assert math.isnan(found.p_value)
    assert (found.sign_p_value, found.smallest_sign_p) == (pytest.approx(2 / 2**10), pytest.approx(2 / 2**10))
    assert (found.median.value, found.median.low, found.median.high) == (-math.inf,) * 3


def test_a_diverged_run_ranks_worst() -> None:
    """Means and what rests on them are withheld (NaN, None); ranks count a diverged run as lost, two as a tie."""
    comparison = stats.compare_pairs(
        {0: -math.inf, 1: 0.7, 2: -math.inf}, {0: 0.6, 1: 0.6, 2: -math.inf}, smallest_difference=1
    )
    assert (comparison.n, comparison.wins, comparison.ties, comparison.losses) == (3, 1, 1, 1)
    assert comparison.probability_of_improvement.mean == pytest.approx(4 / 9)  # 3 wins and 2 ties of 9
    assert np.isnan([*bounds(comparison.difference), comparison.p_value, comparison.detectable]).all()
    assert comparison.equivalence is None


@pytest.mark.parametrize("n", [0, 1])
def test_one_pair_gives_no_verdict(n: int) -> None:
    """With one pair or none there is no interval, no p-value and no verdict: NaN and None, never 0."""
    comparison = stats.compare_pairs(
        dict.fromkeys(range(n), 0.7), dict.fromkeys(range(n), 0.6), smallest_difference=0.01
    )
    improvement = comparison.probability_of_improvement
    withheld = [comparison.difference.low, comparison.p_value, comparison.detectable, improvement.low, improvement.high]
    assert np.isnan(withheld).all()
    assert comparison.equivalence is None


@untimed
@given(st.lists(st.integers(-60, 60), min_size=3, max_size=10, unique=True), st.integers(1, 80))
def test_equivalent_is_two_one_sided_tests(counts: list[int], margin: int) -> None:
    """It is said exactly where statsmodels's TOST rejects at 5 %, whether or not the difference is certain too."""
    differences = np.array(counts) / 10_000
    word = stats.compare_pairs(
        dict(enumerate(differences)), dict.fromkeys(range(len(counts)), 0.0), smallest_difference=margin / 10_000
    ).equivalence
    p_value, *_ = ttost_paired(differences, np.zeros(len(counts)), -margin / 10_000, margin / 10_000)
    assert (word == "equivalent") == (p_value < 0.05)


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        ([0.020, 0.021, 0.019, 0.020], "different"),
        ([-0.020, -0.021, -0.019, -0.020], "different"),
        ([0.001, -0.001, 0.002, -0.002], "equivalent"),
        ([0.002, 0.0021, 0.0019, 0.002], "equivalent"),  # certain, and too small to matter
        ([0.05, -0.04, 0.03, -0.02], "undecided"),
    ],
)
def test_the_word_for_a_difference(differences: list[float], word: str) -> None:
    """Against 0.01: different, too small to matter (though it be certain), or not known."""
    ours, reference = dict(enumerate(differences)), dict.fromkeys(range(4), 0.0)
    assert stats.compare_pairs(ours, reference, smallest_difference=0.01).equivalence == word


def test_no_word_without_a_smallest_difference() -> None:
    """Where the user has not said what matters, nothing is called equivalent."""
    assert stats.compare_pairs(OURS, REFERENCE).equivalence is None


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_holm_is_statsmodels_s(n: int) -> None:
    """Corrected p-values equal statsmodels's."""
    p_values = np.random.default_rng(n).beta(0.3, 2, size=n).round(2)  # with ties and zeros
    np.testing.assert_allclose(stats.holm(p_values), multipletests(p_values, method="holm")[1])


@untimed
@given(st.lists(st.floats(0, 1), max_size=8))
def test_a_correction_only_raises(p_values: list[float]) -> None:
    """Corrected p-values are between the raw ones and 1, and in the same order."""
    corrected = stats.holm(p_values)
    assert (corrected >= p_values).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p_values)]) >= 0).all()


def test_a_contrast_without_a_p_value_is_no_test() -> None:
    """NaN stays NaN, and the others are corrected as if it were not there."""
    np.testing.assert_allclose(stats.holm([0.01, math.nan, 0.04]), [0.02, math.nan, 0.04])
    assert np.isnan(stats.holm([math.nan])).all()
    assert stats.holm([]).shape == (0,)


def bounds(estimate: stats.Estimate, *, turned: bool = False) -> tuple[float, float, float]:
    """Mean, low and high; turned, the mean, high and low."""
    low, high = (estimate.high, estimate.low) if turned else (estimate.low, estimate.high)
    return estimate.mean, low, high
