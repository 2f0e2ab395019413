"""The curves of an experiment as the page's script reads them: numbers with no more digits than it shows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis.arms import Arm, RunCurves
from wncompare.analysis.estimates import Band
from wncompare.analysis.views import Views

DIGITS = 6
"""Significant digits of a number on the page, of which it shows four."""


def arms(views: Views) -> list[dict[str, Any]]:
    """Every variant (its place in the config) at every point of the grid that has a run."""
    return [
        {"variant": place, "point": arm.point.slug} | _arm(arm)
        for place, over_points in enumerate(zip(*(view.arms for view in views.points), strict=True))
        for arm in over_points
        if arm.runs
    ]


def _arm(arm: Arm) -> dict[str, Any]:
    """The single runs, and the mean over those that ended; a mean stops where a run diverged."""
    return {
        "runs": [_run(run) for run in arm.curves],
        "x": {cost: _short(values) for cost, values in arm.costs.items()},
        "bands": {metric: _band(band) for metric, band in arm.bands.items()},
    }


def _run(run: RunCurves) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "status": run.status,
        "x": {cost: _short(values) for cost, values in run.costs.items()},
        "metrics": {metric: _short(values) for metric, values in run.values.items()},
    }


def _band(band: Band) -> dict[str, Any]:
    return {"n": band.n.tolist()} | {name: _short(getattr(band, name)) for name in ("mean", "low", "high", "median")}


def _short(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
