"""Which settings of a grid are compared: each variant's best where data are held out to choose it on, else all."""

from dataclasses import dataclass

from wncompare.analysis.choice import choose
from wncompare.analysis.headline import headline
from wncompare.analysis.schema import Choice
from wncompare.config import Config
from wncompare.config.grid import Point
from wncompare.records import Experiment

BEST = "each variant at its best setting"


@dataclass(frozen=True)
class Setting:
    """The point at which each variant (by id) is compared; without a grid the name is empty."""

    name: str
    points: dict[str, Point]
    choices: tuple[Choice, ...] = ()

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
    """What is compared: one setting without a grid, or with one and a holdout; else one for each point."""
    config, metric = experiment.config, headline(experiment).validation
    if config.grid and config.holdout is not None:
        chosen = {variant.id: choose(experiment, variant, metric) for variant in config.variants}
        points = {variant: point for variant, (point, _) in chosen.items()}
        return (Setting(BEST, points, tuple(choice for _, choice in chosen.values())),)
    return tuple(everyone_at(config, point) for point in config.points)


def everyone_at(config: Config, point: Point) -> Setting:
    """All variants at that point."""
    return Setting(point.slug, {variant.id: point for variant in config.variants})
