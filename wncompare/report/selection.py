"""Which settings of a grid are compared: each variant's best where data are held out to choose it on, else all."""

from dataclasses import dataclass

import numpy as np

from wncompare import measures
from wncompare.config import Variant
from wncompare.grid import Point
from wncompare.records import Experiment

BEST = "each variant at its best setting"


@dataclass(frozen=True)
class Setting:
    """The point at which each variant (by id) is compared."""

    name: str
    points: dict[str, Point]


def settings(experiment: Experiment) -> tuple[Setting, ...]:
    """What is compared: one setting without a grid, or with one and a holdout; else one for each point.

    The best point has the highest mean held-out accuracy over seeds at the last epoch; the first of equals. A point
    where a run diverged ranks below every other.
    """
    config = experiment.config
    if config.grid and config.holdout is not None:
        return (Setting(BEST, {variant.id: _best(experiment, variant) for variant in config.variants}),)
    return tuple(Setting(point.slug, {variant.id: point for variant in config.variants}) for point in config.points)


def _best(experiment: Experiment, variant: Variant) -> Point:
    return max(experiment.config.points, key=lambda point: _held_out(experiment, variant, point))


def _held_out(experiment: Experiment, variant: Variant, point: Point) -> tuple[bool, float]:
    """Whether any run counts there, and their mean held-out accuracy."""
    values = [measures.last(run, "val_accuracy") for run in measures.ended(experiment, variant, point)]
    return (True, float(np.mean(values))) if values else (False, 0.0)
