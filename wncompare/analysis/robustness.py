"""How much the headline depends on the setting: each variant and contrast at every point of the grid, and over all."""

from collections.abc import Mapping, Sequence

import numpy as np

from wncompare.analysis import contrasts, stats
from wncompare.analysis.arms import Arm
from wncompare.analysis.contrasts import PairedDifferences
from wncompare.analysis.judgement import Judged
from wncompare.analysis.schema import ContrastRobustness, PointDifference, PointHeadline, Robustness, VariantRobustness
from wncompare.config import Config


def robustness(config: Config, points: Sequence[Sequence[Arm]]) -> Robustness | None:
    """The headline over the grid, whose points are given by their arms, and each contrast's; None without a grid.

    Every contrast is tested at every point. These tests are a family of their own: Holm's correction is over them all.
    """
    if not config.grid:
        return None
    over_points = {arms[0].variant.id: arms for arms in zip(*points, strict=True)}
    cells = contrasts.differences(config, points)
    return Robustness(
        variants=tuple(_variant(variant, arms) for variant, arms in over_points.items()),
        contrasts=tuple(_contrast(of_points, over_points) for of_points in zip(*cells, strict=True)),
    )


def _variant(variant: str, arms: Sequence[Arm]) -> VariantRobustness:
    cells = (PointHeadline(arm.point.slug, dict(arm.point.values), arm.headline, arm.lost_share) for arm in arms)
    return VariantRobustness(variant, tuple(cells), stats.mean_interval(list(_over_all(arms).values())))


def _contrast(of_points: Sequence[PairedDifferences], over_points: Mapping[str, Sequence[Arm]]) -> ContrastRobustness:
    contrast, weights = of_points[0].contrast, of_points[0].contrast.weighted()
    slugs = (arm.point.slug for arm in next(iter(over_points.values())))
    over_all = contrasts.by_seed(weights, {variant: _over_all(over_points[variant]) for variant in weights})
    return ContrastRobustness(
        name=contrast.name,
        label=of_points[0].label,
        variant=contrast.variant,
        reference=contrast.reference,
        weights=weights,
        points=tuple(_cell(slug, each.judged) for slug, each in zip(slugs, of_points, strict=True)),
        mean=stats.mean_interval([pair.difference for pair in over_all]),
    )


def _cell(point: str, judged: Judged) -> PointDifference:
    found = judged.found
    return PointDifference(
        point, found.n, judged.basis, found.difference, found.median, judged.p_value, judged.p_holm, judged.outcome
    )


def _over_all(arms: Sequence[Arm]) -> dict[int, float]:
    """Each seed's mean over the points, of the seeds that all points have; −∞ where a run diverged."""
    seeds = set[int].intersection(*(set(arm.headlines) for arm in arms))
    return {seed: float(np.mean([arm.headlines[seed] for arm in arms])) for seed in sorted(seeds)}
