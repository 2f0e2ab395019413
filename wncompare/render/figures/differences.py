"""Paired differences: what each contrast comes to, seed by seed."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wncompare.analysis.contrasts import PairedDifferences
from wncompare.analysis.views import View
from wncompare.analysis.words import directed, signed
from wncompare.render.figures import dots, labels
from wncompare.render.figures.style import MUTED, color_of, new_figure, styled, wrapped

MOST_NUMBERED = 20
"""More seeds than that are not numbered."""

_DRAWN = "dot: one seed, diamond: mean with 95 % interval"


@styled
def figure(view: View) -> Figure:
    """Each contrast's differences by seed, of those that have a pair."""
    rows = view.differences
    height = sum(0.6 + 0.13 * min(len(row.by_seed), MOST_NUMBERED) for row in rows)
    drawn = new_figure(height=max(2.6, 1.4 + height))
    draw(drawn.add_subplot(), view)
    drawn.suptitle(wrapped(f"{view.config.name}: paired differences at the last epoch", 58), x=0.01, ha="left")
    smallest = view.config.smallest_difference
    band = "" if smallest is None else f"grey: within ±{smallest:g}, too small to matter"
    numbered = "the numbers are seeds" if any(len(row.by_seed) <= MOST_NUMBERED for row in rows) else ""
    note = "; ".join(filter(None, (numbered, band, _withheld(view))))
    labels.add_small_print(drawn, [view], drawn=_DRAWN, note=note)
    return drawn


def draw(axes: Axes, view: View, *, compact: bool = False) -> Axes:
    """A row for each contrast: dots by seed, sorted, their mean with its Student-t interval, and a line at zero.

    Each dot has its seed's number, unless `compact`. Where one of a pair diverged, an arrowhead stands at the edge and
    the mean is withheld.
    """
    axes.axvline(0, color="black", linewidth=1)
    if (smallest := view.config.smallest_difference) is not None:
        axes.axvspan(-smallest, smallest, color="#000000", alpha=0.08, linewidth=0)
    for place, row in enumerate(view.differences):
        _draw_row(axes, place, row, _color(view, row), numbered=not compact)
    dots.name_rows(axes, [_label(view, row, lines=1 if compact else 2) for row in view.differences])
    axes.set_xlabel(f"difference in {directed(view.headline)}")
    return axes


def _draw_row(axes: Axes, place: int, row: PairedDifferences, color: str, *, numbered: bool) -> None:
    shown = sorted((pair for pair in row.by_seed if not math.isnan(pair.difference)), key=lambda pair: pair.difference)
    count = len(shown)
    dots.draw_values(axes, place, [pair.difference for pair in shown], color)
    if count > 1:
        dots.draw_interval(axes, place, count, row.judged.interval, color)
    if numbered and count <= MOST_NUMBERED:
        for pair, y in zip(shown, dots.places(place, count), strict=False):
            _number(axes, pair.seed, pair.difference, float(y))


def _number(axes: Axes, seed: int, difference: float, y: float) -> None:
    """Write the seed beside its dot, away from the line at zero, or beside its arrowhead, into the axes."""
    beyond = not math.isfinite(difference)
    leftward = (difference < 0) != beyond
    axes.annotate(
        f"seed {seed} diverged" if beyond else f"{seed}",
        (float(difference > 0) if beyond else difference, y),
        xycoords=dots.edges(axes) if beyond else "data",
        xytext=(-6 if leftward else 6, 0),
        textcoords="offset points",
        ha="right" if leftward else "left",
        va="center_baseline",
        fontsize=6.5,
        color=MUTED,
    )


def _color(view: View, row: PairedDifferences) -> str:
    """The variant's, or a neutral one for a sum of several."""
    return MUTED if row.contrast.variant is None else color_of(view.config)[row.contrast.variant]


def _label(view: View, row: PairedDifferences, *, lines: int) -> str:
    name = row.contrast.name
    if row.contrast.is_pair:
        labels = (view.arm(side).variant.label for side in row.contrast.weighted())
        name = "\n− ".join(wrapped(label, 24, lines) for label in labels)
    value, low, high = row.judged.interval
    median = "median " if row.judged.basis == "median" else ""
    return name if math.isnan(low) else f"{name}\n{median}{signed(value)} [{signed(low)}, {signed(high)}]"


def _withheld(view: View) -> str:
    if all(row.judged.basis == "mean" for row in view.differences):
        return ""
    return "where a run collapsed or diverged (arrowhead) the diamond is the median"
