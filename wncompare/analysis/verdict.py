"""The verdict in words, with the numbers it stands on; what was not found is not said to be absent."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, isfinite, isnan, log2
from typing import Protocol

from wncompare.analysis.arms import Arm
from wncompare.analysis.estimates import Estimate
from wncompare.analysis.schema import Comparison, ContrastSummary, Outcome
from wncompare.analysis.stats import PairedComparison
from wncompare.analysis.words import counted, metric_name, p, signed

ALPHA = 0.05
MOST_NAMED = 4
"""With more contrasts than these the verdict counts them."""


class Found(Protocol):
    """A paired difference with its verdict: of two variants, or of one variant in two folders."""

    @property
    def outcome(self) -> Outcome:
        """The verdict in a word."""

    @property
    def n(self) -> int:
        """The number of pairs."""

    @property
    def difference(self) -> Estimate:
        """The mean difference."""

    @property
    def p_value(self) -> float:
        """The test's."""

    @property
    def p_holm(self) -> float:
        """The same, corrected."""


def outcome(found: PairedComparison, p_holm: float, smallest_p_holm: float) -> Outcome:
    """The verdict on a paired difference in a word; both p-values are corrected, `smallest_p_holm` is attainable.

    A difference is clear where the p-value is below 5 % and the interval excludes zero.
    """
    if found.n == 0:
        return "nothing"
    if isnan(found.difference.mean):
        return "diverged"
    if found.n == 1:
        return "one pair"
    if found.ties == found.n:
        return "equal"
    if smallest_p_holm >= ALPHA:
        return "too few"
    if p_holm < ALPHA and found.difference.low > 0:
        return "better" if found.sign > 0 else "worse"
    if p_holm < ALPHA and found.difference.high < 0:
        return "worse" if found.sign > 0 else "better"
    return "equivalent" if found.equivalence == "equivalent" else "not told from noise"


def worded(
    contrast: ContrastSummary,
    variant: Arm,
    reference: Arm,
    smallest_difference: float | None,
    tests: int,
) -> ContrastSummary:
    """The contrast with its sentence: what was found, its numbers, what it cost; `tests` were corrected together."""
    metric = metric_name(variant.headline_metric.name)
    found = _finding(contrast, variant, reference, metric, smallest_difference, tests)
    return replace(contrast, sentence=f"{found}{_cost(contrast.step_ratio)}.")


def _cost(ratio: Estimate) -> str:
    if not isfinite(ratio.mean):
        return ""
    sessions = counted(ratio.n, "session")
    interval = f"{ratio.low:.2f} to {ratio.high:.2f} over {sessions}" if isfinite(ratio.high) else f"in {sessions}"
    return f"; a training step takes {ratio.mean:.2f} times as long ({interval})"


def _finding(
    contrast: ContrastSummary,
    variant: Arm,
    reference: Arm,
    metric: str,
    smallest: float | None,
    tests: int,
) -> str:
    one, other = variant.variant.label, reference.variant.label
    numbers = f"{metric} {evidence(contrast)}"
    pairs = counted(contrast.n, "pair")
    match contrast.outcome:
        case "better" | "worse" as how:
            small = f", but by less than the {smallest:g} that matters" if contrast.equivalence == "equivalent" else ""
            return f"{one} is {how} than {other}{small}: {numbers}"
        case "equal":
            return f"{one} and {other} have the same {metric} in each of {pairs}"
        case "equivalent":
            return f"{one} and {other} are equivalent within ±{smallest:g}: {numbers}"
        case "not told from noise":
            return (
                f"No difference between {one} and {other} can be told from seed noise: {numbers}; a verdict "
                f"on {pairs} detects {contrast.detectable:.4f} with 80 % power{_undecided(contrast, smallest)}"
            )
        case "too few":
            return (
                f"{pairs} are too few for a verdict on {one} against {other}: {numbers}; "
                f"at best they reach {p(contrast.smallest_p_holm)}, and a verdict takes {_needed(tests)}"
            )
        case "one pair":
            seed = contrast.by_seed[0].seed
            return (
                f"One pair of runs (seed {seed}) gives no interval and no verdict on {one} against {other}: "
                f"{metric} {signed(contrast.difference.mean)}"
            )
        case "diverged":
            return (
                f"{_diverged(variant)} and {_diverged(reference)} diverged, which leaves no mean difference: "
                f"with those counted as worst, {one} is better in {contrast.wins}, equal in {contrast.ties} and worse "
                f"in {contrast.losses} of {pairs}"
            )
        case "nothing":
            return f"{one} and {other} have no pair of finished runs yet: nothing can be compared"


