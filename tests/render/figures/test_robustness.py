"""The headline over a grid."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from tests.render.figures.support import Make, line_of, rewritten, rising, small_print, texts_of
from wncompare.analysis.views import views
from wncompare.render.figures import planned, robustness

RATES = "training.optimizer.learning_rate"


def test_the_mean_headline_stands_at_each_value(make: Make) -> None:
    """A variant's line has the mean last validation accuracy at each learning rate; bars reach the interval."""
    figure = robustness.figure(views(make(grid={RATES: [0.001, 0.003, 0.01]})).points)
    axes = figure.axes[0]
    expected = np.mean([rising("weight_norm", seed, 2) - 0.05 for seed in (0, 1)])
    line = line_of(axes, "WeightNorm ConvNet")
    np.testing.assert_allclose(line.get_ydata(), [expected] * 3)
    np.testing.assert_allclose(
        line.get_xdata(), [0.001, 0.003, 0.01], rtol=0, atol=1e-4
    )  # a little aside of the others
    half = student_t.ppf(0.975, 1) * np.std([rising("weight_norm", seed, 2) for seed in (0, 1)], ddof=1) / np.sqrt(2)
    bars = [line.get_ydata() for line in axes.lines if line.get_linewidth() == 1.2]
    np.testing.assert_allclose(bars[3:], [[expected - half, expected + half]] * 3)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.001", "0.003", "0.01"]
    assert figure.get_suptitle() == "tiny: robustness over learning rate"


@pytest.mark.parametrize(("rates", "scale"), [([0.001, 0.01], "linear"), ([0.001, 0.1], "log")])
def test_more_than_a_decade_is_logarithmic(make: Make, rates: list[float], scale: str) -> None:
    """The axis is logarithmic where the largest value is more than ten times the smallest."""
    assert robustness.figure(views(make(grid={RATES: rates})).points).axes[0].get_xscale() == scale


def test_a_diverged_run_withholds_the_mean_there(make: Make) -> None:
    """A mean of the survivors would flatter: there is none, and how many diverged is written below."""
    experiment = make(grid={RATES: [0.001, 0.01]})
    run = next(run for run in experiment.runs if run.name == "weight_norm/learning_rate=0.01/seed-1")
    figure = robustness.figure(views(rewritten(experiment, run, val_accuracy=[0.1], status="diverged")).points)
    assert np.isnan(line_of(figure.axes[0], "WeightNorm ConvNet").get_ydata()).tolist() == [False, True]
    assert "1 ×" in texts_of(figure.axes[0])
    assert "withholds the mean" in small_print(figure)


def test_other_keys_are_small_multiples(make: Make) -> None:
    """The learning rate has the axis; each setting of the other keys has axes of its own."""
    figure = robustness.figure(views(make(grid={"training.batch_size": [8, 16, 24], RATES: [0.001, 0.01]})).points)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["batch size = 8", "batch size = 16", "batch size = 24"]
    assert {axes.get_xlabel() for axes in figure.axes} == {"learning rate"}


def test_without_a_grid_there_is_no_such_figure(make: Make) -> None:
    """One setting says nothing of robustness."""
    assert "robustness" not in planned(views(make()))
