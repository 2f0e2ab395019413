"""Figures: the tutorial's, and what a reader has to know of them."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from wncompare import config as configs
from wncompare import plots, records, stats
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.records import Experiment

Write = Callable[..., Path]


def rising(variant: str, seed: int, epoch: int) -> float:
    """Accuracies that rise, by seed and variant apart."""
    return 0.3 + 0.1 * epoch + 0.02 * seed + 0.05 * (variant == "weight_norm")


@pytest.fixture
def experiment(write_records: Write, tiny: Config) -> Experiment:
    """A finished experiment of two variants, two seeds, two epochs."""
    return records.read(write_records(tiny, rising))


def test_there_is_a_figure_for_each_metric(experiment: Experiment) -> None:
    """Training and validation, accuracy and loss; the first title is the tutorial's."""
    titles = {name: figure.axes[0].get_title(loc="left") for name, figure in plots.figures(experiment)}
    assert list(titles) == ["accuracy", "val_accuracy", "loss", "val_loss"]
    assert titles["accuracy"] == "WeightNorm Accuracy Comparison"


def test_the_curve_is_the_mean_over_seeds_with_its_band(experiment: Experiment) -> None:
    """Each variant's labelled line is the mean by epoch, counted from 1, its band the Student-t interval."""
    axes = plots.by_epoch(experiment, "accuracy").axes[0]
    lines = {line.get_label(): line for line in axes.lines if not str(line.get_label()).startswith("_")}
    assert list(lines) == ["Regular ConvNet", "WeightNorm ConvNet"]
    values = np.array([[rising("weight_norm", seed, epoch) for epoch in (1, 2)] for seed in (0, 1)])
    line = lines["WeightNorm ConvNet"]
    np.testing.assert_allclose(line.get_xdata(), [1, 2])
    np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
    low, high = (stats.mean_interval(values[:, 0]).low, stats.mean_interval(values[:, 0]).high)
    band = axes.collections[1].get_paths()[0].get_extents()
    assert band.ymin <= low
    assert band.ymax >= high


def test_colours_and_legend_are_the_config_s(experiment: Experiment) -> None:
    """Regular is red and WeightNorm blue, with a legend and a grid, as the tutorial drew them."""
    axes = plots.by_epoch(experiment, "accuracy").axes[0]
    colors = [to_hex(line.get_color()) for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert colors == [to_hex("red"), to_hex("blue")]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Regular ConvNet", "WeightNorm ConvNet"]
    assert axes.xaxis.get_gridlines()[0].get_visible()


def test_default_colours_are_distinct(write_records: Write, tiny: Config) -> None:
    """Variants without a colour get different ones, none that the config uses already."""
    data = tiny.dump()
    data["variants"] = [
        {"name": "regular", "color": plots.COLORS[0]},
        {"name": "weight_norm"},
        {"name": "weight_norm", "id": "plain"},
    ]
    experiment = records.read(write_records(configs.from_data(data, "test"), rising))
    lines = plots.by_epoch(experiment, "loss").axes[0].lines
    assert len({to_hex(line.get_color()) for line in lines if not str(line.get_label()).startswith("_")}) == 3


def test_the_caption_says_what_is_shown(experiment: Experiment) -> None:
    """Dataset, model, validation, number of seeds and what the band is; what is missing is said."""
    assert plots.caption(experiment) == (
        "synthetic · lenet · validation: test split\n"
        "n = 2 seeds a variant; line: mean, band: 95 % Student-t interval, faint: single seeds"
    )
    fewer = Experiment(experiment.folder, experiment.config, experiment.runs[:3])
    assert plots.caption(fewer).endswith("\n3 of 4 runs finished")
    assert "n = 1 to 2 seeds" in plots.caption(fewer)


def test_a_label_is_text_not_markup(write_records: Write, tiny: Config) -> None:
    """A label with dollar signs and angle brackets is drawn as it is; the SVG keeps it as real, escaped text."""
    data = tiny.dump()
    data["variants"][0]["label"] = "costs $5 & <b>$\\frac{"
    experiment = records.read(write_records(configs.from_data(data, "test"), rising))
    svg = plots.render(plots.by_epoch(experiment, "accuracy"), "svg")
    texts = [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert "costs $5 & <b>$\\frac{" in texts


@pytest.mark.parametrize(("format", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_every_format_is_written_the_same_twice(experiment: Experiment, format: str, magic: bytes) -> None:
    """A figure renders to each format, byte for byte the same each time."""
    files = [plots.render(plots.by_epoch(experiment, "accuracy"), format) for _ in range(2)]
    assert files[0].startswith(magic)
    assert files[0] == files[1]


def test_nothing_finished_is_nothing_to_plot(experiment: Experiment) -> None:
    """Without a finished run there is no figure but a reason."""
    empty = Experiment(experiment.folder, experiment.config, ())
    with pytest.raises(RecordsError, match="no run has finished"):
        next(plots.figures(empty))
