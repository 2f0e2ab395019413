"""The headline: which metric verdicts are about, and which way it is better."""

import csv
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest

from tests.recorded import amend, configured, summary_of
from wncompare import records
from wncompare.analysis.headline import headline, metric
from wncompare.analysis.views import views
from wncompare.catalog.metrics import better
from wncompare.config import Config
from wncompare.errors import RecordsError
from wncompare.records import METRICS

Write = Callable[..., Path]
LOSS = {"metric": "loss"}


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_accuracy", "higher"), ("top_k_categorical_accuracy", "higher"), ("auc", "higher"),
        ("test_recall", "higher"), ("cosine_similarity", "higher"), ("r2_score", "higher"), ("loss", "lower"),
        ("val_mean_squared_error", "lower"),        ("categorical_crossentropy", "lower"), ("kl_divergence", "lower"),
    ],
)  # fmt: skip
def test_accuracies_and_scores_are_better_higher_losses_lower(name: str, direction: str) -> None:
    """The direction of a metric is that of its kind, on whichever data it is taken."""
    assert better(name) == direction


def test_a_direction_goes_with_its_metric_to_other_data() -> None:
    """A headline that is better higher by decree is so on training data too; other metrics keep their own direction."""
    chosen = metric("val_accuracy").of("loss"), metric("val_loss").of("loss")
    assert [one.better for one in chosen] == ["lower", "lower"]
    assert metric("test_loss").validation == metric("val_loss")
    assert metric("val_accuracy").training == metric("accuracy")


def by_loss(tiny: Config, write_records: Write, *, worse: str = "") -> Path:
    """Eight seeds; the losses of `worse` are higher in every pair, those of the other variant equal or lower."""
    config = configured(tiny, seeds=list(range(8)), headline=LOSS)

    def accuracy(variant: str, seed: int, epoch: int) -> float:
        return 0.6 + 0.01 * epoch + 0.001 * seed - 0.1 * (variant == worse)

    return write_records(config, accuracy)


@pytest.mark.parametrize(("worse", "outcome", "sign"), [("weight_norm", "worse", 1), ("regular", "better", -1)])
def test_a_lower_loss_is_better(tiny: Config, write_records: Write, worse: str, outcome: str, sign: int) -> None:
    """The difference is as the values are; the verdict, the tally of pairs and P(better) follow the direction."""
    summary = summary_of(by_loss(tiny, write_records, worse=worse))
    contrast = summary.comparisons[0].contrasts[0]
    assert (summary.headline, summary.better) == ("val_loss", "lower")
    assert contrast.outcome == outcome
    assert f" is {outcome} than " in contrast.sentence
    assert "validation loss" in contrast.sentence
    assert contrast.difference.mean * sign > 0
    assert (contrast.wins, contrast.losses) == ((0, 8) if outcome == "worse" else (8, 0))
    assert contrast.probability_of_improvement.mean == (0 if outcome == "worse" else 1)


def test_a_diverged_run_has_the_highest_loss(tiny: Config, write_records: Write) -> None:
    """It has lost to every run that did not diverge, and of two runs the median is the worse one."""
    folder = by_loss(configured(tiny, seeds=[0, 1]), write_records)
    amend(folder, "weight_norm/seed-0", status="diverged")
    arm = views(records.read(folder)).compared[0].arm("weight_norm")
    contrast = summary_of(folder).comparisons[0].contrasts[0]
    assert arm.headlines[0] == inf
    assert (contrast.wins, contrast.losses) == (0, 1)
    assert contrast.by_seed[0].difference == inf


def test_a_target_is_reached_from_above(tiny: Config, write_records: Write) -> None:
    """A loss's target is reached at or below it; without one it is 95 % of the way that medians go."""
    folder = by_loss(tiny, write_records)
    experiment = records.read(folder)
    first, last = (views(experiment).compared[0].arms[0].bands["val_loss"].median[place] for place in (0, -1))
    (target,) = views(experiment).targets
    assert first > target > last
    assert target == pytest.approx(first + 0.95 * (last - first))
    times = views(experiment).compared[0].arms[0].times_to(target)
    assert times.by_run["epochs"].min() > 1


def test_the_best_setting_has_the_lowest_held_out_loss(tiny: Config, write_records: Write) -> None:
    """Of a grid with a holdout each variant is taken where its mean held-out loss is lowest."""
    grid = {"training.batch_size": [16, 32]}
    config = configured(tiny, grid=grid, validation={"holdout": 0.25}, headline=LOSS)
    folder = write_records(config, lambda *_: 0.6)
    for run in (folder / "regular" / "batch_size=32").iterdir():
        rows = [{**row, "val_loss": 0.1} for row in _rows(run)]
        records.write_history(run, rows)
    found = views(records.read(folder)).compared[0].setting
    assert found.points["regular"].slug == "batch_size=32"
    assert found.points["weight_norm"].slug == "batch_size=16"


def test_without_accuracies_the_loss_is_the_headline(tiny: Config, write_records: Write) -> None:
    """Runs whose targets are numbers have no accuracy: their curves and verdict are of the loss, lower being better."""
    folder = write_records(tiny, lambda variant, seed, epoch: 0.5 + 0.01 * epoch)
    for run in folder.glob("*/seed-*"):
        rows = [{key: value for key, value in row.items() if "accuracy" not in key} for row in _rows(run)]
        records.write_history(run, rows)
        record = records.read_record(run)
        assert record is not None
        amend(folder, str(run.relative_to(folder)), dataset=record.dataset.model_copy(update={"targets": "numbers"}))
    experiment = records.read(folder)
    assert headline(experiment) == metric("val_loss")
    assert views(experiment).metrics == tuple(name for name in METRICS if "accuracy" not in name)
    summary = summary_of(folder)
    assert summary.headline == "val_loss"
    assert summary.comparisons[0].variants[0].accuracy.mean != summary.comparisons[0].variants[0].accuracy.mean


def test_a_headline_that_no_run_has_is_refused(tiny: Config, write_records: Write) -> None:
    """A metric that the runs did not take is named, with what there could be."""
    training = {**tiny.dump()["training"], "metrics": ["auc"]}
    folder = write_records(configured(tiny, training=training, headline={"metric": "auc"}), lambda *_: 0.5)
    with pytest.raises(RecordsError, match="headline auc: the runs have no such metric: expected loss"):
        headline(records.read(folder))


def _rows(run: Path) -> list[dict[str, float]]:
    with (run / "history.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
