"""A metric over training: by epoch and step, or by wall-clock training seconds."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wncompare.analysis.arms import Arm
from wncompare.analysis.views import View
from wncompare.analysis.words import metric_name, on_axis
from wncompare.render.figures import labels
from wncompare.render.figures.style import FAINT, MUTED, SMALL, color_of, new_figure, styled, wrapped

Against = Literal["epochs", "seconds"]
Points = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x and y of a curve, (epochs,) each."""

_DRAWN = "line: mean, band: 95 % Student-t interval, faint: single seeds"
_EPOCHS = "each mean is over the runs that have its epoch"
_SECONDS = (
    "a mean stands at the training seconds that its runs took, an epoch's mean at a time; "
    "compilation and evaluation apart"
)
DIVERGED = (
    "dashed: runs that diverged, up to there; from then on there is no mean but a dotted median, which ranks them worst"
)


@styled
def by_epoch(view: View, metric: str) -> Figure:
    """The metric's curve by epoch, and by step on the axis above; the training accuracy's, the tutorial's, has none."""
    figure = new_figure(height=labels.height_for(len(view.shown)))
    axes = draw(figure.add_subplot(), view, metric)
    if metric != "accuracy":  # the tutorial's figure is as it was
        _add_step_axis(axes, view)
    _add_title(axes, view, metric, "epoch")
    fewest, most = view.epochs
    _add_small_print(figure, view, _EPOCHS if fewest != most else "")
    return figure


@styled
def by_seconds(view: View, metric: str) -> Figure:
    """The metric's curve by wall-clock seconds spent training."""
    figure = new_figure(height=labels.height_for(len(view.shown)))
    axes = draw(figure.add_subplot(), view, metric, against="seconds")
    _add_title(axes, view, metric, "time")
    _add_small_print(figure, view, _SECONDS)
    return figure


def draw(axes: Axes, view: View, metric: str, *, against: Against = "epochs", named: bool = True) -> Axes:
    """Each arm's mean, 95 % Student-t interval and single seeds; diverged runs dashed as far as they are finite.

    From the epoch in which a run diverged the arm's median, dotted, stands for the mean.
    """
    colors = color_of(view.config)
    lines = [_draw_arm(axes, arm, colors[arm.variant.id], metric, against) for arm in view.shown]
    axes.set(xlabel="epoch" if against == "epochs" else "training seconds", ylabel=on_axis(metric, view.headline))
    axes.set_ylim(view.limits(metric))
    if against == "epochs":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        axes.set_xlim(left=0)
    if named:
        labels.name_lines(axes, lines, [_name(arm) for arm in view.shown])
    return axes


def draw_seeds(axes: Axes, curves: Iterable[Points], **look: Any) -> Line2D:
    """Many curves as one line with gaps, which stays quick with a thousand of them."""
    parts = [np.array([[*x, np.nan], [*y, np.nan]]) for x, y in curves]
    (line,) = axes.plot(*np.concatenate(parts, axis=1), **look)
    return line


def _draw_arm(axes: Axes, arm: Arm, color: str, metric: str, against: Against) -> Line2D:
    """Draw one arm; the line to name."""
    cut = _draw_diverged(axes, arm, color, metric, against) if arm.diverged else None
    return _draw_mean(axes, arm, color, metric, against) if arm.finished or cut is None else cut


def _draw_mean(axes: Axes, arm: Arm, color: str, metric: str, against: Against) -> Line2D:
    curves = [(run.costs[against], run.values[metric]) for run in arm.curves if run.status == "finished"]
    x, band = arm.costs[against], arm.bands[metric]
    marker = "o" if len(x) == 1 else None  # one point is no line
    if len(curves) > 1:
        draw_seeds(axes, curves, color=color, marker=marker, markersize=3, **FAINT)
    (line,) = axes.plot(x, band.mean, color=color, label=arm.variant.label, marker=marker, markersize=5, zorder=3)
    axes.fill_between(x, band.low, band.high, color=color, alpha=0.15, linewidth=4 if marker else 0)
    if arm.diverged:
        _draw_median(axes, arm, color, metric, against)
    return line


def _draw_median(axes: Axes, arm: Arm, color: str, metric: str, against: Against) -> None:
    """The median where there is no mean."""
    band = arm.bands[metric]
    shown = np.isnan(band.mean) & np.isfinite(band.median)
    axes.plot(arm.costs[against], np.where(shown, band.median, np.nan), ":", color=color, marker=".", markersize=4)


def _draw_diverged(axes: Axes, arm: Arm, color: str, metric: str, against: Against) -> Line2D:
    """Each diverged run as far as its metric is finite, with a cross at the end."""
    runs = [(run, run.finite_epochs(metric)) for run in arm.curves if run.status == "diverged"]
    curves = [(run.costs[against][:stop], run.values[metric][:stop]) for run, stop in runs] or [(np.empty(0),) * 2]
    line = draw_seeds(axes, curves, color=color, linestyle="--", alpha=0.5, linewidth=0.8)
    last = [(x[-1], y[-1]) for x, y in curves if len(x)]
    axes.plot(*zip(*last, strict=True) if last else ([], []), "x", color=color, markersize=5, alpha=0.7)
    return line


def _add_step_axis(axes: Axes, view: View) -> None:
    """Count steps above, where an epoch has as many of them in every run."""
    step, most = view.steps_an_epoch, max(len(arm.costs["epochs"]) for arm in view.shown)
    if step is not None and most > 1:
        above = axes.secondary_xaxis("top", functions=(partial(np.multiply, step), partial(np.multiply, 1 / step)))
        above.set_xlabel("step", fontsize=SMALL)
        above.tick_params(labelsize=SMALL)


def _name(arm: Arm) -> str:
    return arm.variant.label if arm.finished else f"{arm.variant.label} (diverged)"


def _add_title(axes: Axes, view: View, metric: str, against: str) -> None:
    """The tutorial's title over the tutorial's figure, and below it what that shows."""
    shown = f"{metric_name(metric)} by {against}"
    names = [variant.name for variant in view.config.variants]
    if (metric, against) == ("accuracy", "epoch") and names == ["regular", "weight_norm"]:
        axes.set_title("WeightNorm Accuracy Comparison", pad=18)
        axes.annotate(
            f"{view.config.name}: {shown}",
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color=MUTED,
        )
    else:
        axes.set_title(wrapped(f"{view.config.name}: {shown}", 54))


def _add_small_print(figure: Figure, view: View, note: str) -> None:
    diverged = DIVERGED if view.counts.diverged else ""
    note = "; ".join(filter(None, (note, diverged)))
    labels.add_small_print(figure, [view], drawn=_DRAWN, note=note)
