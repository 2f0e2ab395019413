"""Paired differences, times to target and step times: a dot a seed."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t as student_t

from tests.render.figures.support import Make, compared, points_of, rewritten, rising, small_print, texts_of
from wncompare.analysis.views import views
from wncompare.records import Experiment
from wncompare.render.figures import differences, dots, planned, targets


def test_differences_are_paired_by_seed_and_sorted(make: Make) -> None:
    """A dot for each seed from the smallest difference down, and the mean with its Student-t interval below."""
    expected = np.array([rising("weight_norm", seed, 2) - rising("regular", seed, 2) for seed in (0, 1, 2)])
    axes = differences.figure(compared(make(seeds=[2, 0, 1]))).axes[0]
    dots = points_of(axes, "o")
    np.testing.assert_allclose(dots[:, 0], np.sort(expected))
    assert (np.diff(dots[:, 1]) > 0).all()
    np.testing.assert_allclose(points_of(axes, "D")[:, 0], [expected.mean()])
    half = student_t.ppf(0.975, 2) * expected.std(ddof=1) / np.sqrt(3)
    intervals = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 2]
    np.testing.assert_allclose(intervals, [[expected.mean() - half, expected.mean() + half]])
    assert texts_of(axes) == ["0", "1", "2"]


def test_each_contrast_of_the_config_is_a_row(make: Make) -> None:
    """The rows are the config's contrasts, named by what is subtracted from what."""
    contrasts = [
        {"name": "back", "variant": "regular", "reference": "weight_norm"},
        {"name": "forth", "variant": "weight_norm", "reference": "regular"},
    ]
    axes = differences.draw(figure_axes(), compared(make(contrasts=contrasts)))
    names = [label.get_text().splitlines()[:2] for label in axes.get_yticklabels()]
    assert names == [["Regular ConvNet", "− WeightNorm ConvNet"], ["WeightNorm ConvNet", "− Regular ConvNet"]]


def test_the_difference_that_matters_is_a_band(make: Make) -> None:
    """Where the config says from which difference one matters, a grey band reaches as far; the small print says so."""
    figure = differences.figure(compared(make(smallest_difference=0.03)))
    (band,) = figure.axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-0.03, 0.03))
    assert "grey: within ±0.03, too small to matter" in small_print(figure)
    assert not differences.figure(compared(make())).axes[0].patches


def test_a_seed_that_only_one_variant_has_is_no_pair(experiment: Experiment) -> None:
    """Only seeds that both variants finished are drawn; without any there is no figure."""
    fewer = Experiment(experiment.folder, experiment.config, experiment.runs[:3])
    assert len(points_of(differences.figure(compared(fewer)).axes[0], "o")) == 1
    alone = Experiment(experiment.folder, experiment.config, experiment.runs[:2])
    assert "differences" not in planned(views(alone))


def test_a_diverged_run_is_an_arrowhead_and_leaves_the_median(experiment: Experiment) -> None:
    """Where the variant of a pair diverged the dot is at the left edge, and so is the median of two pairs."""
    experiment = rewritten(experiment, experiment.runs[3], val_accuracy=[0.2], status="diverged")
    figure = differences.figure(compared(experiment))
    axes = figure.axes[0]
    assert len(points_of(axes, "<")) == 1
    assert len(points_of(axes, "o")) == 1
    assert points_of(axes, "D")[:, 0].tolist() == [0.0]
    assert "seed 1 diverged" in texts_of(axes)
    assert "the diamond is the median" in small_print(figure)


def test_one_pair_has_no_interval(make: Make) -> None:
    """With one seed there is a dot and no mean."""
    axes = differences.figure(compared(make(seeds=[3]))).axes[0]
    assert len(points_of(axes, "o")) == 1
    assert not len(points_of(axes, "D"))


def test_times_to_target_are_the_first_epochs_at_or_above_it(make: Make) -> None:
    """Validation accuracies are 0.35, 0.45 (seed 0) and 0.37, 0.47: 0.36 is reached at 2 and 1 epochs, 4 and 2 s."""
    experiment = make(variants=[{"name": "regular"}], targets=[0.36])
    left, right = targets.figure(compared(experiment)).axes
    np.testing.assert_allclose(points_of(left, "o")[:, 0], [2, 1])
    np.testing.assert_allclose(points_of(right, "o")[:, 0], [4, 2])
    np.testing.assert_allclose(points_of(left, "D")[:, 0], [1])  # the lower of the two in the middle
    assert left.get_title(loc="left") == "validation accuracy ≥ 0.36"


def test_a_miss_is_said(make: Make) -> None:
    """Runs that did not reach the target stand at the right edge, and how many they are is written there."""
    experiment = make(targets=[0.46])
    axes = targets.draw(figure_axes(), compared(experiment), 0.46, against="epochs")
    assert len(points_of(axes, ">")) == 1
    assert texts_of(axes) == ["not reached\n(1 of 2)"]
    np.testing.assert_allclose(points_of(axes, "o")[:, 0], [2, 2, 2])


def test_the_median_of_misses_is_at_the_edge(make: Make) -> None:
    """The median counts the misses: where all runs missed the diamond is at the edge of the axes."""
    axes = targets.draw(figure_axes(), compared(make(targets=[0.5])), 0.5, against="epochs")
    assert texts_of(axes) == ["not reached\n(2 of 2)"]
    np.testing.assert_allclose(points_of(axes, "D")[:, 0], [1, 2])  # 1: the edge of the axes; 2 epochs


def test_a_diverged_run_has_reached_nothing(make: Make) -> None:
    """Whatever it passed on its way."""
    experiment = make(targets=[0.46])
    experiment = rewritten(experiment, experiment.runs[0], val_accuracy=[0.9, np.nan], status="diverged")
    axes = targets.draw(figure_axes(), compared(experiment), 0.46, against="epochs")
    assert len(points_of(axes, ">")) == 1
    assert len(points_of(axes, "o")) == 3


def test_without_targets_one_is_made_and_called_exploratory(experiment: Experiment) -> None:
    """It is 95 % of the reference's median last accuracy: 0.95 · 0.45, as the lower of two is their median."""
    assert compared(experiment).reached == pytest.approx([0.95 * 0.45])
    assert "exploratory target: 95 % of the reference's" in small_print(targets.figure(compared(experiment)))


def test_a_step_s_time_is_in_milliseconds(experiment: Experiment) -> None:
    """2 s an epoch of 3 steps are 667 ms a step, in a run of 4 s an epoch 1333 ms; the diamond is their mean."""
    experiment = rewritten(experiment, experiment.runs[0], train_seconds=[4.0, 4.0])
    axes = dots.draw_step_times(figure_axes(), compared(experiment))
    np.testing.assert_allclose(points_of(axes, "o")[:, 0], [4000 / 3, 2000 / 3, 2000 / 3, 2000 / 3])
    np.testing.assert_allclose(points_of(axes, "D")[:, 0], [1000, 2000 / 3])


def figure_axes() -> Axes:
    """Axes to draw on."""
    return Figure().add_subplot()
