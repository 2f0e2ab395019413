"""Figures of an experiment: records in, matplotlib figures out; `files` saves them.

Each kind of figure is one file with a `draw` that takes and returns Axes and a function that makes the whole figure,
title and caption included.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial

from matplotlib.figure import Figure

from wncompare.analysis.views import View, Views, views
from wncompare.errors import RecordsError
from wncompare.records import Experiment
from wncompare.render.figures import curves, differences, layers, overview, robustness, targets
from wncompare.render.figures.rendering import FORMATS, render
from wncompare.render.figures.style import COLORS

__all__ = ["COLORS", "FORMATS", "figures", "planned", "render"]

Make = Callable[[], Figure]
Plan = Callable[[View], Iterator[tuple[str, Make]]]

MOST_POINTS = 12
"""Of a grid with more, no point is drawn by itself."""


def figures(experiment: Experiment) -> Iterator[tuple[str, Figure]]:
    """Every figure of the experiment with its name, made as it is asked for; see `planned`.

    Raises:
        RecordsError: no run has finished.
    """
    for name, make in planned(views(experiment)).items():
        yield name, make()


def planned(found: Views) -> dict[str, Make]:
    """What makes each figure of an experiment, by its name.

    With a grid and a holdout the figures are of each variant at its best setting ("best/val_accuracy"). Of several
    points each has its overview ("learning_rate=0.001/overview"), up to `MOST_POINTS` of them. A figure that would
    have nothing to show is left out.

    Raises:
        RecordsError: no run has finished.
    """
    if not found.experiment.has_finished:
        raise RecordsError(f"{found.experiment.folder}: no run has finished: there is nothing to plot yet")
    return dict(_planned(found))


def _planned(found: Views) -> Iterator[tuple[str, Make]]:
    if len(found.compared) == 1:
        yield from _named(found.compared[0], _figures)
    for view in found.points if 1 < len(found.points) <= MOST_POINTS else ():
        yield from _named(view, _overview)
    if found.experiment.config.grid:
        yield "robustness", partial(robustness.figure, found.points)


def _named(view: View, plan: Plan) -> Iterator[tuple[str, Make]]:
    """The figures of one setting, where any run has finished there, with its folder in their names."""
    if view.counts.finished:
        for name, make in plan(view):
            yield f"{view.setting.folder}/{name}" if view.setting.folder else name, make


def _overview(view: View) -> Iterator[tuple[str, Make]]:
    yield "overview", partial(overview.figure, view)


def _file_name(metric: str) -> str:
    """A metric as a part of a file's name: that of a score is a text of the user's, and may lead out of a folder."""
    return re.sub(r"[^A-Za-z0-9_+=,-]", "_", metric)


def _figures(view: View) -> Iterator[tuple[str, Make]]:
    """All figures of one setting: the tutorial's first."""
    metrics = sorted(view.metrics, key=lambda name: name.endswith("loss"))
    for name in metrics:
        yield _file_name(name), partial(curves.by_epoch, view, name)
    for name in metrics if "seconds" in view.costs else ():
        if name in ("loss", view.headline.validation.name) or name.startswith("val_"):
            yield f"{_file_name(name)}_by_seconds", partial(curves.by_seconds, view, name)
    if view.differences:
        yield "differences", partial(differences.figure, view)
    if view.reached:
        yield "time_to_target", partial(targets.figure, view)
    if any(view.layers):
        yield "layers", partial(layers.figure, view)
    yield from _overview(view)
