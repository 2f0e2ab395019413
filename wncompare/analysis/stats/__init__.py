"""Statistics over seeds: arrays in, frozen results out.

The seed is the unit of replication, and the arms of one seed share initial kernels and batch order, so arms are
compared seed by seed. Too few values give NaN, never 0. Each statistic is explained in docs/statistics.md.

`scipy.stats` and `scipy.optimize` take half a second to import: the functions that call them do it.
"""

from wncompare.analysis.estimates import Band, Equivalence, Estimate, Quantile
from wncompare.analysis.stats.gates import Fixed, Gate, Looks
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
from wncompare.analysis.stats.paired import PairedComparison, compare_differences, compare_pairs, mean_difference
from wncompare.analysis.stats.pairing import correlation, differences, magnitude, paired, pairing_gain
from wncompare.analysis.stats.proportions import clopper_pearson

__all__ = [
    "CONFIDENCE",
    "Band",
    "Equivalence",
    "Estimate",
    "Fixed",
    "Gate",
    "Looks",
    "PairedComparison",
    "Quantile",
    "area_under_curve",
    "clopper_pearson",
    "compare_differences",
    "compare_pairs",
    "correlation",
    "differences",
    "holm",
    "magnitude",
    "mean_band",
    "mean_difference",
    "mean_interval",
    "median",
    "median_interval",
    "paired",
    "pairing_gain",
    "ratio",
    "ratio_of_medians",
    "time_to_target",
]
