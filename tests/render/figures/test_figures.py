"""Which figures there are, and how they become files."""

import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.render.figures.support import Make, compared, line_of, rewritten, small_print, texts_of
from wncompare import records
from wncompare.errors import RecordsError
from wncompare.records import Experiment
from wncompare.render import figures as plots
from wncompare.render.figures import curves, style

ESSENTIALS = ["accuracy", "val_accuracy", "loss", "val_loss", "val_accuracy_by_seconds", "loss_by_seconds"]
EVERY = [*ESSENTIALS, "val_loss_by_seconds", "differences", "time_to_target", "overview"]


def test_the_tutorial_s_figure_comes_first(experiment: Experiment) -> None:
    """Training accuracy by epoch, with the tutorial's title where its two variants are compared; then the others."""
    figures = dict(plots.figures(experiment))
    assert list(figures) == EVERY
    assert figures["accuracy"].axes[0].get_title(loc="left") == "WeightNorm Accuracy Comparison"
    assert texts_of(figures["accuracy"].axes[0]) == ["tiny: training accuracy by epoch"]
    assert figures["val_loss"].axes[0].get_title(loc="left") == "tiny: validation loss by epoch"


def test_other_variants_are_not_called_weightnorm(make: Make) -> None:
    """The title has the experiment's name where other variants than the tutorial's two are compared."""
    experiment = make(variants=[{"name": "regular"}, {"name": "batch_norm"}])
    axes = curves.by_epoch(compared(experiment), "accuracy").axes[0]
    assert axes.get_title(loc="left") == "tiny: training accuracy by epoch"


def test_a_grid_has_an_overview_a_point_and_robustness_once(make: Make) -> None:
    """Each point of a grid has its overview, named by its slug, and one figure goes over all points."""
    names = [name for name, _ in plots.figures(make(grid={"training.optimizer.learning_rate": [0.001, 0.01]}))]
    assert names == ["learning_rate=0.001/overview", "learning_rate=0.01/overview", "robustness"]


def test_with_a_holdout_the_best_settings_are_drawn(make: Make) -> None:
    """All figures of each variant at its best setting, which the caption names, before those of each point."""
    experiment = make(grid={"training.optimizer.learning_rate": [0.001, 0.01]}, validation={"holdout": 0.25})
    for run in experiment.runs:
        better = (run.record.variant == "weight_norm") == (run.point.slug == "learning_rate=0.01")
        experiment = rewritten(experiment, run, val_accuracy=[0.1, 0.5 + 0.1 * better])
    for run in experiment.runs:
        test = {"loss": 1.0, "accuracy": float(run.history["val_accuracy"][-1])}
        records.write_run(run.folder, run.record.model_copy(update={"test": test}))
    figures = dict(plots.figures(records.read(experiment.folder)))
    best = [name for name in figures if name.startswith("best/")]
    assert best == [f"best/{name}" for name in EVERY]
    assert list(figures)[len(best) :] == ["learning_rate=0.001/overview", "learning_rate=0.01/overview", "robustness"]
    assert (
        small_print(figures["best/val_accuracy"])
        .replace("\n", " ")
        .startswith(
            "synthetic · lenet · each variant at its best setting (regular: learning_rate=0.001, weight_norm: "
            "learning_rate=0.01)"
        )
    )
    for variant in experiment.config.variants:
        assert line_of(figures["best/val_accuracy"].axes[0], variant.label).get_ydata()[-1] == pytest.approx(0.6)


def test_of_a_large_grid_robustness_alone_is_drawn(make: Make) -> None:
    """A grid of more points than anyone looks through is one figure."""
    rates = [0.001 * number for number in range(1, plots.MOST_POINTS + 2)]
    assert [name for name, _ in plots.figures(make(grid={"training.optimizer.learning_rate": rates}))] == ["robustness"]


def test_a_figure_with_nothing_to_show_is_left_out(make: Make) -> None:
    """One variant has no paired differences, and a target that no run reached has no time."""
    names = [name for name, _ in plots.figures(make(variants=[{"name": "regular"}], targets=[0.99]))]
    assert names == [name for name in EVERY if name not in ("differences", "time_to_target")]


def test_a_point_where_nothing_finished_has_no_figures(make: Make) -> None:
    """Where all runs of a point diverged its figures are left out, and robustness says so."""
    experiment = make(grid={"training.optimizer.learning_rate": [0.001, 10.0]}, seeds=[0])
    for run in experiment.runs:
        if run.point.slug == "learning_rate=10":
            experiment = rewritten(experiment, run, val_accuracy=[0.1], status="diverged")
    names = {name for name, _ in plots.figures(experiment)}
    assert "robustness" in names
    assert not any(name.startswith("learning_rate=10/") for name in names)


def test_nothing_finished_is_nothing_to_plot(experiment: Experiment) -> None:
    """Without a finished run there is no figure but a reason."""
    empty = Experiment(experiment.folder, experiment.config, ())
    with pytest.raises(RecordsError, match="no run has finished"):
        next(plots.figures(empty))


