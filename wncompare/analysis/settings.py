"""Which settings of a grid are compared: each variant's best where data are held out to choose it on, else all."""

from dataclasses import dataclass

import numpy as np

from wncompare.analysis import metrics
from wncompare.analysis.headline import Metric, headline
from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment

BEST = "each variant at its best setting"


@dataclass(frozen=True)
class Setting:
    """The point at which each variant (by id) is compared; without a grid the name is empty."""

    name: str
    points: dict[str, Point]

    @property
    def is_best(self) -> bool:
        """Whether each variant is at its own best point."""
        return self.name == BEST

    @property
    def folder(self) -> str:
        """Where figures of it lie: "best", the point's slug or, without a grid, nowhere below."""
        return "best" if self.is_best else self.name

    def __str__(self) -> str:
        """The name, and with the best settings which they are: "… (regular: batch_size=32, weight_norm: …)"."""
        if not self.is_best:
            return self.name
        slugs = {variant: point.slug for variant, point in self.points.items()}
        shared = set(slugs.values())
        listed = shared if len(shared) == 1 else (f"{variant}: {slug}" for variant, slug in slugs.items())
        return f"{self.name} ({', '.join(listed)})"


def settings(experiment: Experiment) -> tuple[Setting, ...]:
    """What is compared: one setting without a grid, or with one and a holdout; else one for each point.

    The best point has the best mean of the headline's metric on held-out data, over seeds at the last epoch; the first
    of equals. A point where a run diverged ranks below every other.
    """
    config, metric = experiment.config, headline(experiment).validation
    if config.grid and config.holdout is not None:
        return (Setting(BEST, {variant.id: _best(experiment, variant, metric) for variant in config.variants}),)
    return tuple(everyone_at(config, point) for point in config.points)


def everyone_at(config: Config, point: Point) -> Setting:
    """All variants at that point."""
    return Setting(point.slug, {variant.id: point for variant in config.variants})


def _best(experiment: Experiment, variant: Variant, metric: Metric) -> Point:
    return max(experiment.config.points, key=lambda point: _held_out(experiment, variant, point, metric))


def _held_out(experiment: Experiment, variant: Variant, point: Point, metric: Metric) -> tuple[bool, float]:
    """Whether any run counts there, and the mean of their metric, so that more is better."""
    values = [metric.sign * metrics.last(run, metric) for run in metrics.ended(experiment, variant, point)]
    return (True, float(np.mean(values))) if values else (False, 0.0)
