"""The essentials on one page."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wncompare.analysis.views import View
from wncompare.analysis.words import metric_name
from wncompare.render.figures import curves, differences, dots, labels, targets
from wncompare.render.figures.style import STYLE, color_of, new_figure, wrapped

_COLUMNS = 3
_DRAWN = "band and bar: 95 % interval of the mean (Student t) or of the median (bootstrap), faint: single seeds"

Draw = Callable[[Axes, View], Axes]


@mpl.rc_context({**STYLE, "font.size": 8.5, "axes.titlesize": 10, "figure.titlesize": 12})
def figure(view: View) -> Figure:
    """Small multiples: the headline, loss, paired differences, time to target and what a step costs.

    The panels of each row share its whole width; one legend stands above them all.
    """
    panels = list(_panels(view))
    rows = math.ceil(len(panels) / _COLUMNS)
    height = max(3.0, 1.0 + 0.5 * len(view.differences))  # a contrast's name has three lines
    drawn = new_figure(11.0, 1.1 + height * rows)
    grid = drawn.add_gridspec(rows, 1)
    for place, row in enumerate(_rows(panels, rows)):
        cells = grid[place].subgridspec(1, len(row))
        for column, (title, draw) in enumerate(row):
            draw(drawn.add_subplot(cells[column]), view).set_title(title)
    _add_legend(drawn, view)
    drawn.suptitle(wrapped(f"{view.config.name}: overview", 90), x=0.01, ha="left")
    note = curves.DIVERGED if view.counts.diverged else ""
    labels.add_small_print(drawn, [view], drawn=_DRAWN, note=note)
    return drawn


def _rows(panels: list[tuple[str, Draw]], rows: int) -> list[list[tuple[str, Draw]]]:
    """The panels in rows as equal as can be, the shorter ones first: the curves have more to show."""
    starts = [place * len(panels) // rows for place in range(rows + 1)]
    return [panels[start:end] for start, end in pairwise(starts)]


def _panels(view: View) -> Iterator[tuple[str, Draw]]:
    """The title of each panel that has anything to show, and what draws it."""
    metric = view.headline.validation.name
    yield metric_name(metric).capitalize(), lambda axes, one: curves.draw(axes, one, metric, named=False)
    if "loss" in view.metrics:
        yield "Training loss", lambda axes, one: curves.draw(axes, one, "loss", named=False)
    if view.differences:
        yield "Paired differences", lambda axes, one: differences.draw(axes, one, compact=True)
    if view.reached:
        target = view.reached[-1]
        yield f"Epochs to {target:.4g}", lambda axes, one: _unnamed(targets.draw(axes, one, target, against="epochs"))
    if {"seconds", "steps"}.issubset(view.costs):
        yield "Time a step", lambda axes, one: _unnamed(dots.draw_step_times(axes, one))


def _unnamed(axes: Axes) -> Axes:
    """Leave the names of rows to the legend."""
    axes.tick_params(axis="y", left=False, labelleft=False)
    return axes


def _add_legend(figure: Figure, view: View) -> None:
    colors = color_of(view.config)
    lines = [Line2D([], [], color=colors[arm.variant.id]) for arm in view.shown]
    names = [wrapped(arm.variant.label, 30, 2) for arm in view.shown]
    figure.legend(lines, names, loc="outside upper right", ncols=min(len(names), 4), fontsize=8.5)
