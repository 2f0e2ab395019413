"""What a figure compares: the variants, each at one point of the grid, with its runs and its colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from wncompare.analysis.settings import Setting
from wncompare.config import Config, Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment, Run
from wncompare.render.figures import style

Cell = tuple[Variant, Point]
"""A variant at a point of the grid."""


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
    """The arms at one setting of the grid that have any run to show; without a grid there is one."""

    experiment: Experiment
    setting: Setting
    arms: tuple[Arm, ...]

    @property
    def config(self) -> Config:
        """The experiment's config."""
        return self.experiment.config

    @property
    def cells(self) -> list[Cell]:
        """Each variant of the config with the point at which it is compared."""
        return [(variant, self.setting.points[variant.id]) for variant in self.config.variants]

    def arm(self, variant_id: str) -> Arm | None:
        """The arm of that variant, where it has any run to show."""
        return next((arm for arm in self.arms if arm.variant.id == variant_id), None)


def comparison(experiment: Experiment, setting: Setting) -> Comparison:
    """The arms at that setting."""
    variants, points = experiment.config.variants, setting.points
    arms = (
        Arm(one, color, experiment.finished(one, points[one.id]), _diverged(experiment, one, points[one.id]))
        for one, color in zip(variants, style.colors(variants), strict=True)
    )
    return Comparison(experiment, setting, tuple(arm for arm in arms if arm.ended))


def _diverged(experiment: Experiment, variant: Variant, point: Point) -> list[Run]:
    return [run for run in experiment.of(variant, point) if run.record.status == "diverged"]
