"""One experiment through every renderer, and one answer: the figures, the page, summary.json and summary.csv agree."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.recorded import amend, configured, redraw
from tests.render.figures.support import line_of
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.analysis.views import views
from wncompare.cli.report import data, save
from wncompare.config import Config
from wncompare.records import METRICS, Experiment
from wncompare.render import html
from wncompare.render.figures import curves, differences, dots, targets

Write = Callable[..., Path]

CURVES = {
    ("regular", 0): [0.3, 0.4, 0.5, 0.6],
    ("regular", 1): [0.2, 0.45],
    ("regular", 2): [0.1, 0.3, 0.45, 0.5],
    ("regular", 3): [0.2],
    ("weight_norm", 0): [0.35, 0.5, 0.55, 0.65],
    ("weight_norm", 1): [0.25, 0.4, 0.6, 0.7],
    ("weight_norm", 2): [0.3, 0.2],
    ("weight_norm", 3): [0.4, 0.45, 0.5, 0.55],
}


@pytest.fixture
def hostile(write_records: Write, tiny: Config) -> Experiment:
    """Two variants, five seeds: one run diverged, one stopped early and was slow, one failed, two are missing."""
    config = configured(tiny, seeds=list(range(5)), targets=[0.45])
    folder = write_records(config, lambda *_: 0.5)
    for (variant, seed), curve in CURVES.items():
        slow = variant == "regular" and seed == 1
        redraw(folder, f"{variant}/seed-{seed}", curve, train_seconds=9.0 if slow else 2.0 + 0.1 * seed)
    amend(folder, "regular/seed-1", stopped="early_stopping: no better")
    amend(folder, "regular/seed-3", status="failed", error="ResourceExhaustedError")
    amend(folder, "weight_norm/seed-2", status="diverged", error="the loss is nan")
    for variant in ("regular", "weight_norm"):
        records.delete_run(folder / variant / "seed-4")
    return records.read(folder)


@pytest.fixture
def page(hostile: Experiment) -> dict[str, Any]:
    """The data that the page's script draws."""
    text = html.render(hostile, summarize(hostile))
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


@pytest.fixture
def document(hostile: Experiment) -> dict[str, Any]:
    """What `report --format json` prints."""
    content: dict[str, Any] = json.loads(json.dumps(data(summarize(hostile))))
    return content


def numbers(values: list[Any]) -> list[float]:
    """JSON's numbers, those that are text among them."""
    return [float(value) for value in values]


def test_the_policy(hostile: Experiment) -> None:
    """A mean is over the runs that have its epoch, and there is none from where a run diverged; the median goes on."""
    regular, weight_norm = (arm.bands["val_accuracy"] for arm in views(hostile).points[0].arms)
    np.testing.assert_allclose(regular.mean, [0.2, (0.4 + 0.45 + 0.3) / 3, 0.475, 0.55])
    assert regular.n.tolist() == [3, 3, 2, 2]
    np.testing.assert_allclose(weight_norm.mean, [np.mean([0.35, 0.25, 0.3, 0.4]), np.nan, np.nan, np.nan])
    np.testing.assert_allclose(weight_norm.median, [0.3, 0.4, 0.5, 0.55])


def test_seconds_never_fall(hostile: Experiment) -> None:
    """A mean stands at the sum of each epoch's mean seconds, over the runs that have it, though the slow run ends."""
    spent = views(hostile).points[0].arms[0].costs["seconds"]
    np.testing.assert_allclose(np.diff(spent, prepend=0), [(2.0 + 9.0 + 2.2) / 3] * 2 + [2.1] * 2)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("against", ["epochs", "seconds"])
def test_curves(hostile: Experiment, page: dict[str, Any], document: dict[str, Any], metric: str, against: Any) -> None:
    """A variant's line has the same points in the figure and on the page, and by epoch in the document."""
    axes = curves.draw(Figure().add_subplot(), views(hostile).points[0], metric, against=against)
    for place, variant in enumerate(document["comparisons"][0]["variants"]):
        x, y = line_of(axes, variant["label"]).get_data()
        arm = page["arms"][place]
        np.testing.assert_allclose(x, numbers(arm["x"][against]), rtol=1e-5)
        np.testing.assert_allclose(y, numbers(arm["bands"][metric]["mean"]), rtol=1e-5)
        if metric == "val_accuracy":
            by_epoch = variant["by_epoch"]
            np.testing.assert_array_equal(y, numbers(by_epoch["mean"]))
            assert arm["bands"][metric]["n"] == by_epoch["n"]
            outline = axes.collections[place].get_paths()
            bounds = np.concatenate([path.vertices[:, 1] for path in outline]) if outline else np.array([np.nan])
            np.testing.assert_array_equal(np.nanmax(bounds), np.nanmax(numbers(by_epoch["high"])))


def test_differences(hostile: Experiment, page: dict[str, Any], document: dict[str, Any]) -> None:
    """The pairs and their median, for one diverged and leaves no mean, are the same on page, in figure and document."""
    (contrast,) = document["comparisons"][0]["contrasts"]
    by_seed = numbers([pair["difference"] for pair in contrast["by_seed"]])
    (plot,) = page["dots"]
    *rows, median = (numbers([row["marks"][0]["value"]])[0] for row in plot["rows"])
    assert rows == by_seed
    assert median == contrast["median"]["value"]
    assert (contrast["basis"], plot["rows"][-1]["label"]) == ("median", "median")
    assert math.isnan(float(contrast["difference"]["mean"]))
    axes = differences.draw(Figure().add_subplot(), views(hostile).points[0])
    drawn = [x for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata()]
    assert drawn == sorted(value for value in by_seed if math.isfinite(value))
    assert [x for line in axes.lines if line.get_marker() == "D" for x in line.get_xdata()] == [median]


def test_times(hostile: Experiment, document: dict[str, Any]) -> None:
    """The median times to a target and the mean time of a step in the figures are the document's."""
    variants, view = document["comparisons"][0]["variants"], views(hostile).points[0]
    for cost in ("epochs", "seconds"):
        axes = targets.draw(Figure().add_subplot(), view, 0.45, against=cost)
        diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
        assert diamonds == [variant["targets"][0][cost]["value"] for variant in variants]
    axes = dots.draw_step_times(Figure().add_subplot(), view)
    diamonds = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [1000 * variant["step_seconds"]["mean"] for variant in variants]


def test_the_spreadsheet(hostile: Experiment, document: dict[str, Any]) -> None:
    """summary.csv has the document's numbers, all of their digits."""
    save(hostile.folder, summarize(hostile))
    with (hostile.folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, variant in zip(rows, document["comparisons"][0]["variants"], strict=True):
        for name in ("accuracy", "headline", "area", "step_seconds"):
            for bound in ("mean", "low", "high"):
                np.testing.assert_array_equal(float(row[f"{name}_{bound}"]), float(variant[name][bound]))
        assert float(row["median"]) == float(variant["median"])
