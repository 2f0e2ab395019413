"""Two arms, paired by seed: contrasts of variants, and what comparisons of results folders share with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from wncompare.analysis import metrics, sessions, stats, verdict
from wncompare.analysis.arms import Arm
from wncompare.analysis.estimates import Estimate
from wncompare.analysis.headline import Metric
from wncompare.analysis.schema import ContrastSummary, SeedDifference, TargetRatio
from wncompare.analysis.stats import PairedComparison
from wncompare.config import Config, Contrast
from wncompare.records import Run


def compare_runs(
    runs: Sequence[Run], reference: Sequence[Run], metric: Metric, *, smallest_difference: float | None = None
) -> PairedComparison:
    """The metric at the last epoch of the runs, against the reference's."""
    values, others = metrics.by_seed(runs, metric), metrics.by_seed(reference, metric)
    return stats.compare_pairs(values, others, sign=metric.sign, smallest_difference=smallest_difference)


def by_seed(runs: Sequence[Run], reference: Sequence[Run], metric: Metric) -> tuple[SeedDifference, ...]:
    """The metric's difference seed by seed; NaN where both runs diverged."""
    return _by_seed(metrics.by_seed(runs, metric), metrics.by_seed(reference, metric))


def _by_seed(values: Mapping[int, float], others: Mapping[int, float]) -> tuple[SeedDifference, ...]:
    return tuple(SeedDifference(seed, values[seed] - others[seed]) for seed in sorted(values.keys() & others.keys()))


@dataclass(frozen=True)
class PairedDifferences:
    """A contrast's differences in the headline over the seeds that both arms have, and their mean."""

    contrast: Contrast
    by_seed: tuple[SeedDifference, ...]
    mean: Estimate


def differences(contrast: Contrast, arm: Arm, reference: Arm) -> PairedDifferences:
    """`arm` minus `reference`, seed by seed."""
    values, others = arm.headlines, reference.headlines
    return PairedDifferences(contrast, _by_seed(values, others), stats.mean_difference(values, others))


def corrected(found: Sequence[PairedComparison]) -> Iterator[tuple[float, float]]:
    """Each p-value corrected by Holm, and the smallest that its pairs could have reached, corrected as well."""
    values = np.array([comparison.p_value for comparison in found])
    smallest = np.array([comparison.smallest_p for comparison in found])
    attainable = np.where(np.isnan(values), np.nan, smallest)
    return zip(stats.holm(values).tolist(), stats.holm(attainable).tolist(), strict=True)


@dataclass(frozen=True)
class _Pair:
    """A contrast at one setting: its arms, the reference second, and what the statistics say of them."""

    contrast: Contrast
    arms: tuple[Arm, Arm]
    found: PairedComparison


def tested(config: Config, settings: Sequence[Sequence[Arm]]) -> list[tuple[ContrastSummary, ...]]:
    """For each setting, given by its arms, every contrast of the config with its verdict.

    The p-values are corrected over all contrasts of all settings.
    """
    groups = [[_pair(config, arms, contrast) for contrast in config.compared()] for arms in settings]
    p_values = list(corrected([pair.found for group in groups for pair in group]))
    tests = sum(not isnan(p_holm) for p_holm, _ in p_values)
    following = iter(p_values)
    return [tuple(_summary(config, pair, *next(following), tests) for pair in group) for group in groups]


def _pair(config: Config, arms: Sequence[Arm], contrast: Contrast) -> _Pair:
    by_id = {arm.variant.id: arm for arm in arms}
    variant, reference = by_id[contrast.variant], by_id[contrast.reference]
    found = stats.compare_pairs(
        variant.headlines,
        reference.headlines,
        sign=variant.headline_metric.sign,
        smallest_difference=config.smallest_difference,
    )
    return _Pair(contrast, (variant, reference), found)


def _summary(config: Config, pair: _Pair, p_holm: float, smallest_p_holm: float, tests: int) -> ContrastSummary:
    found, (variant, reference) = pair.found, pair.arms
    contrast = ContrastSummary(
        name=pair.contrast.name,
        variant=variant.variant.id,
        reference=reference.variant.id,
        n=found.n,
        difference=found.difference,
        by_seed=_by_seed(variant.headlines, reference.headlines),
        p_value=found.p_value,
        p_holm=p_holm,
        smallest_p=found.smallest_p,
        smallest_p_holm=smallest_p_holm,
        probability_of_improvement=found.probability_of_improvement,
        wins=found.wins,
        ties=found.ties,
        losses=found.losses,
        detectable=found.detectable,
        equivalence=found.equivalence,
        step_ratio=sessions.step_ratio(variant, reference),
        time_to_target_ratios=tuple(_time_ratio(pair, place) for place in range(len(variant.times))),
        outcome=verdict.outcome(found, p_holm, smallest_p_holm),
        sentence="",
    )
    return verdict.worded(contrast, variant, reference, config.smallest_difference, tests)


def _time_ratio(pair: _Pair, place: int) -> TargetRatio:
    seconds = (dict(zip(arm.headlines, arm.times[place].by_run["seconds"].tolist(), strict=True)) for arm in pair.arms)
    found = stats.ratio_of_medians(*seconds)
    return TargetRatio(pair.arms[0].times[place].target, found.value, found.low, found.high)
