"""Figures of an experiment: records in, matplotlib figures out; saving is the caller's.

Each kind of figure is one file with a `draw` that takes and returns Axes and a function that makes the whole figure,
title and caption included.
"""

from collections.abc import Iterator

from matplotlib.figure import Figure

from wncompare.errors import RecordsError
from wncompare.plots import curves, differences, layers, overview, robustness, targets
from wncompare.plots.arms import Comparison, comparison
from wncompare.plots.style import COLORS, FORMATS, render
from wncompare.records import Experiment

__all__ = ["COLORS", "FORMATS", "figures", "render"]


MOST_POINTS = 12
"""Of a grid with more, no point is drawn by itself."""


def figures(experiment: Experiment) -> Iterator[tuple[str, Figure]]:
    """Every figure of the experiment with its name; figures are made as they are asked for.

    Of a grid with several points, each has its overview alone, named by its slug ("learning_rate=0.001/overview"), up
    to `MOST_POINTS` of them. A figure that would have nothing to show is left out.

    Raises:
        RecordsError: no run has finished.
    """
    if not experiment.has_finished:
        raise RecordsError(f"{experiment.folder}: no run has finished: there is nothing to plot yet")
    points = experiment.config.points
    for point in points if len(points) <= MOST_POINTS else ():
        compared = comparison(experiment, point)
        if any(arm.finished for arm in compared.arms):
            drawn = _figures(compared) if len(points) == 1 else (("overview", overview.figure(compared)),)
            for name, figure in drawn:
                yield f"{point.slug}/{name}" if point.slug else name, figure
    if robust := robustness.figure(experiment):
        yield "robustness", robust


def _figures(compared: Comparison) -> Iterator[tuple[str, Figure]]:
    """The figures of one point: the tutorial's first."""
    for metric in curves.METRICS:
        yield metric, curves.by_epoch(compared, metric)
    for metric in ("val_accuracy", "loss", "val_loss"):
        yield f"{metric}_by_seconds", curves.by_seconds(compared, metric)
    if drawn := differences.figure(compared):
        yield "differences", drawn
    if drawn := targets.figure(compared):
        yield "time_to_target", drawn
    if drawn := layers.figure(compared):
        yield "layers", drawn
    yield "overview", overview.figure(compared)
