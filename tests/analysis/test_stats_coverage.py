"""By simulation: intervals cover, verdicts err and find as often as they say; benchmarks/coverage.py has the whole."""

import numpy as np
import pytest

from benchmarks import coverage, draws, gates, intervals, studies
from wncompare.analysis import stats
from wncompare.analysis.stats.p_values import sign_flip_p_value
from wncompare.analysis.stats.paired import probability_of_improvement
from wncompare.analysis.stats.sequences import confidence_sequence
from wncompare.analysis.stats.signs import median_sequence, sign_test

SEEDS = pytest.mark.parametrize("n", [5, 10, 20])
NOISE = pytest.mark.parametrize("draw", studies.SYMMETRIC.values(), ids=studies.SYMMETRIC)
NORMAL = studies.SYMMETRIC["normal"]


@SEEDS
def test_the_t_interval_covers_95_percent(n: int) -> None:
    """Of normal values the interval has the mean in it in 95 % ± 2 of 1500 trials."""
    assert intervals.rate(intervals.mean_is_covered(draws.normal), n, 1500) == pytest.approx(0.95, abs=0.02)


@SEEDS
def test_it_covers_differences_of_skewed_arms(n: int) -> None:
    """Of differences of arms with exponential noise too: they are symmetric, with heavy tails."""
    rate = intervals.rate(intervals.mean_is_covered(draws.differences(draws.exponential)), n, 1500)
    assert rate == pytest.approx(0.95, abs=0.02)


def test_it_covers_less_of_very_skewed_values() -> None:
    """The limit that the documentation states: at n = 5, exponential values are covered in 86 to 91 %."""
    assert 0.86 < intervals.rate(intervals.mean_is_covered(draws.exponential), 5, 1500) < 0.91


@SEEDS
def test_equivalent_is_wrong_in_5_percent(n: int) -> None:
    """Where the difference just matters, it is called equivalent in at most 5 % + 2 of 1500 trials."""
    assert intervals.rate(intervals.is_called("equivalent", intervals.MARGIN), n, 1500) <= 0.07


@SEEDS
def test_newcombe_s_interval_covers_95_percent(n: int) -> None:
    """The probability of improvement is in its interval in at least 95 % − 2 of 1000 trials, also near 1."""
    trial = intervals.improvement_is_covered(0.95, probability_of_improvement)
    assert intervals.rate(trial, n, 1000) >= 0.93


@pytest.mark.slow
def test_the_median_s_interval_covers_what_is_published() -> None:
    """With 30 % misses, the bootstrap interval has the median time in it in at least 90 % of 300 trials at n = 10."""
    assert intervals.rate(intervals.median_is_covered(missing=0.3), 10, 300) >= 0.9


@pytest.mark.parametrize("n", [8, 12, 20])
def test_the_simulated_gate_is_the_one_that_is_used(n: int) -> None:
    """Many experiments at once have the p-values that the library gives each, 1 where Student's interval has 0."""
    many = np.random.default_rng(n).normal(0.6, 1, (12, n))
    one_by_one = np.array([sign_flip_p_value(row) for row in many])
    excluded = [abs(stats.mean_interval(row).mean) > np.ptp(bounds(stats.mean_interval(row))) / 2 for row in many]
    assert gates.sign_flip(many) == pytest.approx(one_by_one, abs=1e-12 if n <= 15 else 0.01)
    assert (gates.at_once(many) == np.where(excluded, gates.sign_flip(many), 1)).all()
    signs = [sign_test(int((row > 0).sum()), int((row < 0).sum())) for row in many]
    assert gates.signs_at_once(many) == pytest.approx(signs)


def test_the_simulated_looks_are_the_ones_that_are_used() -> None:
    """At each look of two contrasts they have the library's p, 1 where its interval has 0."""
    many = np.random.default_rng(2).normal(0.8, 1, (2, 20))
    found = gates.with_looks(many)
    for n in range(8, 21):
        gate = stats.Looks(first=8, most=20, tests=2)
        given = [stats.compare_differences(row[:n], magnitude=1, gate=gate) for row in many]
        expected = [each.p_value if np.prod(bounds(each.difference)) > 0 else 1 for each in given]
        assert found[:, n - 8] == pytest.approx(expected)
    assert found.min() < 0.05 < found.max()


def test_the_simulated_intervals_are_the_ones_that_are_used() -> None:
    """Whether 0 is covered, look by look, is what the library's intervals of the first n say."""
    values = np.random.default_rng(0).normal(0.5, 1, 30)
    covered = zip(
        gates.sequence_covers(values), gates.student_covers(values), gates.median_sequence_covers(values), strict=True
    )
    for n, found in list(enumerate(covered, start=1))[7:]:
        given = (confidence_sequence(values[:n]), stats.mean_interval(values[:n]), median_sequence(values[:n]))
        assert found == tuple(bounds(each)[0] <= 0 <= bounds(each)[1] for each in given)


@NOISE
def test_verdicts_at_every_look_are_wrong_in_5_percent_at_most(draw: draws.Draw) -> None:
    """Without a difference, looks from 8 to 40 give 600 experiments a verdict in at most 5 %, and over 3 contrasts."""
    for contrasts in (1, 3):
        assert gates.wrong(gates.with_looks, draw, contrasts, 40, 600).mean() <= 0.05


