"""Paired differences: what each contrast comes to, seed by seed."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wncompare.analysis import metrics, stats
from wncompare.config import Contrast
from wncompare.render.figures import caption, dots
from wncompare.render.figures.arms import Arm, Comparison
from wncompare.render.figures.style import MUTED, new_figure, styled, wrapped

MOST_NUMBERED = 20
"""More seeds than that are not numbered."""

HEADLINES = {"val_accuracy": "validation accuracy", "test_accuracy": "test accuracy"}

_DRAWN = "dot: one seed, diamond: mean with 95 % Student-t interval"


@dataclass(frozen=True, eq=False)
class Pairs:
    """One contrast: its arms, and the difference (n,) of each seed (n,) that both have, in order of the difference."""

    contrast: Contrast
    arm: Arm
    reference: Arm
    seeds: NDArray[np.int64]
    differences: NDArray[np.float64]


@styled
def figure(comparison: Comparison) -> Figure | None:
    """Each contrast's differences by seed; None where no contrast has a pair."""
    rows = pairs(comparison)
    if not rows:
        return None
    height = sum(0.6 + 0.13 * min(len(row.seeds), MOST_NUMBERED) for row in rows)
    drawn = new_figure(height=max(2.6, 1.4 + height))
    draw(drawn.add_subplot(), comparison)
    drawn.suptitle(wrapped(f"{comparison.config.name}: paired differences at the last epoch", 58), x=0.01, ha="left")
    smallest = comparison.config.smallest_difference
    band = "" if smallest is None else f"grey: within ±{smallest:g}, too small to matter"
    numbered = "the numbers are seeds" if any(len(row.seeds) <= MOST_NUMBERED for row in rows) else ""
    note = "; ".join(filter(None, (numbered, band, _withheld(rows))))
    caption.add(drawn, comparison, drawn=_DRAWN, note=note)
    return drawn


def draw(axes: Axes, comparison: Comparison, *, compact: bool = False) -> Axes:
    """A row for each contrast: dots by seed, sorted, their mean with its Student-t interval, and a line at zero.

    Each dot has its seed's number, unless `compact`. Where one of a pair diverged, an arrowhead stands at the edge and
    the mean is withheld.
    """
    rows = pairs(comparison)
    axes.axvline(0, color="black", linewidth=1)
    if (smallest := comparison.config.smallest_difference) is not None:
        axes.axvspan(-smallest, smallest, color="#000000", alpha=0.08, linewidth=0)
    for place, row in enumerate(rows):
        _draw_row(axes, place, row, numbered=not compact)
    axes.set_yticks(range(len(rows)), [_label(row, lines=1 if compact else 2) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"difference in {HEADLINES[metrics.headline(comparison.config)]}")
    return axes


def pairs(comparison: Comparison) -> list[Pairs]:
    """The contrasts that have any pair to show."""
    found = (_pairs(comparison, contrast) for contrast in comparison.config.compared())
    return [row for row in found if row is not None and len(row.seeds)]


def _pairs(comparison: Comparison, contrast: Contrast) -> Pairs | None:
    arm, reference = comparison.arm(contrast.variant), comparison.arm(contrast.reference)
    if arm is None or reference is None:
        return None
    metric = metrics.headline(comparison.config)
    ours, theirs = (metrics.by_seed(side.ended, metric) for side in (arm, reference))
    seeds = np.array(sorted(ours.keys() & theirs.keys()), np.int64)
    differences = stats.differences(*(np.array([side[seed] for seed in seeds]) for side in (ours, theirs)))
    order = [index for index in np.argsort(differences, kind="stable") if not np.isnan(differences[index])]
    return Pairs(contrast, arm, reference, seeds[order], differences[order])


def _draw_row(axes: Axes, place: int, row: Pairs, *, numbered: bool) -> None:
    color, count = row.arm.color, len(row.seeds)
    dots.draw_values(axes, place, row.differences, color)
    if count > 1:
        mean = stats.mean_interval(row.differences)
        dots.draw_estimate(axes, place, count, (mean.mean, mean.low, mean.high), color)
    if numbered and count <= MOST_NUMBERED:
        for seed, difference, y in zip(row.seeds, row.differences, dots.places(place, count), strict=False):
            _number(axes, int(seed), float(difference), float(y))


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


def _label(row: Pairs, *, lines: int) -> str:
    name = f"{wrapped(row.arm.variant.label, 24, lines)}\n− {wrapped(row.reference.variant.label, 24, lines)}"
    mean = stats.mean_interval(row.differences)
    if math.isnan(mean.low):
        return name
    return f"{name}\n{mean.mean:+.4f} [{mean.low:+.4f}, {mean.high:+.4f}]".replace("-", "−")


def _withheld(rows: list[Pairs]) -> str:
    diverged = any(not np.isfinite(row.differences).all() for row in rows)
    return "a run that diverged ranks worst (arrowhead) and withholds the mean" if diverged else ""
