"""An experiment in numbers and words: records in, what every report shows out."""

import numpy as np

from wncompare.analysis import contrasts, equal_cost, metrics, stats
from wncompare.analysis.arms import Arm, TargetTimes
from wncompare.analysis.caveats import caveats, grave
from wncompare.analysis.environment import environment
from wncompare.analysis.failures import counts, problems
from wncompare.analysis.looks import settled
from wncompare.analysis.robustness import robustness
from wncompare.analysis.schema import (
    Comparison,
    ContrastSummary,
    Curve,
    Summary,
    Targets,
    TargetSummary,
    VariantSummary,
    as_data,
)
from wncompare.analysis.verdict import verdict
from wncompare.analysis.views import View, Views, dataset_of, views
from wncompare.analysis.words import model_name
from wncompare.config import Config
from wncompare.records import Experiment, Scores

__all__ = ["Summary", "as_data", "summarize"]


def summarize(experiment: Experiment) -> Summary:
    """The experiment's runs in numbers, with the verdict on each contrast of its config.

    The headline is that of each run's last epoch on validation data or, with a holdout, on the test split.
    """
    found = views(experiment)
    config, experiment, judged = experiment.config, found.experiment, found.headline
    targets = Targets(found.targets, exploratory=not config.targets)
    comparisons = _comparisons(config, found)
    runs = counts(experiment)
    return Summary(
        experiment=config.name,
        source="scores" if isinstance(experiment, Scores) else "runs",
        dataset=dataset_of(experiment),
        model=model_name(config),
        headline=judged.name,
        better=judged.better,
        confidence=stats.CONFIDENCE,
        smallest_difference=config.smallest_difference,
        seeds=experiment.seeds,
        targets=targets,
        verdict=verdict(comparisons),
        caveats=caveats(experiment, runs, targets, comparisons),
        grave=grave(experiment, runs, comparisons),
        runs=runs,
        problems=problems(experiment),
        comparisons=comparisons,
        robustness=robustness(config, [view.arms for view in found.points]),
        config=config.dump(),
        environment=environment(experiment.runs),
    )


def _comparisons(config: Config, found: Views) -> tuple[Comparison, ...]:
    arms = [view.arms for view in found.compared]
    tested, at_equal_cost = contrasts.tested(config, arms, _settled(found.experiment)), equal_cost.tested(config, arms)
    return tuple(
        Comparison(
            name=view.setting.name,
            selected={variant: point.slug for variant, point in view.setting.points.items()},
            choices=view.setting.choices,
            variants=tuple(_variant(view, arm) for arm in view.arms),
            contrasts=of_setting,
            equal_cost=budgeted,
        )
        for view, of_setting, budgeted in zip(found.compared, tested, at_equal_cost, strict=True)
    )


def _settled(experiment: Experiment) -> dict[str, ContrastSummary]:
    """The contrasts that a look has settled, as they were there."""
    found = (look.contrasts[name] for name, look in settled(experiment).items())
    return {contrast.name: contrast for contrast in found}


def _variant(view: View, arm: Arm) -> VariantSummary:
    return VariantSummary(
        id=arm.variant.id,
        label=arm.variant.label,
        color=arm.variant.color,
        point=arm.point.slug,
        reference=arm.variant is view.config.variants[0],
        planned=len(view.seeds),
        finished=arm.finished,
        diverged=arm.diverged,
        failed=arm.count("failed"),
        collapsed=None if arm.guess is None else len(arm.collapsed),
        lost=arm.lost_share,
        parameters=next((run.record.parameters for run in arm.ended), None),
        accuracy=arm.accuracy,
        training=arm.training,
        headline=arm.headline,
        median=arm.median,
        area=arm.area,
        step_seconds=arm.step_seconds,
        compile_seconds=metrics.compile_seconds(arm.ended),
        by_epoch=_curve(arm),
        targets=tuple(map(_times, arm.times)),
    )


def _curve(arm: Arm) -> Curve:
    band = arm.bands[arm.headline_metric.validation.name]
    columns = (np.arange(1, len(band.n) + 1), band.n, band.mean, band.low, band.high)
    return Curve(*(tuple(column.tolist()) for column in columns))


def _times(times: TargetTimes) -> TargetSummary:
    medians = times.medians
    return TargetSummary(times.target, times.reached, medians["epochs"], medians["steps"], medians["seconds"])
