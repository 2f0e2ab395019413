"""The report's dot plots as data: paired differences by seed, and the headline metric over a grid."""

from typing import Any

from wncompare.analysis.estimates import Estimate
from wncompare.analysis.schema import ContrastSummary, Summary
from wncompare.analysis.words import METRIC_NAMES
from wncompare.records import Experiment


def differences(experiment: Experiment, summary: Summary) -> list[dict[str, Any]]:
    """A plot a contrast: a row a seed and, last, their mean with its interval."""
    return [
        _differences(experiment, contrast, summary)
        for comparison in summary.comparisons
        for contrast in comparison.contrasts
    ]


def robustness(experiment: Experiment, summary: Summary) -> list[dict[str, Any]]:
    """One plot: a row a point of the grid, a mark a variant; none without a grid."""
    if not summary.robustness:
        return []
    marks: dict[str, list[dict[str, Any]]] = {point.slug: [] for point in experiment.config.points}
    for each in summary.robustness.variants:
        for at in each.points:
            marks[at.point].append(_mark(experiment, each.variant, at.headline))
    rows = [{"label": slug, "marks": row} for slug, row in marks.items()]
    return [{"name": METRIC_NAMES[summary.headline], "rows": rows, "zero": False, "zone": None, "better": None}]


def _differences(experiment: Experiment, contrast: ContrastSummary, summary: Summary) -> dict[str, Any]:
    rows = [
        {"label": f"seed {each.seed}", "marks": [_mark(experiment, contrast.variant, each.difference)]}
        for each in contrast.by_seed
    ]
    mean = {"label": "mean", "marks": [_mark(experiment, contrast.variant, contrast.difference)], "strong": True}
    labels = [experiment.config.variant(each).label for each in (contrast.reference, contrast.variant)]
    return {
        "name": f"difference in {METRIC_NAMES[summary.headline]}",
        "rows": [*rows, mean],
        "zero": True,
        "zone": summary.smallest_difference,
        "better": labels,
    }


def _mark(experiment: Experiment, variant: str, value: Estimate | float) -> dict[str, Any]:
    """A dot in a variant's colour, with an interval where the value is an estimate."""
    place = [each.id for each in experiment.config.variants].index(variant)
    if isinstance(value, Estimate):
        return {"variant": place, "value": value.mean, "low": value.low, "high": value.high}
    return {"variant": place, "value": value}
