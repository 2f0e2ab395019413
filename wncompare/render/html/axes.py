"""The ranges of the curves' axes and the places of the names beside the lines, for every metric and scale.

They are of all variants of a view: the axes stand still while a reader hides some of them.
"""

from math import isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wncompare.analysis.arms import Arm
from wncompare.analysis.schema import Cost
from wncompare.analysis.views import View
from wncompare.render.figures.labels import spread

NAME_HEIGHT = 17
"""Pixels of a name beside its line."""


def plot_height(variants: int) -> int:
    """How high the plot is, in pixels: all names stand beside it without overlap."""
    return max(378, NAME_HEIGHT * variants)


def axes(view: View) -> dict[str, Any]:
    """By cost the range of x; by metric, for a linear and a logarithmic axis, the range of y and the names' places.

    A place is a part of the plot's height, from its lower edge; None for a variant without a line.
    """
    return {
        "x": {cost: _costs(view, cost) for cost in view.costs},
        "y": {metric: {"linear": _linear(view, metric), "log": _logarithmic(view, metric)} for metric in view.metrics},
    }


def _costs(view: View, cost: Cost) -> tuple[float, float]:
    values = [float(value) for arm in view.arms for run in arm.curves for value in run.costs[cost]] or [1.0, 2.0]
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _linear(view: View, metric: str) -> dict[str, Any]:
    low, high = view.limits(metric)
    return {"range": (low, high), "names": _names(view, [(end - low) / (high - low) for end in _ends(view, metric)])}


def _logarithmic(view: View, metric: str) -> dict[str, Any]:
    """A logarithmic axis starts at a positive value: no lower than 0.8 times the least that there is."""
    low, high = view.limits(metric)
    positive = [value for arm in view.arms for run in arm.curves for value in run.values[metric] if 0 < value < high]
    low, high = (max(low, 0.8 * min(positive)), high) if positive else (1e-3, 1.0)
    fractions = [log10(end / low) / log10(high / low) if end > 0 else np.nan for end in _ends(view, metric)]
    return {"range": (low, high), "names": _names(view, fractions)}


def _ends(view: View, metric: str) -> list[float]:
    """Where each variant's line ends, NaN where it has none."""
    return [_end(_line(arm, metric)) for arm in view.arms]


def _line(arm: Arm, metric: str) -> NDArray[np.float64]:
    """The mean and, from where it is withheld, the median: (epochs,)."""
    band = arm.bands[metric]
    return np.where(np.isfinite(band.mean), band.mean, band.median)


def _end(line: NDArray[np.float64]) -> float:
    finite = line[np.isfinite(line)]
    return float(finite[-1]) if len(finite) else np.nan


def _names(view: View, ends: list[float]) -> list[float | None]:
    """Where the names stand, as near to the lines' ends as they can be without overlap."""
    named = [index for index, end in enumerate(ends) if isfinite(end)]
    places: list[float | None] = [None] * len(ends)
    if named:
        size = NAME_HEIGHT / plot_height(len(view.arms))
        spaced = spread(np.clip([ends[index] for index in named], 0, 1), [size] * len(named))
        for index, place in zip(named, spaced.tolist(), strict=True):
            places[index] = round(place, 4)
    return places
