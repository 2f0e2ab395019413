"""Whether an interval or a word is right, in one simulated experiment of n seeds with a known truth.

`python -m benchmarks.coverage` repeats these and writes the tables.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap, norm

from benchmarks.draws import Array, Draw, normal, times
from wncompare.analysis import stats
from wncompare.analysis.estimates import Equivalence, Estimate, Quantile
from wncompare.analysis.stats.means import equivalence
from wncompare.analysis.stats.signs import median_difference

MARGIN = 1.0
"""The smallest difference that matters, in standard deviations of a seed's difference."""

Trial = Callable[[np.random.Generator, int], bool]


def repeated(trial: Trial, n: int, repetitions: int, seed: int = 0) -> Array:
    """Whether each of repeated trials of n seeds said yes."""
    rng = np.random.default_rng(seed)
    return np.array([trial(rng, n) for _ in range(repetitions)])


def rate(trial: Trial, n: int, repetitions: int, seed: int = 0) -> float:
    """The share of yes."""
    return float(repeated(trial, n, repetitions, seed).mean())


def contains(interval: Estimate | Quantile, truth: float) -> bool:
    """Whether the interval has the truth in it."""
    return interval.low <= truth <= interval.high


def mean_is_covered(draw: Draw) -> Trial:
    """The Student-t interval has the mean in it."""
    return lambda rng, n: contains(stats.mean_interval(draw(rng, n)), 0)


def median_is_covered(missing: float) -> Trial:
    """The bootstrap interval has the median time in it."""
    truth = float(np.exp(0.5 * norm.ppf(0.5 / (1 - missing))))
    return lambda rng, n: contains(stats.median_interval(times(rng, n, missing), rng=rng), truth)


def median_difference_is_covered(rng: np.random.Generator, n: int) -> bool:
    """The order statistics' interval has the median in it."""
    return contains(median_difference(normal(rng, n)), 0)


def share_is_covered(truth: float) -> Trial:
    """Clopper and Pearson's interval has the probability in it."""
    return lambda rng, n: contains(stats.clopper_pearson(int(rng.binomial(n, truth)), n), truth)


def ratio_of_medians_is_covered(rng: np.random.Generator, n: int) -> bool:
    """The bootstrap interval has 1 in it, where the arms take the same time and one run in ten misses."""
    ours, theirs = (dict(enumerate(times(rng, n, missing=0.1))) for _ in range(2))
    return contains(stats.ratio_of_medians(ours, theirs, rng=rng), 1)


def improvement_is_covered(truth: float, interval: Callable[[Array, Array], Estimate], shared: float = 0.0) -> Trial:
    """The interval has the probability of improvement in it; seeds share that part of the variance."""
    shift = np.sqrt(2) * norm.ppf(truth)

    def trial(rng: np.random.Generator, n: int) -> bool:
        common = np.sqrt(shared) * normal(rng, n)
        ours, theirs = (common + np.sqrt(1 - shared) * normal(rng, n) for _ in range(2))
        return contains(interval(ours + shift, theirs), truth)

    return trial


def bootstrapped_improvement(ours: Array, theirs: Array) -> Estimate:
    """The probability of improvement with the percentile bootstrap interval over seeds that is not used, and why."""

    def probability(x: Array, y: Array) -> float:
        return float(np.greater.outer(x, y).mean())

    low, high = bootstrap(
        (ours, theirs), probability, paired=True, vectorized=False, method="percentile", n_resamples=499, rng=0
    ).confidence_interval
    return Estimate(len(ours), probability(ours, theirs), low, high)


def is_called(word: Equivalence, difference: float) -> Trial:
    """The verdict is that word, where the mean difference is as given and `MARGIN` matters."""

    def trial(rng: np.random.Generator, n: int) -> bool:
        values = normal(rng, n) + difference
        return equivalence(stats.mean_interval(values, confidence=0.9), stats.mean_interval(values), MARGIN) == word

    return trial
