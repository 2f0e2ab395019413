"""What a figure compares: the variants at one point of the grid, each with its runs and its colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from wncompare.config import Config, Variant
from wncompare.grid import Point
from wncompare.plots import style
from wncompare.records import Experiment, Run


@dataclass(frozen=True, eq=False)
class Arm:
    """One variant at one point: the runs that finished, which make the means, and those that diverged."""

    variant: Variant
    color: str
    finished: Sequence[Run]
    diverged: Sequence[Run]

    @property
    def ended(self) -> list[Run]:
        """The runs that count: a diverged one ranks worst."""
        return [*self.finished, *self.diverged]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The arms at one point of the grid that have any run to show; without a grid there is one point."""

    experiment: Experiment
    point: Point
    arms: tuple[Arm, ...]

    @property
    def config(self) -> Config:
        """The experiment's config."""
        return self.experiment.config

    def arm(self, variant_id: str) -> Arm | None:
        """The arm of that variant, where it has any run to show."""
        return next((arm for arm in self.arms if arm.variant.id == variant_id), None)


def comparison(experiment: Experiment, point: Point) -> Comparison:
    """The arms at that point."""
    variants = experiment.config.variants
    arms = (
        Arm(variant, color, experiment.finished(variant, point), _diverged(experiment, variant, point))
        for variant, color in zip(variants, style.colors(variants), strict=True)
    )
    return Comparison(experiment, point, tuple(arm for arm in arms if arm.ended))


def _diverged(experiment: Experiment, variant: Variant, point: Point) -> list[Run]:
    return [run for run in experiment.of(variant, point) if run.record.status == "diverged"]
