"""How much the headline depends on the setting: each variant and contrast at every point of the grid, and over all."""

from collections.abc import Mapping, Sequence

import numpy as np

from wncompare.analysis import metrics, stats
from wncompare.analysis.schema import ContrastRobustness, PointDifference, PointHeadline, Robustness, VariantRobustness
from wncompare.analysis.stats import Estimate
from wncompare.config import Contrast
from wncompare.config.grid import Point
from wncompare.records import Experiment

Headlines = Mapping[int, float]
"""The headline by seed."""


def robustness(experiment: Experiment) -> Robustness | None:
    """The headline over the grid, and each contrast's paired differences in it; None without a grid."""
    config = experiment.config
    if not config.grid:
        return None
    metric = metrics.headline(config)
    headlines = {
        variant.id: [
            metrics.by_seed(metrics.ended(experiment, variant, point), metric) for point in experiment.config.points
        ]
        for variant in config.variants
    }
    return Robustness(
        variants=tuple(_variant(variant, config.points, found) for variant, found in headlines.items()),
        contrasts=tuple(
            _contrast(contrast, config.points, headlines[contrast.variant], headlines[contrast.reference])
            for contrast in config.compared()
        ),
    )


def _variant(variant: str, points: Sequence[Point], headlines: Sequence[Headlines]) -> VariantRobustness:
    cells = (
        PointHeadline(point.slug, dict(point.values), stats.mean_interval(list(found.values())))
        for point, found in zip(points, headlines, strict=True)
    )
    return VariantRobustness(variant, tuple(cells), stats.mean_interval(list(_over_all(headlines).values())))


def _contrast(
    contrast: Contrast, points: Sequence[Point], variant: Sequence[Headlines], reference: Sequence[Headlines]
) -> ContrastRobustness:
    cells = (
        PointDifference(point.slug, _difference(one, other))
        for point, one, other in zip(points, variant, reference, strict=True)
    )
    over_all = _difference(_over_all(variant), _over_all(reference))
    return ContrastRobustness(contrast.name, contrast.variant, contrast.reference, tuple(cells), over_all)


def _over_all(headlines: Sequence[Headlines]) -> Headlines:
    """Each seed's mean over the points, of the seeds that all points have; −∞ where a run diverged."""
    seeds = set[int].intersection(*(set(found) for found in headlines))
    return {seed: float(np.mean([found[seed] for found in headlines])) for seed in sorted(seeds)}


def _difference(variant: Headlines, reference: Headlines) -> Estimate:
    return stats.mean_interval(stats.differences(*stats.paired(variant, reference)))
