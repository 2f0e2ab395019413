"""A variant's best point of the grid, chosen on held-out data: on the same seeds for every point, and how nearly so."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import metrics
from wncompare.analysis.headline import Metric
from wncompare.analysis.schema import Choice
from wncompare.analysis.words import counted
from wncompare.config import Variant
from wncompare.config.grid import Point
from wncompare.records import Experiment

RESAMPLES = 9999
NEAR = 0.05
"""The share of resamples from which on another point is said to be near."""

Values = NDArray[np.float64]


def choose(experiment: Experiment, variant: Variant, metric: Metric) -> tuple[Point, Choice]:
    """The point with the best mean of the held-out metric at the last epoch, and what there is to say of the choice.

    Means are over the seeds that all points have, so that none is chosen for easier seeds; a point without a run is no
    candidate. A point where runs diverged ranks below those with fewer such runs; the first of equals is taken.
    """
    points = experiment.config.points
    found = [metrics.by_seed(metrics.ended(experiment, variant, point), metric) for point in points]
    there = [place for place, by_seed in enumerate(found) if by_seed]
    if not there:
        return points[0], Choice(variant.id, points[0].slug, 0, (), None, {})
    shared = sorted(set[int].intersection(*(set(found[place]) for place in there)))
    columns = [[metric.sign * found[place][seed] for seed in shared or found[place]] for place in there]
    values = np.array(columns) if shared else np.array([[np.mean(column)] for column in columns])
    chosen, slugs = int(_best(values[:, None, :])[0]), [points[place].slug for place in there]
    return points[there[chosen]], Choice(
        variant=variant.id,
        point=slugs[chosen],
        seeds=len(shared),
        fewer=tuple(point.slug for point, by_seed in zip(points, found, strict=True) if len(by_seed) > len(shared)),
        but_for_divergence=_but_for_divergence(values, slugs, chosen),
        shares=_shares(values, slugs),
    )


def _best(values: Values) -> NDArray[np.int64]:
    """Of values (points, resamples, seeds) the best point's place in each resample; −∞ has diverged."""
    diverged = np.isneginf(values)
    lost, kept = diverged.sum(axis=-1), (~diverged).sum(axis=-1)
    means = np.where(diverged, 0, values).sum(axis=-1) / np.maximum(kept, 1)
    ranked = np.where((lost == lost.min(axis=0)) & (kept > 0), means, -np.inf)
    return np.asarray(ranked.argmax(axis=0), np.int64)


def _but_for_divergence(values: Values, slugs: Sequence[str], chosen: int) -> str | None:
    """The point that is better over the runs that did not diverge, where that is another one."""
    means = [row[np.isfinite(row)].mean() if np.isfinite(row).any() else -np.inf for row in values]
    best = int(np.argmax(means))
    return None if best == chosen or np.isfinite(values[best]).all() else slugs[best]


def _shares(values: Values, slugs: Sequence[str]) -> dict[str, float]:
    """How often each point would be chosen had other seeds of the same kind been trained: seeds are resampled."""
    seeds = values.shape[1]
    if seeds < 2:
        return {}
    drawn = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    counts = np.bincount(_best(values[:, drawn]), minlength=len(slugs))
    return dict(zip(slugs, (counts / RESAMPLES).tolist(), strict=True))


def remarks(choices: Sequence[Choice], planned: int) -> Iterator[str]:
    """What a reader should know of the choices, a sentence each."""
    for choice in choices:
        if choice.seeds < planned:
            yield f"{choice.variant}: the setting was chosen on {counted(choice.seeds, 'seed')}, those that all have."
        if choice.but_for_divergence is not None:
            yield (
                f"{choice.variant}: but for runs that diverged at {choice.but_for_divergence} that setting "
                f"would have been chosen, and not {choice.point}."
            )
        near = [f"{slug} in {100 * share:.0f} %" for slug, share in choice.shares.items() if _is_near(choice, slug)]
        if near:
            yield (
                f"{choice.variant}: its best setting, {choice.point}, is a near-tie: "
                f"resampled over seeds the choice falls on {', '.join(near)}."
            )


def _is_near(choice: Choice, slug: str) -> bool:
    return slug != choice.point and choice.shares[slug] >= NEAR
