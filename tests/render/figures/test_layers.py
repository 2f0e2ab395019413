"""Layers over training."""

import numpy as np

from tests.render.figures.support import compared, line_of, small_print
from wncompare import records
from wncompare.analysis.views import views
from wncompare.records import Experiment
from wncompare.render.figures import layers, planned


def write(experiment: Experiment, names: list[str]) -> None:
    """Give every run layers whose ‖v‖ grows by its seed + 1 an epoch, and whose rate falls by 10 each."""
    for run in experiment.runs:
        rows = [
            {"epoch": epoch, "layer": name, "v_norm": 1 + epoch * (run.record.seed + 1), "g": 3.0}
            | {"effective_learning_rate": 10.0**-epoch}
            for epoch in (0, 1, 2)
            for name in names
        ]
        records.write_layers(run.folder, rows)


def test_each_layer_has_a_row_and_each_quantity_a_column(experiment: Experiment) -> None:
    """Lines are means over seeds from before training on; a column of more than a decade is logarithmic."""
    write(experiment, ["conv", "dense"])
    figure = layers.figure(compared(experiment))
    assert [axes.get_ylabel() for axes in figure.axes] == ["conv", "", "", "dense", "", ""]
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["‖v‖", "g", "effective learning rate"]
    line = line_of(figure.axes[0], "WeightNorm ConvNet")
    np.testing.assert_allclose(line.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(line.get_ydata(), [1, 2.5, 4])
    assert [axes.get_yscale() for axes in figure.axes[:3]] == ["linear", "linear", "log"]


def test_a_deep_network_is_sampled(experiment: Experiment) -> None:
    """Of many layers twelve are drawn, the first and the last among them, and the small print says so."""
    write(experiment, [f"layer_{index}" for index in range(30)])
    figure = layers.figure(compared(experiment))
    shown = [axes.get_ylabel() for axes in figure.axes[::3]]
    assert (len(shown), shown[0], shown[-1]) == (12, "layer_0", "layer_29")
    assert "12 of 30 layers" in small_print(figure)


def test_runs_without_layers_have_no_such_figure(experiment: Experiment) -> None:
    """Where no run has recorded its layers there is nothing to draw."""
    assert "layers" not in planned(views(experiment))
