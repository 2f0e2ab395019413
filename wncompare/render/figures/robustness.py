"""Robustness: the headline over the values of a grid's key, such as the learning rate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from wncompare.analysis.arms import Arm
from wncompare.analysis.views import View
from wncompare.analysis.words import directed
from wncompare.render.figures import labels
from wncompare.render.figures.style import (
    SMALL,
    color_of,
    log_scale,
    more_than_a_decade,
    new_figure,
    styled,
    wrapped,
)

_COLUMNS = 3
_DRAWN = "line: mean, bar: 95 % Student-t interval, faint: single seeds"
_DIVERGED = "×: how many runs diverged there, which withholds the mean"


@styled
def figure(points: Sequence[View]) -> Figure:
    """The headline over one key of the grid, whose points these are, with axes for each setting of the others."""
    config = points[0].config
    key = _key(config.grid)
    settings = list(_settings(points, key).items())
    columns = min(len(settings), _COLUMNS)
    rows = math.ceil(len(settings) / columns)
    drawn = new_figure(7.2 if columns == 1 else 10.0, max(4.8, 1.2 + 2.6 * rows))
    grid = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (setting, views) in zip(grid.flat, settings, strict=False):
        draw(axes, views, key, named=len(settings) == 1).set_title(wrapped(setting, 40), fontsize=10)
    for axes in grid.flat[len(settings) :]:
        axes.set_axis_off()
    if len(settings) > 1:
        labels.legend_beside(drawn, points[0])
    drawn.suptitle(wrapped(f"{config.name}: robustness over {_name(key)}", 58), x=0.01, ha="left")
    note = _DIVERGED if any(view.counts.diverged for view in points) else ""
    labels.add_small_print(drawn, points, drawn=_DRAWN, note=note)
    return drawn


def draw(axes: Axes, points: Sequence[View], key: str, *, named: bool = True) -> Axes:
    """Each variant's mean headline with its interval at each of the points, over the values that `key` has there."""
    values = [view.arms[0].point.values[key] for view in points]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    x = np.array(values if numbers else range(len(values)), np.float64)
    logarithmic = numbers and more_than_a_decade(x)
    rows = [row for row in zip(*(view.arms for view in points), strict=True) if any(arm.ended for arm in row)]
    colors = color_of(points[0].config)
    lines = [
        _draw_variant(axes, _aside(x, index, len(rows), logarithmic), row, colors[row[0].variant.id])
        for index, row in enumerate(rows)
    ]
    if logarithmic:
        log_scale(axes, "x", x)
    axes.set_xticks(x, [f"{value:g}" if numbers else wrapped(str(value), 16) for value in values])
    axes.minorticks_off()
    axes.set(xlabel=_name(key), ylabel=directed(points[0].headline))
    if points[0].headline.bare.endswith("accuracy"):
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, 0.0), min(high, 1.02))
    _draw_diverged(axes, x, rows, colors)
    if named:
        labels.name_lines(axes, lines, [str(line.get_label()) for line in lines])
    return axes


def _key(grid: Mapping[str, Sequence[Any]]) -> str:
    """The grid's key that the axis is for: the learning rate, else the one with the most values."""
    return max(grid, key=lambda key: (key.endswith("learning_rate"), len(grid[key])))


def _settings(points: Sequence[View], key: str) -> dict[str, list[View]]:
    """The points by what they set apart from `key`."""
    settings: dict[str, list[View]] = {}
    for view in points:
        values = view.arms[0].point.values
        others = ", ".join(f"{_name(other)} = {value}" for other, value in values.items() if other != key)
        settings.setdefault(others, []).append(view)
    return settings


def _draw_variant(axes: Axes, x: NDArray[np.float64], row: Sequence[Arm], color: str) -> Line2D:
    for place, arm in zip(x, row, strict=True):
        if len(arm.headlines) > 1:
            values = list(arm.headlines.values())
            axes.plot(np.full(len(values), place), values, "o", color=color, alpha=0.3, markersize=3)
        axes.plot([place, place], [arm.headline.low, arm.headline.high], color=color, linewidth=1.2)
    means = [arm.headline.mean for arm in row]
    (line,) = axes.plot(x, means, "D-", color=color, markersize=5, label=row[0].variant.label, zorder=3)
    return line


def _draw_diverged(
    axes: Axes, x: NDArray[np.float64], rows: Sequence[Sequence[Arm]], colors: Mapping[str, str]
) -> None:
    """Write below the values how many runs diverged at each place, a line an arm."""
    diverged = [row for row in rows if any(arm.diverged for arm in row)]
    low, high = axes.get_ylim()
    height = 0.06 * (high - low)
    axes.set_ylim(low - height * len(diverged), high)
    for line, row in enumerate(diverged, start=1):
        for place, arm in zip(x, row, strict=True):
            if arm.diverged:
                look: dict[str, Any] = {"color": colors[arm.variant.id], "ha": "center", "va": "bottom"}
                axes.text(place, low - height * line, f"{arm.diverged} ×", fontsize=SMALL, **look)


def _aside(x: NDArray[np.float64], index: int, count: int, logarithmic: bool) -> NDArray[np.float64]:
    """`x` a little aside, so that the intervals of `count` variants stand next to each other."""
    scaled = np.log(x) if logarithmic else x
    moved = scaled + 0.012 * (np.ptp(scaled) or 1.0) * (index - (count - 1) / 2)
    return np.exp(moved) if logarithmic else moved


def _name(key: str) -> str:
    return key.rsplit(".", 1)[-1].replace("_", " ")
