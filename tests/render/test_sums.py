"""A sum of several variants in every report: no variant's name, colour or side stands for it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tests.recorded import amend, configured, redraw
from wncompare import records
from wncompare.analysis.summary import summarize
from wncompare.analysis.views import views
from wncompare.cli.report import data
from wncompare.config import Config
from wncompare.records import Experiment
from wncompare.render import html, latex, markdown, notebook, tables
from wncompare.render.figures import differences
from wncompare.render.figures.style import MUTED

Write = Callable[..., Path]

WEIGHTS = {"regular": -1.0, "weight_norm": 0.5, "batch_norm": 0.5}
LABEL = "½ weight_norm + ½ batch_norm − regular"


@pytest.fixture
def experiment(write_records: Write, tiny: Config) -> Experiment:
    """Three variants over six seeds, one contrast: the mean of two minus the third."""
    variants = [{"name": name} for name in WEIGHTS]
    contrasts = [{"name": "mean_of_two", "weights": WEIGHTS}]
    folder = write_records(
        configured(tiny, variants=variants, contrasts=contrasts, seeds=list(range(6)), targets=[0.4]), lambda *_: 0.5
    )
    for seed in range(6):
        redraw(folder, f"weight_norm/seed-{seed}", [0.55 + 0.01 * seed])
    return records.read(folder)


def test_tables_name_it_and_its_sum(experiment: Experiment) -> None:
    """Markdown, the notebook and LaTeX have the contrast's name with what is added and subtracted, and whole rows."""
    summary = summarize(experiment)
    for table in tables.tables(summary):
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert f"| mean\\_of\\_two: {LABEL.replace('_', chr(92) + '_')} |" in markdown.render(summary)
    assert f"<th>mean_of_two: {LABEL}</th>" in notebook.render(summary)
    assert latex.escaped(f"mean_of_two: {LABEL}") in latex.render(summary)
    assert r"\ensuremath{\frac12}" in latex.render(summary)


def test_the_page_draws_it_without_sides(experiment: Experiment) -> None:
    """Its dots have a colour of their own and no variant is named as the better side."""
    text = html.render(experiment, summarize(experiment))
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    (plot,) = json.loads(found[1])["dots"]
    assert plot["better"] is None
    assert {mark["variant"] for row in plot["rows"] for mark in row["marks"]} == {"sum"}
    assert f"mean_of_two <small>{LABEL}</small>" in text


def test_the_figure_draws_it_in_grey(experiment: Experiment) -> None:
    """A row named as the contrast is, with a dot a seed and the mean."""
    axes = differences.draw(Figure().add_subplot(), views(experiment).points[0])
    assert axes.get_yticklabels()[0].get_text().startswith("mean_of_two\n+")
    drawn = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert {line.get_color() for line in drawn} == {MUTED}


def test_json_has_its_weights(experiment: Experiment) -> None:
    """`variant` and `reference` are null, and `weights` say what the sum is."""
    document: dict[str, Any] = json.loads(json.dumps(data(summarize(experiment))))
    ((contrast,),) = (comparison["contrasts"] for comparison in document["comparisons"])
    assert (contrast["variant"], contrast["reference"], contrast["weights"]) == (None, None, WEIGHTS)


def test_a_median_that_is_infinite_is_drawn_at_the_edge(experiment: Experiment) -> None:
    """Where most runs diverged the diamond is at the edge, its interval within the axes, and the page keeps it."""
    for seed in range(5):
        amend(experiment.folder, f"weight_norm/seed-{seed}", status="diverged")
    diverged = records.read(experiment.folder)
    axes = differences.draw(Figure().add_subplot(), views(diverged).points[0])
    (diamond,) = (line for line in axes.lines if line.get_marker() == "D")
    assert list(diamond.get_xdata()) == [0.0]
    assert "median −∞" in axes.get_yticklabels()[0].get_text()
    assert '"value":"-inf","low":"-inf"' in html.render(diverged, summarize(diverged))
    assert "| −∞ (−∞ to " in markdown.render(summarize(diverged)).replace("\\", "")
