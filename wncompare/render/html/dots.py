"""The report's dot plots as data: paired differences by seed, and the headline metric over a grid."""

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

from wncompare.analysis.estimates import Estimate, centre
from wncompare.analysis.schema import ContrastSummary, Summary
from wncompare.analysis.words import metric_name
from wncompare.records import Experiment


def differences(experiment: Experiment, summary: Summary) -> list[dict[str, Any]]:
    """A plot a contrast: a row a seed and, last, their mean or median with its interval."""
    plots = [
        _differences(experiment, contrast, summary)
        for comparison in summary.comparisons
        for contrast in comparison.contrasts
    ]
    edges = (0.0, -summary.smallest_difference, summary.smallest_difference) if summary.smallest_difference else (0.0,)
    return _on_one_axis(plots, edges)


def robustness(experiment: Experiment, summary: Summary) -> list[dict[str, Any]]:
    """One plot: a row a point of the grid, a mark a variant; none without a grid."""
    if not summary.robustness:
        return []
    marks: dict[str, list[dict[str, Any]]] = {point.slug: [] for point in experiment.config.points}
    for each in summary.robustness.variants:
        for at in each.points:
            marks[at.point].append(_mark(experiment, each.variant, at.headline))
    rows = [{"label": slug, "marks": row} for slug, row in marks.items()]
    plot = {"name": metric_name(summary.headline), "rows": rows, "zero": False, "zone": None, "better": None}
    return _on_one_axis([plot], ())


def _on_one_axis(plots: list[dict[str, Any]], shown: Sequence[float]) -> list[dict[str, Any]]:
    """The plots with the range of the axis that all share: their dots, their intervals and what else is to be shown."""
    marks = [mark for plot in plots for row in plot["rows"] for mark in row["marks"]]
    values = [mark[name] for mark in marks for name in ("value", "low", "high") if isfinite(mark.get(name, nan))]
    low, high = min((*values, *shown), default=-1.0), max((*values, *shown), default=1.0)
    margin = 0.06 * ((high - low) or 0.1)
    return [plot | {"range": (low - margin, high + margin)} for plot in plots]


def _differences(experiment: Experiment, contrast: ContrastSummary, summary: Summary) -> dict[str, Any]:
    rows = [
        {"label": f"seed {each.seed}", "marks": [_mark(experiment, contrast.variant, each.difference)]}
        for each in contrast.by_seed
    ]
    middle = centre(contrast.basis, contrast.difference, contrast.median)
    last = {"label": contrast.basis, "marks": [_mark(experiment, contrast.variant, middle)], "strong": True}
    sides = contrast.weights if contrast.variant is not None else ()
    labels = [experiment.config.variant(each).label for each in reversed(sides)]
    return {
        "name": f"difference in {metric_name(summary.headline)}",
        "rows": [*rows, last],
        "zero": True,
        "zone": summary.smallest_difference,
        "better": (labels if summary.better == "higher" else labels[::-1]) or None,
    }


def _mark(experiment: Experiment, variant: str | None, value: Estimate | float) -> dict[str, Any]:
    """A dot in a variant's colour or, of a sum, in a neutral one, with an interval where the value is an estimate."""
    place = "sum" if variant is None else [each.id for each in experiment.config.variants].index(variant)
    if isinstance(value, Estimate):
        return {"variant": place, "value": value.mean, "low": value.low, "high": value.high}
    return {"variant": place, "value": value}
