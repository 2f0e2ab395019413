"""How figures become bytes: what matplotlib would save, in less time."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.render.figures.support import Make, compared
from wncompare import records
from wncompare.analysis.views import views
from wncompare.records import Experiment
from wncompare.render.figures import curves, planned, rendering
from wncompare.render.figures.style import STYLE


@pytest.fixture
def every(make: Make) -> dict[str, Callable[[], Figure]]:
    """What makes a figure of each kind: of four variants, whose names stand at the lines' ends, with layers."""
    names = ("regular", "weight_norm", "batch_norm", "layer_norm")
    experiment = make(variants=[{"name": name} for name in names], grid={"training.batch_size": [16]})
    for run in experiment.runs:
        row = {"epoch": 0, "layer": "dense", "v_norm": 1.0, "g": 2.0e6, "effective_learning_rate": 0.001}
        records.write_layers(run.folder, [row, {**row, "epoch": 1, "effective_learning_rate": 0.00001}])
    return planned(views(experiment))


def test_the_picture_is_matplotlib_s(every: dict[str, Callable[[], Figure]]) -> None:
    """Every pixel is as in matplotlib's own PNG, which works out ticks anew and lays out while it draws."""
    assert len(every) > 10
    for name, make in every.items():
        file = BytesIO()
        with mpl.rc_context(STYLE):
            make().savefig(file, format="png")
        expected = np.asarray(Image.open(file))
        assert (expected[..., 3] == 255).all()
        np.testing.assert_array_equal(
            Image.open(BytesIO(rendering.render(make(), "png"))), expected[..., :3], err_msg=name
        )


@pytest.mark.parametrize("format", rendering.FORMATS)
def test_a_figure_is_drawn_once(experiment: Experiment, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying it out and saving it draws it once, whatever a user's matplotlibrc says of layouts."""
    drawings = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, *given: (drawings.append(self), draw(self, *given)))
    with mpl.rc_context({"figure.constrained_layout.use": True}):
        rendering.render(curves.by_epoch(compared(experiment), "val_accuracy"), format)
    assert len(drawings) == 1


def test_ticks_are_worked_out_anew_where_limits_change(experiment: Experiment) -> None:
    """What is kept of an axis holds for its limits; afterwards nothing is kept."""
    figure = curves.by_epoch(compared(experiment), "val_accuracy")
    axes = figure.axes[0]

    def ticks() -> list[Any]:
        return [tick.get_loc() for tick in axes.yaxis._update_ticks()]

    with rendering.steady(figure):
        axes.set_ylim(0, 1)
        assert (min(ticks()), max(ticks())) == pytest.approx((0.0, 1.0))
        axes.set_ylim(5, 6)
        assert (min(ticks()), max(ticks())) == pytest.approx((5.0, 6.0))
    assert "_update_ticks" not in vars(axes.yaxis)
