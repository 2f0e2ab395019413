"""Rows of dots, a seed each, and below them their mean or median with its interval; so the time of a step."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform
from numpy.typing import ArrayLike, NDArray

from wncompare.analysis.views import View
from wncompare.render.figures.style import color_of, wrapped

ROW = 0.8
"""The part of the distance between two rows that a row takes."""


def places(row: float, count: int) -> NDArray[np.float64]:
    """Where `count` dots stand, one below the other, and after them the diamond: (count + 1,). A lone dot has none."""
    if count == 1:
        return np.full(2, float(row))
    return row + ROW * ((np.arange(count + 1) + 0.5) / (count + 1) - 0.5)


def draw_values(axes: Axes, row: float, values: ArrayLike, color: str) -> None:
    """A dot for each value (n,), in order; an infinite one is an arrowhead at the edge where it would be."""
    values = np.asarray(values, np.float64)
    look: dict[str, Any] = {"color": color, "alpha": 0.55, "markeredgewidth": 0}
    y = places(row, len(values))[:-1]
    finite = np.isfinite(values)
    axes.plot(values[finite], y[finite], "o", markersize=4, **look)
    for infinity, marker, edge in ((-np.inf, "<", 0), (np.inf, ">", 1)):
        if len(beyond := y[values == infinity]):
            axes.plot(np.full(len(beyond), edge), beyond, marker, transform=edges(axes), clip_on=False, **look)


def draw_interval(axes: Axes, row: float, count: int, interval: tuple[float, float, float], color: str) -> None:
    """The diamond of (middle, low, high) below `count` dots; what is infinite goes to the edge of the axes."""
    y = places(row, count)[-1]
    middle, low, high = interval
    if not math.isnan(low):
        left, right = axes.get_xlim()
        ends = [max(low, left) if low == -math.inf else low, min(high, right) if high == math.inf else high]
        axes.plot(ends, [y, y], color=color, linewidth=2)
    look: dict[str, Any] = {
        "color": color,
        "markersize": 6.5,
        "markeredgecolor": "white",
        "zorder": 3,
        "clip_on": False,
    }
    if math.isinf(middle):
        axes.plot([float(middle > 0)], [y], "D", transform=edges(axes), **look)
    elif math.isfinite(middle):
        axes.plot([middle], [y], "D", **look)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """A row for each name, from the top down."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def draw_step_times(axes: Axes, view: View) -> Axes:
    """A row for each arm: milliseconds a training step by seed, their mean with its Student-t interval."""
    arms, colors = [arm for arm in view.arms if arm.finished], color_of(view.config)
    for place, arm in enumerate(arms):
        values, mean = [1000 * seconds for seconds in arm.step_times.values()], arm.step_seconds
        draw_values(axes, place, values, colors[arm.variant.id])
        if len(values) > 1:
            interval = 1000 * mean.mean, 1000 * mean.low, 1000 * mean.high
            draw_interval(axes, place, len(values), interval, colors[arm.variant.id])
    name_rows(axes, [wrapped(arm.variant.label, 24, 2) for arm in arms])
    axes.set_xlim(left=0)
    axes.set_xlabel("milliseconds a training step")
    return axes


def edges(axes: Axes) -> Transform:
    """Across, the left edge of the axes is 0 and the right one 1; down are rows."""
    return axes.get_yaxis_transform()
