"""How often verdicts are wrong and how soon they come: thousands of simulated experiments at once, with a known truth.

Differences are (experiments, contrasts, n). A p-value of 1 says that a gate is shut for good; a verdict is a p-value
below 5 % after Holm's correction. `python -m benchmarks.coverage` runs these and writes the tables.
"""

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from scipy.stats import t as student_t

from benchmarks.draws import Array, Draw
from wncompare.analysis.stats.sequences import anytime_p_values, log_t_e_values
from wncompare.analysis.stats.signs import anytime_sign_p_values, log_sign_e_values

ALPHA = 0.05
FIRST, MOST = 8, 40
CHUNK = 1000

Rejects = NDArray[np.bool_]


def at_once(differences: Array) -> Array:
    """The sign-flip test's p-value where Student's interval excludes 0, else 1: differences (…, n) give (…)."""
    rows = differences.reshape(-1, differences.shape[-1])
    p_values = np.ones(len(rows))
    clear = np.flatnonzero(np.abs(t_statistic(rows)) > student_t.isf(ALPHA / 2, rows.shape[-1] - 1))
    for some in np.array_split(clear, len(clear) // CHUNK + 1):
        p_values[some] = sign_flip(rows[some])
    return p_values.reshape(differences.shape[:-1])


def with_looks(differences: Array, first: int = FIRST) -> Array:
    """The anytime p-value at each look, 1 where the confidence sequence at 5 % over the contrasts has 0 in it.

    Differences (…, contrasts, n) give (…, contrasts, looks).
    """
    rows = differences.reshape(-1, differences.shape[-1])
    chunks = np.array_split(rows, len(rows) // CHUNK + 1)
    p_values = np.concatenate([anytime_p_values(some, first=first) for some in chunks])
    excluded = log_t_e_values(rows)[:, first - 1 :] >= np.log(differences.shape[-2] / ALPHA)
    return np.where(excluded, p_values, 1).reshape(*differences.shape[:-1], -1)


def signs_at_once(differences: Array) -> Array:
    """The sign test's p-value: (…, n) give (…)."""
    wins, losses = (differences > 0).sum(axis=-1), (differences < 0).sum(axis=-1)
    return np.minimum(1, 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5))


def signs_with_looks(differences: Array, first: int = FIRST) -> Array:
    """The sign martingale's p-value at each look: (…, n) give (…, looks)."""
    return anytime_sign_p_values(differences, first=first)


def t_statistic(differences: Array) -> Array:
    """Student's."""
    n = differences.shape[-1]
    return np.sqrt(n) * differences.mean(axis=-1) / differences.std(axis=-1, ddof=1)


def sign_flip(rows: Array) -> Array:
    """The sign-flip test's p-value of many rows (rows, n): all patterns up to n = 15, else 2¹⁴ random ones."""
    signs, more = _patterns(rows.shape[-1])
    far = np.abs(rows @ signs.T) >= np.abs(rows.sum(axis=-1, keepdims=True)) * (1 - 1e-12)
    return (far.sum(axis=-1) + more) / (len(signs) + more)


@cache
def _patterns(n: int) -> tuple[Array, int]:
    """Signs (patterns, n), and how often the observed pattern is counted in besides."""
    if n <= 15:
        return np.array([(1.0, *signs) for signs in product((1.0, -1.0), repeat=n - 1)]), 0
    return np.random.default_rng(0).choice((-1.0, 1.0), size=(2**14, n)), 1


def any_verdict(p_values: Array) -> Rejects:
    """Whether Holm's correction leaves any p below 5 %: (experiments, contrasts, …) give (experiments, …)."""
    return p_values.shape[1] * p_values.min(axis=1) < ALPHA


def wrong(gate: Callable[[Array], Array], draw: Draw, contrasts: int, n: int, experiments: int) -> Rejects:
    """Of so many experiments without a difference, which have any verdict, at any look: (experiments,)."""
    p_values = gate(draw(np.random.default_rng(0), (experiments, contrasts, n)))
    verdicts = any_verdict(p_values)
    return verdicts.reshape(experiments, -1).any(axis=1)


def stops(effect: float, experiments: int, most: int = MOST) -> tuple[Rejects, NDArray[np.int64]]:
    """Which experiments on one contrast are settled with looks, and after how many pairs each ends: (experiments,)."""
    verdicts = any_verdict(with_looks(np.random.default_rng(0).normal(effect, 1, (experiments, 1, most))))
    return verdicts.any(axis=1), np.where(verdicts.any(axis=1), verdicts.argmax(axis=1) + FIRST, most)


def called_equivalent(effect: float, smallest_difference: float, experiments: int, most: int = MOST) -> Rejects:
    """Which experiments have a 90 % sequence within ±smallest_difference at any look: (experiments,)."""
    differences = np.random.default_rng(0).normal(effect, 1, (experiments, most))
    ends = [
        log_t_e_values(differences - end) >= -np.log(2 * ALPHA) for end in (-smallest_difference, smallest_difference)
    ]
    n = np.arange(1, most + 1)
    is_inside = np.abs(np.cumsum(differences, axis=-1) / n) < smallest_difference
    return (is_inside & ends[0] & ends[1])[:, FIRST - 1 :].any(axis=1)


def added_one_by_one(draw: Draw, experiments: int, first: int = 6, most: int = MOST) -> Rejects:
    """Which experiments without a difference ever have a verdict of the tests for a fixed number, asked at every n."""
    differences = draw(np.random.default_rng(0), (experiments, 1, most))[:, 0]
    found = np.zeros(experiments, bool)
    for n in range(first, most + 1):
        still = np.flatnonzero(~found)
        found[still] = at_once(differences[still, :n]) < ALPHA
    return found


# Which intervals hold a truth of 0, look by look: differences (…, n) give (…, n).


def sequence_covers(differences: Array) -> Rejects:
    """The mean's confidence sequence: 0 is in it while the e-value is below 1/α."""
    return log_t_e_values(differences) < -np.log(ALPHA)


def student_covers(differences: Array) -> Rejects:
    """Student's interval."""
    n = np.arange(1, differences.shape[-1] + 1)
    means = np.cumsum(differences, axis=-1) / n
    variances = (np.cumsum(differences**2, axis=-1) - n * means**2) / np.maximum(n - 1, 1)
    half = student_t.isf(ALPHA / 2, np.maximum(n - 1, 1)) * np.sqrt(np.maximum(variances, 0) / n)
    return (np.abs(means) <= half) | (n == 1)


def median_sequence_covers(differences: Array) -> Rejects:
    """The median's confidence sequence."""
    return log_sign_e_values(differences) < -np.log(ALPHA)


# Collapse: an arm that learns nothing in one run of ten.

COLLAPSED = 0.1
DROP = 30.0
"""By how many standard deviations of a run a collapsed one is worse."""


def collapsing(rng: np.random.Generator, shape: tuple[int, ...], *, lift: float, both: bool) -> tuple[Array, Rejects]:
    """Differences of an arm that collapses, in which pairs a run has; lift is what the arm gains while it does not."""
    ours, theirs = (rng.random(shape) < (COLLAPSED if falls else 0) for falls in (True, both))
    differences = rng.normal(lift, np.sqrt(2), shape) - DROP * ours + DROP * theirs
    return differences, ours | theirs


def judged_by_pairs_where_runs_collapsed(differences: Array, collapsed: Rejects) -> Array:
    """The p-value of a fixed number of pairs: of signs where any run has collapsed, else of the mean."""
    return np.where(collapsed.any(axis=-1), signs_at_once(differences), at_once(differences))


def judged_by_pairs_with_looks(differences: Array, collapsed: Rejects) -> Array:
    """The same at each look: of signs from the look on at which any run has collapsed."""
    has = np.logical_or.accumulate(collapsed, axis=-1)[..., FIRST - 1 :]
    return np.where(has, signs_with_looks(differences), with_looks(differences))


# Real runs.


def split_at_random(values: Array, splits: int) -> Array:
    """Real runs (runs,), as often as asked paired at random into two arms of half of them: (splits, 1, runs / 2)."""
    rng = np.random.default_rng(0)
    shuffled = np.array([rng.permutation(values) for _ in range(splits)])
    ours, theirs = np.split(shuffled, 2, axis=1)
    return (ours - theirs)[:, np.newaxis]
