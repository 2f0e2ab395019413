"""A metric over training: by epoch and step, or by wall-clock training seconds."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.records import Run
from wncompare.render.figures import caption, labels
from wncompare.render.figures.arms import Arm, Comparison
from wncompare.render.figures.style import FAINT, SMALL, new_figure, styled, wrapped

Against = Literal["epochs", "seconds"]

# metric: the name of its axis and the values it can have
METRICS = {
    "accuracy": ("training accuracy", (0.0, 1.0)),
    "val_accuracy": ("validation accuracy", (0.0, 1.0)),
    "loss": ("training loss", (-np.inf, np.inf)),
    "val_loss": ("validation loss", (-np.inf, np.inf)),
}

_DRAWN = "line: mean, band: 95 % Student-t interval, faint: single seeds"
_EPOCHS = "each mean is over the runs that have its epoch"
_SECONDS = (
    "each mean stands at the mean training seconds of its epoch, which all runs have; compilation and evaluation apart"
)
_DIVERGED = "dashed: runs that diverged, up to there and in no mean"


@styled
def by_epoch(comparison: Comparison, metric: str) -> Figure:
    """The metric's curve by epoch, and by step on the axis above; the training accuracy's, the tutorial's, has none."""
    figure = new_figure(height=labels.height_for(comparison.arms))
    axes = draw(figure.add_subplot(), comparison, metric)
    if metric != "accuracy":  # the tutorial's figure is as it was
        _add_step_axis(axes, comparison)
    axes.set_title(wrapped(_title(comparison, metric, "epoch"), 54))
    lengths = {run.epochs for arm in comparison.arms for run in arm.finished}
    _add_caption(figure, comparison, _EPOCHS if len(lengths) > 1 else "")
    return figure


@styled
def by_seconds(comparison: Comparison, metric: str) -> Figure:
    """The metric's curve by wall-clock seconds spent training."""
    figure = new_figure(height=labels.height_for(comparison.arms))
    axes = draw(figure.add_subplot(), comparison, metric, against="seconds")
    axes.set_title(wrapped(_title(comparison, metric, "time"), 54))
    _add_caption(figure, comparison, _SECONDS)
    return figure


def draw(axes: Axes, comparison: Comparison, metric: str, *, against: Against = "epochs", named: bool = True) -> Axes:
    """Each arm's mean, 95 % Student-t interval and single seeds; diverged runs dashed as far as they are finite.

    Against seconds the mean of an epoch stands at its mean time, as long as every run has that epoch.
    """
    lines = [_draw_arm(axes, arm, metric, against) for arm in comparison.arms]
    name, possible = METRICS[metric]
    axes.set(xlabel="epoch" if against == "epochs" else "training seconds", ylabel=name)
    axes.set_ylim(_limits(comparison, metric, possible))
    if against == "epochs":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        axes.set_xlim(left=0)
    if named:
        labels.name_lines(axes, lines, [_name(arm) for arm in comparison.arms])
    return axes


def draw_seeds(axes: Axes, xs: Sequence[NDArray[Any]], ys: Sequence[NDArray[Any]], **look: Any) -> Line2D:
    """Many curves as one line with gaps, which stays quick with a thousand of them."""
    gap = [np.nan]
    x, y = (np.concatenate([part for curve in curves for part in (curve, gap)]) for curves in (xs, ys))
    (line,) = axes.plot(x, y, **look)
    return line


def _draw_arm(axes: Axes, arm: Arm, metric: str, against: Against) -> Line2D:
    """Draw one arm; the line to name."""
    cut = _draw_diverged(axes, arm, metric, against) if arm.diverged else None
    return _draw_mean(axes, arm, metric, against) if arm.finished or cut is None else cut


def _draw_mean(axes: Axes, arm: Arm, metric: str, against: Against) -> Line2D:
    costs = [metrics.costs(run, against) for run in arm.finished]
    marker = "o" if max(len(cost) for cost in costs) == 1 else None  # one point is no line
    if len(costs) > 1:
        curves = [run.history[metric] for run in arm.finished]
        draw_seeds(axes, costs, curves, color=arm.color, marker=marker, markersize=3, **FAINT)
    x = _mean_costs(arm.finished, against)
    band = stats.mean_band(metrics.by_epoch(arm.finished, metric)[:, : len(x)])
    (line,) = axes.plot(x, band.mean, color=arm.color, label=arm.variant.label, marker=marker, markersize=5, zorder=3)
    axes.fill_between(x, band.low, band.high, color=arm.color, alpha=0.15, linewidth=4 if marker else 0)
    return line


