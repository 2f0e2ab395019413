"""Two sets of runs, paired by seed: what contrasts of variants and comparisons of results folders share."""

from collections.abc import Iterator, Sequence

import numpy as np

from wncompare import measures, stats
from wncompare.records import Run
from wncompare.report.schema import SeedDifference
from wncompare.stats import Estimate, PairedComparison


def compare(
    runs: Sequence[Run], reference: Sequence[Run], metric: str, *, smallest_difference: float | None = None
) -> PairedComparison:
    """The metric at the last epoch of the runs, against the reference's."""
    values, others = measures.by_seed(runs, metric), measures.by_seed(reference, metric)
    return stats.compare(values, others, smallest_difference=smallest_difference)


def by_seed(runs: Sequence[Run], reference: Sequence[Run], metric: str) -> tuple[SeedDifference, ...]:
    """The metric's difference seed by seed; NaN where both runs diverged."""
    values, others = measures.by_seed(runs, metric), measures.by_seed(reference, metric)
    return tuple(SeedDifference(seed, values[seed] - others[seed]) for seed in sorted(values.keys() & others.keys()))


def step_ratio(runs: Sequence[Run], reference: Sequence[Run]) -> Estimate:
    """A training step's time over the reference's."""
    return stats.ratio(measures.step_seconds(runs), measures.step_seconds(reference))


def corrected(found: Sequence[PairedComparison]) -> Iterator[tuple[float, float]]:
    """Each p-value corrected by Holm, and the smallest that its pairs could have reached, corrected as well."""
    values = np.array([comparison.p_value for comparison in found])
    smallest = np.array([comparison.smallest_p for comparison in found])
    attainable = np.where(np.isnan(values), np.nan, smallest)
    return zip(stats.holm(values).tolist(), stats.holm(attainable).tolist(), strict=True)
