"""Curves over epochs, steps and seconds."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import t as student_t

from tests.render.figures.support import Make, compared, line_of, points_of, rewritten, rising, small_print
from wncompare.records import Experiment
from wncompare.render.figures import curves


def values(variant: str, seeds: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """The training accuracies (seeds, epochs) of a variant."""
    return np.array([[rising(variant, seed, epoch) for epoch in (1, 2)] for seed in seeds])


def test_the_line_is_the_mean_over_seeds_and_the_band_its_interval(experiment: Experiment) -> None:
    """Each variant's line is the mean by epoch, counted from 1; its band reaches t(n − 1)·s/√n to both sides."""
    axes = curves.by_epoch(compared(experiment), "accuracy").axes[0]
    expected = values("weight_norm")
    line = line_of(axes, "WeightNorm ConvNet")
    np.testing.assert_allclose(line.get_xdata(), [1, 2])
    np.testing.assert_allclose(line.get_ydata(), expected.mean(axis=0))
    half = student_t.ppf(0.975, 1) * expected[:, 0].std(ddof=1) / np.sqrt(2)
    outline = axes.collections[1].get_paths()[0].vertices
    at_first = outline[outline[:, 0] == 1, 1]
    assert (at_first.min(), at_first.max()) == pytest.approx(
        (expected[:, 0].mean() - half, expected[:, 0].mean() + half)
    )


def test_each_seed_is_drawn_faintly(experiment: Experiment) -> None:
    """Behind the mean each seed has its own curve, in the variant's colour, and none is joined to the next."""
    axes = curves.by_epoch(compared(experiment), "accuracy").axes[0]
    (seeds,) = (line for line in axes.lines if line.get_alpha() == 0.25 and to_hex(line.get_color()) == to_hex("blue"))
    np.testing.assert_allclose(
        seeds.get_ydata(), [*values("weight_norm")[0], np.nan, *values("weight_norm")[1], np.nan]
    )


def test_colours_legend_and_grid_are_the_tutorial_s(experiment: Experiment) -> None:
    """Regular is red and WeightNorm blue, with a legend and a grid; no axis above."""
    axes = curves.by_epoch(compared(experiment), "accuracy").axes[0]
    colors = [to_hex(line_of(axes, label).get_color()) for label in ("Regular ConvNet", "WeightNorm ConvNet")]
    assert colors == [to_hex("red"), to_hex("blue")]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Regular ConvNet", "WeightNorm ConvNet"]
    assert axes.xaxis.get_gridlines()[0].get_visible()
    assert axes.child_axes == []


def test_steps_are_counted_above(experiment: Experiment) -> None:
    """The axis above the others says at which step an epoch ends: 3 steps an epoch."""
    axes = curves.by_epoch(compared(experiment), "val_accuracy").axes[0]
    axes.figure.draw_without_rendering()
    (above,) = axes.child_axes
    assert above.get_xlabel() == "step"
    assert above.get_xlim() == pytest.approx(tuple(3 * x for x in axes.get_xlim()))


def test_seconds_are_training_seconds(experiment: Experiment) -> None:
    """A mean stands at the mean of the seconds trained so far: 2 s an epoch, evaluation's 0.5 s left out."""
    experiment = rewritten(experiment, experiment.runs[0], train_seconds=[4, 4])
    axes = curves.by_seconds(compared(experiment), "val_accuracy").axes[0]
    np.testing.assert_allclose(line_of(axes, "Regular ConvNet").get_xdata(), [3, 6])
    np.testing.assert_allclose(line_of(axes, "WeightNorm ConvNet").get_xdata(), [2, 4])
    np.testing.assert_allclose(
        line_of(axes, "WeightNorm ConvNet").get_ydata(), values("weight_norm").mean(axis=0) - 0.05
    )


def test_a_run_that_stopped_early_is_left_out_where_it_has_no_epoch(experiment: Experiment) -> None:
    """Later means are over the runs that have the epoch; by seconds each stands an epoch's mean time after the last."""
    experiment = rewritten(experiment, experiment.runs[1], val_accuracy=[0.7])
    later = rising("regular", 0, 2) - 0.05
    first = (rising("regular", 0, 1) - 0.05 + 0.7) / 2
    by_epoch = curves.by_epoch(compared(experiment), "val_accuracy")
    np.testing.assert_allclose(line_of(by_epoch.axes[0], "Regular ConvNet").get_ydata(), [first, later])
    assert "runs have 1 to 2 epochs" in small_print(by_epoch)
    by_seconds = curves.by_seconds(compared(experiment), "val_accuracy").axes[0]
    np.testing.assert_allclose(line_of(by_seconds, "Regular ConvNet").get_xydata(), [[2, first], [4, later]])