def evidence(contrast: Found) -> str:
    """The difference with its interval, the number of pairs and the p-value, corrected where there are several."""
    difference = contrast.difference
    corrected = " after Holm's correction" if contrast.p_holm > contrast.p_value else ""
    return (
        f"{signed(difference.mean)} (95 % interval {signed(difference.low)} to {signed(difference.high)}, "
        f"{counted(contrast.n, 'pair')}, {p(contrast.p_holm)}{corrected})"
    )


def _undecided(contrast: ContrastSummary, smallest: float | None) -> str:
    if contrast.equivalence is None:
        return ""
    if contrast.equivalence == "different":
        return "; the interval excludes 0, but is not corrected for the number of contrasts"
    return f"; whether a difference of {smallest:g} is there is undecided"


def _needed(tests: int) -> int:
    """The pairs from which 2/2ⁿ is below 5 % when corrected for so many tests."""
    return ceil(log2(2 * tests / ALPHA))


def _diverged(arm: Arm) -> str:
    return f"{arm.diverged} of {len(arm.ended)} {arm.variant.label} runs"


def verdict(comparisons: Sequence[Comparison]) -> str:
    """The answer in a sentence: of the one contrast there is, of each in brief, or how many came out how."""
    named = [(comparison, contrast) for comparison in comparisons for contrast in comparison.contrasts]
    if not named:
        return "There is one variant: nothing is compared."
    if len(named) == 1:
        return named[0][1].sentence
    if len(named) <= MOST_NAMED:
        return "; ".join(f"{_name(comparison, contrast)}: {brief(contrast)}" for comparison, contrast in named) + "."
    return _tally([contrast for _, contrast in named])


_BRIEF: dict[Outcome, str] = {
    "better": "better, ",
    "worse": "worse, ",
    "equal": "the same in every pair",
    "equivalent": "equivalent, ",
    "not told from noise": "no difference can be told from seed noise, ",
    "too few": "too few pairs for a verdict, ",
    "one pair": "one pair, no verdict",
    "diverged": "runs diverged, no mean difference",
    "nothing": "no finished pair yet",
}


def brief(contrast: Found) -> str:
    """The verdict in a few words, with its numbers."""
    words = _BRIEF[contrast.outcome]
    return words + evidence(contrast) if words.endswith(", ") else words


def _name(comparison: Comparison, contrast: ContrastSummary) -> str:
    single = len(set(comparison.selected.values())) == 1
    return f"{contrast.name} at {comparison.name}" if comparison.name and single else contrast.name


def _tally(contrasts: Sequence[ContrastSummary]) -> str:
    outcomes = [contrast.outcome for contrast in contrasts]
    counts = [f"{outcomes.count(kind)} {words}" for kind, words in _TALLY.items() if kind in outcomes]
    return f"Of {len(contrasts)} contrasts, p corrected by Holm, {', '.join(counts)}."


_TALLY: dict[Outcome, str] = {
    "better": "came out better",
    "worse": "came out worse",
    "equal": "are the same in every pair",
    "equivalent": "came out equivalent",
    "not told from noise": "cannot be told from seed noise",
    "too few": "have too few pairs for a verdict",
    "one pair": "have one pair and no verdict",
    "diverged": "have runs that diverged",
    "nothing": "have no finished pair yet",
}
