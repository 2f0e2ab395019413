"""The differences between variants, paired by seed, and the correction for looking at several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from wncompare import measures, stats
from wncompare.config import Config, Contrast
from wncompare.records import Experiment, Run
from wncompare.report import pairs, verdict
from wncompare.report.schema import ContrastSummary, TargetRatio, VariantSummary
from wncompare.selection import Setting
from wncompare.stats import PairedComparison

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
    corrected = list(pairs.corrected([pair.found for group in groups for pair in group]))
    tests = sum(not isnan(p_holm) for p_holm, _ in corrected)
    following = iter(corrected)
    return [tuple(_summary(experiment.config, pair, *next(following), tests) for pair in group) for group in groups]


def _pair(experiment: Experiment, setting: Setting, variants: Described, contrast: Contrast) -> _Pair:
    config = experiment.config
    runs, reference = (
        measures.ended(experiment, config.variant(side), setting.points[side])
        for side in (contrast.variant, contrast.reference)
    )
    metric = measures.headline(config)
    found = pairs.compare(runs, reference, metric, smallest_difference=config.smallest_difference)
    return _Pair(contrast, (variants[contrast.variant], variants[contrast.reference]), (runs, reference), found)


def _summary(config: Config, pair: _Pair, p_holm: float, smallest_p_holm: float, tests: int) -> ContrastSummary:
    found, metric, (variant, reference) = pair.found, measures.headline(config), pair.sides
    contrast = ContrastSummary(
        name=pair.contrast.name,
        variant=variant.id,
        reference=reference.id,
        n=found.n,
        difference=found.difference,
        by_seed=pairs.by_seed(*pair.runs, metric),
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
        step_ratio=pairs.step_ratio(*pair.runs),
        time_to_target_ratios=tuple(_time_ratio(pair, times.target) for times in variant.targets),
        outcome=verdict.outcome(found, p_holm, smallest_p_holm),
        sentence="",
    )
    return verdict.worded(contrast, variant, reference, metric, config.smallest_difference, tests)


def _time_ratio(pair: _Pair, target: float) -> TargetRatio:
    found = stats.ratio_of_medians(*(_seconds_to_target(runs, target) for runs in pair.runs))
    return TargetRatio(target, found.value, found.low, found.high)


def _seconds_to_target(runs: Sequence[Run], target: float) -> dict[int, float]:
    times = measures.times_to_target(runs, "seconds", target)
    return {run.record.seed: float(time) for run, time in zip(runs, times, strict=True)}
