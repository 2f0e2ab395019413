"""Robustness: the headline over the values of a grid's key, such as the learning rate."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.analysis import settings as selection
from wncompare.config.grid import Point
from wncompare.records import Experiment
from wncompare.render.figures import caption, labels
from wncompare.render.figures.arms import Arm, Comparison, comparison
from wncompare.render.figures.differences import HEADLINES
from wncompare.render.figures.style import SMALL, log_scale, more_than_a_decade, new_figure, styled, wrapped

_COLUMNS = 3
_DRAWN = "line: mean, bar: 95 % Student-t interval, faint: single seeds"
_DIVERGED = "×: how many runs diverged there, which withholds the mean"


@styled
def figure(experiment: Experiment) -> Figure | None:
    """The headline over one key of the grid, with axes for each setting of the others; None without a grid."""
    if not experiment.config.grid:
        return None
    key = key_of(experiment)
    settings = list(_settings(experiment, key).items())
    columns = min(len(settings), _COLUMNS)
    rows = math.ceil(len(settings) / columns)
    drawn = new_figure(7.2 if columns == 1 else 10.0, max(4.8, 1.2 + 2.6 * rows))
    grid = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (setting, points) in zip(grid.flat, settings, strict=False):
        draw(axes, experiment, points, key, named=len(settings) == 1).set_title(wrapped(setting, 40), fontsize=10)
    for axes in grid.flat[len(settings) :]:
        axes.set_axis_off()
    if len(settings) > 1:
        labels.legend_beside(drawn, _at(experiment, experiment.config.points[0]).arms)
    title = f"{experiment.config.name}: robustness over {_name(key)}"
    drawn.suptitle(wrapped(title, 58), x=0.01, ha="left")
    diverged = any(run.record.status == "diverged" for run in experiment.runs)
    note = _DIVERGED if diverged else ""
    cells = list(product(experiment.config.variants, experiment.config.points))
    caption.put(drawn, caption.text(experiment, cells, drawn=_DRAWN, note=note))
    return drawn


def draw(axes: Axes, experiment: Experiment, points: Sequence[Point], key: str, *, named: bool = True) -> Axes:
    """Each variant's mean headline with its interval at each of the points, over the values that `key` has there."""
    at = [_at(experiment, point) for point in points]
    values = [point.values[key] for point in points]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    x = np.array(values if numbers else range(len(values)), np.float64)
    logarithmic = numbers and more_than_a_decade(x)
    rows = [[one.arm(variant.id) for one in at] for variant in experiment.config.variants]
    shown = [row for row in rows if any(row)]
    metric = metrics.headline(experiment.config)
    lines = [
        _draw_variant(axes, _aside(x, index, len(shown), logarithmic), row, metric) for index, row in enumerate(shown)
    ]
    if logarithmic:
        log_scale(axes, "x", x)
    axes.set_xticks(x, [f"{value:g}" if numbers else wrapped(str(value), 16) for value in values])
    axes.minorticks_off()
    axes.set(xlabel=_name(key), ylabel=HEADLINES[metric])
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), min(high, 1.02))
    _draw_diverged(axes, x, shown)
    if named:
        labels.name_lines(axes, lines, [str(line.get_label()) for line in lines])
    return axes


def _at(experiment: Experiment, point: Point) -> Comparison:
    return comparison(experiment, selection.everyone_at(experiment.config, point))


def key_of(experiment: Experiment) -> str:
    """The grid's key that the axis is for: the learning rate, else the one with the most values."""
    grid = experiment.config.grid
    return max(grid, key=lambda key: (key.endswith("learning_rate"), len(grid[key])))


def _settings(experiment: Experiment, key: str) -> dict[str, list[Point]]:
    """The points by what they set apart from `key`."""
    settings: dict[str, list[Point]] = {}
    for point in experiment.config.points:
        others = ", ".join(f"{_name(other)} = {value}" for other, value in point.values.items() if other != key)
        settings.setdefault(others, []).append(point)
    return settings


def _draw_variant(axes: Axes, x: NDArray[np.float64], arms: Sequence[Arm | None], metric: str) -> Line2D:
    arm = next(arm for arm in arms if arm)
    headlines = [list(metrics.by_seed(arm.ended, metric).values()) if arm else [] for arm in arms]
    estimates = [stats.mean_interval(values) for values in headlines]
    for place, values, estimate in zip(x, headlines, estimates, strict=True):
        if len(values) > 1:
            axes.plot(np.full(len(values), place), values, "o", color=arm.color, alpha=0.3, markersize=3)
        axes.plot([place, place], [estimate.low, estimate.high], color=arm.color, linewidth=1.2)
    means = [estimate.mean for estimate in estimates]
    (line,) = axes.plot(x, means, "D-", color=arm.color, markersize=5, label=arm.variant.label, zorder=3)
    return line


def _draw_diverged(axes: Axes, x: NDArray[np.float64], rows: Sequence[Sequence[Arm | None]]) -> None:
    """Write below the values how many runs diverged at each place, a line an arm."""
    diverged = [arms for arms in rows if any(arm and arm.diverged for arm in arms)]
    low, high = axes.get_ylim()
    height = 0.06 * (high - low)
    axes.set_ylim(low - height * len(diverged), high)
    for line, arms in enumerate(diverged, start=1):
        for place, arm in zip(x, arms, strict=True):
            if arm and arm.diverged:
                text = f"{len(arm.diverged)} ×"
                axes.text(place, low - height * line, text, color=arm.color, ha="center", va="bottom", fontsize=SMALL)


def _aside(x: NDArray[np.float64], index: int, count: int, logarithmic: bool) -> NDArray[np.float64]:
    """`x` a little aside, so that the intervals of `count` variants stand next to each other."""
    scaled = np.log(x) if logarithmic else x
    moved = scaled + 0.012 * (np.ptp(scaled) or 1.0) * (index - (count - 1) / 2)
    return np.exp(moved) if logarithmic else moved


def _name(key: str) -> str:
    return key.rsplit(".", 1)[-1].replace("_", " ")
