"""The verdict on paired differences: by means or, where a run has collapsed or diverged, by pairs and medians alone.

A mean over runs of which one learned nothing says nothing about the typical run, and without that run it would be a
mean of the lucky ones. On either basis a verdict takes two things at once: a p-value below 5 %, corrected by Holm over
all that is judged together, and an interval that excludes 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

from wncompare.analysis import stats
from wncompare.analysis.estimates import Basis, Equivalence, Estimate, Quantile, centre
from wncompare.analysis.schema import Outcome, SeedDifference
from wncompare.analysis.stats import Fixed, Looks, PairedComparison
from wncompare.analysis.stats.signs import median_difference, median_sequence
from wncompare.config import Config

ALPHA = 0.05


@dataclass(frozen=True)
class Paired:
    """What is judged: differences by seed, in the order of the looks, and on which basis.

    `magnitude` is half the largest finite Σ |weight · value| of a difference: it says how exact the difference is.
    """

    by_seed: tuple[SeedDifference, ...]
    magnitude: float
    basis: Basis


@dataclass(frozen=True)
class Judged:
    """What the statistics say of the differences, and the verdict in a word.

    The p-values are those of the `basis`; `p_holm` is corrected over all that was judged together, the `smallest` are
    what so many pairs can reach. `few_decide` is where wins and losses contradict the verdict on the mean. Where
    medians are the basis, `found` has no mean, no effect and nothing that is detectable.
    """

    basis: Basis
    found: PairedComparison
    p_value: float
    smallest_p: float
    p_holm: float
    smallest_p_holm: float
    equivalence: Equivalence | None
    few_decide: bool
    outcome: Outcome

    @property
    def interval(self) -> tuple[float, float, float]:
        """The mean difference or, where medians are the basis, the median one, with its bounds."""
        found = centre(self.basis, self.found.difference, self.found.median)
        return found.mean, found.low, found.high


def gate_of(config: Config) -> Fixed | Looks:
    """How the config's seeds are looked at: all at once or, until all is settled, from some number on."""
    return Fixed() if config.until is None else Looks(config.until.first, config.until.most)


def judged(
    pairs: Sequence[Paired], gate: Fixed | Looks, *, sign: int = 1, smallest_difference: float | None = None
) -> list[Judged]:
    """Judge differences together; `sign` is 1 where higher values are better, −1 where lower ones are.

    Differences and medians have their own sign; wins, losses and the verdict are in terms of what is better.
    """
    gate = replace(gate, tests=max(sum(len(pair.by_seed) > 1 for pair in pairs), 1))
    found = [_compared(pair, gate, sign, smallest_difference) for pair in pairs]
    holm = stats.holm([each.p_value for each in found]).tolist()
    attainable = stats.holm([nan if isnan(each.p_value) else each.smallest_p for each in found]).tolist()
    corrected = (
        replace(each, p_holm=p, smallest_p_holm=least) for each, p, least in zip(found, holm, attainable, strict=True)
    )
    return [_worded(each, gate.tests) for each in corrected]


def _compared(pair: Paired, gate: Fixed | Looks, sign: int, smallest: float | None) -> Judged:
    """The statistics of the differences before correction."""
    values = [each.difference for each in pair.by_seed]
    found = stats.compare_differences(
        values, magnitude=pair.magnitude, sign=sign, smallest_difference=smallest, gate=gate
    )
    if pair.basis == "mean":
        p_values, word = (found.p_value, found.smallest_p), found.equivalence
    else:
        p_values = (found.sign_p_value, found.smallest_sign_p) if found.n > 1 else (nan, nan)
        word = _equivalent_medians(values, found.median, gate, smallest)
        withheld = Estimate(found.n, nan, nan, nan)
        found = replace(found, difference=withheld, effect=nan, detectable=nan, equivalence=None)
    return Judged(pair.basis, found, *p_values, nan, nan, word, few_decide=False, outcome="nothing")


def _equivalent_medians(
    values: Sequence[float], median: Quantile, gate: Fixed | Looks, smallest: float | None
) -> Equivalence | None:
    """Whether the median's 90 % interval lies within ±smallest, or else its 95 % interval excludes 0."""
    if smallest is None or isnan(median.low):
        return None
    narrow = (
        median_sequence(values, alpha=2 * ALPHA / gate.tests)
        if isinstance(gate, Looks)
        else median_difference(values, confidence=1 - 2 * ALPHA)
    )
    if -smallest < narrow.low and narrow.high < smallest:
        return "equivalent"
    return "different" if median.low > 0 or median.high < 0 else "undecided"


def _worded(judged: Judged, tests: int) -> Judged:
    judged = replace(judged, outcome=_outcome(judged))
    return replace(judged, few_decide=judged.basis == "mean" and _few_decide(judged, tests))


def _outcome(judged: Judged) -> Outcome:
    found, (_, low, high) = judged.found, judged.interval
    if found.n == 0:
        return "nothing"
    if found.n == 1:
        return "one pair"
    if found.ties == found.n:
        return "equal"
    if judged.smallest_p_holm >= ALPHA:
        return "too few"
    if judged.p_holm < ALPHA and low > 0:
        return "better" if found.sign > 0 else "worse"
    if judged.p_holm < ALPHA and high < 0:
        return "worse" if found.sign > 0 else "better"
    return "equivalent" if judged.equivalence == "equivalent" else "not told from noise"


def _few_decide(judged: Judged, tests: int) -> bool:
    """Whether the mean is clear and the median is not on its side, or wins and losses are clear and the mean is not."""
    found, mean = judged.found, judged.found.difference.mean
    if judged.outcome in ("better", "worse"):
        return mean * found.median.value <= 0
    return found.sign_p_value * tests < ALPHA and (
        judged.outcome == "not told from noise" or found.sign * (found.wins - found.losses) * mean <= 0
    )
