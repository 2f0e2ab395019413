"""Statistics over seeds: arrays in, frozen results out.

The seed is the unit of replication, and the arms of one seed share initial kernels and batch order, so arms are
compared seed by seed. Too few values give NaN, never 0. Each statistic is explained in docs/statistics.md.
"""

from wncompare.stats.comparison import PairedComparison, compare
from wncompare.stats.convergence import area_under_curve, time_to_target
from wncompare.stats.equivalence import Equivalence
from wncompare.stats.intervals import CONFIDENCE, Band, Estimate, mean_band, mean_interval
from wncompare.stats.multiplicity import holm
from wncompare.stats.pairing import differences, paired
from wncompare.stats.quantiles import Quantile, median, median_interval
from wncompare.stats.ratios import ratio, ratio_of_medians

__all__ = [
    "CONFIDENCE",
    "Band",
    "Equivalence",
    "Estimate",
    "PairedComparison",
    "Quantile",
    "area_under_curve",
    "compare",
    "differences",
    "holm",
    "mean_band",
    "mean_interval",
    "median",
    "median_interval",
    "paired",
    "ratio",
    "ratio_of_medians",
    "time_to_target",
]
