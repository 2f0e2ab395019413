"""Figures of an experiment: records in, matplotlib figures out; saving is the caller's.

Each kind of figure is one file with a `draw` that takes and returns Axes and a function that makes the whole figure,
title and caption included.
"""

from collections.abc import Callable, Iterator

from matplotlib.figure import Figure

from wncompare.analysis import settings as selection
from wncompare.analysis.settings import Setting
from wncompare.errors import RecordsError
from wncompare.records import Experiment
from wncompare.render.figures import curves, differences, layers, overview, robustness, targets
from wncompare.render.figures.arms import Comparison, comparison
from wncompare.render.figures.style import COLORS, FORMATS, render

__all__ = ["COLORS", "FORMATS", "figures", "render"]

Draw = Callable[[Comparison], Iterator[tuple[str, Figure]]]

MOST_POINTS = 12
"""Of a grid with more, no point is drawn by itself."""


def figures(experiment: Experiment) -> Iterator[tuple[str, Figure]]:
    """Every figure of the experiment with its name; figures are made as they are asked for.

    With a grid and a holdout the figures are of each variant at its best setting ("best/val_accuracy"). Of several
    points each has its overview ("learning_rate=0.001/overview"), up to `MOST_POINTS` of them. A figure that would
    have nothing to show is left out.

    Raises:
        RecordsError: no run has finished.
    """
    if not experiment.has_finished:
        raise RecordsError(f"{experiment.folder}: no run has finished: there is nothing to plot yet")
    compared, points = selection.settings(experiment), experiment.config.points
    if len(compared) == 1:
        yield from _named(compared[0], experiment, _figures)
    for point in points if 1 < len(points) <= MOST_POINTS else ():
        yield from _named(selection.everyone_at(experiment.config, point), experiment, _overview)
    if robust := robustness.figure(experiment):
        yield "robustness", robust


def _named(setting: Setting, experiment: Experiment, draw: Draw) -> Iterator[tuple[str, Figure]]:
    """The figures of one setting, where any run has finished there, with its folder in their names."""
    drawn = comparison(experiment, setting)
    if any(arm.finished for arm in drawn.arms):
        for name, figure in draw(drawn):
            yield f"{setting.folder}/{name}" if setting.folder else name, figure


def _overview(compared: Comparison) -> Iterator[tuple[str, Figure]]:
    yield "overview", overview.figure(compared)


def _figures(compared: Comparison) -> Iterator[tuple[str, Figure]]:
    """All figures of one setting: the tutorial's first."""
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
    yield from _overview(compared)
