"""The essentials on one page."""

import math
from collections.abc import Callable, Iterator

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wncompare.render.figures import caption, curves, differences, steptime, targets
from wncompare.render.figures.arms import Comparison
from wncompare.render.figures.style import STYLE, new_figure, wrapped

_COLUMNS = 3
_DRAWN = "band and bar: 95 % interval of the mean (Student t) or of the median (bootstrap), faint: single seeds"

Draw = Callable[[Axes, Comparison], Axes]


@mpl.rc_context({**STYLE, "font.size": 8.5, "axes.titlesize": 10, "figure.titlesize": 12})
def figure(comparison: Comparison) -> Figure:
    """Small multiples: accuracy, loss, paired differences, time to target and what a step costs."""
    panels = list(_panels(comparison))
    rows = math.ceil((len(panels) + 1) / _COLUMNS)
    height = max(3.2, 1.0 + 0.5 * len(comparison.config.compared()))  # a contrast's name has three lines
    drawn = new_figure(11.0, 0.8 + height * rows)
    cells = list(drawn.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes, (title, draw) in zip(cells, panels, strict=False):
        draw(axes, comparison).set_title(title)
    for axes in cells[len(panels) :]:
        axes.set_axis_off()
    _add_legend(cells[len(panels)], comparison)
    drawn.suptitle(wrapped(f"{comparison.config.name}: overview", 90), x=0.01, ha="left")
    caption.add(drawn, comparison, drawn=_DRAWN)
    return drawn


def _panels(comparison: Comparison) -> Iterator[tuple[str, Draw]]:
    """The title of each panel that has anything to show, and what draws it."""
    yield "Validation accuracy", lambda axes, one: curves.draw(axes, one, "val_accuracy", named=False)
    yield "Training loss", lambda axes, one: curves.draw(axes, one, "loss", named=False)
    if differences.pairs(comparison):
        yield "Paired differences", lambda axes, one: differences.draw(axes, one, compact=True)
    if reached := targets.reached(comparison):
        yield (
            f"Epochs to {reached[-1]:.4g}",
            lambda axes, one: _unnamed(targets.draw(axes, one, reached[-1], against="epochs")),
        )
    yield "Time a step", lambda axes, one: _unnamed(steptime.draw(axes, one))


def _unnamed(axes: Axes) -> Axes:
    """Leave the names of rows to the legend."""
    axes.tick_params(axis="y", left=False, labelleft=False)
    return axes


def _add_legend(axes: Axes, comparison: Comparison) -> None:
    lines = [Line2D([], [], color=arm.color) for arm in comparison.arms]
    axes.legend(lines, [wrapped(arm.variant.label, 40) for arm in comparison.arms], loc="center")
