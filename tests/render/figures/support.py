"""Small helpers of the figures' tests."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wncompare import records
from wncompare.analysis.views import View, views
from wncompare.records import Experiment, Run

Make = Callable[..., Experiment]


def rising(variant: str, seed: int, epoch: int) -> float:
    """Accuracies that rise, by seed and variant apart; no two differences between the variants are the same."""
    return 0.3 + 0.1 * epoch + 0.02 * seed + (0.05 + 0.01 * seed**2) * (variant == "weight_norm")


def compared(experiment: Experiment, point: int = 0) -> View:
    """The arms at one point of the grid."""
    return views(experiment).points[point]


def rewritten(experiment: Experiment, run: Run, *, status: str = "finished", **columns: Sequence[float]) -> Experiment:
    """The experiment with other values, one an epoch, in columns of a run's history, and perhaps another status."""
    (epochs,) = {len(values) for values in columns.values()}
    rows = [
        {column: values[min(index, run.epochs - 1)] for column, values in run.history.items()}
        | {column: values[index] for column, values in columns.items()}
        | {"epoch": index + 1}
        for index in range(epochs)
    ]
    records.write_history(run.folder, rows)
    records.write_run(run.folder, run.record.model_copy(update={"status": status, "epochs": epochs}))
    return records.read(experiment.folder)


def line_of(axes: Axes, label: str) -> Line2D:
    """The line with that label."""
    return next(line for line in axes.lines if line.get_label() == label)


def points_of(axes: Axes, marker: str) -> np.ndarray:
    """Where that marker stands: (n, 2)."""
    return np.concatenate(
        [np.empty((0, 2))] + [line.get_xydata() for line in axes.lines if line.get_marker() == marker]
    )


def texts_of(axes: Axes) -> list[str]:
    """The texts inside the axes."""
    return [text.get_text() for text in axes.texts]


def small_print(figure: Figure) -> str:
    """The text below the figure."""
    return str(figure.get_supxlabel())
