"""Two sets of runs, paired by seed: what contrasts of variants and comparisons of results folders share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from wncompare.analysis import metrics, stats, verdict
from wncompare.analysis.schema import ContrastSummary, SeedDifference, TargetRatio, VariantSummary
from wncompare.analysis.settings import Setting
from wncompare.analysis.stats import Estimate, PairedComparison
from wncompare.config import Config, Contrast
from wncompare.records import Experiment, Run


def compare(
    runs: Sequence[Run], reference: Sequence[Run], metric: str, *, smallest_difference: float | None = None
) -> PairedComparison:
    """The metric at the last epoch of the runs, against the reference's."""
    values, others = metrics.by_seed(runs, metric), metrics.by_seed(reference, metric)
    return stats.compare(values, others, smallest_difference=smallest_difference)


def by_seed(runs: Sequence[Run], reference: Sequence[Run], metric: str) -> tuple[SeedDifference, ...]:
    """The metric's difference seed by seed; NaN where both runs diverged."""
    values, others = metrics.by_seed(runs, metric), metrics.by_seed(reference, metric)
    return tuple(SeedDifference(seed, values[seed] - others[seed]) for seed in sorted(values.keys() & others.keys()))


def step_ratio(runs: Sequence[Run], reference: Sequence[Run]) -> Estimate:
    """A training step's time over the reference's."""
    return stats.ratio(metrics.step_seconds(runs), metrics.step_seconds(reference))


def corrected(found: Sequence[PairedComparison]) -> Iterator[tuple[float, float]]:
    """Each p-value corrected by Holm, and the smallest that its pairs could have reached, corrected as well."""
    values = np.array([comparison.p_value for comparison in found])
    smallest = np.array([comparison.smallest_p for comparison in found])
    attainable = np.where(np.isnan(values), np.nan, smallest)
    return zip(stats.holm(values).tolist(), stats.holm(attainable).tolist(), strict=True)


Described = Mapping[str, VariantSummary]


@dataclass(frozen=True)
class _Pair:
    """Two variants at one setting, the reference second: their numbers, their runs and what the statistics say."""

    contrast: Contrast
    sides: tuple[VariantSummary, VariantSummary]
    runs: tuple[list[Run], list[Run]]
    found: PairedComparison


def contrasts(
    experiment: Experiment, settings: Sequence[Setting], described: Sequence[Described]
) -> list[tuple[ContrastSummary, ...]]:
    """For each setting every contrast of the config; `described` has each setting's variants by id.

    The p-values are corrected over all contrasts of all settings.
    """
    groups = [
        [_pair(experiment, setting, variants, contrast) for contrast in experiment.config.compared()]
        for setting, variants in zip(settings, described, strict=True)
    ]
    p_values = list(corrected([pair.found for group in groups for pair in group]))
    tests = sum(not isnan(p_holm) for p_holm, _ in p_values)
    following = iter(p_values)
    return [tuple(_summary(experiment.config, pair, *next(following), tests) for pair in group) for group in groups]


def _pair(experiment: Experiment, setting: Setting, variants: Described, contrast: Contrast) -> _Pair:
    config = experiment.config
    runs, reference = (
        metrics.ended(experiment, config.variant(side), setting.points[side])
        for side in (contrast.variant, contrast.reference)
    )
    metric = metrics.headline(config)
    found = compare(runs, reference, metric, smallest_difference=config.smallest_difference)
    return _Pair(contrast, (variants[contrast.variant], variants[contrast.reference]), (runs, reference), found)


def _summary(config: Config, pair: _Pair, p_holm: float, smallest_p_holm: float, tests: int) -> ContrastSummary:
    found, metric, (variant, reference) = pair.found, metrics.headline(config), pair.sides
    contrast = ContrastSummary(
        name=pair.contrast.name,
        variant=variant.id,
        reference=reference.id,
        n=found.n,
        difference=found.difference,
        by_seed=by_seed(*pair.runs, metric),
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
        step_ratio=step_ratio(*pair.runs),
        time_to_target_ratios=tuple(_time_ratio(pair, times.target) for times in variant.targets),
        outcome=verdict.outcome(found, p_holm, smallest_p_holm),
        sentence="",
    )
    return verdict.worded(contrast, variant, reference, metric, config.smallest_difference, tests)


def _time_ratio(pair: _Pair, target: float) -> TargetRatio:
    found = stats.ratio_of_medians(*(_seconds_to_target(runs, target) for runs in pair.runs))
    return TargetRatio(target, found.value, found.low, found.high)


def _seconds_to_target(runs: Sequence[Run], target: float) -> dict[int, float]:
    times = metrics.times_to_target(runs, "seconds", target)
    return {run.record.seed: float(time) for run, time in zip(runs, times, strict=True)}
