"""A contrast in a sentence: what was found, its numbers, how often runs were lost, what it cost."""

from collections.abc import Iterator, Sequence
from math import isfinite, isnan
from typing import Protocol

from wncompare.analysis.arms import Arm
from wncompare.analysis.estimates import Basis, Estimate, Quantile, centre
from wncompare.analysis.judgement import ALPHA
from wncompare.analysis.schema import ContrastSummary, Outcome
from wncompare.analysis.stats import Fixed, Looks
from wncompare.analysis.words import counted, estimate, metric_name, p, share, signed

MOST_NEEDED = 200
"""So many pairs are not asked for."""


class Found(Protocol):
    """A paired difference with its verdict: of a contrast, or of one variant in two folders."""

    @property
    def outcome(self) -> Outcome:
        """The verdict in a word."""

    @property
    def basis(self) -> Basis:
        """What it rests on."""

    @property
    def sequential(self) -> bool:
        """Whether p-value and interval hold at every look."""

    @property
    def n(self) -> int:
        """The number of pairs."""

    @property
    def difference(self) -> Estimate:
        """The mean difference."""

    @property
    def median(self) -> Quantile:
        """The median difference."""

    @property
    def p_value(self) -> float:
        """The test's."""

    @property
    def p_holm(self) -> float:
        """The same, corrected."""


def sentence(
    contrast: ContrastSummary,
    arms: Sequence[Arm],
    gate: Fixed | Looks,
    smallest: float | None,
    settled: ContrastSummary | None = None,
) -> str:
    """What was found, with its numbers; `arms` are the contrast's, in its order, `gate` is what it went through.

    What an earlier look `settled` is said with that look's numbers, and the present ones beside.
    """
    parts = (
        _finding(settled or contrast, arms, gate, smallest),
        *_since(contrast, settled, smallest),
        *_lost(contrast, arms),
        *_fit(contrast, arms),
        *_cost(contrast.step_ratio),
    )
    return "; ".join(parts) + "."


def evidence(contrast: Found) -> str:
    """The mean or median difference with its interval, the number of pairs and the p-value, corrected for several."""
    found = _centre(contrast)
    interval = "" if isnan(found.low) else f"95 % {_interval(contrast)} {signed(found.low)} to {signed(found.high)}, "
    corrected = " after Holm's correction" if contrast.p_holm > contrast.p_value else ""
    numbers = f"{signed(found.mean)} ({interval}{counted(contrast.n, 'pair')}, {p(contrast.p_holm)}{corrected})"
    return f"median {numbers}" if contrast.basis == "median" else numbers


def _centre(contrast: Found) -> Estimate:
    return centre(contrast.basis, contrast.difference, contrast.median)


def _interval(contrast: Found) -> str:
    return "interval at any look" if contrast.sequential else "interval"


def few(contrast: ContrastSummary) -> str:
    """What the pairs say where the mean says something else."""
    return (
        f"{contrast.wins} of {counted(contrast.n, 'pair')} are better and {contrast.losses} worse "
        f"(median difference {signed(contrast.median.value)}, sign test {p(contrast.sign_p)})"
    )


