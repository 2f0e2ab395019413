"""Statistics over seeds: arrays in, frozen results out.

The seed is the unit of replication, and the arms of one seed share initial kernels and batch order, so arms are
compared seed by seed. Too few values give NaN, never 0. Each statistic is explained in docs/statistics.md.
"""

from wncompare.analysis.estimates import Band, Equivalence, Estimate, Quantile
from wncompare.analysis.stats.means import CONFIDENCE, mean_interval
from wncompare.analysis.stats.medians import (
    area_under_curve,
    mean_band,
    median,
    median_interval,
    ratio,
    ratio_of_medians,
    time_to_target,
)
from wncompare.analysis.stats.p_values import holm
from wncompare.analysis.stats.paired import PairedComparison, compare_pairs, mean_difference
from wncompare.analysis.stats.pairing import differences, paired

__all__ = [
    "CONFIDENCE",
    "Band",
    "Equivalence",
    "Estimate",
    "PairedComparison",
    "Quantile",
    "area_under_curve",
    "compare_pairs",
    "differences",
    "holm",
    "mean_band",
    "mean_difference",
    "mean_interval",
    "median",
    "median_interval",
    "paired",
    "ratio",
    "ratio_of_medians",
    "time_to_target",
]