@NOISE
@pytest.mark.parametrize("n", [10, 40])
def test_verdicts_at_once_are_wrong_in_5_percent_at_most(draw: draws.Draw, n: int) -> None:
    """Without a difference, a fixed number of pairs gives 1000 experiments a verdict in at most 5 % + 2, with Holm."""
    for contrasts in (1, 3):
        assert gates.wrong(gates.at_once, draw, contrasts, n, 1000).mean() <= 0.07


def test_holm_is_needed() -> None:
    """Of three contrasts without a difference any is below 5 % in more than 8 % of experiments, uncorrected."""
    differences = NORMAL(np.random.default_rng(0), (1500, 3, 10))
    assert (gates.at_once(differences) < 0.05).any(axis=1).mean() > 0.08


def test_tests_for_a_fixed_number_are_wrong_when_pairs_are_added() -> None:
    """Asked after every pair from 6 to 40, they find something in 18 to 28 % of experiments without a difference."""
    assert 0.18 < gates.added_one_by_one(NORMAL, 600).mean() < 0.28


@pytest.mark.parametrize("draw", studies.MEDIAN_0.values(), ids=studies.MEDIAN_0)
def test_the_sign_gates_are_wrong_in_5_percent_at_most(draw: draws.Draw) -> None:
    """Of differences with a median of 0, skewed or not, signs give a verdict in at most 5 % + 1, looks included."""
    for gate, n in ((gates.signs_at_once, 10), (gates.signs_at_once, 40), (gates.signs_with_looks, 40)):
        assert gates.wrong(gate, draw, 1, n, 2000).mean() <= 0.06


def test_very_skewed_differences_are_called_wrongly() -> None:
    """The limit that the documentation states: log-normal ones of mean 0 have a verdict in 10 to 22 % by looks."""
    assert 0.1 < gates.wrong(gates.with_looks, draws.lognormal, 1, 40, 600).mean() < 0.22


@pytest.mark.parametrize(("effect", "share", "pairs"), [(0.5, 0.54, 32), (0.8, 0.96, 20), (1.0, 0.998, 15)])
def test_looks_end_as_soon_as_they_say(effect: float, share: float, pairs: int) -> None:
    """Of 600 experiments with that effect, so many are settled by the 40th pair, after so many pairs on average."""
    settled, ended = gates.stops(effect, 600)
    assert settled.mean() == pytest.approx(share, abs=0.06)
    assert ended.mean() == pytest.approx(pairs, abs=1.5)


def test_collapsed_runs_do_not_make_a_verdict() -> None:
    """Where one run in ten collapses, of both arms or of one whose medians are equal, pairs are wrong in 5 % + 1."""
    for lift, both in ((0.0, True), (studies.EQUAL_MEDIANS, False)):
        by_pair, collapsed = gates.collapsing(np.random.default_rng(0), (2000, 1, 40), lift=lift, both=both)
        for n in (10, 40):
            at_once = gates.judged_by_pairs_where_runs_collapsed(by_pair[..., :n], collapsed[..., :n])
            assert gates.any_verdict(at_once).mean() <= 0.06
        assert gates.any_verdict(gates.judged_by_pairs_with_looks(by_pair, collapsed)).any(axis=1).mean() <= 0.05
    assert gates.any_verdict(gates.at_once(by_pair)).mean() > 0.25  # the mean, which one arm's collapse does move


def test_equivalent_at_any_look_is_wrong_in_5_percent_at_most() -> None:
    """Where the difference just matters, looks call it equivalent in at most 5 %; where there is none, in most."""
    assert gates.called_equivalent(0.8, 0.8, 1000).mean() <= 0.05
    assert gates.called_equivalent(0.0, 0.8, 1000).mean() > 0.9


def test_real_runs_of_one_network_do_not_differ() -> None:
    """Forty published runs, split into two arms 400 times, give a verdict in at most 5 % + 3, by looks in 5 %."""
    accuracies = studies.published_accuracies()
    assert len(accuracies) == 40
    split = gates.split_at_random(accuracies, 400)
    for gate, most in ((gates.at_once, 0.08), (gates.signs_at_once, 0.08), (gates.with_looks, 0.05)):
        assert gates.any_verdict(gate(split)).reshape(400, -1).any(axis=1).mean() <= most


def test_a_study_has_its_monte_carlo_error() -> None:
    """A share's is that of a binomial, a mean's that of its values; every study of the tables runs."""
    yes = np.array([True] * 25 + [False] * 75)
    assert coverage.summarized(yes) == {"value": 0.25, "error": pytest.approx(0.0433, abs=1e-4), "is_share": True}
    assert coverage.summarized(np.array([1, 3])) == {
        "value": 2.0,
        "error": pytest.approx(0.7071, abs=1e-4),
        "is_share": False,
    }
    for study in studies.STUDIES:
        assert all(len(cell(2)) == 2 for cell in study.columns.values())


def bounds(interval: stats.Estimate | stats.Quantile) -> tuple[float, float]:
    """Low and high."""
    return interval.low, interval.high
