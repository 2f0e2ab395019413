"""A headline that is better lower, in everything that shows it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_cli import wncompare
from tests.recorded import configured, summary_of
from wncompare import records
from wncompare.analysis.views import views
from wncompare.config import Config
from wncompare.render import html
from wncompare.render.figures import curves, differences, overview, robustness, targets

Write = Callable[..., Path]
RATES = "training.optimizer.learning_rate"
LOWER = "validation loss (lower is better)"


@pytest.fixture
def folder(tiny: Config, write_records: Write) -> Path:
    """Losses above 1 of two variants at two rates, of which the second variant's are lower."""
    config = configured(tiny, seeds=list(range(6)), headline={"metric": "loss"}, grid={RATES: [0.001, 0.01]})

    def accuracy(variant: str, seed: int, epoch: int) -> float:
        return 0.06 + 0.05 * (epoch - 1) + 0.05 * (variant == "weight_norm") + 0.002 * seed

    return write_records(config, accuracy)


def test_which_way_is_better_stands_on_the_axis(folder: Path) -> None:
    """On the headline's curves, its differences, its robustness and the page's axes, and on no other metric's."""
    experiment = records.read(folder)
    view, points = views(experiment).compared[0], views(experiment).points
    assert curves.by_epoch(view, "val_loss").axes[0].get_ylabel() == LOWER
    assert curves.by_epoch(view, "val_accuracy").axes[0].get_ylabel() == "validation accuracy"
    drawn = differences.figure(view), robustness.figure(points), targets.figure(view)
    assert all(drawn)
    assert drawn[0].axes[0].get_xlabel() == f"difference in {LOWER}"  # type: ignore[union-attr]
    assert drawn[1].axes[0].get_ylabel() == LOWER  # type: ignore[union-attr]
    assert drawn[2].axes[0].get_title(loc="left").startswith("validation loss ≤ ")  # type: ignore[union-attr]
    assert overview.figure(view).axes[0].get_ylabel() == LOWER
    assert LOWER in html.render(experiment, summary_of(folder))


def test_robustness_shows_losses_above_1(folder: Path) -> None:
    """An accuracy's axis ends at 1, a loss's where its values do."""
    points = views(records.read(folder)).points
    figure = robustness.figure(points)
    assert figure is not None
    low, high = figure.axes[0].get_ylim()
    values = [value for view in points for arm in view.arms for value in arm.headlines.values()]
    assert low < min(values) < 2 < max(values) < high


def test_words_follow_the_headline(folder: Path) -> None:
    """The exploratory target lies between the reference's medians; a setting would be chosen by the lowest loss."""
    caveats = " ".join(summary_of(folder).caveats)
    assert "95 % of the way from the reference's median after the first epoch to that after the last" in caveats
    assert "accuracy" not in caveats


def test_compare_fails_where_b_is_worse_in_the_headlines_direction(
    tiny: Config, write_records: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loss that has risen by more than X is worse, one that has fallen is not; an accuracy is the other way round."""

    def compared(better_accuracy: str, **changes: object) -> tuple[int, dict[str, object]]:
        config = configured(tiny, seeds=list(range(6)), **changes)
        for name in ("a", "b"):
            level = 0.6 if name == better_accuracy else 0.4
            write_records(config, lambda variant, seed, epoch, level=level: level + 0.01 * seed, tmp_path / name)
        code, out, _ = wncompare(
            "compare", tmp_path / "a", tmp_path / "b", "--fail-if-worse", "0.1", "--json", capture=capsys
        )
        return code, json.loads(out)

    code, found = compared("a", headline={"metric": "loss"})
    assert (code, found["better"]) == (3, "lower")
    assert found["worse"] == ["regular", "weight_norm"]
    code, found = compared("b", headline={"metric": "loss"})
    assert (code, found["worse"]) == (0, [])
    assert compared("a")[0] == 3
    assert compared("b")[0] == 0
