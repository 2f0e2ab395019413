"""Time to target: how many epochs and how many training seconds until a validation accuracy is reached."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.render.figures import caption, dots
from wncompare.render.figures.arms import Arm, Comparison
from wncompare.render.figures.style import MUTED, SMALL, new_figure, percent, styled, wrapped

Cost = Literal["epochs", "seconds"]

_NAMES: dict[Cost, str] = {"epochs": "epochs", "seconds": "training seconds"}
_DRAWN = "dot: one seed, diamond: median with 95 % bootstrap interval, arrowhead: not reached"


@styled
def figure(comparison: Comparison) -> Figure | None:
    """For each target that any run reached, the epochs and the seconds of every arm; None where there is none."""
    targets = reached(comparison)
    if not targets:
        return None
    seeds = max(len(arm.ended) for arm in comparison.arms)
    row = 0.3 + 0.035 * min(seeds, 20)
    drawn = new_figure(height=1.5 + len(targets) * (0.7 + row * len(comparison.arms)))
    cells = drawn.subplots(len(targets), 2, sharey=True, sharex="col", squeeze=False)
    for target, (left, right) in zip(targets, cells, strict=True):
        draw(left, comparison, target, against="epochs").set_title(f"validation accuracy ≥ {target:.4g}", fontsize=10)
        draw(right, comparison, target, against="seconds")
    for axes in cells[:-1].flat:
        axes.set_xlabel("")
    drawn.suptitle(wrapped(f"{comparison.config.name}: time to target", 58), x=0.01, ha="left")
    caption.add(drawn, comparison, drawn=_DRAWN, note=_note(comparison))
    return drawn


def reached(comparison: Comparison) -> list[float]:
    """The targets that any run reaches; without targets in the config, a part of the reference's final accuracy."""
    reference = comparison.arm(comparison.config.variants[0].id)
    targets = metrics.targets(comparison.config, reference.ended if reference else ())
    return [
        target
        for target in targets
        if any(np.isfinite(metrics.times_to_target(arm.ended, "epochs", target)).any() for arm in comparison.arms)
    ]


def draw(axes: Axes, comparison: Comparison, target: float, *, against: Cost) -> Axes:
    """A row for each arm: dots by seed, their median with its bootstrap interval; misses stand at the right edge."""
    spent = [metrics.costs(run, against)[-1] for arm in comparison.arms for run in arm.finished]
    axes.set_xlim(0, 1.1 * max(spent))
    for place, arm in enumerate(comparison.arms):
        _draw_row(axes, place, arm, metrics.times_to_target(arm.ended, against, target))
    axes.set_yticks(range(len(comparison.arms)), [wrapped(arm.variant.label, 24, 2) for arm in comparison.arms])
    axes.set_ylim(len(comparison.arms) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(_NAMES[against])
    if against == "epochs":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    return axes


def _draw_row(axes: Axes, place: int, arm: Arm, times: NDArray[np.float64]) -> None:
    dots.draw_values(axes, place, times, arm.color)
    if len(times) > 1:
        median = stats.median_interval(times)
        dots.draw_estimate(axes, place, len(times), (median.value, median.low, median.high), arm.color)
    if misses := int(np.isinf(times).sum()):
        text = f"not reached\n({misses} of {len(times)})"
        axes.text(1.03, place, text, transform=dots.edges(axes), va="center", fontsize=SMALL, color=MUTED)


def _note(comparison: Comparison) -> str:
    time = "training seconds leave out compilation and evaluation"
    if comparison.config.targets:
        return time
    return f"{time}; exploratory target: {percent(metrics.TARGET_FRACTION)} of the reference's median last accuracy"
