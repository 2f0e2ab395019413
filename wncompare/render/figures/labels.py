"""Names beside lines: a legend for few, a label at the end of each line where a legend would crowd."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from wncompare.render.figures.arms import Arm
from wncompare.render.figures.style import SMALL, wrapped

MOST_IN_LEGEND = 3
_LINE_HEIGHT = 1.35 * SMALL / 72  # inches
_LABEL_GAP = 0.04  # inches between two labels
_MARGINS = 1.6  # inches of a figure that are not its axes


def name_lines(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Name each line: in a legend, or with more than three beside its last point."""
    if len(lines) <= MOST_IN_LEGEND:
        axes.legend(lines, [wrapped(name, 40) for name in names])
    else:
        _label_ends(axes, lines, [wrapped(name, 24, lines=2) for name in names])


def height_for(arms: Sequence[Arm]) -> float:
    """The height in inches of a figure whose lines `name_lines` can all name."""
    labels = len(arms) * (2 * _LINE_HEIGHT + _LABEL_GAP) if len(arms) > MOST_IN_LEGEND else 0.0
    return max(4.8, labels + _MARGINS)


def legend_beside(figure: Figure, arms: Sequence[Arm]) -> None:
    """One legend for all axes of the figure, to their right."""
    lines = [Line2D([], [], color=arm.color) for arm in arms]
    names = [wrapped(arm.variant.label, 24) for arm in arms]
    figure.legend(lines, names, loc="outside right upper", fontsize=SMALL)


def spread(wanted: ArrayLike, sizes: ArrayLike) -> NDArray[np.float64]:
    """Where to centre labels of these sizes, as near to the wanted places as they can be without overlap: (labels,).

    Places are fractions of an axis, and no label leaves [0, 1] if there is room. The least-squares solution: with the
    distances that the labels need taken off, what is left has to be monotonic.
    """
    wanted, sizes = np.asarray(wanted, np.float64), np.asarray(sizes, np.float64)
    order = np.argsort(wanted, kind="stable")
    ordered = sizes[order]
    distances = np.concatenate([[0.0], np.cumsum((ordered[:-1] + ordered[1:]) / 2)])
    lowest, highest = ordered[0] / 2, 1 - ordered[-1] / 2 - distances[-1]
    nearest = isotonic_regression(wanted[order] - distances).x
    places = np.empty_like(wanted)
    places[order] = np.clip(nearest, lowest, max(lowest, highest)) + distances
    return places


def _label_ends(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Write each name to the right of the axes, in its line's colour, with a thin line to the line's last point."""
    low, high = axes.get_ylim()
    ends = [_last_point(axes, line) for line in lines]
    ends = [(x, min(max(y, low), high)) for x, y in ends]  # a diverged run leaves the axes
    height = axes.figure.get_figheight() - _MARGINS  # type: ignore[union-attr]
    sizes = [(_LINE_HEIGHT * (name.count("\n") + 1) + _LABEL_GAP) / height for name in names]
    places = spread([(y - low) / (high - low) for _, y in ends], sizes)
    for line, name, end, place in zip(lines, names, ends, places, strict=True):
        axes.annotate(
            name,
            xy=end,
            xytext=(1.02, place),
            textcoords="axes fraction",
            va="center",
            fontsize=SMALL,
            color=line.get_color(),
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6, "relpos": (0, 0.5)},
        )


def _last_point(axes: Axes, line: Line2D) -> tuple[float, float]:
    """Where the line ends; one without a point, whose runs diverged at once, has the lower right corner."""
    points = np.asarray(line.get_xydata(), np.float64)
    shown = points[np.isfinite(points).all(axis=1)]
    x, y = shown[-1] if len(shown) else (axes.get_xlim()[1], axes.get_ylim()[0])
    return float(x), float(y)