def _finding(contrast: ContrastSummary, arms: Sequence[Arm], gate: Fixed | Looks, smallest: float | None) -> str:
    subject, pairs = _subject(contrast, arms), counted(contrast.n, "pair")
    metric = metric_name(arms[0].headline_metric.name)
    numbers = f"{metric} {evidence(contrast)}"
    match contrast.outcome:
        case "better" | "worse":
            small = f", but by less than the {smallest:g} that matters" if contrast.equivalence == "equivalent" else ""
            few_decide = f"; few pairs decide the mean: {few(contrast)}" if contrast.few_decide else ""
            return f"{_claim(contrast, arms)}{small}: {numbers}{few_decide}"
        case "equal":
            return f"{_claim(contrast, arms)} in each of {pairs}"
        case "equivalent" | "not told from noise" if contrast.few_decide:
            mean = f"{_of_mean(contrast, smallest)}: {numbers}{_undecided(contrast, smallest)}"
            return f"Few pairs decide the mean of {subject}: {few(contrast)}; {mean}"
        case "equivalent":
            return f"{_claim(contrast, arms)} within ±{smallest:g}: {numbers}"
        case "not told from noise":
            return f"{_claim(contrast, arms)}: {numbers}{_power(contrast, gate)}{_undecided(contrast, smallest)}"
        case "too few":
            return (
                f"{pairs} are too few for a verdict on {subject}: {numbers}; "
                f"at best they reach {p(contrast.smallest_p_holm)}, and {_needed(contrast, gate)}"
            )
        case "one pair":
            pair = contrast.by_seed[0]
            return (
                f"One pair of runs (seed {pair.seed}) gives no interval and no verdict on {subject}: "
                f"{metric} {signed(pair.difference)}"
            )
        case "nothing":
            return f"{_names(contrast, arms)} have no pair of finished runs yet: nothing can be compared"


def _since(contrast: ContrastSummary, settled: ContrastSummary | None, smallest: float | None) -> Iterator[str]:
    """What further pairs have made of what was settled before, by number and, where they contradict it, in words."""
    if settled is None or settled.n == contrast.n:
        return
    turned = contrast.outcome in ("better", "worse") and side(contrast) != side(settled)
    contradiction = ", which contradicts it" if turned else ""
    now = f"{evidence(contrast)}{doubt(contrast, f'within ±{smallest:g}' if smallest else '') or contradiction}"
    yield f"that was settled at {counted(settled.n, 'pair')}, and by now it is {now}"


def doubt(contrast: ContrastSummary, within: str = "so") -> str:
    """That further pairs no longer show what an earlier look settled; empty where they do."""
    if contrast.outcome == "equivalent":
        return "" if contrast.equivalence == "equivalent" else f", no longer surely {within}"
    found = _centre(contrast)
    return "" if found.low > 0 or found.high < 0 else ", which includes 0 again"


def _of_mean(contrast: ContrastSummary, smallest: float | None) -> str:
    if contrast.outcome == "equivalent":
        return f"the mean is within ±{smallest:g}"
    return "the mean cannot be told from seed noise"


def _names(contrast: ContrastSummary, arms: Sequence[Arm]) -> str:
    return " and ".join(arm.variant.label for arm in arms)


def _subject(contrast: ContrastSummary, arms: Sequence[Arm]) -> str:
    """What a verdict is on: "WeightNorm against Regular", "interaction (A − B − C + D)"."""
    if contrast.variant is None:
        return f"{contrast.name} ({contrast.label})"
    return " against ".join(arm.variant.label for arm in arms)


def _claim(contrast: ContrastSummary, arms: Sequence[Arm]) -> str:
    """What is said, without its numbers; on the basis of medians, of the typical pair."""
    typical = "in the typical pair " if contrast.basis == "median" else ""
    if contrast.variant is None:
        return f"{_subject(contrast, arms)} {_OF_A_SUM[contrast.outcome].format(typical, side(contrast)).rstrip()}"
    one, other = (arm.variant.label for arm in arms)
    match contrast.outcome:
        case "better" | "worse" as how:
            return f"{typical.capitalize()}{one} is {how} than {other}"
        case "equal" if any(isnan(pair.difference) for pair in contrast.by_seed):
            return f"{one} and {other} tie"
        case "equal":
            return f"{one} and {other} have the same {metric_name(arms[0].headline_metric.name)}"
        case "equivalent":
            return f"{one} and {other} are {typical}equivalent"
        case _:
            return f"No difference between {one} and {other} {typical}can be told from seed noise"


_OF_A_SUM: dict[Outcome, str] = {
    "better": "is {}{} 0",
    "worse": "is {}{} 0",
    "equal": "is 0",
    "equivalent": "is {}equivalent to 0",
    "not told from noise": "cannot be told from 0 {}",
}