def test_a_figure_can_be_saved_again(experiment: Experiment) -> None:
    """Saving leaves a figure as it was: the same bytes once more."""
    figure = curves.by_epoch(compared(experiment), "val_accuracy")
    assert plots.render(figure, "svg") == plots.render(figure, "svg")


@pytest.mark.parametrize(
    ("format", "magic"),
    [
        ("png", b"\x89PNG"),
        pytest.param("svg", b"<?xml", marks=pytest.mark.slow),
        pytest.param("pdf", b"%PDF", marks=pytest.mark.slow),
    ],
)
def test_every_figure_is_written_the_same_twice(make: Make, format: str, magic: bytes) -> None:
    """Each figure renders to each format, byte for byte the same when it is drawn again."""
    experiment = make(grid={"training.optimizer.learning_rate": [0.001]}, smallest_difference=0.01, seeds=[0, 1, 2])
    for run in experiment.runs:
        row = {"epoch": 0, "layer": "dense", "v_norm": 1.0, "g": 2.0, "effective_learning_rate": 0.001}
        records.write_layers(run.folder, [row, {**row, "epoch": 1, "effective_learning_rate": 0.00001}])
    names = set()
    for (name, figure), (_, again) in zip(plots.figures(experiment), plots.figures(experiment), strict=True):
        first = plots.render(figure, format)
        assert first.startswith(magic), name
        assert first == plots.render(again, format), name
        names.add(name.rsplit("/", maxsplit=1)[-1])
    assert names == {*EVERY, "layers", "robustness"}


def test_a_label_is_text_not_markup(make: Make) -> None:
    """Dollar signs, angle brackets and a leading _ in a label are drawn as they are; an SVG has them as real text."""
    variants = [{"name": "regular", "label": "costs $5 & <b>$\\frac{"}, {"name": "weight_norm", "label": "_$x$"}]
    experiment = make(variants=variants)
    for name, figure in plots.figures(experiment):
        svg = plots.render(figure, "svg")
        texts = [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        if name == "accuracy":
            assert {"costs $5 & <b>$\\frac{", "_$x$"} <= set(texts)


def test_letters_that_the_font_lacks_are_no_noise(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    """A label in a script that the font does not have is drawn without a warning or a line on stderr."""
    experiment = make(variants=[{"name": "regular", "label": "日本語"}, {"name": "weight_norm", "label": "\U0001f916"}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for format in plots.FORMATS:
            plots.render(curves.by_epoch(compared(experiment), "accuracy"), format)
    assert capfd.readouterr() == ("", "")


def test_default_colours_are_distinct(make: Make) -> None:
    """Variants without a colour get different ones, none that the config uses already."""
    variants = [
        {"name": "regular", "color": plots.COLORS[0]},
        {"name": "weight_norm"},
        {"name": "weight_norm", "id": "plain"},
    ]
    colors = style.colors(make(variants=variants).config.variants)
    assert colors[0] == plots.COLORS[0]
    assert len({to_hex(color) for color in colors}) == 3


@pytest.mark.parametrize("given", [[], ["red", "#0000ff"], ["C0", "k", "0.5"], [*plots.COLORS, "tab:orange"]])
def test_no_two_variants_look_alike(make: Make, given: list[str]) -> None:
    """Of sixteen variants each default colour can be told from every other's, and from the page."""
    variants = [{"name": "weight_norm", "id": f"own{place}", "color": color} for place, color in enumerate(given)]
    variants += [{"name": "weight_norm", "id": f"a{place}"} for place in range(16 - len(given))]
    found = style.colors(make(variants=variants, seeds=[0]).config.variants)
    assert found[: len(given)] == given
    for place, color in enumerate(found[len(given) :], start=len(given)):
        assert min(style.distance(color, other) for other in [*found[:place], "white"]) >= style.ALIKE


@pytest.mark.parametrize("own", ["#0072b2", "#0073b3", (0.0, 0.447, 0.698)])
def test_a_default_is_not_a_variant_s_own_in_another_notation(make: Make, own: Any) -> None:
    """The first default colour is left out where a variant has it, or one like it, by whatever name."""
    own = own if isinstance(own, str) else to_hex(own)
    variants = [{"name": "regular"}, {"name": "weight_norm", "color": own}]
    assert style.colors(make(variants=variants, seeds=[0]).config.variants)[0] == plots.COLORS[1]


def test_distances_are_oklab_s() -> None:
    """Black and white are 1 apart, red's lightness, a and b are those that Ottosson gives."""
    assert style.distance("black", "white") == pytest.approx(1, abs=1e-4)
    assert style.distance("red", "black") == pytest.approx(np.linalg.norm([0.628, 0.225, 0.126]), abs=1e-3)


def test_drawing_needs_no_tensorflow() -> None:
    """Importing the figures loads neither TensorFlow, Keras nor pyplot."""
    heavy = ("tensorflow", "keras", "matplotlib.pyplot")
    code = f"import sys, wncompare.render.figures; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