def _draw_diverged(axes: Axes, arm: Arm, metric: str, against: Against) -> Line2D:
    """Each diverged run as far as its metric is finite, with a cross at the end."""
    xs, ys = [], []
    for run in arm.diverged:
        finite = np.isfinite(run.history[metric])
        stop = len(finite) if finite.all() else int(finite.argmin())
        xs.append(metrics.costs(run, against)[:stop])
        ys.append(run.history[metric][:stop])
    line = draw_seeds(axes, xs, ys, color=arm.color, linestyle="--", alpha=0.5, linewidth=0.8)
    last = [(x[-1], y[-1]) for x, y in zip(xs, ys, strict=True) if len(x)]
    axes.plot(*zip(*last, strict=True) if last else ([], []), "x", color=arm.color, markersize=5, alpha=0.7)
    return line


def _mean_costs(runs: Sequence[Run], against: Against) -> NDArray[np.float64]:
    """Where the means stand: at every epoch, or at the mean time of each epoch that all runs have."""
    costs = [metrics.costs(run, against) for run in runs]
    if against == "epochs":
        return max(costs, key=len)
    shortest = min(len(cost) for cost in costs)
    mean: NDArray[np.float64] = np.mean([cost[:shortest] for cost in costs], axis=0)
    return mean


def _limits(comparison: Comparison, metric: str, possible: tuple[float, float]) -> tuple[float, float]:
    """The y axis: every seed's curve, and the bands but for what the wide ones of few seeds would flatten them with.

    A diverged run may leave the axes: it would flatten the others.
    """
    arms = [metrics.by_epoch(arm.finished, metric) for arm in comparison.arms if arm.finished]
    bands = [stats.mean_band(values) for values in arms]
    finite = np.concatenate([values[np.isfinite(values)] for values in arms])
    low, high = (finite.min(), finite.max()) if finite.size else possible
    size = (high - low) or 0.1
    band_low = min((np.nanmin(band.low) for band in bands if np.isfinite(band.low).any()), default=low)
    band_high = max((np.nanmax(band.high) for band in bands if np.isfinite(band.high).any()), default=high)
    margin = 0.05 * size
    low = min(low, max(band_low, low - size / 2)) - margin
    high = max(high, min(band_high, high + size / 2)) + margin
    return max(low, possible[0]), min(high, possible[1] + margin)


def _add_step_axis(axes: Axes, comparison: Comparison) -> None:
    """Count steps above, where an epoch has as many of them in every run."""
    steps = {float(step) for arm in comparison.arms for run in arm.ended for step in run.history["steps"]}
    epochs = max(run.epochs for arm in comparison.arms for run in arm.ended)
    if len(steps) == 1 and epochs > 1:
        (step,) = steps
        above = axes.secondary_xaxis("top", functions=(partial(np.multiply, step), partial(np.multiply, 1 / step)))
        above.set_xlabel("step", fontsize=SMALL)
        above.tick_params(labelsize=SMALL)


def _name(arm: Arm) -> str:
    return arm.variant.label if arm.finished else f"{arm.variant.label} (diverged)"


def _title(comparison: Comparison, metric: str, against: str) -> str:
    names = [variant.name for variant in comparison.config.variants]
    if (metric, against) == ("accuracy", "epoch") and names == ["regular", "weight_norm"]:
        return "WeightNorm Accuracy Comparison"
    return f"{comparison.config.name}: {METRICS[metric][0]} by {against}"


def _add_caption(figure: Figure, comparison: Comparison, note: str = "") -> None:
    diverged = _DIVERGED if any(arm.diverged for arm in comparison.arms) else ""
    note = "; ".join(filter(None, (note, diverged)))
    caption.add(figure, comparison, drawn=_DRAWN, note=note)