def side(contrast: ContrastSummary) -> str:
    """On which side of 0 the difference is."""
    return "above" if _centre(contrast).mean > 0 else "below"


def _power(contrast: ContrastSummary, gate: Fixed | Looks) -> str:
    if not isfinite(contrast.detectable):
        return ""
    pairs = f"up to {counted(gate.most, 'pair')}" if isinstance(gate, Looks) else counted(contrast.n, "pair")
    return f"; a verdict on {pairs} detects {contrast.detectable:.4f} with 80 % power"


def _undecided(contrast: ContrastSummary, smallest: float | None) -> str:
    """Which of the two that a verdict takes is missing, and what is left open."""
    found = _centre(contrast)
    if found.low > 0 or found.high < 0:
        correction = " after the correction, which the interval does not have" if contrast.p_value < ALPHA else ""
        return f"; the interval excludes 0, but p is not below 0.05{correction}"
    if contrast.p_holm < ALPHA:
        return "; p is below 0.05, but the interval includes 0"
    return f"; whether a difference of {smallest:g} is there is undecided" if contrast.equivalence else ""


def _needed(contrast: ContrastSummary, gate: Fixed | Looks) -> str:
    """The fewest pairs that can reach 5 % after the correction; random sign patterns reach no p-value there is."""
    smallest = gate.smallest_p if contrast.basis == "mean" else gate.smallest_sign_p
    most = max(MOST_NEEDED, gate.first + 1) if isinstance(gate, Looks) else MOST_NEEDED
    enough = next((n for n in range(2, most) if gate.tests * smallest(n) < ALPHA), None)
    return f"a verdict takes {enough}" if enough else f"no number of pairs is enough for {gate.tests} contrasts"


def _lost(contrast: ContrastSummary, arms: Sequence[Arm]) -> Iterator[str]:
    """How often each arm's runs collapsed or diverged, where that is why medians are the basis."""
    if contrast.basis == "median":
        ordered = sorted(arms, key=lambda arm: not arm.lost)
        yield f"{', '.join(map(_lost_of, ordered))}: no mean is given"


def _lost_of(arm: Arm) -> str:
    collapsed, diverged = bool(arm.collapsed), bool(arm.diverged)
    fate = " or ".join(word for word, there in ((" collapsed", collapsed), (" diverged", diverged)) if there)
    return f"{len(arm.lost)} of {len(arm.ended)} {arm.variant.label} runs{fate} ({share(arm.lost_share)})"


def _fit(contrast: ContrastSummary, arms: Sequence[Arm]) -> Iterator[str]:
    """That a variant fits the training data better and does worse on others, or the other way round."""
    if contrast.variant is None:
        return
    clear = {name: found for name, found in contrast.metrics.items() if found.low > 0 or found.high < 0}
    ahead = {name: arms[0].headline_metric.of(name).sign * found.mean > 0 for name, found in clear.items()}
    fit = {name for name in clear if not name.startswith(("val_", "test_"))}
    sides = [{ahead[name] for name in names} for names in (fit, clear.keys() - fit)]
    if sides in ([{True}, {False}], [{False}, {True}]):
        trained, generalized = (
            ", ".join(
                f"{metric_name(name)} {estimate(clear[name], sign=True)}" for name in clear if (name in fit) is side
            )
            for side in (True, False)
        )
        how = ("better", "worse") if True in sides[0] else ("worse", "better")
        yield f"it fits the training data {how[0]} ({trained}) and does {how[1]} on others ({generalized})"


def _cost(ratio: Estimate) -> Iterator[str]:
    if isfinite(ratio.mean):
        sessions = counted(ratio.n, "session")
        interval = f"{ratio.low:.2f} to {ratio.high:.2f} over {sessions}" if isfinite(ratio.high) else f"in {sessions}"
        yield f"a training step takes {ratio.mean:.2f} times as long ({interval})"
