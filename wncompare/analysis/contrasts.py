"""Contrasts: sums of arms, paired by seed and judged together, and what comparisons of results folders share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isnan, nan

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import judgement, sampling, sessions, stats
from wncompare.analysis.arms import Arm
from wncompare.analysis.estimates import Estimate
from wncompare.analysis.judgement import Judged, Paired
from wncompare.analysis.schema import ContrastSummary, SeedDifference, TargetRatio
from wncompare.analysis.sentences import sentence
from wncompare.analysis.stats import Fixed, Looks
from wncompare.analysis.stats.paired import probability_of_improvement
from wncompare.analysis.words import weighted_sum
from wncompare.config import Config, Contrast

Values = Mapping[str, Mapping[int, float]]
"""By what is summed (a variant's id) a value by seed."""


def by_seed(weights: Mapping[str, float], values: Values) -> tuple[SeedDifference, ...]:
    """The weighted sum seed by seed, over the seeds that all have a value (not NaN).

    A diverged run's is infinite, and so is the sum; NaN where that would move it either way.
    """
    seeds = set[int].intersection(*(set(values[each]) for each in weights))
    whole = (seed for seed in sorted(seeds) if not any(isnan(values[each][seed]) for each in weights))
    return tuple(
        SeedDifference(seed, sum(weight * values[each][seed] for each, weight in weights.items())) for seed in whole
    )


def paired(weights: Mapping[str, float], values: Values, lost: Mapping[str, frozenset[int]]) -> Paired:
    """What is judged of a weighted sum: by medians where any of its runs is `lost` (seeds by what is summed)."""
    pairs = by_seed(weights, values)
    seeds = {pair.seed for pair in pairs}
    sizes = (sum(abs(weight * values[each][seed]) for each, weight in weights.items()) / 2 for seed in seeds)
    return Paired(
        pairs,
        magnitude=max(filter(isfinite, sizes), default=0.0),
        basis="median" if any(seeds & lost[each] for each in weights) else "mean",
    )


@dataclass(frozen=True)
class PairedDifferences:
    """A contrast's differences in the headline over the seeds that all its arms have, and what is said of them."""

    contrast: Contrast
    label: str
    by_seed: tuple[SeedDifference, ...]
    judged: Judged


def differences(config: Config, settings: Sequence[Sequence[Arm]]) -> list[tuple[PairedDifferences, ...]]:
    """For each setting, given by its arms, every contrast of the config; all are judged together."""
    groups = [[_paired(contrast, arms) for contrast in config.compared()] for arms in settings]
    judged = iter(
        judgement.judged(
            [pair for group in groups for pair in group],
            judgement.gate_of(config),
            sign=settings[0][0].headline_metric.sign,
            smallest_difference=config.smallest_difference,
        )
    )
    return [
        tuple(
            PairedDifferences(contrast, label(contrast, arms), pair.by_seed, next(judged))
            for contrast, pair in zip(config.compared(), group, strict=True)
        )
        for arms, group in zip(settings, groups, strict=True)
    ]


def _paired(contrast: Contrast, arms: Sequence[Arm]) -> Paired:
    values = {arm.variant.id: arm.headlines for arm in arms}
    return paired(contrast.weighted(), values, {arm.variant.id: arm.lost for arm in arms})


def label(contrast: Contrast, arms: Sequence[Arm]) -> str:
    """What is subtracted from what: "WeightNorm − Regular"."""
    labels = {arm.variant.id: arm.variant.label for arm in arms}
    return weighted_sum({labels[variant]: weight for variant, weight in contrast.weighted().items()})


def tested(
    config: Config, settings: Sequence[Sequence[Arm]], settled: Mapping[str, ContrastSummary]
) -> list[tuple[ContrastSummary, ...]]:
    """For each setting, given by its arms, every contrast of the config with its verdict.

    The p-values are corrected over all contrasts of all settings. A contrast that an earlier look has `settled`, as it
    was there (by name), keeps its word.
    """
    found = differences(config, settings)
    tests = sum(not isnan(each.judged.p_holm) for group in found for each in group)
    gate = replace(judgement.gate_of(config), tests=max(tests, 1))
    return [
        tuple(_summary(config, each, arms, gate, settled.get(each.contrast.name)) for each in group)
        for arms, group in zip(settings, found, strict=True)
    ]


def _summary(
    config: Config, pair: PairedDifferences, arms: Sequence[Arm], gate: Fixed | Looks, settled: ContrastSummary | None
) -> ContrastSummary:
    judged, found, weights = pair.judged, pair.judged.found, pair.contrast.weighted()
    by_id = {arm.variant.id: arm for arm in arms}
    within = tuple(by_id[variant] for variant in weights)
    values = np.array([[arm.headlines[each.seed] for each in pair.by_seed] for arm in within], np.float64)
    contrast = ContrastSummary(
        name=pair.contrast.name,
        label=pair.label,
        variant=pair.contrast.variant,
        reference=pair.contrast.reference,
        weights=weights,
        n=found.n,
        basis=judged.basis,
        sequential=isinstance(gate, Looks),
        difference=found.difference,
        effect=found.effect,
        **_pairing(values, pair),
        median=found.median,
        by_seed=pair.by_seed,
        p_value=judged.p_value,
        p_holm=judged.p_holm,
        smallest_p=judged.smallest_p,
        smallest_p_holm=judged.smallest_p_holm,
        sign_p=found.sign_p_value,
        few_decide=judged.few_decide if settled is None else settled.few_decide,
        probability_of_improvement=_probability(values, found.sign) if pair.contrast.is_pair else _NONE,
        wins=found.wins,
        ties=found.ties,
        losses=found.losses,
        detectable=found.detectable,
        equivalence=judged.equivalence,
        sampling_error=sampling.standard_error(within, weights),
        metrics=_metrics(weights, by_id, {each.seed for each in pair.by_seed}),
        step_ratio=sessions.step_ratio(*within) if pair.contrast.is_pair else _NONE,
        time_to_target_ratios=tuple(_time_ratio(pair.contrast, within, place) for place in range(len(within[0].times))),
        outcome=judged.outcome if settled is None else settled.outcome,
        settled=None if settled is None else settled.n,
        sentence="",
    )
    return replace(contrast, sentence=sentence(contrast, within, gate, config.smallest_difference, settled))


_NONE = Estimate(0, nan, nan, nan)
"""Of a sum of several arms: no run ranks above another, and none takes a time."""


def _probability(values: NDArray[np.float64], sign: int) -> Estimate:
    return probability_of_improvement(*(sign * values))


def _pairing(values: NDArray[np.float64], pair: PairedDifferences) -> dict[str, float]:
    """What the arms have in common over seeds, and what it gains: of means, so not where medians are the basis."""
    if pair.judged.basis == "median":
        return {"correlation": nan, "pairing_gain": nan}
    return {
        "correlation": stats.correlation(*values) if pair.contrast.is_pair else nan,
        "pairing_gain": stats.pairing_gain(values, list(pair.contrast.weighted().values())),
    }


def _metrics(weights: Mapping[str, float], arms: Mapping[str, Arm], seeds: set[int]) -> dict[str, Estimate]:
    """Each metric's mean difference at the last epoch; NaN where a run diverged."""
    arm = next(iter(arms.values()))
    names = dict.fromkeys((*arm.metrics, arm.headline_metric.name))
    found = {name: by_seed(weights, {variant: arms[variant].last(name) for variant in weights}) for name in names}
    return {
        name: stats.mean_interval([each.difference for each in pairs if each.seed in seeds])
        for name, pairs in found.items()
    }


def _time_ratio(contrast: Contrast, arms: Sequence[Arm], place: int) -> TargetRatio:
    target = arms[0].times[place].target
    if not contrast.is_pair:
        return TargetRatio(target, nan, nan, nan)
    seconds = (dict(zip(arm.headlines, arm.times[place].by_run["seconds"].tolist(), strict=True)) for arm in arms)
    found = stats.ratio_of_medians(*seconds)
    return TargetRatio(target, found.value, found.low, found.high)
