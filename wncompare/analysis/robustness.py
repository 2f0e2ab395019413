"""How much the headline depends on the setting: each variant and contrast at every point of the grid, and over all."""

from collections.abc import Sequence

import numpy as np

from wncompare.analysis import stats
from wncompare.analysis.arms import Arm
from wncompare.analysis.schema import ContrastRobustness, PointDifference, PointHeadline, Robustness, VariantRobustness
from wncompare.config import Config, Contrast


def robustness(config: Config, points: Sequence[Sequence[Arm]]) -> Robustness | None:
    """The headline over the grid, whose points are given by their arms, and each contrast's; None without a grid."""
    if not config.grid:
        return None
    over_points = {arms[0].variant.id: arms for arms in zip(*points, strict=True)}
    return Robustness(
        variants=tuple(_variant(variant, arms) for variant, arms in over_points.items()),
        contrasts=tuple(
            _contrast(contrast, over_points[contrast.variant], over_points[contrast.reference])
            for contrast in config.compared()
        ),
    )


def _variant(variant: str, arms: Sequence[Arm]) -> VariantRobustness:
    cells = (PointHeadline(arm.point.slug, dict(arm.point.values), arm.headline) for arm in arms)
    return VariantRobustness(variant, tuple(cells), stats.mean_interval(list(_over_all(arms).values())))


def _contrast(contrast: Contrast, variant: Sequence[Arm], reference: Sequence[Arm]) -> ContrastRobustness:
    cells = (
        PointDifference(one.point.slug, stats.mean_difference(one.headlines, other.headlines))
        for one, other in zip(variant, reference, strict=True)
    )
    over_all = stats.mean_difference(_over_all(variant), _over_all(reference))
    return ContrastRobustness(contrast.name, contrast.variant, contrast.reference, tuple(cells), over_all)


def _over_all(arms: Sequence[Arm]) -> dict[int, float]:
    """Each seed's mean over the points, of the seeds that all points have; −∞ where a run diverged."""
    seeds = set[int].intersection(*(set(arm.headlines) for arm in arms))
    return {seed: float(np.mean([arm.headlines[seed] for arm in arms])) for seed in sorted(seeds)}
