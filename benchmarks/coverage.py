"""How often the statistics are right: simulated seeds with a known truth, and a Markdown table of what came out.

    python -m benchmarks.coverage [--repetitions 10000]

Takes about 12 minutes on one core, most of it in the sign-flip tests. docs/statistics.md has the table.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, norm

from wncompare.analysis import stats
from wncompare.analysis.estimates import Estimate, Quantile
from wncompare.analysis.stats.means import equivalence
from wncompare.analysis.stats.p_values import sign_flip_p_value
from wncompare.analysis.stats.paired import probability_of_improvement
from wncompare.analysis.stats.power import detectable_effect

SEEDS = (5, 10, 20)
MARGIN = 1.0  # the smallest difference that matters, in standard deviations of a seed's difference

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
Trial = Callable[[np.random.Generator, int], bool]


@dataclass(frozen=True)
class Study:
    """A trial that draws n seeds and says yes or no, and the share of yes that is right."""

    name: str
    expected: str
    trial: Trial
    cost: int = 1  # repetitions are divided by it


def rate(trial: Trial, n: int, repetitions: int, seed: int = 0) -> float:
    """The share of yes in repeated trials of n seeds."""
    rng = np.random.default_rng(seed)
    return float(np.mean([trial(rng, n) for _ in range(repetitions)]))


# What seeds are drawn from: each with its mean, or difference, 0.


def normal(rng: np.random.Generator, n: int) -> Array:
    """Standard normal values."""
    return rng.standard_normal(n)


def gumbel(rng: np.random.Generator, n: int) -> Array:
    """Skewed values: skewness 1.14, mean 0."""
    return rng.gumbel(size=n) - np.euler_gamma


def exponential(rng: np.random.Generator, n: int) -> Array:
    """Very skewed values: skewness 2, mean 0."""
    return rng.exponential(size=n) - 1


def differences(draw: Draw, arms: int = 1) -> Callable[[np.random.Generator, int], Array]:
    """A function that draws (arms, n) differences of as many arms to one reference that equals them."""

    def draw_differences(rng: np.random.Generator, n: int) -> Array:
        reference = draw(rng, n)
        return np.array([draw(rng, n) - reference for _ in range(arms)])

    return draw_differences


def skewed_differences(rng: np.random.Generator, n: int) -> Array:
    """Differences of two arms with exponential noise."""
    return differences(exponential)(rng, n)[0]


def times(rng: np.random.Generator, n: int, missing: float) -> Array:
    """Log-normal times with a probability of a miss (infinite)."""
    return np.where(rng.random(n) < missing, np.inf, rng.lognormal(sigma=0.5, size=n))


# Trials.


def contains(interval: Estimate | Quantile, truth: float) -> bool:
    """Whether the interval has the truth in it."""
    return interval.low <= truth <= interval.high


def mean_is_covered(draw: Draw) -> Trial:
    """The Student-t interval has the mean in it."""
    return lambda rng, n: contains(stats.mean_interval(draw(rng, n)), 0)


def sign_flip(differences: Array, rng: np.random.Generator) -> float:
    """The test's p-value of differences."""
    return sign_flip_p_value(differences, rng=rng)


def sign_flip_rejects(draw: Draw) -> Trial:
    """The sign-flip test rejects at 5 %."""
    return lambda rng, n: sign_flip(draw(rng, n), rng) < 0.05


def any_rejects(correct: Callable[[list[float]], Array]) -> Trial:
    """At least one of three arms that equal the reference is called different at 5 %."""
    draw = differences(normal, arms=3)
    return lambda rng, n: bool(np.any(correct([sign_flip(row, rng) for row in draw(rng, n)]) < 0.05))


def median_is_covered(missing: float) -> Trial:
    """The bootstrap interval has the median time in it."""
    truth = float(np.exp(0.5 * norm.ppf(0.5 / (1 - missing))))
    return lambda rng, n: contains(stats.median_interval(times(rng, n, missing), rng=rng), truth)


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


def is_called(word: stats.Equivalence, difference: float) -> Trial:
    """The verdict is that word, where the mean difference is as given and `MARGIN` matters."""

    def trial(rng: np.random.Generator, n: int) -> bool:
        values = normal(rng, n) + difference
        return equivalence(stats.mean_interval(values, confidence=0.9), stats.mean_interval(values), MARGIN) == word

    return trial


def detectable_is_found(rng: np.random.Generator, n: int) -> bool:
    """The interval excludes 0 where the difference is the smallest that is detectable, given the true deviation 1."""
    return not contains(stats.mean_interval(normal(rng, n) + detectable_effect(n)), 0)


STUDIES = (
    Study("mean, t interval: normal values", "95 %", mean_is_covered(normal)),
    Study("mean, t interval: Gumbel values (skewness 1.1)", "95 %", mean_is_covered(gumbel)),
    Study("mean, t interval: exponential values (skewness 2)", "95 %", mean_is_covered(exponential)),
    Study("mean difference, t interval: arms with exponential noise", "95 %", mean_is_covered(skewed_differences)),
    Study("sign-flip test, no difference: normal", "≤ 5 %", sign_flip_rejects(normal), cost=4),
    Study(
        "sign-flip test, no difference: arms with exponential noise", "≤ 5 %", sign_flip_rejects(skewed_differences), 4
    ),
    Study("any of three contrasts, no difference: uncorrected", "–", any_rejects(np.asarray), cost=20),
    Study("any of three contrasts, no difference: Holm", "≤ 5 %", any_rejects(stats.holm), cost=20),
    Study("t interval excludes 0 at the detectable difference", "80 %", detectable_is_found),
    Study("median time, bootstrap", "95 %", median_is_covered(missing=0), cost=5),
    Study("median time, bootstrap: 30 % of runs miss", "95 %", median_is_covered(missing=0.3), cost=5),
    Study("ratio of median times, bootstrap: 10 % miss", "95 %", ratio_of_medians_is_covered, cost=5),
    *(
        Study(
            f"probability of improvement {truth}, {name}", "95 %", improvement_is_covered(truth, interval, shared), cost
        )
        for truth in (0.5, 0.75, 0.95)
        for name, interval, shared, cost in (
            ("Newcombe", probability_of_improvement, 0.0, 2),
            ("Newcombe, seeds half the variance", probability_of_improvement, 0.5, 2),
            ("bootstrap (not used)", bootstrapped_improvement, 0.0, 20),
        )
    ),
    Study("called equivalent, the difference just matters", "≤ 5 %", is_called("equivalent", MARGIN)),
    Study("called equivalent, no difference", "–", is_called("equivalent", 0)),
    Study("called different, no difference", "≤ 5 %", is_called("different", 0)),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=10_000)
    repetitions = parser.parse_args().repetitions
    print("| what | should be | " + " | ".join(f"n = {n}" for n in SEEDS) + " | repetitions |")
    print("|---|---:|" + "---:|" * (len(SEEDS) + 1))
    for study in STUDIES:
        count = repetitions // study.cost
        rates = [f"{100 * rate(study.trial, n, count):.1f} %" for n in SEEDS]
        print(f"| {study.name} | {study.expected} | {' | '.join(rates)} | {count} |", flush=True)


if __name__ == "__main__":
    main()
