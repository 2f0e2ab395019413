"""The curves of an experiment as data for the report's page: every run's, and each variant's mean with its interval."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.config import Variant
from wncompare.config.grid import Point
from wncompare.records import METRICS, Experiment, Run

COSTS: tuple[metrics.Cost, ...] = ("epochs", "steps", "seconds")
DIGITS = 6
"""Significant digits of a number on the page, of which it shows four."""


def arms(experiment: Experiment) -> list[dict[str, Any]]:
    """Every variant (its place in the config) at every point of the grid that has a run."""
    config = experiment.config
    return [
        {"variant": place, "point": point.slug} | _arm(experiment, variant, point)
        for (place, variant), point in product(enumerate(config.variants), config.points)
        if experiment.of(variant, point)
    ]


def _arm(experiment: Experiment, variant: Variant, point: Point) -> dict[str, Any]:
    """The single runs, and the mean over those that ended; a mean stops where a run diverged."""
    ended = metrics.ended(experiment, variant, point)
    bands = {metric: stats.mean_band(metrics.curves(ended, metric)) for metric in METRICS}
    return {
        "runs": [_run(run) for run in experiment.of(variant, point) if run.epochs],
        "x": {cost: _mean_cost(ended, cost) for cost in COSTS},
        "bands": {
            metric: {"n": band.n.tolist()} | {name: _short(getattr(band, name)) for name in ("mean", "low", "high")}
            for metric, band in bands.items()
        },
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "seed": run.record.seed,
        "status": run.record.status,
        "x": {cost: _short(metrics.costs(run, cost)) for cost in COSTS},
        "metrics": {metric: _short(run.history[metric]) for metric in METRICS},
    }


def _mean_cost(runs: list[Run], cost: metrics.Cost) -> list[float]:
    """What the runs had cost by the end of each epoch: the sum of each epoch's mean over those that came so far.

    Unlike the mean of the sums it never falls where a slow run stops early.
    """
    costs = [np.diff(metrics.costs(run, cost), prepend=0.0) for run in runs]
    epochs = max(map(len, costs), default=0)
    return _short(np.cumsum([np.mean([each[epoch] for each in costs if len(each) > epoch]) for epoch in range(epochs)]))


def _short(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
