"""How fast a run gets there."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import trapezoid


def time_to_target(curves: Sequence[ArrayLike], costs: Sequence[ArrayLike], target: float) -> NDArray[np.float64]:
    """Run by run, the cost at which the curve first is at or above the target, inf where it never is: (runs,).

    `curves` has an accuracy (epochs,) for each run, `costs` what the run had cost by the end of each of these epochs:
    epochs, steps or seconds from its start. A NaN in a curve reaches no target.
    """
    return np.array([_first(curve, cost, target) for curve, cost in zip(curves, costs, strict=True)], np.float64)


def area_under_curve(curve: ArrayLike) -> float:
    """The mean height of a curve (epochs,) by the trapezoidal rule, in the curve's own unit; NaN for an empty one.

    A single epoch's area is its value. Curves of unequal length are areas over unequal times: compare them with care.
    """
    curve = np.asarray(curve, np.float64)
    if len(curve) < 2:
        return float(curve[0]) if len(curve) else np.nan
    return float(trapezoid(curve) / (len(curve) - 1))


def _first(curve: ArrayLike, cost: ArrayLike, target: float) -> float:
    curve, cost = np.asarray(curve, np.float64), np.asarray(cost, np.float64)
    if curve.shape != cost.shape:
        raise ValueError(f"a curve of {len(curve)} epochs has costs of {len(cost)}: give a cost for each epoch")
    reached = np.flatnonzero(curve >= target)
    return float(cost[reached[0]]) if len(reached) else np.inf