def test_there_is_no_mean_from_where_a_run_diverged(experiment: Experiment) -> None:
    """It is dashed as far as it is finite, with a cross at its end; the median, it ranked worst, goes on, dotted."""
    experiment = rewritten(experiment, experiment.runs[3], val_accuracy=[0.2, 0.1, np.nan], status="diverged")
    figure = curves.by_epoch(compared(experiment), "val_accuracy")
    axes = figure.axes[0]
    (dashed,) = (line for line in axes.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_ydata(), [0.2, 0.1, np.nan])
    np.testing.assert_allclose(points_of(axes, "x"), [[2, 0.1]])
    (first, second) = values("weight_norm", (0,))[0] - 0.05
    means = line_of(axes, "WeightNorm ConvNet").get_ydata()
    np.testing.assert_allclose(means, [(first + 0.2) / 2, (second + 0.1) / 2, np.nan])
    (dotted,) = (line for line in axes.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(dotted.get_ydata(), [np.nan] * 3)  # of two the lower is the median: the diverged one
    assert small_print(figure).endswith("3 of 4 runs finished (1 diverged)")


@pytest.mark.parametrize(("metric", "median"), [("val_accuracy", 0.5), ("val_loss", 0.7)])
def test_the_median_ranks_what_diverged_worst(make: Make, metric: str, median: float) -> None:
    """Of three runs one diverged in the second epoch: there the median is the worse of the others', a loss too."""
    experiment = make(seeds=[0, 1, 2])
    for seed, curve in enumerate(([0.4, 0.5], [0.6, 0.7])):
        experiment = rewritten(experiment, experiment.runs[3 + seed], **{metric: curve})
    experiment = rewritten(experiment, experiment.runs[5], **{metric: [0.5, np.nan]}, status="diverged")
    axes = curves.by_epoch(compared(experiment), metric).axes[0]
    (dotted,) = (line for line in axes.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(dotted.get_ydata(), [np.nan, median])
    np.testing.assert_allclose(line_of(axes, "WeightNorm ConvNet").get_ydata(), [0.5, np.nan])


def test_a_diverged_run_does_not_flatten_the_others(experiment: Experiment) -> None:
    """The y axis is for the runs that finished, whose losses are below 2 here."""
    experiment = rewritten(experiment, experiment.runs[3], val_loss=[1e30], status="diverged")
    assert curves.by_epoch(compared(experiment), "val_loss").axes[0].get_ylim()[1] < 2


def test_a_loss_may_be_negative(experiment: Experiment) -> None:
    """A cosine similarity lies between −1 and 1: the axis holds all of it, upright."""
    for run in experiment.runs:
        experiment = rewritten(experiment, run, val_loss=[-0.3, -0.6, -0.9])
    low, high = curves.by_epoch(compared(experiment), "val_loss").axes[0].get_ylim()
    assert low < -0.9 < -0.3 < high


def test_a_variant_whose_runs_all_diverged_is_named_so(make: Make) -> None:
    """It has no mean, and its name says why."""
    experiment = make(seeds=[0])
    experiment = rewritten(experiment, experiment.runs[1], val_accuracy=[np.nan], status="diverged")
    axes = curves.by_epoch(compared(experiment), "val_accuracy").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "WeightNorm ConvNet (diverged)"


def test_one_seed_has_no_band(make: Make) -> None:
    """One run is a line alone, and the small print says that it has no interval."""
    figure = curves.by_epoch(compared(make(seeds=[1])), "accuracy")
    assert not [line for line in figure.axes[0].lines if line.get_alpha() == 0.25]
    assert not any(path.vertices.size for band in figure.axes[0].collections for path in band.get_paths())
    assert small_print(figure).endswith("n = 1 seed a variant: one run has no interval")


def test_one_epoch_is_a_point(make: Make) -> None:
    """A single epoch has markers, for a line of one point shows nothing."""
    axes = curves.by_epoch(compared(make(training={"batch_size": 16, "epochs": 1})), "accuracy").axes[0]
    assert line_of(axes, "Regular ConvNet").get_marker() == "o"
