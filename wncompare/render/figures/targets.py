"""Time to target: how many epochs and how many training seconds until a target is reached."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wncompare.analysis.arms import TargetTimes
from wncompare.analysis.headline import Metric
from wncompare.analysis.schema import Cost
from wncompare.analysis.views import View
from wncompare.analysis.words import exploratory, metric_name
from wncompare.render.figures import dots, labels
from wncompare.render.figures.style import MUTED, SMALL, color_of, new_figure, styled, wrapped

_NAMES: dict[Cost, str] = {"epochs": "epochs", "steps": "training steps", "seconds": "training seconds"}
_DRAWN = "dot: one seed, diamond: median with 95 % bootstrap interval, arrowhead: not reached"


@styled
def figure(view: View) -> Figure:
    """For each target that any run reached, the epochs and the seconds of every arm."""
    seeds = max(len(arm.ended) for arm in view.shown)
    row = 0.3 + 0.035 * min(seeds, 20)
    drawn = new_figure(height=1.5 + len(view.reached) * (0.7 + row * len(view.shown)))
    shown: list[Cost] = [cost for cost in ("epochs", "seconds") if cost in view.costs]
    cells = drawn.subplots(len(view.reached), len(shown), sharey=True, sharex="col", squeeze=False)
    for target, row_of_axes in zip(view.reached, cells, strict=True):
        for axes, cost in zip(row_of_axes, shown, strict=True):
            draw(axes, view, target, against=cost)
        row_of_axes[0].set_title(_title(view.headline, target), fontsize=10)
    for axes in cells[:-1].flat:
        axes.set_xlabel("")
    drawn.suptitle(wrapped(f"{view.config.name}: time to target", 58), x=0.01, ha="left")
    labels.add_small_print(drawn, [view], drawn=_DRAWN, note=_note(view))
    return drawn


def _title(headline: Metric, target: float) -> str:
    return f"{metric_name(headline.validation.name)} {'≥' if headline.better == 'higher' else '≤'} {target:.4g}"


def draw(axes: Axes, view: View, target: float, *, against: Cost) -> Axes:
    """A row for each arm: dots by seed, their median with its bootstrap interval; misses stand at the right edge."""
    axes.set_xlim(0, 1.1 * view.longest(against))
    for place, arm in enumerate(view.shown):
        _draw_row(axes, place, arm.times_to(target), against, color_of(view.config)[arm.variant.id])
    dots.name_rows(axes, [wrapped(arm.variant.label, 24, 2) for arm in view.shown])
    axes.set_xlabel(_NAMES[against])
    if against == "epochs":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    return axes


def _draw_row(axes: Axes, place: int, times: TargetTimes, against: Cost, color: str) -> None:
    values, median = times.by_run[against], times.medians[against]
    dots.draw_values(axes, place, values, color)
    if len(values) > 1:
        dots.draw_interval(axes, place, len(values), (median.value, median.low, median.high), color)
    if misses := len(values) - times.reached:
        text = f"not reached\n({misses} of {len(values)})"
        axes.text(1.03, place, text, transform=dots.edges(axes), va="center", fontsize=SMALL, color=MUTED)


def _note(view: View) -> str:
    time = "training seconds leave out compilation and evaluation"
    return time if view.config.targets else f"{time}; exploratory target: {exploratory(view.headline)}"
