"""Names beside lines (a legend for few, a label at the end of each where it would crowd), and the small print."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from wncompare.analysis.views import View
from wncompare.analysis.words import model_name
from wncompare.config.scores import ScoresConfig
from wncompare.render.figures.style import MUTED, SMALL, color_of, percent, wrapped

MOST_IN_LEGEND = 3
_LINE_HEIGHT = 1.35 * SMALL / 72  # inches
_LABEL_GAP = 0.04  # inches between two labels
_MARGINS = 1.6  # inches of a figure that are not its axes
_UNFINISHED = ("diverged", "failed", "interrupted", "running", "missing")
_CHARACTERS_PER_INCH = 16


def name_lines(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Name each line: in a legend, or with more than three beside its last point."""
    if len(lines) <= MOST_IN_LEGEND:
        axes.legend(lines, [wrapped(name, 40) for name in names])
    else:
        _label_ends(axes, lines, [wrapped(name, 24, lines=2) for name in names])


def height_for(lines: int) -> float:
    """The height in inches of a figure in which `name_lines` can name so many lines."""
    labels = lines * (2 * _LINE_HEIGHT + _LABEL_GAP) if lines > MOST_IN_LEGEND else 0.0
    return max(4.8, labels + _MARGINS)


def legend_beside(figure: Figure, view: View) -> None:
    """One legend for all axes of the figure, to their right."""
    colors = color_of(view.config)
    lines = [Line2D([], [], color=colors[arm.variant.id]) for arm in view.shown]
    names = [wrapped(arm.variant.label, 24) for arm in view.shown]
    figure.legend(lines, names, loc="outside right upper", fontsize=SMALL)


def spread(wanted: ArrayLike, sizes: ArrayLike) -> NDArray[np.float64]:
    """Where to centre labels of these sizes, as near to the wanted places as they can be without overlap: (labels,).

    Places are fractions of an axis, and no label leaves [0, 1] if there is room. The least-squares solution: with the
    distances that the labels need taken off, what is left has to be monotonic.
    """
    from scipy.optimize import isotonic_regression

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


def add_small_print(figure: Figure, views: Sequence[View], *, drawn: str, note: str = "") -> None:
    """Put below the figure of these settings, broken to its width, what a reader has to know of it; `small_print`."""
    width = int(_CHARACTERS_PER_INCH * (figure.get_figwidth() - 0.2))
    lines = [textwrap.fill(line, width) for line in small_print(views, drawn=drawn, note=note).splitlines()]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=MUTED)


def small_print(views: Sequence[View], *, drawn: str, note: str = "") -> str:
    """The data, how many seeds, what is drawn and what is missing.

    `drawn` says what the marks are where there are several seeds; `note` is said in any case.
    """
    parts = (_data(views), _seeds(views, drawn), note, _stopped_early(views), _missing(views))
    return "\n".join(filter(None, parts))


def _data(views: Sequence[View]) -> str:
    config = views[0].config
    holdout = config.holdout
    validation = "test split" if holdout is None else f"{percent(holdout)} of the training split"
    setting = str(views[0].setting) if len(views) == 1 else ""
    validated = "" if isinstance(config, ScoresConfig) else f"validation: {validation}"
    return " · ".join(filter(None, (views[0].dataset, model_name(config), setting, validated)))


def _seeds(views: Sequence[View], drawn: str) -> str:
    counts = {arm.finished for view in views for arm in view.arms}
    if max(counts) == 1:
        return "n = 1 seed a variant: one run has no interval"
    n = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{max(counts)}"
    group = "a variant" if len(views) == 1 else "a variant and setting"
    return f"n = {n} seeds {group}; {drawn}"


def _stopped_early(views: Sequence[View]) -> str:
    ends = [view.epochs for view in views if view.counts.finished]
    fewest, most = min(low for low, _ in ends), max(high for _, high in ends)
    return "" if fewest == most else f"runs have {fewest} to {most} epochs"


def _missing(views: Sequence[View]) -> str:
    counts = [view.counts for view in views]
    finished, planned = sum(each.finished for each in counts), sum(each.planned for each in counts)
    if finished == planned:
        return ""
    unfinished = {status: sum(getattr(each, status) for each in counts) for status in _UNFINISHED}
    problems = ", ".join(f"{number} {status}" for status, number in unfinished.items() if number)
    return f"{finished} of {planned} runs finished ({problems})"
