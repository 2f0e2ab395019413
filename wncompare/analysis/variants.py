"""One variant at one setting, in numbers."""

import math
from collections.abc import Sequence

import numpy as np

from wncompare.analysis import metrics, stats
from wncompare.analysis.schema import Curve, TargetTimes, VariantSummary
from wncompare.config import Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment, Run


def describe(experiment: Experiment, variant: Variant, point: Point, targets: Sequence[float]) -> VariantSummary:
    """The variant's runs at that point; `targets` are validation accuracies."""
    config = experiment.config
    runs = metrics.ended(experiment, variant, point)
    headlines = _last(runs, metrics.headline(config))
    statuses = [run.record.status for run in experiment.of(variant, point)]
    return VariantSummary(
        id=variant.id,
        label=variant.label,
        color=variant.color,
        point=point.slug,
        reference=variant is config.variants[0],
        planned=len(config.seeds),
        finished=statuses.count("finished"),
        diverged=statuses.count("diverged"),
        failed=statuses.count("failed"),
        parameters=next((run.record.parameters for run in runs), None),
        accuracy=stats.mean_interval(_last(runs, "accuracy")),
        headline=stats.mean_interval(headlines),
        median=stats.median(headlines),
        area=stats.mean_interval([_area(run) for run in runs]),
        step_seconds=stats.mean_interval(list(metrics.step_seconds(runs).values())),
        compile_seconds=metrics.compile_seconds(runs),
        by_epoch=_curve(runs),
        targets=tuple(_times(runs, target) for target in targets),
    )


def _last(runs: Sequence[Run], metric: str) -> list[float]:
    return [metrics.last(run, metric) for run in runs]


def _area(run: Run) -> float:
    if run.record.status == "diverged":
        return -math.inf
    return stats.area_under_curve(run.history["val_accuracy"])


def _curve(runs: Sequence[Run]) -> Curve:
    values = metrics.curves(runs, "val_accuracy")
    band = stats.mean_band(values)
    columns = (np.arange(1, values.shape[1] + 1), band.n, band.mean, band.low, band.high)
    return Curve(*(tuple(column.tolist()) for column in columns))


def _times(runs: Sequence[Run], target: float) -> TargetTimes:
    epochs = metrics.times_to_target(runs, "epochs", target)
    steps = metrics.times_to_target(runs, "steps", target)
    seconds = metrics.times_to_target(runs, "seconds", target)
    return TargetTimes(
        target=target,
        reached=int(np.isfinite(epochs).sum()),
        epochs=stats.median_interval(epochs),
        steps=stats.median_interval(steps),
        seconds=stats.median_interval(seconds),
    )
